"""What all issues spent in the last 24 hours (row Q5), kept in steps of ten minutes.

A run counts with the moment at which it was settled: what it spent hours before is held against
the day for a little longer than a day, never for less. What living runs have spent by now is on
top of it (their pid files tell).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from symphony_cli.core.times import parse_stamp, stamp
from symphony_cli.core.usage import Usage

DAY = timedelta(hours=24)
STEP = 600
"""Seconds of a step."""


def with_more(day: Mapping[str, Usage], at: datetime, spent: Usage) -> dict[str, Usage]:
    """The steps once a run that spent so much was settled; those that are over drop out."""
    if spent == Usage():
        return dict(day)
    name = _step(at)
    kept = {step: used for step, used in day.items() if _counts(step, at)}
    return {**kept, name: kept.get(name, Usage()) + spent}


def used(day: Mapping[str, Usage], now: datetime) -> Usage:
    """What was spent in the 24 hours before `now`; what a clock that stepped back dates later
    counts as well."""
    return sum((spent for step, spent in day.items() if _counts(step, now)), Usage())


def frees_at(day: Mapping[str, Usage], now: datetime) -> datetime | None:
    """When the oldest part of it stops counting; None while there is none."""
    steps = sorted(step for step in day if _counts(step, now))
    return _ends(steps[0]) if steps else None


def _step(at: datetime) -> str:
    seconds = int(at.timestamp()) // STEP * STEP
    return stamp(datetime.fromtimestamp(seconds, UTC))


def _ends(step: str) -> datetime:
    return parse_stamp(step) + timedelta(seconds=STEP) + DAY


def _counts(step: str, now: datetime) -> bool:
    return now < _ends(step)
