"""The only room that reads a clock. Everything else takes the time as an argument."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> datetime:
    """The wall clock, in UTC, cut to milliseconds (the precision we store)."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def monotonic() -> float:
    """Seconds that never go backwards within one boot; for measuring waits inside a process."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    """Wait; a tick never calls this, only loops of people's commands and finish do."""
    time.sleep(seconds)
