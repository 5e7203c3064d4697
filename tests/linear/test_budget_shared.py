"""One allowance for all processes with one key: drained by others, refused, shared; ticks go on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from symphony_cli.commands.tick import TickResult
from symphony_cli.core.reasons import Outcome
from symphony_cli.errors import ExitCode
from tests.linear.ticking import LinearWorld, policy
from tests.linear.world import World

pytestmark = [pytest.mark.real]

Opener = Callable[..., LinearWorld]

SOON = 120
"""Seconds within which a drained bucket is asked again; Linear's header says an hour."""


@pytest.fixture
def workflow(world: World, tmp_path: Path) -> Iterator[Opener]:
    """Opens workflows on one machine: each has its own `state/`, all have one user's budgets."""
    world.lag(0)
    opened: list[LinearWorld] = []

    def begin(key: str = "") -> LinearWorld:
        state = tmp_path / f"state{len(opened)}"
        state.mkdir()
        budget = tmp_path / "user"
        made = LinearWorld(policy(), linear=world, folder=state, budget=budget, key=key)
        opened.append(made)
        return made

    yield begin
    for one in opened:
        one.close()


def seconds(text: str) -> int:
    """The wait that a sentence names."""
    found = re.search(r"(\d+) s\b", text)
    assert found is not None, text
    return int(found[1])


def wait_for(workflow: LinearWorld) -> float:
    """Seconds until the tracker is asked again, as `tick.json` has it."""
    due = workflow.bulletin.last().ask_at
    assert due is not None
    return (due - workflow.time).total_seconds()


def tick_unasked(workflow: LinearWorld) -> TickResult:
    """A tick that sends nothing, and is not the worse for it."""
    before = workflow.linear.requests()
    result = workflow.tick()
    assert workflow.linear.requests() == before
    assert (result.exit_code, result.errors) == (ExitCode.DONE, ())
    assert result.note and result.note in result.summary
    return result


def test_with_the_bucket_drained_by_others_ticks_go_on_and_ask_again_within_seconds(
    workflow: Opener, world: World
) -> None:
    ours = workflow()
    issue = world.create()["id"]
    ours.tick()
    living = [run.order.issue.id for run in ours.agents.living()]
    world.drain(20)
    ours.pass_time(30)
    ours.tick()  # its answer tells how little is left

    result = tick_unasked(ours)

    assert 0 < seconds(result.note) <= SOON
    assert [run.order.issue.id for run in ours.agents.living()] == living == [issue]
    world.person.retitle(issue, "Something else")
    ours.pass_time(wait_for(ours))
    result = ours.tick()
    assert (result.exit_code, result.note) == (ExitCode.DONE, "")
    assert ours.record(issue).issue.title == "Something else"


def test_a_bucket_that_is_quite_empty_costs_one_failed_tick_and_is_asked_again_within_seconds(
    workflow: Opener, world: World
) -> None:
    ours = workflow()
    world.create()
    ours.tick()
    world.drain(0)
    ours.pass_time(1)

    refused = ours.tick()

    assert refused.exit_code is ExitCode.TRACKER
    assert [seconds(error) <= SOON for error in refused.errors] == [True]
    assert seconds(tick_unasked(ours).note) <= SOON
    assert len(ours.agents.living()) == 1
    ours.pass_time(wait_for(ours))
    assert (ours.tick().exit_code, ours.bulletin.last().ask_at) == (ExitCode.DONE, None)


def test_what_we_have_to_write_goes_out_while_reads_wait(workflow: Opener, world: World) -> None:
    ours = workflow()
    issue = world.create()["id"]
    ours.tick()
    world.drain(20)
    ours.pass_time(30)
    ours.tick()
    ours.end(issue, Outcome.ASKED, reason="input", detail="Which colour?")

    result = ours.tick()

    told = world.issue(issue)
    assert (result.exit_code, bool(result.note)) == (ExitCode.DONE, True)
    assert (told["labels"], len(told["comments"])) == (["symphony-stuck"], 1)
    assert "Look" not in world.operations()[-3:]


def test_too_often_without_a_word_more_stops_every_workflow_of_that_key_for_a_minute(
    workflow: Opener, world: World
) -> None:
    one, other = workflow(), workflow()
    world.create()
    one.tick()
    other.tick()
    world.fault("ratelimited", headers=False)
    one.pass_time(30)
    other.later(seconds=30)

    refused = one.tick()

    assert (refused.exit_code, [seconds(error) for error in refused.errors]) == (13, [60])
    assert [seconds(tick_unasked(each).note) for each in (one, other)] == [60, 60]
    one.pass_time(wait_for(one))
    other.later(seconds=60)
    assert [each.tick().exit_code for each in (other, one)] == [ExitCode.DONE, ExitCode.DONE]


def test_workflows_with_one_key_share_a_budget_and_another_key_has_its_own(
    workflow: Opener, world: World, tmp_path: Path
) -> None:
    one, other, stranger = workflow(), workflow(), workflow("lin_api_of_somebody_else")
    for each in (one, other):
        each.tick()
    shared = list((tmp_path / "user").glob("budget-*.json"))
    world.drain(20)
    one.tick()
    tick_unasked(other)

    before = world.requests()
    rejected = stranger.tick()

    assert (len(shared), len(list((tmp_path / "user").glob("budget-*.json")))) == (1, 2)
    assert (rejected.exit_code, world.requests()) == (ExitCode.KEY_REJECTED, before + 1)
