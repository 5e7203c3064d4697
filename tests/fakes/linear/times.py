"""The server's clock, and dates as Linear prints and reads them."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta

_DURATION = re.compile(
    r"([-+])?P(?:(\d+)W)?(?:(\d+(?:\.\d+)?)D)?"
    r"(?:T(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?"
)


class ServerClock:
    """Follows the real clock, shifted by `offset`; or stands still at `held`.

    Whole milliseconds: that is what Linear prints.
    """

    def __init__(self) -> None:
        self.offset = timedelta()
        self.held: datetime | None = None

    def now(self) -> datetime:
        """The time on the server."""
        now = self.held or datetime.now(UTC)
        return _whole(now + self.offset)

    def elapsed(self) -> float:
        """Seconds that go by evenly, whatever the time is said to be; a clock that is held stands
        still for these too."""
        return time.monotonic() if self.held is None else self.held.timestamp()

    def advance(self, seconds: float) -> None:
        """So many seconds go by on a clock that is held."""
        assert self.held is not None, "time goes by itself"
        self.held += timedelta(seconds=seconds)


def printed(at: datetime) -> str:
    """As every date in an answer: UTC, three decimals, Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def moment(text: str, now: datetime) -> datetime:
    """`DateTimeOrDuration` of the published schema: ISO 8601, a short form ("2021"), or a duration
    from the server's now ("-PT5M").

    Raises:
        ValueError: it is neither.
    """
    text = text.strip()
    if (duration := _DURATION.fullmatch(text)) is not None and text[-1] not in "PT":
        sign, weeks, days, hours, minutes, seconds = duration.groups()
        span = timedelta(
            weeks=float(weeks or 0),
            days=float(days or 0),
            hours=float(hours or 0),
            minutes=float(minutes or 0),
            seconds=float(seconds or 0),
        )
        return now - span if sign == "-" else now + span
    if re.fullmatch(r"\d{4}(-\d\d)?", text):
        text = f"{text}-01-01" if len(text) == 4 else f"{text}-01"
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _whole(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
