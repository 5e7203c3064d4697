"""Whole ticks on a fake world: what once went wrong."""

from __future__ import annotations

from typing import NoReturn

import pytest

from symphony_cli.core.policy import Policy
from symphony_cli.core.reasons import Outcome
from symphony_cli.errors import ExitCode
from symphony_cli.ids import IssueId
from tests.fakes.world import FakeWorld
from tests.promises import check_at_rest


@pytest.fixture
def world() -> FakeWorld:
    return FakeWorld()


def did(world: FakeWorld) -> list[tuple[str, str]]:
    """Tick once; what it did, but for taking in."""
    decisions = world.tick().decisions
    return [(a.kind, a.issue_identifier) for a in decisions if a.kind != "take_in"]


def why(world: FakeWorld) -> dict[str, str]:
    """Tick once; the reason for each issue that was passed over."""
    return {p.issue_identifier: p.reason for p in world.tick().passed_over}


def test_a_bug_met_while_taking_in_is_that_issue_s_trouble(world: FakeWorld) -> None:
    class Odd(tuple[str, ...]):
        def __iter__(self) -> NoReturn:
            raise ZeroDivisionError("nobody iterates over this")

    world.issue("A-1", labels=Odd())
    world.issue("A-2")

    result = world.tick()

    assert (world.agents.started, result.exit_code) == (["A-2"], ExitCode.BUG)
    assert [(p.issue_identifier, p.reason) for p in result.passed_over] == [("A-1", "bug")]


def test_the_probe_is_not_the_same_issue_for_ever(world: FakeWorld) -> None:
    world.policy = Policy(slots=1, backoff_cap=1.0)
    for name in ("A-1", "A-2"):
        world.issue(name)
    for _ in range(6):
        world.tick()
        for run in world.agents.living():
            world.agents.end(run, Outcome.ENVIRONMENT, world.time, git=None)
        world.tick()
        world.later(seconds=5)

    assert world.agents.started.count("A-2") >= 2


def test_the_last_quarter_of_a_deadline_is_for_writes_to_the_tracker(world: FakeWorld) -> None:
    world.issue("A-1")
    world.tick()
    world.tracker.down = "away"
    world.end("A-1", Outcome.ASKED, reason="input", detail="Which colour?")
    world.later(seconds=1)
    world.tick()
    world.tracker.down = ""
    world.issue("A-2")
    world.later(hours=1)

    late = world.tick(elapsed=lambda: 40.0)

    acted = [(a.kind, a.outcome) for a in late.decisions if a.kind != "take_in"]
    assert acted == [("deliver", "done")] * 2
    assert world.tracker.issues[IssueId("A-1")].labels == ("symphony-stuck",)


def test_an_issue_that_was_blocked_and_closed_loses_our_label(world: FakeWorld) -> None:
    world.issue("A-1")
    world.tick()
    world.end("A-1", Outcome.ASKED, reason="input", detail="Which colour?")
    world.tick()
    world.edit("A-1", state="Done")
    world.tick()

    assert world.tracker.issues[IssueId("A-1")].labels == ()
    world.edit("A-1", state="Todo")
    assert did(world)[-1] == ("dispatch", "A-1")


def test_a_closed_issue_that_is_opened_again_is_seen_to_wait(world: FakeWorld) -> None:
    world.issue("A-1")
    world.tick()
    world.edit("A-1", state="Done")
    world.end("A-1", Outcome.HANDED_OVER)
    world.tick()
    world.edit("A-1", state="Todo", labels=("symphony-stuck",))

    assert [a.kind for a in world.tick().decisions] == ["take_in", "reopen"]
    assert why(world) == {"A-1": "label"}
    check_at_rest(world)


def test_a_folder_that_vanished_does_not_make_runs_start_in_a_hot_loop(world: FakeWorld) -> None:
    world.issue("A-1")
    world.tick()
    world.tracker.down = "the folder is not there"
    world.end("A-1", Outcome.TRACKER, git=None)
    world.later(seconds=1)
    world.tick()
    world.tick()

    assert world.agents.started == ["A-1"]


def test_a_newcomer_gets_a_key_of_its_own_also_beside_a_changed_issue(world: FakeWorld) -> None:
    """Keys are unique without case: two issues in one folder would be two agents in one."""
    world.issue("b-1")
    world.tick()
    world.issue("A-1", "Backlog")
    world.issue("A-0")
    world.tick()
    world.edit("A-0", title="changed")
    world.issue("B-1")
    world.tick()

    keys = [record.key.lower() for record in world.history.records.values()]
    assert sorted(keys) == sorted(set(keys))
    assert len(keys) == 3
