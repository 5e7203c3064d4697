"""Which answer serves which question, and how long an agent's own change makes doubtful."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from symphony_cli.core.issue import Issue
from symphony_cli.core.refresh import SETTLES, Mutation, Question, Refresh, serves, settled_at
from symphony_cli.ids import IssueId

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ONE, TWO, THREE, FOUR = map(IssueId, ("one", "two", "three", "four"))
QUESTION = Question(ONE, "linear", "boot", asked=100.0)
ANSWER = Refresh(
    "linear",
    "boot",
    sent=101.0,
    at=NOON,
    issues=(Issue(ONE, "A-1", "One", "Todo"),),
    missing=(TWO,),
    unknown={THREE: "half a row"},
)
NOW = 103.0


def test_an_answer_serves_whoever_asked_before_its_request_was_sent() -> None:
    moments = (99.0, 101.0, 101.001)
    assert [serves(ANSWER, replace(QUESTION, asked=asked), NOW) for asked in moments] == [
        True,
        True,
        False,
    ]


def test_an_answer_serves_also_when_it_says_that_nobody_knows() -> None:
    issues = (ONE, TWO, THREE, FOUR)
    assert [serves(ANSWER, replace(QUESTION, issue=issue), NOW) for issue in issues] == [
        True,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    "foreign",
    [
        replace(ANSWER, source="another key"),
        replace(ANSWER, boot="another boot"),
        replace(ANSWER, sent=NOW + 0.1),
        replace(ANSWER, format=2),
    ],
    ids=["another tracker or key", "before the reboot", "from the future", "a newer Symphony"],
)
def test_an_answer_from_elsewhere_is_none(foreign: Refresh) -> None:
    assert not serves(foreign, QUESTION, NOW)


def test_where_boots_have_no_name_no_answer_is_shared() -> None:
    assert not serves(replace(ANSWER, boot=""), replace(QUESTION, boot=""), NOW)


@pytest.mark.parametrize(
    ("mutation", "moment"),
    [
        (None, 0.0),
        (Mutation("boot", 99.0, NOON), 99.0 + SETTLES),
        (Mutation("boot", 10.0, NOON), 10.0 + SETTLES),
        (Mutation("boot", 9000.0, NOON), NOW + SETTLES),
        (Mutation("another boot", 99.0, NOON), 0.0),
    ],
    ids=["none", "just now", "long ago", "in the future counts as now", "before the reboot"],
)
def test_a_read_is_sure_to_show_a_change_five_seconds_after_it(
    mutation: Mutation | None, moment: float
) -> None:
    assert settled_at(mutation, "boot", NOW) == moment
