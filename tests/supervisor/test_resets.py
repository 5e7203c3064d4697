"""When a usage limit is over: windows of the provider, and the words of an error."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from symphony_cli.supervisor import resets
from symphony_cli.supervisor.notices import LimitsTold
from symphony_cli.supervisor.tally import Tally

NOW = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
SOON, LATE = 1_900_000_000, 1_900_500_000


def window(used: float, reset: int | None) -> dict[str, Any]:
    return {"usedPercent": used, "windowDurationMins": 300, "resetsAt": reset}


def told(*limits: dict[str, Any]) -> datetime | None:
    tally = Tally({})
    for one in limits:
        tally.limited(LimitsTold({"limitId": "codex", **one}), NOW)
    return tally.resets_at()


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(
    ("limits", "date"),
    [
        ([{"primary": window(100, SOON)}], at(SOON)),
        ([{"primary": window(100, SOON), "secondary": window(40, LATE)}], at(SOON)),
        ([{"primary": window(40, SOON), "secondary": window(100, LATE)}], at(LATE)),
        ([{"primary": window(100, SOON), "secondary": window(100, LATE)}], at(LATE)),
        ([{"primary": window(100, SOON * 1000)}], at(SOON)),
        ([{"primary": window(99, SOON)}], None),
        ([{"primary": window(100, None)}], None),
        ([{"primary": window(100, 2**60)}], None),
        ([{"primary": window(90, SOON)}, {"primary": window(100, None)}], at(SOON)),
        ([{"primary": window(100, SOON)}, {"secondary": window(1, LATE)}], at(SOON)),
        (
            [{"primary": window(100, LATE)}, {"limitId": "b", "primary": window(100, SOON)}],
            at(SOON),
        ),
        ([{"primary": window(100, SOON)}, {"limitId": "b", "primary": window(9, LATE)}], at(SOON)),
        ([], None),
    ],
    ids=[
        "used up",
        "the short window is used up",
        "the long one is",
        "both are: the later counts",
        "milliseconds",
        "none is used up: some other limit was met",
        "used up, and nobody said until when",
        "beyond the calendar",
        "the reset was told before",
        "what was not told now stays",
        "of two models' limits the one that was just told",
        "unless only the other one is used up",
        "nothing was told",
    ],
)
def test_a_limit_is_over_when_what_is_used_up_resets(
    limits: list[dict[str, Any]], date: datetime | None
) -> None:
    assert told(*limits) == date


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's clock shows UTC+1; Codex writes what it shows."""
    monkeypatch.setenv("TZ", "CET-1")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


LIMIT = "You’ve hit your usage limit. Visit https://example.org to purchase more credits or "


@pytest.mark.parametrize(
    ("words", "date"),
    [
        ("try again at 4:27 PM.", datetime(2026, 11, 20, 15, 28, tzinfo=UTC)),
        ("Try again at 4:27 PM.", datetime(2026, 11, 20, 15, 28, tzinfo=UTC)),
        ("try again at 12:05 AM.", datetime(2026, 11, 19, 23, 6, tzinfo=UTC)),
        ("try again at Nov 25th, 2026 3:33 PM.", datetime(2026, 11, 25, 14, 34, tzinfo=UTC)),
        ("try again at Jan 1st, 2027 12:00 PM.", datetime(2027, 1, 1, 11, 1, tzinfo=UTC)),
        ("try again later.", None),
        ("try again at Feb 31st, 2027 1:00 AM.", None),
        ("try again at Foo 3rd, 2027 1:00 AM.", None),
        ("try again at 99:99 PM.", None),
    ],
)
def test_a_date_that_only_the_words_have_is_read_in_local_time(
    berlin: None, words: str, date: datetime | None
) -> None:
    assert resets.of_words(LIMIT + words, NOW) == date
