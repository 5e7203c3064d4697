"""Dates and waits that stay sensible when a clock steps.

The rules, from the design: a stored date is stored with the wait it stands for, and what is left
of it is never more than that wait; a date in the future counts as now; an age is never negative.
Nobody here asks what time it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


def stamp(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds, as all our files have it."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def parse_stamp(text: str) -> datetime:
    """The moment that `text` names; one without a zone is taken as UTC.

    Raises:
        ValueError: it is no ISO 8601 date.
    """
    moment = datetime.fromisoformat(text)
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError as error:
        raise ValueError(f"{text!r} lies outside the calendar") from error


def age(now: datetime, since: datetime) -> float:
    """Seconds from `since` to `now`, never negative."""
    return max(0.0, (now - since).total_seconds())


def span(seconds: float) -> str:
    """A time as a person says it; less than two of a unit are told in the smaller one."""
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


@dataclass(frozen=True, slots=True)
class Wait:
    """Not before `seconds` after `since`."""

    since: datetime
    seconds: float

    @property
    def due(self) -> datetime:
        """When it is over, if no clock steps."""
        return self.since + timedelta(seconds=self.seconds)

    def left(self, now: datetime) -> float:
        """Seconds still to wait at `now`: between 0 and `seconds`, also after a clock step."""
        return min(self.seconds, max(0.0, self.seconds - (now - self.since).total_seconds()))

    def over(self, now: datetime) -> bool:
        """Whether nothing is left of it."""
        return self.left(now) <= 0
