"""What tests of the allowance share: a key, a clock that they move, the file."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from symphony_cli.adapters.linear.allowance import Allowance, digest
from tests.adapters.linear.sending import KEY
from tests.builders import NOW


class Hands:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at

    def move(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def opened(folder: Path, hands: Hands, lock_wait: float = 2.0) -> Allowance:
    return Allowance(folder, KEY, hands, lock_wait=lock_wait)


def file(folder: Path) -> Path:
    return folder / f"budget-{digest(KEY)}.json"
