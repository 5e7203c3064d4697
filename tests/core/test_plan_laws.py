"""What is true of every plan, whatever the ledger tells and whatever the world shows."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from symphony_cli.core.decisions import (
    Decision,
    Deliver,
    Dispatch,
    Grant,
    PassOver,
    Recover,
    Signal,
    Stop,
    TakeIn,
    facts,
)
from symphony_cli.core.events import Delivered
from symphony_cli.core.history import History
from symphony_cli.core.plan import plan
from symphony_cli.core.policy import Policy
from symphony_cli.core.reasons import Outcome
from symphony_cli.core.record import Running
from symphony_cli.core.run import PidFile, RunLimits
from symphony_cli.core.shape import encode
from symphony_cli.core.snapshot import Sighting, Snapshot, TrackerView
from symphony_cli.core.times import age
from tests.builders import (
    alive,
    history,
    iid,
    issue,
    later,
    pid_file,
    rid,
    silent_tracker,
    snapshot,
)
from tests.builders import verdict as verdict_of
from tests.stories import NAMES, stories

policies = st.builds(
    Policy,
    slots=st.integers(min_value=0, max_value=3),
    slots_by_state=st.sampled_from([{}, {"todo": 1}]),
    queue_order=st.sampled_from(["fifo", "priority"]),
    max_tokens_per_issue=st.sampled_from([None, 5]),
    max_dispatch_attempts=st.sampled_from([None, 2]),
)
moments = st.integers(min_value=-200, max_value=12_000).map(later)


@st.composite
def worlds(draw: st.DrawFn, past: History) -> Snapshot:
    """Anything that could be seen after this past."""
    now = draw(moments)
    states = st.sampled_from(["Todo", "In Progress", "Human Review", "Cancelled", "Done"])
    labels = st.sampled_from([(), (), ("symphony-stuck",)])
    told = draw(st.dictionaries(st.sampled_from([*NAMES, "NEW-1", "NEW-2"]), states, max_size=4))
    issues = [issue(name, state, labels=draw(labels)) for name, state in told.items()]
    gone = draw(st.sets(st.sampled_from(NAMES)))
    missing = [iid(name) for name in sorted(gone) if name not in told]
    runs = {
        found.id: draw(sightings(found.running))
        for found in past.records.values()
        if found.running is not None and draw(st.integers(min_value=0, max_value=9))
    }
    return snapshot(*issues, now=now, missing=missing, cursor="c", runs=runs)


@st.composite
def sightings(draw: st.DrawFn, running: Running) -> Sighting:
    """Any sighting of this run."""
    told = replace(verdict_of(outcome=draw(st.sampled_from(Outcome))), run=running.run)
    kind = draw(st.integers(min_value=0, max_value=4))
    if kind == 0:
        return Sighting()
    pid = draw(st.none() | st.builds(pid_file, st.just(running.run), moments))
    return Sighting(
        alive=kind > 2,
        run=running.run,
        number=1,
        pid=pid,
        verdict=told if kind == 2 else None,
        stop_there=draw(st.booleans()),
        granted=draw(st.sampled_from([None, RunLimits(), RunLimits(3)])),
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[Snapshot, History, Policy]:
    """A world, a past and a policy."""
    past = history(*draw(stories()))
    return draw(worlds(past)), past, draw(policies)


@given(cases())
def test_a_plan_is_the_same_each_time_and_changes_nothing(
    case: tuple[Snapshot, History, Policy],
) -> None:
    world, past, policy = case
    before = encode(past)
    assert plan(world, past, policy) == plan(world, past, policy)
    assert encode(past) == before


@given(cases())
def test_a_plan_that_was_carried_out_is_not_made_again(
    case: tuple[Snapshot, History, Policy],
) -> None:
    world, past, policy = case
    decisions = plan(world, past, policy)
    after, seen = carried_out(decisions, world, past)
    again = [d for d in plan(seen, after, policy) if not isinstance(d, PassOver)]
    assert again == []


def carried_out(
    decisions: tuple[Decision, ...], world: Snapshot, past: History
) -> tuple[History, Snapshot]:
    """The history and the world after every effect took place and nothing else happened."""
    after, runs = past.copy(), dict(world.runs)
    for number, decision in enumerate(decisions):
        run = rid(f"new_{number}")
        after.take_all(facts(decision, world.now, run))
        if isinstance(decision, Deliver):
            after.take(Delivered(world.now, decision.write))
        if isinstance(decision, Dispatch):
            runs[decision.issue] = alive(run, world.now)
        if isinstance(decision, Recover):
            runs[decision.issue] = Sighting(True, decision.run, 1, stop_there=True)
        if isinstance(decision, Stop):
            runs[decision.issue] = replace(runs[decision.issue], stop_there=True)
        if isinstance(decision, Grant):
            runs[decision.issue] = replace(runs[decision.issue], granted=decision.limits)
        if isinstance(decision, Signal):
            beats: PidFile = pid_file(decision.run, world.now)
            runs[decision.issue] = replace(runs[decision.issue], pid=beats)
    read = world.tracker.read
    assert read is not None
    quiet = TrackerView(replace(read, missing=()), world.now)
    return after, replace(world, runs=runs, tracker=quiet)


@given(cases())
def test_every_issue_in_line_is_started_or_told_why_not(
    case: tuple[Snapshot, History, Policy],
) -> None:
    """Promise 7."""
    world, past, policy = case
    decisions = plan(world, past, policy)
    after = past.copy()
    for decision in decisions:
        after.take_all(facts(decision, world.now, rid("planned")))
    waiting = {r.id for r in after.records.values() if r.place is not None and r.running is None}
    told = {d.issue for d in decisions if isinstance(d, PassOver)}
    assert waiting <= told


@given(cases())
def test_no_issue_gets_a_second_run_and_no_slot_is_used_twice(
    case: tuple[Snapshot, History, Policy],
) -> None:
    """Promise 1, as far as thinking goes."""
    world, past, policy = case
    decisions = plan(world, past, policy)
    after, _ = carried_out(decisions, world, past)
    started = [d.issue for d in decisions if isinstance(d, Dispatch)]
    assert len(started) == len(set(started))
    running = sum(r.running is not None for r in after.records.values())
    before = sum(r.running is not None for r in past.records.values())
    assert running <= max(policy.slots, before)
    blocked = {r.id for r in after.records.values() if r.block is not None}
    assert not blocked.intersection(started)


@given(cases(), st.none() | moments)
def test_a_read_that_failed_changes_nothing_that_depends_on_the_tracker(
    case: tuple[Snapshot, History, Policy], as_of: object
) -> None:
    """Promise 5: nobody is taken in, missed or forgotten; nothing starts on facts too old."""
    world, past, policy = case
    blind = silent_tracker(world, later(0) if as_of else None)
    decisions = plan(blind, past, policy)
    assert [d for d in decisions if isinstance(d, TakeIn)] == []
    view = blind.tracker.as_of
    if view is None or age(world.now, view) > policy.stale_after:
        assert [d for d in decisions if isinstance(d, Dispatch)] == []
