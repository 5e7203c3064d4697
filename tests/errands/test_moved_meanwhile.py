"""An issue that moved after the tick looked at it, or so shortly before that reads may miss it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from symphony_cli import clock, files, processes, runfolder
from symphony_cli.core.issue import Blocker
from symphony_cli.core.reasons import Outcome
from symphony_cli.core.refresh import SETTLES, Mutation
from symphony_cli.core.run import CodexSettings, Order, PromptSettings, ThreadRef
from symphony_cli.errands import mutations, prepare
from symphony_cli.ids import IssueId
from symphony_cli.paths import RunPaths
from tests.errands.test_prepare_finish import prepared
from tests.errands.world import ORDERED_AT, World

pytestmark = pytest.mark.real

PARTS = PromptSettings("Make it.", {"in progress": "Review it."}, fresh_states=("in progress",))


def ordered(world: World, thread: ThreadRef | None = None) -> Order:
    world.codex = CodexSettings(command="/bin/true app-server")
    order = world.order(thread=thread)
    return replace(order, settings=replace(order.settings, prompt=PARTS))


def test_a_state_with_a_thread_of_its_own_does_not_get_the_thread_of_another(world: World) -> None:
    world.write_issue(state="In Progress")
    next_act, told = prepared(world, ordered(world, thread=ThreadRef("life")))
    assert (next_act, told.closing) == (prepare.FINISH, (Outcome.NOT_ELIGIBLE, "not_eligible"))
    assert told.detail == "It went from Todo to In Progress, which has another thread."


def test_a_state_that_shares_its_thread_gets_the_prompt_that_it_has_now(world: World) -> None:
    world.write_issue(state="In Progress")
    order = ordered(world)
    shared = replace(order.settings, prompt=replace(PARTS, fresh_states=()))
    next_act, _ = prepared(world, replace(order, settings=shared))
    brief = runfolder.brief(world.state.run(order.key, 1))
    assert brief is not None
    assert (next_act, brief.prompt, brief.state) == (
        prepare.SUPERVISOR,
        "Review it.",
        "In Progress",
    )


@pytest.mark.parametrize(
    ("known", "ends"),
    [
        (Blocker("DEF-2", "gone", False, IssueId("DEF-2")), False),
        (Blocker("DEF-2", "Todo", True, IssueId("DEF-2")), True),
        (Blocker("DEF-2"), True),
    ],
    ids=["found gone by ticks", "not missed yet", "never there"],
)
def test_a_blocker_that_ticks_found_gone_does_not_refuse_the_run(
    world: World, known: Blocker, ends: bool
) -> None:
    (world.issues / "ABC-1.md").write_text("---\nstate: Todo\nblocked_by: [def-2]\n---\nDo it.\n")
    order = ordered(world)

    next_act, told = prepared(
        world, replace(order, issue=replace(order.issue, blocked_by=(known,)))
    )

    assert next_act is (prepare.FINISH if ends else prepare.SUPERVISOR)
    if ends:
        assert told.closing == (Outcome.NOT_ELIGIBLE, "blocker")


def run_folder(world: World, number: int) -> RunPaths:
    paths = world.state.run("ABC-1", number)
    files.make_folder(paths.folder)
    return paths


@pytest.mark.parametrize(
    ("ago", "boot", "waits"), [(1.0, "", True), (SETTLES, "", False), (1.0, "another", False)]
)
def test_what_the_last_agent_changed_is_waited_for(
    world: World, ago: float, boot: str, waits: bool
) -> None:
    """It is the newest run that changed anything which counts, and never its own."""
    changed = Mutation(boot or processes.boot_id(), clock.monotonic() - ago, ORDERED_AT)
    runs = [run_folder(world, number) for number in (1, 2, 3, 4)]
    runfolder.save(replace(changed, mono=clock.monotonic()), runs[0].mutated)
    runfolder.save(changed, runs[1].mutated)
    runfolder.save(replace(changed, mono=clock.monotonic()), runs[3].mutated)
    wait = mutations.unsettled(runs[3])
    assert (0.0 < wait <= SETTLES - ago) is waits and (wait == 0.0) is not waits
