"""Runs as processes of this machine: what holds their locks, and what can be seen of them."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from symphony_cli import processes, runfolder
from symphony_cli.adapters.agents import run_environment, shared_lock
from symphony_cli.adapters.locks import is_held
from symphony_cli.core.reasons import Outcome
from symphony_cli.core.run import Order, StopNote
from symphony_cli.core.snapshot import Sighting
from symphony_cli.errors import IssueTrouble, RunLocked
from symphony_cli.ids import IssueId, Key, RunId
from symphony_cli.paths import RunPaths, StatePaths
from tests.errands.world import LONG, SECRET, World, files_with, holders, in_hook, until

pytestmark = pytest.mark.real

STARTER = """
import sys
from pathlib import Path
from tests.errands.world import LONG, World
world = World(Path(sys.argv[1]), hooks=LONG)
order = world.order(run=sys.argv[2])
agents = world.agents()
claim = agents.claim(order.issue.id, order.key)
agents.start(claim, order)
print("started", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, hooks=LONG)
    made.write_issue()
    yield made
    made.end()


def started_by_another(world: World, order: Order) -> subprocess.Popen[bytes]:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(world.root), order.run],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert starter.stdout is not None and starter.stdout.readline() == b"started\n"
    return starter


def the_run(paths: RunPaths) -> int:
    known = runfolder.pid_file(paths)
    assert known is not None
    return known.process.pid


@pytest.mark.parametrize("how", ["exited", "killed"])
def test_the_lock_is_held_after_its_starter_is_gone(world: World, how: str) -> None:
    order = world.order()
    paths = world.state.run(order.key, 1)
    starter = started_by_another(world, order)
    until(lambda: in_hook(paths))

    if how == "killed":
        starter.kill()
    starter.communicate()

    assert holders(paths.lock) == {the_run(paths)}
    assert (is_held(paths.lock), world.claim(order)) == (True, None)


def test_the_lock_is_held_after_launcher_and_claim_were_collected(world: World) -> None:
    order = world.order()
    agents = world.agents()
    claim = agents.claim(order.issue.id, order.key)
    agents.start(claim, order)
    paths = world.state.run(order.key, 1)
    assert holders(paths.lock) == {os.getpid(), the_first_pid(paths)}

    claim.drop()
    del agents, claim
    gc.collect()

    assert is_held(paths.lock)
    until(lambda: in_hook(paths))
    assert holders(paths.lock) == {the_run(paths)}


def the_first_pid(paths: RunPaths) -> int:
    return until(lambda: runfolder.pid_file(paths), what="pid.json").process.pid


def test_nothing_that_a_run_starts_has_its_locks(world: World) -> None:
    order = world.order()
    paths = world.start(order)
    child = until(lambda: in_hook(paths))
    shared = shared_lock(world.environ, world.scope, order.issue.id)

    assert processes.identify(child) is not None
    assert (holders(paths.lock), holders(shared)) == ({the_run(paths)}, {the_run(paths)})


def test_an_issue_is_claimed_once_whichever_workflow_asks(world: World) -> None:
    here, there = world.agents(), world.agents(StatePaths(world.root / "other"))
    claim = here.claim(IssueId("1"), Key("ABC-1"))

    with pytest.raises(RunLocked, match="ABC-1 is alive"):
        here.claim(IssueId("1"), Key("ABC-1"))
    with pytest.raises(RunLocked, match="another workflow on this machine"):
        there.claim(IssueId("1"), Key("OTHER-NAME"))
    there.claim(IssueId("2"), Key("OTHER-NAME")).drop()
    replace(there, scope="markdown:/elsewhere").claim(IssueId("1"), Key("OTHER-NAME")).drop()

    claim.drop()
    there.claim(IssueId("1"), Key("OTHER-NAME")).drop()


def test_a_run_gets_the_next_folder_that_is_free(world: World) -> None:
    (world.state.issue(Key("ABC-1")) / "1").mkdir(parents=True)
    (world.state.issue(Key("ABC-1")) / "2").mkdir()

    paths = world.start(world.order())

    assert (paths.number, runfolder.order(paths).number) == (3, 3)
    assert paths.folder.stat().st_mode & 0o777 == 0o700


def test_a_living_run_is_sighted_without_being_disturbed(world: World) -> None:
    order = world.order()
    paths = world.start(order)
    until(lambda: in_hook(paths))

    seen = [world.agents().sight(order.key, order.run) for _ in range(50)]

    expected = Sighting(True, order.run, 1, runfolder.pid_file(paths))
    assert seen == [expected] * 50
    assert expected.pid is not None and expected.pid.phase == "before_run"


def test_a_run_that_never_came_to_its_order_is_seen_as_none(world: World) -> None:
    (world.state.issue(Key("ABC-1")) / "1").mkdir(parents=True)

    assert world.agents().sight(Key("ABC-1"), RunId("run_x")) == Sighting()
    claim = world.agents().claim(IssueId("1"), Key("ABC-1"))
    with pytest.raises(IssueTrouble, match="has no run run_x"):
        world.agents().finish(claim, Key("ABC-1"), RunId("run_x"))
    claim.drop()


def test_an_order_that_cannot_be_read_is_named(world: World) -> None:
    folder = world.state.issue(Key("ABC-1")) / "1"
    folder.mkdir(parents=True)
    (folder / "order.json").write_text("{")

    seen = world.agents().sight(Key("ABC-1"), RunId("run_x"))

    assert seen == Sighting(
        trouble=f"{folder}/order.json cannot be understood: move the folder away."
    )


