"""What a tick makes of a tracker that refuses, is put off, has no such state, or answers late."""

from __future__ import annotations

from datetime import timedelta

import pytest

from symphony_cli.core.reasons import Outcome, Why
from symphony_cli.core.snapshot import Held
from symphony_cli.errors import (
    ConfigError,
    ExitCode,
    KeyRejected,
    PutOff,
    RateLimited,
    SymphonyError,
    TrackerError,
)
from tests.fakes.world import FakeWorld


@pytest.fixture
def world() -> FakeWorld:
    made = FakeWorld()
    made.issue("one")
    made.tick()
    return made


def test_being_put_off_by_our_own_budget_is_no_failure_and_says_when_it_asks_again(
    world: FakeWorld,
) -> None:
    world.tracker.fails = PutOff("Linear is asked again in 42 s.", 42.0)

    result = world.tick()

    assert (result.exit_code, result.errors, result.note) == (
        ExitCode.DONE,
        (),
        "Linear is asked again in 42 s.",
    )
    assert "Linear is asked again in 42 s." in result.summary
    assert world.bulletin.last().ask_at == world.time + timedelta(seconds=42)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TrackerError("Linear could not be reached."), ExitCode.TRACKER),
        (RateLimited("Linear says that we ask too often.", 60.0), ExitCode.TRACKER),
        (KeyRejected("Linear does not accept the key."), ExitCode.KEY_REJECTED),
        (ConfigError("There is no such project."), ExitCode.CONFIG),
    ],
    ids=["down", "limited", "key", "project"],
)
def test_a_failure_names_itself_changes_nothing_and_sends_nothing_more(
    world: FakeWorld, error: SymphonyError, code: ExitCode
) -> None:
    world.end("one", Outcome.ASKED, reason="input", detail="Which colour?")
    before = len(world.history.records)
    world.tracker.fails = error

    result = world.tick()

    assert (result.exit_code, result.errors) == (code, (str(error),))
    assert world.history.find(world.record("one").id) and len(world.history.records) == before
    assert len(world.history.outbox) == 2, "the block is written down, and told later"
    assert world.tracker.writes == []


def test_writes_go_out_while_reads_are_put_off(world: FakeWorld) -> None:
    world.end("one", Outcome.ASKED, reason="input", detail="Which colour?")
    reads = world.tracker.look
    put_off = PutOff("Linear is asked again in 42 s.", 42.0)

    def look(since: str, held: list[Held], *, full: bool = False) -> object:
        raise put_off

    world.tracker.look = look  # type: ignore[method-assign, assignment]
    world.tick()
    world.tracker.look = reads  # type: ignore[method-assign]

    assert [write.split()[1][0] for write in world.tracker.writes] == ["+", "c"]


def test_a_state_that_the_tracker_does_not_have_stops_dispatch_and_nothing_else() -> None:
    world = FakeWorld()
    world.issue("one")
    world.tracker.problems = ("tracker.active_states names 'Tood', which Linear does not have.",)

    result = world.tick()

    assert (result.exit_code, result.errors) == (ExitCode.CONFIG, world.tracker.problems)
    assert [(p.issue, p.reason) for p in result.passed_over] == [("one", Why.POLICY)]
    world.tracker.problems = ()
    assert world.tick().exit_code is ExitCode.DONE
    assert world.record("one").running is not None


def test_nothing_starts_before_everything_was_gone_through_once() -> None:
    world = FakeWorld()
    world.issue("one")
    world.tracker.first_poll = True

    assert [p.reason for p in world.tick().passed_over] == [Why.TRACKER]
    world.tracker.first_poll = False
    assert [d.kind for d in world.tick().decisions] == ["enrol", "dispatch"]


def test_a_doubted_issue_is_asked_for_by_id_though_it_is_finished(world: FakeWorld) -> None:
    world.tracker.dated = True
    world.edit("one", state="Done", updated_at=world.time)
    world.end("one", Outcome.HANDED_OVER)
    world.tick()
    assert world.record("one").finished_at is not None

    world.edit("one", state="Todo", updated_at=world.time - timedelta(seconds=5))
    world.tick()
    assert world.record("one").finished_at is not None, "one old row is not believed"
    world.tick()

    assert world.tracker.asked[-1][1] == ["one"]
    assert world.record("one").finished_at is None, "two are"


