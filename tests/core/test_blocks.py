"""What ends a block: its own cause, and nothing else (the table of docs/blocks.md, whole)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from symphony_cli.core import blocks
from symphony_cli.core import events as e
from symphony_cli.core.decisions import Block, Dispatch, SeeLabel, Unblock
from symphony_cli.core.endings import ENDED_BY
from symphony_cli.core.history import History
from symphony_cli.core.issue import Comment, Entries
from symphony_cli.core.limits import helping
from symphony_cli.core.outbox import comment_id, tell
from symphony_cli.core.plan import plan
from symphony_cli.core.policy import Policy, label_of
from symphony_cli.core.reasons import BlockReason, Cause, Outcome
from symphony_cli.core.run import GitFacts
from symphony_cli.core.snapshot import Read, Snapshot, TrackerView
from symphony_cli.core.usage import Usage
from tests.builders import NOW, dispatched, ended, enrolled, history, iid, issue, later, sighted

ABC = iid("ABC-1")
LIMITS = Policy(max_tokens_per_issue=100, max_dispatch_attempts=1, max_rework_cycles=0)
MORE = Policy(max_tokens_per_issue=1000, max_dispatch_attempts=9, max_rework_cycles=9)


def blocked(reason: BlockReason) -> History:
    """An issue whose budget, attempts and rework cycles are all used up, and its block of this
    reason, whose label the tracker has and a read has shown."""
    past = history(
        sighted(state="Rework"),
        sighted(),
        enrolled(),
        dispatched(),
        ended(spent=Usage(input=90, output=10)),
        e.Owed(NOW, ABC, "w_label", "add_label", label_of(reason)),
        e.Blocked(NOW, ABC, reason, "because"),
        e.Delivered(NOW, "w_label"),
        sighted(labels=(label_of(reason),)),
        e.LabelSeen(NOW, ABC),
    )
    assert past.records[ABC].block is not None
    return past


def looks(past: History, policy: Policy, *reads: Read) -> list[Any]:
    """What each of several ticks decides about blocks, one after the other."""
    told = []
    for number, read in enumerate(reads):
        now = later(60 * (number + 1))
        decisions = plan(Snapshot(now, TrackerView(read, now)), past, policy)
        told += [d for d in decisions if isinstance(d, (Unblock, SeeLabel, Block, Dispatch))]
        for decision in decisions:
            past.take_all(facts_of(decision, now))
    return told


def facts_of(decision: Any, now: Any) -> Any:
    from symphony_cli.core.decisions import facts
    from symphony_cli.ids import RunId

    return facts(decision, now, RunId("run_2"))


def row(*labels: str, comments: tuple[Comment, ...] = (), **more: Any) -> Read:
    told = {ABC: comments} if comments else {}
    return Read((issue(labels=labels, **more),), requests=1, comments=told)


def question(past: History, seconds: float = 10) -> Comment:
    """Our own comment on the block, as the tracker has it."""
    found = past.records[ABC]
    return Comment("Which?", "us", later(seconds), comment_id(past, found, found.blocks - 1), True)


def answer(seconds: float = 20, **more: Any) -> Comment:
    return Comment("Blue.", "rui", later(seconds), "c_1", **more)


def ended_by(reason: BlockReason, cause: Cause) -> bool:
    """Whether a block of this reason ends when this happens, and only this."""
    past, label = blocked(reason), label_of(reason)
    match cause:
        case Cause.LABEL:
            decided = looks(past, LIMITS, row(), row())
        case Cause.COMMENT:
            decided = looks(past, LIMITS, row(label, comments=(question(past), answer())))
        case Cause.LIMIT:
            decided = looks(past, MORE, row(label))
        case Cause.UNBLOCK:
            given = helping(past.records[ABC], LIMITS)
            past.take(e.Unblocked(NOW, ABC, Cause.UNBLOCK, "kim", helping=given))
            again = [d.reason for d in looks(past, LIMITS, row(), row()) if isinstance(d, Block)]
            return reason not in again
    return [d.cause for d in decided if isinstance(d, Unblock)] == [cause]


@pytest.mark.parametrize("reason", BlockReason)
def test_a_block_is_ended_by_its_own_cause_and_by_nothing_else(reason: BlockReason) -> None:
    assert {cause for cause in Cause if ended_by(reason, cause)} == ENDED_BY[reason]


@pytest.mark.parametrize("reason", BlockReason)
def test_time_restarts_and_moves_between_states_end_no_block(reason: BlockReason) -> None:
    label = label_of(reason)
    reads = [row(label), row(label, state="In Progress"), row(label), row(label)]
    past = blocked(reason)
    assert looks(past, LIMITS, *reads) == []
    assert past.records[ABC].block is not None


def test_our_label_decides_nothing_before_a_read_after_its_write_has_shown_it() -> None:
    past = history(
        sighted(),
        enrolled(),
        e.Owed(NOW, ABC, "w_label", "add_label", "symphony-stuck"),
        e.Blocked(NOW, ABC, BlockReason.INVALID, "because"),
    )
    in_transit = looks(past, Policy(), row(), row(), row())
    past.take(e.Delivered(NOW, "w_label"))
    lagging = looks(past, Policy(), row(), row(), row())
    seen = looks(past, Policy(), row("symphony-stuck"), row("Symphony-Stuck"))
    gone = looks(past, Policy(), row())
    gone_twice = looks(past, Policy(), row())

    assert (in_transit, lagging, seen, gone) == ([], [], [SeeLabel(ABC)], [])
    assert [type(d) for d in gone_twice] == [Unblock, Dispatch]


def test_a_label_that_comes_back_between_two_reads_was_never_taken_off() -> None:
    past = blocked(BlockReason.INVALID)
    assert looks(past, Policy(), row(), row("symphony-stuck"), row()) == []


def test_a_row_older_than_what_we_hold_tells_nothing_of_a_label() -> None:
    past = blocked(BlockReason.INVALID)
    past.take(sighted(labels=("symphony-stuck",), updated_at=later(50)))
    old = row(updated_at=later(10))
    assert looks(past, Policy(), old) == []


@pytest.mark.parametrize(
    "comments",
    [
        (),
        (answer(),),
        ("question",),
        (answer(5), "question"),
        ("question", answer(bot=True)),
        ("question", Comment("undated", "rui")),
    ],
    ids=["nothing", "ours is not there", "ours alone", "before ours", "a bot", "undated"],
)
def test_only_what_a_person_wrote_after_our_question_answers_it(comments: Any) -> None:
    past = blocked(BlockReason.INPUT)
    told = tuple(question(past) if one == "question" else one for one in comments)
    assert looks(past, Policy(), row("symphony-stuck", comments=told)) == []


def test_an_answer_queues_the_removal_of_our_label_and_says_who_gave_it() -> None:
    past = blocked(BlockReason.INPUT)
    told = (question(past), answer())
    (cleared,) = looks(past, Policy(), row("symphony-stuck", comments=told))
    assert (cleared.cause, cleared.by) == (Cause.COMMENT, "rui")
    assert [(w.kind, w.body) for w in cleared.taken_back] == [("remove_label", "symphony-stuck")]


def test_a_label_that_a_person_took_off_is_as_good_as_unblock() -> None:
    past = blocked(BlockReason.BUDGET)
    cleared, started = looks(past, replace(LIMITS, max_rework_cycles=9), row(), row())
    assert (cleared.helping.tokens, cleared.taken_back) == (0, ())
    assert started.limits.tokens == 100


def test_a_raised_limit_gives_what_it_gives_and_no_more() -> None:
    past = blocked(BlockReason.BUDGET)
    policy = Policy(max_tokens_per_issue=150)
    (cleared,) = looks(past, policy, row("symphony-budget-exceeded"))
    assert cleared.cause is Cause.LIMIT
    assert past.records[ABC].attempts_since_progress == 1
    (started,) = looks(past, policy, row())
    assert started.limits.tokens == 50


# --- what puts a block on


def test_a_pull_request_that_was_merged_after_our_last_run_is_not_worked_again() -> None:
    git = GitFacts(head="c0ffee00c0ffee00", commits_ahead=1)
    merged = sighted(merged_at=NOW + timedelta(hours=1), pr="https://example.org/pull/3")
    past = history(sighted(), enrolled(), dispatched(), ended(git=git), merged)
    found = past.records[ABC]
    assert blocks.cause_of(found, Policy()) == (
        BlockReason.MERGED,
        "https://example.org/pull/3 was merged at 2025-11-20 10:00 UTC, after the last run. Its"
        " branch ended at c0ffee00c0ff. New work is better told in a new issue",
    )
    accepted = replace(found, accepted_tip="c0ffee00c0ffee00")
    assert blocks.cause_of(accepted, Policy()) is None


def test_a_run_that_found_its_work_merged_is_the_last_until_a_person_says_so() -> None:
    git = GitFacts(head="c0ffee", commits_ahead=2)
    found = (
        *(dispatched(), ended(git=git)),
        *(dispatched(run="r2"), ended(run="r2", outcome=Outcome.NOT_ELIGIBLE, reason="merged")),
        e.Blocked(NOW, ABC, BlockReason.MERGED, "it is in main"),
        e.Finished(NOW, ABC, "Done"),
        *(sighted(), enrolled()),
    )
    again = history(sighted(), enrolled(), *found).records[ABC]
    assert again.block is None
    assert blocks.cause_of(again, Policy()) == (BlockReason.MERGED, "it is in main")
    (told,) = tell(history(), again, BlockReason.MERGED, "it is in main", NOW)
    assert told.kind == "add_label"
    assert blocks.cause_of(replace(again, accepted_tip="c0ffee"), Policy()) is None


@pytest.mark.parametrize("runs", [(), (dispatched(), ended(at=later(7200)))], ids=["none", "later"])
def test_a_merge_before_our_last_run_is_no_reason_to_stop(runs: Any) -> None:
    merged = sighted(merged_at=NOW + timedelta(hours=1), pr="https://example.org/pull/3")
    past = history(sighted(), enrolled(), *runs, merged)
    assert blocks.cause_of(past.records[ABC], Policy()) is None


@pytest.mark.parametrize(
    ("outcome", "reason", "block"),
    [
        (Outcome.NOT_ELIGIBLE, "merged", BlockReason.MERGED),
        (Outcome.FAILED, "prompt", BlockReason.INVALID),
        (Outcome.ASKED, "input", BlockReason.INPUT),
    ],
)
def test_an_end_that_only_a_person_can_change_calls_for_a_block(
    outcome: Outcome, reason: str, block: BlockReason
) -> None:
    past = history(sighted(), enrolled(), dispatched(), ended(outcome=outcome, reason=reason))
    assert past.records[ABC].unanswered is block


@pytest.mark.parametrize(
    ("cap", "times", "breach"), [(0, 0, False), (0, 1, True), (3, 3, False), (3, 4, True)]
)
def test_a_cap_of_n_allows_exactly_n_entries_into_rework(
    cap: int, times: int, breach: bool
) -> None:
    moves = [sighted(state=state) for _ in range(times) for state in ("Rework", "Human Review")]
    past = history(sighted(), *moves, sighted(), enrolled())
    reason = blocks.cause_of(past.records[ABC], Policy(max_rework_cycles=cap))
    assert (reason is not None and reason[0] is BlockReason.REWORK) is breach


def test_rework_that_polls_missed_counts_by_the_trackers_history() -> None:
    told = issue(state="Todo", entries=(Entries("rework", 4), Entries("todo", 1)))
    past = history(sighted(), enrolled(), dispatched(), ended(told=told))
    assert blocks.cause_of(past.records[ABC], Policy(max_rework_cycles=3)) == (
        BlockReason.REWORK,
        "it came to rework 4 times; `agent.max_rework_cycles` is 3",
    )