def test_a_lock_that_cannot_be_looked_at_counts_as_held(world: World) -> None:
    lock = world.state.issue_lock(Key("ABC-1"))
    lock.parent.mkdir(parents=True)
    lock.symlink_to("elsewhere")

    seen = world.agents().sight(Key("ABC-1"), RunId("run_x"))

    assert (seen.alive, seen.run) == (True, None)
    assert seen.trouble.startswith(f"{lock} cannot be looked at")


def test_a_stop_is_heard_and_the_first_reason_counts(world: World) -> None:
    order = world.order()
    paths = world.start(order)
    until(lambda: in_hook(paths))

    world.agents().stop(order.key, order.run, StopNote("label", "symphony-stuck", "tick"))
    world.agents().stop(order.key, order.run, StopNote("operator"))
    verdict = world.verdict(paths)

    told = (verdict.run, verdict.outcome, verdict.reason, verdict.detail)
    assert told == (order.run, Outcome.STOPPED, "label", "symphony-stuck")


def test_a_stop_before_the_first_sign_of_life_is_found(world: World) -> None:
    order = world.order()
    claim = world.agents().claim(order.issue.id, order.key)
    world.agents().start(claim, order)
    world.agents().stop(order.key, order.run, StopNote("operator"))
    claim.drop()

    verdict = world.verdict(world.state.run(order.key, 1))

    assert (verdict.outcome, verdict.reason) == (Outcome.STOPPED, "operator")


def test_a_knock_without_a_reason_is_an_interruption(world: World) -> None:
    order = world.order()
    paths = world.start(order)
    until(lambda: in_hook(paths))

    assert world.agents().signal(order.key, order.run, "TERM")
    verdict = world.verdict(paths)

    assert (verdict.outcome, verdict.reason) == (Outcome.INTERRUPTED, "signal")


def test_a_stop_leaves_a_run_alone_that_is_over(world: World) -> None:
    order = world.order()
    (world.issues / "ABC-1.md").unlink()
    paths = world.start(order)
    world.verdict(paths)

    world.agents().stop(order.key, order.run, StopNote("operator"))

    assert not paths.stop.exists()
    assert until(lambda: not world.agents().signal(order.key, order.run, "TERM"))


def test_a_killed_run_is_lost_and_finished_under_the_lock(world: World) -> None:
    order = world.order()
    paths = world.start(order)
    child = until(lambda: in_hook(paths))

    assert world.agents().signal(order.key, order.run, "KILL")
    world.finish(order)
    assert is_held(paths.lock) or paths.verdict.exists()
    verdict = world.verdict(paths)

    told = (verdict.run, verdict.outcome, verdict.reason, verdict.detail)
    lost = "it ended without a word in its phase 'before_run'; see agent.log"
    assert told == (order.run, Outcome.LOST, "no_verdict", lost)
    assert child in verdict.killed["sweep"]
    assert (processes.identify(child), verdict.survivors) == (None, ())


def test_a_signal_never_hits_a_process_that_has_the_pid_of_a_run(world: World) -> None:
    order = world.order()
    paths = world.start(order)
    until(lambda: in_hook(paths))
    stranger = subprocess.Popen(["sleep", "60"])
    known = runfolder.pid_file(paths)
    assert known is not None
    recycled = replace(known, process=replace(known.process, pid=stranger.pid))
    other = world.state.run(Key("ABC-2"), 1)
    other.folder.mkdir(parents=True)
    runfolder.save(replace(order, key=Key("ABC-2")), other.order)
    runfolder.save(recycled, other.pid)

    hit = world.agents().signal(Key("ABC-2"), order.run, "KILL")

    assert (hit, stranger.poll()) == (False, None)
    stranger.kill()
    stranger.wait()


def shown(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes() + Path(f"/proc/{pid}/cmdline").read_bytes()


def test_the_key_is_in_no_environment_no_command_line_and_no_file(world: World) -> None:
    (world.root / "home" / "key").write_text(SECRET)
    world.hooks = replace(LONG, after_run="echo $$ > after; cat $HOME/key; sleep 1")
    world.write_issue(text=f"Use {SECRET} for it.")
    order = world.order(issue=replace(world.order().issue, title=f"About {SECRET}"))
    paths = world.start(order)
    seen = [shown(until(lambda: in_hook(paths))), shown(the_run(paths))]

    world.agents().stop(order.key, order.run, StopNote("operator", f"do not say {SECRET}"))
    after = world.root / "workspaces" / "ABC-1" / "after"
    hook = until(lambda: int(after.read_text() or 0) if after.exists() else None)
    seen += [shown(hook), shown(the_run(paths))]
    world.verdict(paths)

    assert b"symphony_cli.errands.prepare" in seen[1] and b"errands.finish" in seen[3]
    assert [text.count(SECRET.encode()) for text in seen] == [0] * 4
    assert "[secret]" in paths.log.read_text()
    assert files_with(world.state.root, SECRET) == []
    assert files_with(world.root / "workspaces", SECRET) == []


def test_a_run_gets_what_the_operator_has_without_key_and_python(world: World) -> None:
    environ = {
        "PATH": "/bin",
        "PYTHONPATH": "/x",
        "KEY": "k",
        "SYMPHONY_RUN": "run_other",
        "SYMPHONY_SHARED": "1",
    }

    assert run_environment(environ, ("KEY",)) == {"PATH": "/bin"}
