"""What only prepare reads of an issue comes into the ledger with the verdict."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from symphony_cli.core.issue import Entries, Issue
from symphony_cli.core.policy import Refusal, Rules, refusal
from symphony_cli.core.reasons import Outcome, Why
from tests.builders import dispatched, ended, issue, later, record, sighted


def entered(told: Issue | None, *between: str, state: str = "Todo") -> dict[str, int]:
    """The entries after a run that was told this; `between` are states seen while it ran."""
    seen = [sighted(state=one) for one in between]
    found = record(dispatched(state=state), *seen, ended(outcome=Outcome.ROLLED_OVER, told=told))
    return found.entries


def history_of(state: str = "Todo", **times: int) -> Issue:
    entries = tuple(Entries(name, count) for name, count in times.items())
    return replace(issue(state=state), entries=entries)


@pytest.mark.parametrize(
    ("told", "between", "expected"),
    [
        (None, (), {"todo": 1}),
        (history_of(todo=1), (), {"todo": 1}),
        (history_of(todo=2, rework=3), (), {"todo": 2, "rework": 3}),
        (history_of(todo=1, rework=2), ("Rework",), {"todo": 1, "rework": 3}),
        (history_of("Rework", todo=1, rework=1), ("Rework",), {"todo": 1, "rework": 1}),
        (history_of(todo=0), (), {"todo": 1}),
    ],
    ids=["nothing", "the same", "missed", "missed and seen", "began after the poll", "merged away"],
)
def test_stays_that_polls_missed_are_counted_once(
    told: Issue | None, between: tuple[str, ...], expected: dict[str, int]
) -> None:
    assert entered(told, *between) == expected


def test_the_pull_request_is_kept_with_the_issue() -> None:
    merged: datetime = later(-60)
    told = issue(pr="https://example.org/pull/3", merged_at=merged)
    found = record(dispatched(), ended(told=told)).issue
    assert (found.pr, found.merged_at) == ("https://example.org/pull/3", merged)


def test_an_issue_of_another_project_is_a_stranger_and_stopped_at_once() -> None:
    rules = Rules(project="ours")
    assert refusal(issue(project="ours"), rules) is None
    assert refusal(issue(project="theirs"), rules) == Refusal(
        Why.PROJECT, "it is not in the project ours", at_once=True, stranger=True
    )
