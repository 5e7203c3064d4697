"""When a usage limit of the provider is over: from the rate limits, else from the error's words.

Codex passes on the windows that stand in the headers of the refusal. A date that stands only in
its body comes as words, in the local time of the machine: "try again at 4:27 PM." for today, "try
again at Nov 25th, 2026 3:33 PM." for another day (measured with Codex 0.163 and 0.169).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from symphony_cli.core.shape import Json
from symphony_cli.supervisor.notices import child

_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_AT = re.compile(
    r"[Tt]ry again at "
    r"(?:(?P<month>[A-Z][a-z]{2}) (?P<day>\d{1,2})(?:st|nd|rd|th), (?P<year>\d{4}) )?"
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2}) (?P<half>[AP]M)"
)
_MILLISECONDS = 10**11
"""Seconds have one digit less for the next thousand years."""
_LAST = 2**36
_MINUTE = timedelta(minutes=1)


def of_windows(limits: Iterable[dict[str, Json]]) -> datetime | None:
    """When what is used up may be used again: the latest reset of the windows that are used up.

    `limits` are merged rate limits, the one that was told last first: what refused a request told
    of itself just before, and the windows of another model say nothing about it.
    """
    for one in limits:
        windows = (child(one, "primary"), child(one, "secondary"))
        used_up = [date for window in windows if (date := _reset(window)) is not None]
        if used_up:
            return datetime.fromtimestamp(max(used_up), UTC)
    return None


def _reset(window: dict[str, Json]) -> float | None:
    used, reset = window.get("usedPercent"), window.get("resetsAt")
    if not isinstance(used, int | float) or used < 100:
        return None
    if type(reset) is not int or reset <= 0:
        return None
    seconds = reset / 1000 if reset >= _MILLISECONDS else reset
    return seconds if seconds < _LAST else None


def of_words(said: str, now: datetime) -> datetime | None:
    """The date in an error's words, at the end of its minute; None when there is none.

    It is read in the time zone of this process: Codex, our child, wrote it in its own.
    """
    found = _AT.search(said)
    if found is None:
        return None
    local = now.astimezone()
    hour = int(found["hour"]) % 12 + 12 * (found["half"] == "PM")
    try:
        day = local.date() if found["month"] is None else _day(found)
        date = datetime(day.year, day.month, day.day, hour, int(found["minute"])).astimezone()
        return (date + _MINUTE).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _day(found: re.Match[str]) -> datetime:
    month = _MONTHS.index(found["month"]) + 1
    return datetime(int(found["year"]), month, int(found["day"]))
