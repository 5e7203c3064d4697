"""What runs and blocks leave behind in the memory of their issue."""

from __future__ import annotations

from dataclasses import replace

import pytest

from symphony_cli.core import events as e
from symphony_cli.core.events import Event
from symphony_cli.core.limits import spent, tokens_left
from symphony_cli.core.policy import Policy
from symphony_cli.core.reasons import FAULT_OF_ISSUE, NEVER_SWEPT, BlockReason, Cause, Outcome
from symphony_cli.core.record import Block, LastRun, Retry, Running
from symphony_cli.core.run import GitFacts, RunLimits, ThreadRef
from symphony_cli.core.times import Wait
from symphony_cli.core.usage import Usage
from tests.builders import (
    NOW,
    dispatched,
    ended,
    enrolled,
    history,
    iid,
    later,
    record,
    rid,
    sighted,
)

ABC = iid("ABC-1")


# --- runs


def test_a_dispatch_begins_a_run() -> None:
    before = record(e.Faulted(NOW, ABC, "settling", "oops"))
    assert record(dispatched(at=later(3), state="Todo", attempt=1)) == replace(
        before,
        running=Running(
            rid(), 1, later(3), "Todo", entries={"todo": 1}, limits=RunLimits(), stay=NOW
        ),
        runs=1,
        attempts_since_progress=1,
        first_dispatched_at=later(3),
        fault="",
    )


def test_what_is_asked_of_a_run_is_remembered_with_it() -> None:
    found = record(
        dispatched(),
        e.StopAsked(NOW, ABC, rid(), "label", "it carries one"),
        e.Signalled(NOW, ABC, rid(), "TERM"),
        e.Signalled(NOW, ABC, rid(), "KILL"),
        e.Recovered(NOW, ABC, rid()),
        e.Recovered(NOW, ABC, rid()),
        e.Granted(NOW, ABC, rid(), RunLimits(max_turns=50)),
    )
    assert found.running == Running(
        rid(),
        1,
        NOW,
        "Todo",
        "label",
        "it carries one",
        signalled="KILL",
        recoveries=2,
        recovered_at=NOW,
        entries={"todo": 1},
        limits=RunLimits(max_turns=50),
        granted=True,
        stay=NOW,
    )


@pytest.mark.parametrize(
    "event",
    [
        e.StopAsked(NOW, ABC, rid("run_0"), "label"),
        e.Signalled(NOW, ABC, rid("run_0"), "TERM"),
        e.Recovered(NOW, ABC, rid("run_0")),
        e.Granted(NOW, ABC, rid("run_0"), RunLimits(max_turns=1)),
        ended(run="run_0", outcome=Outcome.FAILED, spent=Usage(input=5), turns=3),
        ended(run="run_0", outcome=Outcome.PROVIDER, hold=60.0),
    ],
)
def test_what_is_said_of_another_run_has_no_effect(event: Event) -> None:
    before = history(sighted(), enrolled(), dispatched())
    after = before.copy().take_all([event])
    assert after == replace(before, position=before.position + 1)


def test_an_end_takes_in_the_whole_verdict() -> None:
    git = GitFacts(branch="b", head="abc", commits=1)
    thread = ThreadRef("thread_1", total=Usage(input=9))
    before = record(dispatched())
    after = record(
        dispatched(),
        ended(
            outcome=Outcome.FAILED,
            at=later(60),
            wait=10.0,
            reason="turn_failed",
            detail="it broke",
            spent=Usage(input=9),
            turns=2,
            thread=thread,
            fresh_thread=True,
            last_message="bye",
            stalls=1,
            declines=4,
            workspace="/w/ABC-1",
            branch="b",
            git=git,
        ),
    )
    assert after == replace(
        before,
        running=None,
        retry=Retry(Wait(later(60), 10.0), "it broke"),
        failures=1,
        failures_in_row=1,
        turns=2,
        usage=Usage(input=9),
        thread=thread,
        fresh_threads=1,
        workspace="/w/ABC-1",
        branch="b",
        stalls=1,
        declines=4,
        last=LastRun(
            rid(),
            Outcome.FAILED,
            "turn_failed",
            "it broke",
            later(60),
            2,
            "bye",
            git,
            Usage(input=9),
        ),
    )


def test_workspace_and_branch_are_those_of_the_first_run() -> None:
    found = record(
        dispatched(),
        ended(workspace="/w/one", branch="one"),
        dispatched(run="run_2"),
        ended(run="run_2", workspace="/w/two", branch="two"),
    )
    assert (found.workspace, found.branch) == ("/w/one", "one")


def test_a_run_without_a_thread_or_git_facts_leaves_the_ones_before() -> None:
    git = GitFacts(tree="t1")
    found = record(
        dispatched(),
        ended(thread=ThreadRef("t1"), git=git),
        dispatched(run="run_2"),
        ended(run="run_2", outcome=Outcome.ENVIRONMENT),
    )
    assert found.last is not None
    assert (found.thread, found.last.git) == (ThreadRef("t1"), git)


