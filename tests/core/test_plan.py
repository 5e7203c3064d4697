"""The tick's judgement, stage by stage: a world in, decisions out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from symphony_cli.core import events as e
from symphony_cli.core.decisions import (
    Deliver,
    Dispatch,
    Enrol,
    Fault,
    Finish,
    PassOver,
    Release,
    Settle,
    TakeIn,
)
from symphony_cli.core.events import Event
from symphony_cli.core.history import History
from symphony_cli.core.plan import plan
from symphony_cli.core.reasons import Outcome, Why
from symphony_cli.core.run import GitFacts, ThreadRef
from symphony_cli.core.snapshot import Read, TrackerView
from symphony_cli.ids import IssueId, Key, digest
from tests.builders import (
    CONTINUATION,
    NOW,
    RESUMED,
    RETRY,
    alive,
    blocker,
    dispatched,
    ended,
    enrol_all,
    enrolled,
    history,
    iid,
    issue,
    later,
    over,
    record,
    rid,
    sighted,
    silent_tracker,
    snapshot,
    verdict,
)
from tests.core.planning import ABC, POLICY, RUNNING, TAKE_OFF, decided, looked, start

# --- taking in


def test_a_new_issue_is_taken_in_enrolled_and_started_in_one_tick() -> None:
    assert looked(issue(), cursor="c1") == [
        TakeIn(((issue(), Key("ABC-1")),), (), "c1"),
        Enrol(ABC),
        start(),
    ]


def test_an_idle_tick_decides_nothing() -> None:
    waiting = (sighted(blocked_by=(blocker(),)), e.Polled(NOW, "c1"))
    told = issue(blocked_by=(blocker(),))
    why = "ABC-9 must close first (it is Todo)"
    assert looked(told, after=waiting, cursor="c1") == [PassOver(ABC, Why.BLOCKER, why)]


def test_the_ledger_keeps_no_long_texts() -> None:
    told = issue(description="long", updated_at=NOW)
    assert looked(told)[0] == TakeIn(((issue(updated_at=NOW), Key("ABC-1")),), (), None)


@pytest.mark.parametrize(
    "stranger",
    [issue(state="Backlog"), issue(state="Done"), issue(archived=True)],
    ids=["backlog", "done", "archived"],
)
def test_an_issue_that_was_never_meant_for_us_is_not_remembered(stranger: Any) -> None:
    assert looked(stranger) == []


def test_an_issue_we_know_is_followed_wherever_it_goes() -> None:
    assert looked(issue(state="Backlog"), after=enrol_all("ABC-1")) == [
        TakeIn(((issue(state="Backlog"), Key("ABC-1")),), (), None),
        Release(ABC, "not_eligible", "its state is Backlog"),
    ]


def test_two_new_issues_whose_names_become_alike_get_keys_of_their_own() -> None:
    told = [replace(issue(name), id=IssueId(name)) for name in ("a", "A")]
    taken = looked(*told)[0]
    assert [key for _, key in taken.sighted] == ["a", f"A-{digest('A')}"]


def test_a_new_cursor_is_written_down_even_when_nothing_changed() -> None:
    past = (e.Polled(NOW, "c1"),)
    assert looked(after=past, cursor="c2") == [TakeIn((), (), "c2")]
    assert looked(after=past, cursor="c1") == []


def test_an_issue_missing_once_waits_and_missing_twice_is_gone() -> None:
    past = enrol_all("ABC-1")
    once = looked(after=past, missing=[ABC])
    assert once == [
        TakeIn((), (ABC,), None),
        PassOver(ABC, Why.TRACKER, "the last read did not have it; the next one decides"),
    ]
    twice = looked(after=(*past, e.Missed(NOW, ABC)), missing=[ABC])
    assert twice == [
        TakeIn((), (ABC,), None),
        Release(ABC, "gone", "two complete reads did not have it"),
    ]


def test_what_is_gone_is_not_missed_any_more() -> None:
    gone = (
        *enrol_all("ABC-1"),
        e.Missed(NOW, ABC),
        e.Missed(NOW, ABC),
        e.Released(NOW, ABC, "gone"),
    )
    assert looked(after=gone, missing=[ABC]) == []


def test_an_issue_that_was_gone_comes_back_to_the_end_of_the_line() -> None:
    gone = (
        *enrol_all("ABC-1"),
        e.Missed(NOW, ABC),
        e.Missed(NOW, ABC),
        e.Released(NOW, ABC, "gone"),
    )
    assert looked(issue(), after=gone) == [
        TakeIn(((issue(), Key("ABC-1")),), (), None),
        Enrol(ABC),
        start(),
    ]


@pytest.mark.parametrize(
    "state", ["Done", "Todo"], ids=["reopened", "its state is terminal no more"]
)
def test_a_finished_issue_that_comes_back_keeps_its_key_and_its_count_of_runs(state: str) -> None:
    ended_well = ended(thread=ThreadRef("t1"))
    done = record(dispatched(), ended_well, sighted(state=state), e.Finished(NOW, ABC, state))
    past = History(id="ledger_1", position=9, finished={ABC: replace(done, key=Key("old"))})
    assert list(plan(snapshot(issue()), past, POLICY)) == [
        TakeIn(((issue(), Key("old")),), (), None),
        Enrol(ABC),
        start(attempt=2, retry_kind=CONTINUATION, thread=ThreadRef("t1")),
    ]


# --- releasing


def test_what_is_over_is_finished_and_what_left_is_released() -> None:
    past = (*enrol_all("A", "B", "C"), sighted("A", "Done"), sighted("B", "Backlog"))
    assert decided(*past, policy=replace(POLICY, slots=0)) == [
        Finish(iid("A"), "Done"),
        Release(iid("B"), "not_eligible", "its state is Backlog"),
        PassOver(iid("C"), Why.SLOTS, "all 0 slots are taken (`agent.max_concurrent_agents`)"),
    ]


def test_a_stop_label_keeps_the_place() -> None:
    stopped = (*enrol_all("ABC-1"), sighted(labels=("symphony-stuck",)))
    detail = f"it carries the stop label symphony-stuck{TAKE_OFF}"
    assert decided(*stopped) == [PassOver(ABC, Why.LABEL, detail)]


def test_a_finished_issue_is_left_in_peace() -> None:
    assert decided(*enrol_all("ABC-1"), sighted(state="Done"), e.Finished(NOW, ABC, "Done")) == []


# --- dispatching


def test_a_full_state_at_the_head_holds_nobody_up() -> None:
    past = (
        *enrol_all("A", "B", "C", "D"),
        sighted("C", "In Progress"),
        sighted("D", "In Progress"),
        dispatched("A"),
    )
    policy = replace(POLICY, slots=3, slots_by_state={"todo": 1})
    assert decided(*past, policy=policy, runs={iid("A"): alive()}) == [
        PassOver(iid("B"), Why.STATE_CAP, "the only slot for Todo is taken"),
        start("C", state="In Progress"),
        start("D", state="In Progress"),
    ]


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (Outcome.ROLLED_OVER, CONTINUATION),
        (Outcome.HANDED_OVER, CONTINUATION),
        (Outcome.INTERRUPTED, RESUMED),
        (Outcome.STOPPED, RESUMED),
        (Outcome.FAILED, RETRY),
        (Outcome.STALLED, RETRY),
        (Outcome.LOST, RETRY),
        (Outcome.ENVIRONMENT, RETRY),
    ],
)
def test_the_next_run_goes_on_with_the_same_thread_and_knows_why(
    outcome: Outcome, kind: Any
) -> None:
    over_once = ended(outcome=outcome, thread=ThreadRef("t1"))
    assert decided(*RUNNING, over_once) == [
        start(attempt=2, retry_kind=kind, thread=ThreadRef("t1"))
    ]


def test_stale_facts_start_nobody_and_settling_goes_on() -> None:
    world = silent_tracker(snapshot(runs={ABC: over(verdict())}), later(-91), "503")
    too_old = "what we know of the tracker is too old to start on: 503"
    assert list(plan(world, history(*RUNNING), POLICY)) == [
        Settle(ABC, e.Ended(NOW, ABC, rid(), verdict())),
        PassOver(ABC, Why.TRACKER, too_old),
    ]


def test_a_read_that_failed_releases_stops_and_finishes_nobody() -> None:
    """Promise 5."""
    past = history(*enrol_all("A", "B"), dispatched("A"))
    world = silent_tracker(snapshot(runs={iid("A"): alive()}), NOW)
    assert list(plan(world, past, POLICY)) == [start("B")]


def test_one_probe_goes_when_a_hold_is_over() -> None:
    unfit = [
        event
        for n in range(3)
        for event in (
            dispatched("A", f"run_{n}"),
            ended("A", f"run_{n}", Outcome.ENVIRONMENT, hold=60.0, detail="no git"),
        )
    ]
    seen = decided(*enrol_all("A", "B", "C"), *unfit, now=later(60))
    held = "3 failures in a row (no git); a probe runs"
    assert seen == [
        start("B"),
        PassOver(iid("C"), Why.ENVIRONMENT, held),
        PassOver(iid("A"), Why.ENVIRONMENT, held),
    ], "the probe is not the issue that failed before"


# --- announcing


def owed(write: str, name: str = "ABC-1") -> e.Owed:
    return e.Owed(NOW, iid(name), write, "comment", write)


def test_writes_go_out_in_order_and_a_waiting_one_holds_back_its_issue_only() -> None:
    past = (
        sighted(state="Done"),
        e.Finished(NOW, ABC, "Done"),
        *(owed("w1"), owed("w2"), owed("w3", "ABC-2"), owed("w4")),
        e.Tried(NOW, "w2", "503", 60.0),
    )
    both = (sighted("ABC-2", "Done"), e.Finished(NOW, iid("ABC-2"), "Done"), *past)
    assert decided(*both) == [Deliver(ABC, "w1"), Deliver(iid("ABC-2"), "w3")]
    assert decided(*both, now=later(60)) == [
        Deliver(ABC, "w1"),
        Deliver(ABC, "w2"),
        Deliver(iid("ABC-2"), "w3"),
        Deliver(ABC, "w4"),
    ]


# --- bugs of ours

NO_LABELS: Any = None
"""What no tracker adapter would ever tell: thinking about it raises a TypeError."""


def test_a_bug_met_on_one_issue_is_its_own_trouble() -> None:
    broken = replace(issue("A"), labels=NO_LABELS)
    past: list[Event] = [e.Sighted(NOW, broken, Key("A")), enrolled("A"), *enrol_all("B")]
    seen = decided(*past)
    assert [type(decision) for decision in seen] == [Fault, PassOver, Dispatch]
    assert (seen[0].issue, seen[1].why, seen[2]) == (iid("A"), Why.BUG, start("B"))


def test_a_bug_that_was_written_down_is_not_written_down_again() -> None:
    broken = replace(issue("A"), labels=NO_LABELS)
    past: list[Event] = [e.Sighted(NOW, broken, Key("A")), enrolled("A")]
    (fault, _) = decided(*past)
    known = e.Faulted(NOW, fault.issue, fault.doing, fault.error, fault.traceback)
    assert [type(decision) for decision in decided(*past, known)] == [PassOver]


def test_a_bug_met_on_an_issue_that_is_not_enrolled_is_its_own_trouble_too() -> None:
    broken = e.Sighted(NOW, replace(issue("A"), labels=NO_LABELS), Key("A"))
    seen = decided(broken, *enrol_all("B"))
    assert [type(decision) for decision in seen] == [Fault, PassOver, Dispatch]


def test_a_tracker_that_was_never_read_starts_nobody() -> None:
    world = replace(snapshot(), tracker=TrackerView(None, None))
    assert [type(d) for d in plan(world, history(*enrol_all("A")), POLICY)] == [PassOver]


def test_progress_is_seen_in_the_work_tree() -> None:
    told = verdict(git=GitFacts(dirty_files=("a.py",), tree="new"))
    seen = decided(*RUNNING, runs={ABC: over(told)})
    assert seen[0] == Settle(ABC, e.Ended(NOW, ABC, rid(), told, progress=True))


def test_a_read_without_a_request_writes_no_cursor() -> None:
    world = replace(snapshot(), tracker=TrackerView(Read(cursor="c9"), NOW))
    assert plan(world, history(), POLICY) == ()
