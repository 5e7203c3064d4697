"""A run that ends only to be continued: its place in line, and what it says of the issue."""

from __future__ import annotations

from dataclasses import replace

import pytest

from symphony_cli.core import events as e
from symphony_cli.core.decisions import Block, Dispatch, Settle
from symphony_cli.core.reasons import Outcome
from tests.builders import (
    NOW,
    dispatched,
    ended,
    enrol_all,
    enrolled,
    iid,
    later,
    over,
    record,
    sighted,
    verdict,
)
from tests.core.planning import ABC, POLICY, decided

ONE_SLOT = replace(POLICY, slots=1)


def first_started(*events: e.Event) -> str:
    """Who gets the one slot."""
    found = decided(*events, policy=ONE_SLOT, now=later(1000))
    (start,) = [one for one in found if isinstance(one, Dispatch)]
    return start.issue


def test_a_continuation_goes_before_who_waited_longer() -> None:
    past = (*enrol_all("OLD-1", "ABC-1"), dispatched(), ended())
    assert first_started(*past) == ABC


def test_who_left_the_queue_and_came_back_is_no_continuation() -> None:
    past = (*enrol_all("ABC-1", "OLD-1"), dispatched(), ended())
    away = e.Released(later(60), ABC, "not_eligible", "its state is Human Review")
    back = (sighted(state="In Progress", at=later(900)), enrolled(at=later(900)))
    assert first_started(*past, away, *back) == iid("OLD-1")


@pytest.mark.parametrize(
    ("outcome", "reason", "progress"),
    [
        (Outcome.HANDED_OVER, "Human Review", True),
        (Outcome.ROLLED_OVER, "prompt", True),
        (Outcome.ROLLED_OVER, "max_turns", False),
        (Outcome.STOPPED, "label", False),
    ],
)
def test_a_move_that_the_run_was_told_of_is_progress_before_a_tick_has_seen_it(
    outcome: Outcome, reason: str, progress: bool
) -> None:
    """A replica of the tracker may still show the tick the state that the issue had before."""
    past = (*enrol_all("ABC-1"), dispatched())
    found = decided(
        *past,
        runs={ABC: over(verdict(outcome=outcome, reason=reason))},
        policy=replace(POLICY, max_dispatch_attempts=1),
    )
    (settled,) = [one for one in found if isinstance(one, Settle)]
    blocked = [one for one in found if isinstance(one, Block)]
    spent = not progress and outcome is not Outcome.STOPPED
    assert (settled.ended.progress, len(blocked)) == (progress, int(spent))


def test_the_last_word_of_an_agent_outlives_runs_in_which_none_spoke() -> None:
    spoke = ended(outcome=Outcome.LOST, last_message="Half is done.", turns=2)
    silent = ended(run="run_2", outcome=Outcome.ENVIRONMENT, reason="launch", at=later(60))
    after = record(dispatched(), spoke, dispatched(run="run_2"), silent)
    assert after.last is not None
    told = (after.last.outcome, after.last.message, after.last.at > NOW)
    assert told == (Outcome.ENVIRONMENT, "Half is done.", True)
