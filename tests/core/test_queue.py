"""First in, first out; what does not fit is passed over and holds nobody up."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symphony_cli.core import events as e
from symphony_cli.core.events import Event
from symphony_cli.core.gate import closed, held_up, no_room
from symphony_cli.core.history import History
from symphony_cli.core.policy import Policy
from symphony_cli.core.queue import Room, in_line, newcomers, taken
from symphony_cli.core.reasons import BlockReason, Outcome, Why
from symphony_cli.core.run import PidFile
from symphony_cli.core.snapshot import Disk, Sighting, Snapshot
from tests.builders import (
    NOW,
    alive,
    dispatched,
    ended,
    enrol_all,
    enrolled,
    history,
    iid,
    issue,
    later,
    record,
    sighted,
    silent_tracker,
    snapshot,
)

POLICY = Policy(interval=30.0, slots=2)
ABC = iid("ABC-1")


def line(past: History, policy: Policy = POLICY, first: tuple[str, ...] = ()) -> list[str]:
    return [found.issue.identifier for found in in_line(past, policy, first)]


# --- order


def test_among_newcomers_priority_then_age_then_name_decides() -> None:
    old, young = later(-100), NOW
    told = [
        issue("F", created_at=None),
        issue("E", priority=0, created_at=young),
        issue("D", priority=4, created_at=old),
        issue("C", priority=1, created_at=young),
        issue("B", priority=1, created_at=young),
        issue("A", priority=1, created_at=old),
    ]
    assert "".join(i.identifier for i in newcomers(told)) == "ABCDEF"


@given(st.permutations(["A", "B", "C", "D", "E"]))
def test_the_line_is_first_in_first_out(order: list[str]) -> None:
    sightings = [sighted(name, priority=n) for n, name in enumerate("EDCBA")]
    assert line(history(*sightings, *map(enrolled, order))) == order


def test_a_line_by_priority_keeps_its_order_among_equals() -> None:
    priorities = {"A": None, "B": 4, "C": 1, "D": 4, "E": 1, "F": 0}
    told = [sighted(name, priority=number) for name, number in priorities.items()]
    past = history(*told, *map(enrolled, "ABCDEF"))
    assert "".join(line(past, replace(POLICY, queue_order="priority"))) == "CEBDAF"


def test_who_had_no_time_in_the_last_tick_goes_first() -> None:
    assert line(history(*enrol_all("A", "B", "C")), first=(iid("C"),)) == ["C", "A", "B"]


@pytest.mark.parametrize(
    "happened",
    [
        (dispatched("A"), ended("A")),
        (dispatched("A"), ended("A", outcome=Outcome.FAILED, wait=60.0)),
        (e.Blocked(NOW, iid("A"), BlockReason.INPUT),),
        (sighted("A", "In Progress"),),
        (e.Missed(NOW, iid("A")),),
    ],
    ids=["continuation", "retry", "block", "another state", "missed once"],
)
def test_a_place_is_kept_through(happened: tuple[Event, ...]) -> None:
    assert line(history(*enrol_all("A", "B"), *happened)) == ["A", "B"]


def test_who_left_and_came_back_stands_at_the_end() -> None:
    left = e.Released(NOW, iid("A"), "not_eligible")
    assert line(history(*enrol_all("A", "B"), left)) == ["B"]
    assert line(history(*enrol_all("A", "B"), left, enrolled("A"))) == ["B", "A"]


def test_who_runs_stands_in_no_line() -> None:
    assert line(history(*enrol_all("A", "B"), dispatched("A"))) == ["B"]


# --- slots


def test_room_is_counted_by_the_state_an_issue_is_in_now() -> None:
    past = history(
        *enrol_all("A", "B", "C"), dispatched("A"), dispatched("B"), sighted("B", "In  PROGRESS")
    )
    assert taken(past) == Room(2, {"todo": 1, "in progress": 1})
    assert taken(past).with_one_in(" Todo") == Room(3, {"todo": 2, "in progress": 1})


def test_without_a_slot_nobody_starts() -> None:
    full = Room(2, {"todo": 2})
    assert no_room(record(), full, POLICY) == (
        Why.SLOTS,
        "all 2 slots are taken (`agent.max_concurrent_agents`)",
    )
    assert no_room(record(), Room(1, {"todo": 1}), POLICY) is None


@pytest.mark.parametrize(
    ("cap", "running", "told"),
    [
        (0, 0, (Why.STATE_CAP, "all 0 slots for Todo are taken")),
        (1, 0, None),
        (1, 1, (Why.STATE_CAP, "the only slot for Todo is taken")),
    ],
)
def test_a_state_has_slots_of_its_own(cap: int, running: int, told: tuple[Why, str] | None) -> None:
    policy = replace(POLICY, slots_by_state={"todo": cap})
    assert no_room(record(), Room(running, {"todo": running}), policy) == told


# --- this issue


def test_nothing_holds_up_an_issue_that_is_well() -> None:
    assert held_up(record(), snapshot(), POLICY) is None


def test_a_blocked_issue_waits_for_a_person_and_says_how() -> None:
    found = record(e.Blocked(NOW, ABC, BlockReason.INPUT, "which colour?"))
    assert held_up(found, snapshot(), POLICY) == (
        Why.BLOCK,
        "blocked (input): which colour?; `symphony unblock ABC-1` lets it go on; so does a comment"
        " on the issue or taking the label symphony-stuck off",
    )


def test_an_issue_that_is_refused_waits() -> None:
    found = record(sighted(labels=("symphony-stuck",)))
    assert held_up(found, snapshot(), POLICY) == (
        Why.LABEL,
        "it carries the stop label symphony-stuck; take it off to let it run",
    )


def test_an_issue_that_could_not_be_read_waits_and_says_why() -> None:
    world = snapshot(unknown={ABC: "ABC-1.md, line 3: no state"})
    assert held_up(record(), world, POLICY) == (Why.TRACKER, "ABC-1.md, line 3: no state")


def test_an_issue_that_the_last_read_did_not_have_waits() -> None:
    found = record(e.Missed(NOW, ABC))
    assert held_up(found, snapshot(), POLICY) == (
        Why.TRACKER,
        "the last read did not have it; the next one decides",
    )


@pytest.mark.parametrize(
    ("now", "left"), [(NOW, 60), (later(-1e6), 60), (later(59), 1), (later(60), None)]
)
def test_after_a_failure_an_issue_waits_its_time_whatever_the_clock_does(
    now: datetime, left: int | None
) -> None:
    failed = ended(outcome=Outcome.FAILED, wait=60.0, detail="it broke")
    reason = (Why.BACKOFF, f"next attempt in {left} s, after: it broke")
    found = record(dispatched(), failed)
    assert held_up(found, snapshot(now=now), POLICY) == (None if left is None else reason)


# --- everybody


def test_nothing_closes_a_world_that_is_well() -> None:
    assert closed(history(), snapshot(), POLICY) is None


def test_nothing_starts_under_a_workflow_that_cannot_be_read() -> None:
    world = snapshot(policy_error="WORKFLOW.md, line 3: agent.slots is no number")
    assert closed(history(), world, POLICY) == (
        Why.POLICY,
        "WORKFLOW.md, line 3: agent.slots is no number",
    )


@pytest.mark.parametrize(
    ("as_of", "fresh"),
    [(NOW, True), (later(-90), True), (later(-91), False), (later(500), True), (None, False)],
)
def test_nothing_starts_on_facts_older_than_three_intervals(
    as_of: datetime | None, fresh: bool
) -> None:
    """Promise 5; a date in the future counts as now."""
    world = silent_tracker(snapshot(), as_of, "503")
    assert closed(history(), world, POLICY) == (
        None if fresh else (Why.TRACKER, "what we know of the tracker is too old to start on: 503")
    )


@pytest.mark.parametrize(("free", "why"), [(5, None), (4, Why.DISK)])
def test_nothing_starts_below_the_disk_floor(free: int, why: Why | None) -> None:
    world = snapshot(disk=Disk(free * 10**9, 1000, "/disk"))
    reason = closed(history(), world, replace(POLICY, min_free_bytes=5 * 10**9))
    assert reason == (why and (why, "4.0 GB free in /disk, below the floor of 5.0 GB"))


@pytest.mark.parametrize(
    ("free", "counted", "why"), [(5000, True, None), (4999, True, Why.DISK), (0, False, None)]
)
def test_nothing_starts_below_the_floor_of_inodes_where_they_are_counted(
    free: int, counted: bool, why: Why | None
) -> None:
    world = snapshot(disk=Disk(10**12, free, "/disk", has_inodes=counted))
    reason = closed(history(), world, replace(POLICY, min_free_inodes=5000))
    assert reason == (why and (why, "4,999 inodes free in /disk, below the floor of 5,000"))


def test_a_disk_nobody_could_measure_holds_nobody_up() -> None:
    assert closed(history(), snapshot(disk=None), replace(POLICY, min_free_bytes=1)) is None


# --- holds


def unfit(times: int, outcome: Outcome = Outcome.ENVIRONMENT, hold: float = 60.0) -> list[Event]:
    """So many runs in a row that failed for all; the last at NOW."""
    events: list[Event] = [*enrol_all("A", "B", "C", "D")]
    for n in range(times):
        events += [
            dispatched("A", f"run_{n}", at=later(-100)),
            ended("A", f"run_{n}", outcome, hold=hold, detail="no git"),
        ]
    return events


def after(seconds: float, **runs: Sighting) -> Snapshot:
    seen: dict[Any, Sighting] = {iid(name): sighting for name, sighting in runs.items()}
    return snapshot(now=later(seconds), runs=seen)


def test_two_failures_of_the_machine_hold_nobody_and_three_hold_everybody() -> None:
    assert closed(history(*unfit(2)), after(0), POLICY) is None
    assert closed(history(*unfit(3)), after(0), POLICY) == (
        Why.ENVIRONMENT,
        "3 failures in a row (no git); one probe in 60 s",
    )


def test_a_usage_limit_holds_everybody_at_once() -> None:
    limited = ended("A", "run_0", Outcome.PROVIDER, hold=60.0, reason="usage_limit", detail="Wait.")
    past = history(*enrol_all("A", "B"), dispatched("A", "run_0", at=later(-9)), limited)
    assert closed(past, after(20), POLICY) == (Why.PROVIDER, "Wait.; one probe in 40 s")


def test_two_failures_of_the_provider_hold_nobody_and_three_hold_everybody() -> None:
    assert closed(history(*unfit(2, Outcome.PROVIDER)), after(0), POLICY) is None
    assert closed(history(*unfit(3, Outcome.PROVIDER)), after(20), POLICY) == (
        Why.PROVIDER,
        "3 failures in a row (no git); one probe in 40 s",
    )


@pytest.mark.parametrize(("turn", "held"), [(1, True), (2, False)])
def test_a_sandbox_is_mended_when_a_turn_got_through_and_not_when_the_model_answered(
    turn: int, held: bool
) -> None:
    """What the agent's commands do shows only after the model's first answer."""
    past = history(
        *unfit(2),
        dispatched("A"),
        ended("A", outcome=Outcome.ENVIRONMENT, reason="sandbox", answered=True, hold=60.0),
        dispatched("B", "probe", at=later(60)),
    )
    probe = alive("probe", answered=True, turns=turn)
    assert (closed(past, after(90, B=probe), POLICY) is not None) is held


@pytest.mark.parametrize("outcome", [Outcome.ENVIRONMENT, Outcome.PROVIDER])
def test_when_a_hold_is_over_one_probe_goes_and_the_others_wait_for_it(outcome: Outcome) -> None:
    held = history(*unfit(3, outcome))
    why = Why(outcome.value)
    assert closed(held, after(60), POLICY) is None
    held.take(dispatched("B", "probe", at=later(60)))
    assert closed(held, after(61, B=alive("probe")), POLICY) == (
        why,
        "3 failures in a row (no git); a probe runs",
    )
    answered = after(90, B=alive("probe", answered=True))
    assert closed(held, answered, POLICY) is None


def test_a_run_from_before_the_hold_that_has_answered_is_no_proof_and_no_probe() -> None:
    held = history(*enrol_all("E"), dispatched("E", "old", at=later(-500)), *unfit(3))
    seen = alive("old", answered=True)
    assert closed(held, after(10, E=seen), POLICY) == (
        Why.ENVIRONMENT,
        "3 failures in a row (no git); one probe in 50 s",
    )
    assert closed(held, after(60, E=seen), POLICY) is None


def test_a_probe_that_is_dead_or_dumb_proves_nothing() -> None:
    held = history(*unfit(3), dispatched("B", "probe", at=later(60)))
    dead = Sighting(False, alive("probe").run, 1, pid=alive_pid(answered=True))
    for seen in (dead, Sighting(), alive("probe")):
        reason = closed(held, after(61, B=seen), POLICY)
        assert reason == (Why.ENVIRONMENT, "3 failures in a row (no git); a probe runs")


def alive_pid(answered: bool) -> PidFile | None:
    return alive("probe", answered=answered).pid


def test_a_probe_that_fails_holds_everybody_again() -> None:
    failed = ended("B", "probe", Outcome.ENVIRONMENT, at=later(70), hold=90.0)
    held = history(*unfit(3), dispatched("B", "probe"), failed)
    assert closed(held, after(71), POLICY) == (
        Why.ENVIRONMENT,
        "4 failures in a row (); one probe in 89 s",
    )


def test_the_first_success_releases_everybody() -> None:
    fine = ended("B", "probe", answered=True)
    past = history(*unfit(5), dispatched("B", "probe"), fine)
    assert closed(past, after(1), POLICY) is None
