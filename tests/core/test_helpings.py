"""What people give an issue on top of WORKFLOW.md, and what is left of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symphony_cli.core import events as e
from symphony_cli.core.helping import Helping
from symphony_cli.core.limits import helping, spent, tokens_left, warning_due
from symphony_cli.core.policy import Policy
from symphony_cli.core.reasons import BlockReason, Cause, Outcome
from symphony_cli.core.record import Record
from symphony_cli.core.usage import Usage
from tests.builders import NOW, alive, dispatched, ended, enrol_all, iid, record
from tests.core.planning import decided

ABC = iid("ABC-1")


def used(tokens: int, *more: Any) -> Record:
    """An issue that has spent so much, in one run that made no progress."""
    return record(dispatched(), ended(spent=Usage(input=tokens)), *more)


def unblocked(found: Record, policy: Policy, **asked: int) -> e.Unblocked:
    return e.Unblocked(NOW, ABC, Cause.UNBLOCK, "kim", helping=helping(found, policy, **asked))


@given(
    limit=st.integers(1, 1000),
    spend=st.integers(0, 3000),
    asked=st.integers(1, 3000),
    later_spend=st.integers(0, 500),
    raised=st.integers(0, 500),
)
def test_granted_tokens_are_what_is_left_and_a_raised_limit_adds_to_them(
    limit: int, spend: int, asked: int, later_spend: int, raised: int
) -> None:
    policy = Policy(max_tokens_per_issue=limit)
    blocked = (e.Blocked(NOW, ABC, BlockReason.BUDGET),)
    found = used(spend, *blocked)
    left = tokens_left(found, policy) or 0
    clear = unblocked(found, policy, tokens=asked)
    more = (dispatched(run="run_2"), ended(run="run_2", spent=Usage(input=later_spend)))
    after = used(spend, *blocked, clear, *more)
    higher = Policy(max_tokens_per_issue=limit + raised)
    assert tokens_left(used(spend, *blocked, clear), policy) == left + asked
    assert tokens_left(after, higher) == max(0, left + asked + raised - later_spend)


@given(attempts=st.integers(1, 9), cap=st.integers(1, 9), granted=st.integers(1, 9))
def test_granted_attempts_are_so_many_runs_and_not_one_more(
    attempts: int, cap: int, granted: int
) -> None:
    policy = Policy(max_dispatch_attempts=cap)
    runs = [(dispatched(run=f"r{n}"), ended(run=f"r{n}")) for n in range(max(attempts, cap))]
    before = [fact for pair in runs for fact in pair]
    found = record(*before, e.Blocked(NOW, ABC, BlockReason.ATTEMPTS))
    clear = unblocked(found, policy, attempts=granted)
    facts = [*before, e.Blocked(NOW, ABC, BlockReason.ATTEMPTS), clear]
    for number in range(granted):
        assert spent(record(*facts), policy) is None
        facts += [dispatched(run=f"g{number}"), ended(run=f"g{number}")]
    assert spent(record(*facts), policy) is not None


def test_progress_ends_what_was_given_of_attempts() -> None:
    policy = Policy(max_dispatch_attempts=1)
    blocked = e.Blocked(NOW, ABC, BlockReason.ATTEMPTS)
    clear = unblocked(used(1, blocked), policy, attempts=3)
    runs = (dispatched(run="r2"), ended(run="r2", progress=True), dispatched(run="r3"))
    after = used(1, blocked, clear, *runs, ended(run="r3"))
    assert spent(after, policy) == (
        BlockReason.ATTEMPTS,
        "1 run made no progress; `agent.max_dispatch_attempts` is 1",
    )


@pytest.mark.parametrize(
    ("reason", "given_now"),
    [
        (BlockReason.BUDGET, Helping(tokens=0)),
        (BlockReason.REWORK, Helping(rework=1)),
        (BlockReason.MERGED, Helping(tip="")),
        (BlockReason.ATTEMPTS, Helping()),
        (BlockReason.INPUT, Helping()),
        (BlockReason.OPERATOR, Helping()),
    ],
)
def test_a_helping_is_of_what_the_block_is_about(reason: BlockReason, given_now: Helping) -> None:
    found = used(500, e.Blocked(NOW, ABC, reason))
    found.entries["rework"] = 3
    policy = Policy(max_tokens_per_issue=100, max_dispatch_attempts=1, max_rework_cycles=2)
    assert helping(found, policy) == given_now


@pytest.mark.parametrize(
    ("spend", "running", "warned", "due"),
    [
        (79, 0, 0, None),
        (80, 0, 0, 100),
        (10, 70, 0, 100),
        (99, 0, 100, None),
        (99, 0, 50, 100),
        (100, 0, 0, None),
    ],
)
def test_people_are_warned_once_for_each_budget_before_it_is_used_up(
    spend: int, running: int, warned: int, due: int | None
) -> None:
    found = used(spend, *([e.Warned(NOW, ABC, warned)] if warned else []))
    assert warning_due(found, Policy(max_tokens_per_issue=100), running) == due


def test_a_warning_is_a_comment_and_the_run_goes_on() -> None:
    past = (*enrol_all("ABC-1"), dispatched())
    policy = Policy(max_tokens_per_issue=100)
    seen = {ABC: alive(spent=Usage(input=85))}
    (warned, *_) = [d for d in decided(*past, policy=policy, runs=seen) if hasattr(d, "allowance")]
    (comment,) = warned.owed
    assert (warned.allowance, warned.detail) == (100, "85 of 100 tokens are used")
    assert comment.kind == "comment"
    assert "`symphony unblock ABC-1 --grant-tokens N`" in comment.body


def test_an_attempt_is_a_run_with_a_chance_of_progress() -> None:
    counted = {
        (outcome, answered)
        for outcome in Outcome
        for answered in (False, True)
        if record(dispatched(), ended(outcome=outcome, answered=answered)).attempts_since_progress
    }
    never = {Outcome.NOT_ELIGIBLE, Outcome.ENVIRONMENT, Outcome.PROVIDER}
    cut = {Outcome.INTERRUPTED, Outcome.STOPPED, Outcome.TRACKER}
    always = {(o, a) for o in set(Outcome) - never - cut for a in (False, True)}
    assert counted == always | {(outcome, True) for outcome in cut}
