"""Which runs are over, and what that means: every sighting of every kind of run."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symphony_cli.core import events as e
from symphony_cli.core.backoff import backoff
from symphony_cli.core.decisions import Recover, Settle, Signal
from symphony_cli.core.events import Event
from symphony_cli.core.history import History
from symphony_cli.core.policy import Policy
from symphony_cli.core.reasons import FAULT_OF_ISSUE, FRUITLESS, Outcome
from symphony_cli.core.record import Hold, Record, Running
from symphony_cli.core.run import SILENT_AFTER, GitFacts
from symphony_cli.core.settle import MOST_RECOVERIES, made_progress, settle
from symphony_cli.core.settle import ended as fact_of
from symphony_cli.core.snapshot import Sighting
from symphony_cli.core.usage import Usage
from tests.builders import (
    NOW,
    alive,
    dispatched,
    ended,
    enrol_all,
    history,
    iid,
    later,
    over,
    pid_file,
    record,
    rid,
    sighted,
    verdict,
)
from tests.values import any_of

ABC = iid("ABC-1")
POLICY = Policy(interval=30.0, backoff_base=10.0, backoff_cap=300.0)


def judged(
    seen: Sighting,
    *more: Event,
    now: datetime = NOW,
    holds: dict[str, Hold] | None = None,
    policy: Policy = POLICY,
) -> Settle | Recover | Signal | None:
    found = record(dispatched(), *more)
    assert found.running is not None
    past = History(holds=holds or {})
    return settle(found, found.running, seen, past, policy, now)


def settled(seen: Sighting, *more: Event, **about: Any) -> e.Ended:
    decision = judged(seen, *more, **about)
    assert isinstance(decision, Settle) and decision.issue == ABC
    return decision.ended


# --- alive or not


SIGNALLED = e.Signalled(NOW, ABC, rid(), "TERM")
KILLED = e.Signalled(NOW, ABC, rid(), "KILL")
TERM, KILL = Signal(ABC, rid(), "TERM"), Signal(ABC, rid(), "KILL")
LONG = SILENT_AFTER
DEAD_HEART = alive(beat=later(-LONG))


@pytest.mark.parametrize(
    ("seen", "more", "decision"),
    [
        (alive(), (), None),
        (alive(beat=later(-LONG + 1)), (), None),
        (alive(beat=later(LONG)), (), None),
        (DEAD_HEART, (), TERM),
        (DEAD_HEART, (SIGNALLED,), KILL),
        (DEAD_HEART, (SIGNALLED, KILLED), None),
        (alive(), (SIGNALLED,), None),
        (Sighting(True), (), None),
        (Sighting(True, rid(), 1, pid=None), (), None),
        (Sighting(True, rid(), 1, pid_file("run_0", later(-LONG))), (), None),
        (replace(alive(), verdict=verdict()), (), None),
        (over(None), (), Recover(ABC, rid())),
        (over(None), (e.Recovered(NOW, ABC, rid()),) * (MOST_RECOVERIES - 1), Recover(ABC, rid())),
    ],
    ids=[
        "it lives and beats",
        "it has been silent for almost too long",
        "its clock is ahead of ours",
        "silent for too long: TERM",
        "still silent at the next look: KILL",
        "killed, and the kernel still has its lock: nothing more can be done",
        "it beats again after TERM",
        "locked before its folder is there",
        "locked and no sign of life yet, but young",
        "the last sign of life is another run's: it counts from its dispatch",
        "a verdict while the lock is held: finish is at work",
        "not alive and no verdict: its last act is started",
        "its last act died a few times",
    ],
)
def test_a_run_that_is_not_over(
    seen: Sighting, more: tuple[Event, ...], decision: Recover | Signal | None
) -> None:
    assert judged(seen, *more) == decision


def test_a_run_that_never_gave_a_sign_of_life_is_knocked_on_too() -> None:
    nothing = Sighting(True, rid(), 1, pid=None)
    assert judged(nothing, now=later(SILENT_AFTER)) == TERM


@pytest.mark.parametrize("seen", [Sighting(), over(None, "run_0"), over(verdict(), "run_0")])
def test_an_intent_without_a_run_was_nobodys_fault(seen: Sighting) -> None:
    told = settled(seen)
    assert (told.verdict.outcome, told.verdict.reason, told.wait, told.hold, told.progress) == (
        Outcome.INTERRUPTED,
        "never_started",
        0.0,
        0.0,
        False,
    )


def test_a_verdict_of_a_run_that_is_not_alive_is_taken_in_as_it_is() -> None:
    told = verdict(outcome=Outcome.HANDED_OVER, turns=3)
    ended = e.Ended(later(5), ABC, rid(), told, progress=True, wait=6.0)
    assert settled(over(told), now=later(5)) == ended


def test_what_a_dead_run_has_told_counts_also_when_its_last_act_never_manages() -> None:
    told = verdict(outcome=Outcome.HANDED_OVER, turns=3, spent=Usage(input=7, total=7))
    seen = replace(over(None), remains=told)
    lost = settled(seen, *(e.Recovered(NOW, ABC, rid()),) * MOST_RECOVERIES)
    assert lost.verdict == replace(
        told, outcome=Outcome.LOST, reason="finish_died", detail=lost.verdict.detail
    )


@pytest.mark.parametrize(("looked", "sent"), [(-LONG - 60, None), (-LONG + 25, None), (-90, TERM)])
def test_a_heart_that_only_looks_stopped_after_a_suspend_is_not_knocked(
    looked: float, sent: Signal | None
) -> None:
    """The tick before must have seen a minute of silence as well."""
    seen = alive(beat=later(-LONG - 30))
    assert settle_looked(seen, later(looked)) == sent


def settle_looked(seen: Sighting, looked_at: datetime) -> Settle | Recover | Signal | None:
    found = record(dispatched())
    assert found.running is not None
    return settle(found, found.running, seen, History(), POLICY, NOW, looked_at)


def test_a_last_act_that_was_just_started_is_not_silent() -> None:
    seen = replace(over(None), alive=True)
    assert judged(seen, e.Recovered(later(300), ABC, rid()), now=later(310)) is None


def test_a_run_whose_last_act_dies_again_and_again_is_lost() -> None:
    told = settled(over(None), *(e.Recovered(NOW, ABC, rid()),) * MOST_RECOVERIES)
    assert (told.verdict.outcome, told.verdict.reason) == (Outcome.LOST, "finish_died")
    assert told.wait > 0


@given(
    seen=any_of(Sighting), recoveries=st.integers(min_value=0, max_value=6), now=any_of(datetime)
)
def test_a_living_run_is_never_settled_and_a_dead_one_always_moves_on(
    seen: Sighting, recoveries: int, now: datetime
) -> None:
    """Promise 1: the lock is the only truth about life."""
    decision = judged(seen, *(e.Recovered(NOW, ABC, rid()),) * recoveries, now=now)
    if seen.alive:
        assert decision is None or isinstance(decision, Signal)
    elif seen.run is None and seen.trouble:
        assert decision is None, "an order that cannot be read is left for people"
    else:
        assert isinstance(decision, Settle | Recover)


# --- progress


def running_in(state: str) -> Running:
    return Running(rid(), 1, NOW, state)


@pytest.mark.parametrize(
    ("began_in", "git", "progress"),
    [
        ("Todo", None, False),
        ("In Progress", None, True),
        (" TODO ", None, False),
        ("Todo", GitFacts(commits=1), True),
        ("Todo", GitFacts(dirty_files=("a",), tree="new"), True),
        ("Todo", GitFacts(dirty_files=("a",), tree="old"), False),
        ("Todo", GitFacts(tree="new"), False),
        ("Todo", GitFacts(commits_ahead=4), False),
    ],
)
def test_progress_is_a_commit_a_changed_tree_or_another_state(
    began_in: str, git: GitFacts | None, progress: bool
) -> None:
    before = record(dispatched(run="run_0"), ended(run="run_0", git=GitFacts(tree="old")))
    assert made_progress(before, running_in(began_in), verdict(git=git)) is progress


def test_the_first_work_in_a_tree_is_progress() -> None:
    git = GitFacts(dirty_files=("a",), tree="t")
    assert made_progress(record(), running_in("Todo"), verdict(git=git))


# --- waits


MOVED = (Outcome.HANDED_OVER, Outcome.STOPPED)
"""Ends that somebody moved the issue for; a lagging tracker may not show it yet."""

NO_WAIT = [
    outcome
    for outcome in Outcome
    if outcome not in {*FAULT_OF_ISSUE, *FRUITLESS, *MOVED, Outcome.ENVIRONMENT}
]


@pytest.mark.parametrize("outcome", [Outcome.NOT_ELIGIBLE, Outcome.TRACKER])
def test_a_run_that_saw_the_tracker_otherwise_waits_for_the_next_read(outcome: Outcome) -> None:
    assert settled(over(verdict(outcome=outcome))).wait == POLICY.interval


@pytest.mark.parametrize("outcome", NO_WAIT)
def test_what_is_no_failure_waits_for_nothing(outcome: Outcome) -> None:
    assert settled(over(verdict(outcome=outcome, reason="usage_limit"))).wait == 0.0


def test_an_issue_whose_provider_fails_again_and_again_waits_by_its_own_count() -> None:
    found = replace(record(dispatched()), provider_in_row=3, failures_in_row=5)
    failed = verdict(outcome=Outcome.PROVIDER, reason="network")
    worked = replace(failed, git=GitFacts(commits=1))
    waits = [told_of(found, over(told)).wait for told in (failed, worked)]
    assert waits == [backoff(4, 10.0, 300.0, ABC), backoff(1, 10.0, 300.0, ABC)]


def test_what_prepare_found_not_eligible_is_looked_at_again_after_an_interval() -> None:
    assert settled(over(verdict(outcome=Outcome.NOT_ELIGIBLE))).wait == POLICY.interval


@pytest.mark.parametrize("outcome", sorted(FAULT_OF_ISSUE))
@pytest.mark.parametrize("before", [0, 1, 4, 40])
def test_failures_in_a_row_double_the_wait(outcome: Outcome, before: int) -> None:
    found = replace(record(dispatched()), failures_in_row=before)
    told = told_of(found, over(verdict(outcome=outcome)))
    assert told.wait == backoff(before + 1, 10.0, 300.0, ABC)


def test_a_failure_after_progress_is_the_first_again() -> None:
    found = replace(record(dispatched()), failures_in_row=7)
    told = told_of(found, over(verdict(outcome=Outcome.FAILED, git=GitFacts(commits=1))))
    assert (told.progress, told.wait) == (True, backoff(1, 10.0, 300.0, ABC))


def test_an_unfit_machine_makes_each_issue_wait_by_its_own_count() -> None:
    found = replace(record(dispatched()), environment_in_row=2, failures_in_row=5)
    told = told_of(found, over(verdict(outcome=Outcome.ENVIRONMENT)))
    assert told.wait == backoff(3, 10.0, 300.0, ABC)


def told_of(found: Record, seen: Sighting) -> e.Ended:
    assert found.running is not None
    decision = settle(found, found.running, seen, History(), POLICY, NOW)
    assert isinstance(decision, Settle)
    return decision.ended


def test_a_settled_run_is_not_running_any_more() -> None:
    past = history(sighted(), dispatched())
    past.take(settled(over(verdict())))
    assert past.records[ABC].running is None


@pytest.mark.parametrize("outcome", MOVED)
def test_an_issue_that_was_moved_waits_until_every_replica_shows_it(outcome: Outcome) -> None:
    assert settled(over(verdict(outcome=outcome))).wait == 6.0


def test_runs_that_come_to_nothing_come_less_and_less_often() -> None:
    """A run each interval for ever is what an issue that cannot be read would cost."""
    found = history(*enrol_all("ABC-1"))
    waits = []
    for _ in range(12):
        found.take(dispatched())
        known = found.find(ABC)
        assert known is not None and known.running is not None
        told = verdict(outcome=Outcome.TRACKER)
        fact = fact_of(known, known.running, told, found, POLICY, NOW)
        waits.append(fact.wait)
        found.take(fact)

    assert waits == sorted(waits) and (waits[0], waits[-1]) == (POLICY.interval, 3600.0)
