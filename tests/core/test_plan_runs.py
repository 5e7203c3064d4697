"""The tick's judgement, where runs are concerned: settle, stop, block."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from symphony_cli.core import events as e
from symphony_cli.core.cures import clear_by
from symphony_cli.core.decisions import (
    Block,
    Deliver,
    Finish,
    PassOver,
    Recover,
    Settle,
    Stop,
    TakeIn,
)
from symphony_cli.core.policy import Rules
from symphony_cli.core.reasons import BlockReason, Cause, Outcome, Why
from symphony_cli.core.run import RunLimits, ThreadRef
from symphony_cli.core.usage import Usage
from symphony_cli.ids import write_id
from tests.builders import (
    CONTINUATION,
    NOW,
    alive,
    blocker,
    dispatched,
    ended,
    enrol_all,
    iid,
    issue,
    later,
    over,
    rid,
    sighted,
    verdict,
)
from tests.core.planning import ABC, POLICY, RUNNING, TAKE_OFF, decided, looked, start

# --- settling


def test_a_run_that_ended_is_settled_and_its_slot_used_in_the_same_tick() -> None:
    past = (*enrol_all("ABC-1", "ABC-2"), dispatched())
    told = verdict(thread=ThreadRef("t1"))
    one_slot = replace(POLICY, slots=1)
    assert decided(*past, policy=one_slot, runs={ABC: over(told)}) == [
        Settle(ABC, e.Ended(NOW, ABC, rid(), told)),
        start(attempt=2, retry_kind=CONTINUATION, thread=ThreadRef("t1")),
        PassOver(iid("ABC-2"), Why.SLOTS, "the only slot is taken (`agent.max_concurrent_agents`)"),
    ]


def test_a_run_that_died_without_a_word_gets_its_last_act() -> None:
    past = (*enrol_all("ABC-1"), dispatched())
    assert decided(*past, runs={ABC: over(None)}) == [Recover(ABC, rid())]


def test_a_run_whose_folder_could_not_be_read_is_left_alone() -> None:
    assert decided(*enrol_all("ABC-1"), dispatched(), runs={}) == []


def test_an_issue_that_closed_while_its_run_ended_is_finished_at_once() -> None:
    past = (*enrol_all("ABC-1"), dispatched())
    told = verdict(outcome=Outcome.HANDED_OVER)
    seen = looked(issue(state="Done"), after=past, runs={ABC: over(told)})
    assert seen[1:] == [
        Settle(ABC, e.Ended(NOW, ABC, rid(), told, progress=True, wait=6.0)),
        Finish(ABC, "Done"),
    ]


# --- stopping


@pytest.mark.parametrize(
    ("told", "reason", "detail"),
    [
        (
            issue(labels=("symphony-stuck",)),
            "label",
            f"it carries the stop label symphony-stuck{TAKE_OFF}",
        ),
        (issue(state="Cancelled"), "not_eligible", "its state is Cancelled"),
        (issue(archived=True), "not_eligible", "it is archived or in the bin"),
    ],
    ids=["stop label", "cancelled", "archived"],
)
def test_a_run_is_stopped_at_once_for(told: Any, reason: str, detail: str) -> None:
    seen = looked(told, after=RUNNING, runs={ABC: alive()})
    assert seen[1:] == [Stop(ABC, rid(), reason, detail)]


def test_a_run_of_an_issue_that_lost_its_required_label_or_owner_is_stopped_at_once() -> None:
    rules = Rules(required_labels=("agent",), assignee="kim")
    policy = replace(POLICY, rules=rules)
    for told, why in (
        (sighted(assignee="kim"), "label"),
        (sighted(labels=("agent",), assignee="robin"), "assignee"),
    ):
        seen = decided(*RUNNING, told, policy=policy, runs={ABC: alive()})
        assert [(d.reason, d.again) for d in seen] == [(why, False)]


def test_a_handed_over_run_may_end_its_turn_but_not_for_ever() -> None:
    moved = (*RUNNING, sighted(state="Human Review"))
    grace = POLICY.handoff_grace
    assert decided(*moved, now=later(grace), runs={ABC: alive(beat=later(grace))}) == []
    assert decided(*moved, now=later(grace + 1), runs={ABC: alive(beat=later(grace))}) == [
        Stop(ABC, rid(), "handed_over", "its state is Human Review for more than 600 s")
    ]


def test_a_run_whose_issue_is_gone_is_stopped() -> None:
    gone = (*RUNNING, e.Missed(NOW, ABC))
    seen = looked(after=gone, missing=[ABC], runs={ABC: alive()})
    assert seen == [
        TakeIn((), (ABC,), None),
        Stop(ABC, rid(), "gone", "two complete reads of the tracker did not have it"),
    ]


def test_a_blocker_that_appears_does_not_stop_a_run() -> None:
    told = sighted(blocked_by=(blocker(),))
    assert decided(*RUNNING, told, runs={ABC: alive()}) == []


def test_a_stop_that_was_written_down_and_not_told_is_told_again() -> None:
    asked = (*RUNNING, e.StopAsked(NOW, ABC, rid(), "label", "why"))
    assert decided(*asked, runs={ABC: alive()}) == [Stop(ABC, rid(), "label", "why", again=True)]
    assert decided(*asked, runs={ABC: alive(stop_there=True)}) == []


# --- blocking


def block(reason: BlockReason, detail: str, label: str = "symphony-stuck", nth: str = "0") -> Block:
    about = ("ledger_1", ABC, nth)
    text = (
        f"Symphony has stopped working on this issue and waits for a person ({reason}).\n\n"
        f"{detail}\n\n{clear_by(reason, 'ABC-1')}."
    )
    return Block(
        ABC,
        reason,
        detail,
        (
            e.Owed(NOW, ABC, write_id("label", *about), "add_label", label),
            e.Owed(NOW, ABC, write_id("comment", *about), "comment", text),
        ),
    )


def told_by(made: Block) -> list[Any]:
    """What follows a block in the same plan."""
    cure = clear_by(made.reason, "ABC-1")
    return [
        PassOver(ABC, Why.BLOCK, f"blocked ({made.reason}): {made.detail}; {cure}"),
        *(Deliver(ABC, owed.write) for owed in made.owed),
    ]


def test_a_question_blocks_and_owes_a_label_and_a_comment() -> None:
    asked = (*RUNNING, ended(outcome=Outcome.ASKED, reason="input", detail="which colour?"))
    made = block(BlockReason.INPUT, "which colour?")
    assert decided(*asked) == [made, *told_by(made)]


def test_a_spent_budget_blocks_under_its_own_label() -> None:
    used = (*RUNNING, ended(spent=Usage(input=900, cached_input=100, output=200)))
    made = block(
        BlockReason.BUDGET,
        "it has spent 1,000 tokens; `agent.max_tokens_per_issue` is 1,000",
        "symphony-budget-exceeded",
    )
    policy = replace(POLICY, max_tokens_per_issue=1000)
    assert decided(*used, policy=policy) == [made, *told_by(made)]
    left = RunLimits(tokens=1)
    assert start(attempt=2, limits=left, retry_kind=CONTINUATION) in decided(
        *used, policy=replace(policy, max_tokens_per_issue=1001)
    )


def test_runs_without_progress_use_up_the_attempts() -> None:
    used = (*RUNNING, ended(), dispatched(run="run_2"), ended(run="run_2"))
    made = block(
        BlockReason.ATTEMPTS,
        "2 runs in a row made no progress; `agent.max_dispatch_attempts` is 2",
    )
    policy = replace(POLICY, max_dispatch_attempts=2)
    assert decided(*used, policy=policy) == [made, *told_by(made)]


def test_the_second_block_of_an_issue_is_told_again() -> None:
    again = (
        *RUNNING,
        e.Blocked(NOW, ABC, BlockReason.INPUT),
        e.Unblocked(NOW, ABC, Cause.UNBLOCK, "kim"),
        ended(outcome=Outcome.ASKED, reason="input", detail="and now?"),
    )
    made = block(BlockReason.INPUT, "and now?", nth="1")
    assert decided(*again) == [made, *told_by(made)]


def test_a_running_issue_is_not_blocked_before_its_run_is_over() -> None:
    policy = replace(POLICY, max_dispatch_attempts=1)
    assert decided(*RUNNING, policy=policy, runs={ABC: alive()}) == []