def test_full_is_handed_to_the_tracker(world: FakeWorld) -> None:
    from symphony_cli.commands.tick import tick

    tick(world.sockets(), deadline=45.0, elapsed=lambda: 0.0, full=True)
    assert world.tracker.asked[-1][2] is True


def test_a_rejected_key_is_not_tried_again_by_a_run(world: FakeWorld) -> None:
    world.end("one", Outcome.ROLLED_OVER)
    world.tracker.fails = KeyRejected("Linear does not accept the key.")

    result = world.tick()

    assert [(p.reason, p.why) for p in result.passed_over] == [
        (Why.TRACKER, "Linear does not accept the key.")
    ]
    assert world.agents.started == ["one"]


def test_a_dry_run_calls_a_newcomer_by_its_name() -> None:
    from dataclasses import replace

    world = FakeWorld()
    one = world.issue("one")
    world.tracker.issues[one.id] = replace(one, identifier="ENG-1")

    result = world.tick(dry_run=True)

    assert [d.issue_identifier for d in result.decisions] == ["tracker", "ENG-1", "ENG-1"]


def test_what_the_last_answer_said_holds_while_there_is_none() -> None:
    """A first poll that is half done, and a name that the tracker lacks, outlive a failed look."""
    world = FakeWorld()
    world.issue("one")
    world.tracker.first_poll = True
    world.tick()
    world.tracker.fails = TrackerError("Linear could not be reached.")
    assert [p.reason for p in world.tick().passed_over] == [Why.TRACKER]

    world.tracker.fails, world.tracker.first_poll = None, False
    world.tracker.problems = ("tracker.active_states names 'Tood', which is not there.",)
    world.tick()
    world.tracker.fails = PutOff("Linear is asked again in 42 s.", 42.0)
    assert [p.reason for p in world.tick().passed_over] == [Why.POLICY]
    assert world.agents.started == []


def test_nothing_starts_while_nobody_may_ask(world: FakeWorld) -> None:
    """Its run would have to read the issue, and would be put off as well: again and again."""
    world.end("one", Outcome.ROLLED_OVER)
    world.tracker.fails = PutOff("Linear is asked again in 42 s.", 42.0)
    assert [(p.reason, p.why) for p in world.tick().passed_over] == [
        (Why.TRACKER, "Linear is asked again in 42 s.")
    ]


def test_an_answer_that_came_late_is_an_answer() -> None:
    world = FakeWorld()
    world.issue("one")
    late = world.tick(elapsed=lambda: 44.0)
    assert [d.kind for d in late.decisions] == ["take_in"]
    assert [p.issue_identifier for p in late.passed_over] == ["one"]


def test_a_tick_that_only_moved_the_cursor_has_nothing_to_say(world: FakeWorld) -> None:
    world.tracker.cursor = "further"
    result = world.tick()
    assert (result.quiet, world.history.cursor) == (True, "further")


@pytest.mark.parametrize(
    ("problem", "edit", "stopped"),
    [
        ("tracker.active_states names 'Tood'.", {"state": "Human Review"}, False),
        ("tracker.active_states names 'Tood'.", {"state": "Canceled"}, True),
        ("agent.prompt_template_by_state names 'Reveiw'.", {"state": "Canceled"}, True),
        ("agent.prompt_template_by_state names 'Reveiw'.", {"labels": ("symphony-stuck",)}, True),
    ],
)
def test_a_misspelt_name_excuses_only_what_hangs_on_it(
    world: FakeWorld, problem: str, edit: dict[str, object], stopped: bool
) -> None:
    world.tracker.problems = (problem,)
    world.edit("one", **edit)
    world.later(seconds=700)
    world.tick()
    running = world.record("one").running
    assert running is not None and bool(running.stop) is stopped