@pytest.mark.parametrize("outcome", Outcome)
def test_each_outcome_counts_as_what_it_is(outcome: Outcome) -> None:
    found = record(dispatched(), ended(outcome=outcome))
    nobodys = {
        Outcome.INTERRUPTED,
        Outcome.STOPPED,
        Outcome.NOT_ELIGIBLE,
        Outcome.TRACKER,
        Outcome.ENVIRONMENT,
        Outcome.PROVIDER,
    }
    failed = int(outcome in FAULT_OF_ISSUE)
    assert (
        found.failures,
        found.failures_in_row,
        found.attempts_since_progress,
        found.environment_in_row,
        found.unanswered,
    ) == (
        failed,
        failed,
        0 if outcome in nobodys else 1,
        int(outcome is Outcome.ENVIRONMENT),
        BlockReason.AGENT if outcome is Outcome.ASKED else None,
    )


def test_progress_forgives_the_failures_and_attempts_before_it() -> None:
    failed = [
        (dispatched(run=f"run_{n}"), ended(run=f"run_{n}", outcome=Outcome.FAILED))
        for n in range(3)
    ]
    before = [event for pair in failed for event in pair]
    last = ended(run="run_9", outcome=Outcome.FAILED, progress=True)
    found = record(*before, dispatched(run="run_9"), last)
    assert (found.failures, found.failures_in_row, found.attempts_since_progress) == (4, 1, 0)


def test_a_block_cleared_while_its_run_still_stops_costs_no_attempt_below_zero() -> None:
    found = record(
        dispatched(),
        e.Blocked(NOW, ABC, BlockReason.OPERATOR),
        e.Unblocked(NOW, ABC, Cause.UNBLOCK, "kim"),
        ended(outcome=Outcome.STOPPED),
    )
    assert found.attempts_since_progress == 0


@pytest.mark.parametrize(
    ("reason", "block"),
    [
        ("input", BlockReason.INPUT),
        ("approval", BlockReason.APPROVAL),
        ("elicitation", BlockReason.ELICITATION),
        ("agent", BlockReason.AGENT),
        ("something new", BlockReason.AGENT),
    ],
)
def test_a_question_calls_for_its_block(reason: str, block: BlockReason) -> None:
    found = record(dispatched(), ended(outcome=Outcome.ASKED, reason=reason))
    assert found.unanswered is block


def test_processes_that_nothing_could_end_call_for_a_block_that_names_them() -> None:
    found = record(dispatched(), ended(outcome=Outcome.ROLLED_OVER, survivors=(7, 8)))
    assert found.last is not None
    assert (found.unanswered, found.last.detail) == (
        BlockReason.AGENT,
        "processes of its run could not be ended: pid 7, 8; end them, then unblock",
    )


# --- blocks


def test_a_block_waits_for_a_person_and_answers_the_question() -> None:
    asked = (dispatched(), ended(outcome=Outcome.ASKED, reason="input"))
    before = record(*asked)
    blocked = e.Blocked(later(5), ABC, BlockReason.INPUT, "which colour?", "tick")
    assert record(*asked, blocked) == replace(
        before,
        block=Block(BlockReason.INPUT, "which colour?", later(5), "tick"),
        unanswered=None,
        blocks=1,
    )


def test_unblocking_gives_one_more_helping_of_everything() -> None:
    used = (
        dispatched(),
        ended(outcome=Outcome.FAILED, wait=99.0, spent=Usage(input=80, output=20)),
        e.Blocked(NOW, ABC, BlockReason.BUDGET),
    )
    before = record(*used)
    after = record(*used, e.Unblocked(later(9), ABC, Cause.UNBLOCK, "kim"))
    assert after == replace(
        before,
        block=None,
        retry=None,
        failures_in_row=0,
        attempts_since_progress=0,
        granted_at=Usage(input=80, output=20),
    )


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
def test_a_budget_that_was_unblocked_is_not_spent_again_at_once(weight: float) -> None:
    policy = Policy(max_tokens_per_issue=1000, cached_token_weight=weight)
    used = (
        dispatched(),
        ended(spent=Usage(input=9000, cached_input=8000, output=100)),
        e.Blocked(NOW, ABC, BlockReason.BUDGET),
    )
    assert spent(record(*used), policy) is not None
    granted = record(*used, e.Unblocked(NOW, ABC, Cause.UNBLOCK, "kim"))
    assert (spent(granted, policy), tokens_left(granted, policy)) == (None, 1000)


def test_a_run_that_nobody_swept_waits_for_a_person() -> None:
    lost = ended(outcome=Outcome.LOST, reason=NEVER_SWEPT, detail="end what is there")
    found = record(dispatched(), lost)
    assert found.unanswered is BlockReason.AGENT
