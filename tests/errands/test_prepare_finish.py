"""The first and the last act of a run: in-process up to the brief, and as real processes."""

from __future__ import annotations

import os
import random
import subprocess
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from symphony_cli import files, processes, runfolder
from symphony_cli.adapters.locks import is_held
from symphony_cli.core import report
from symphony_cli.core.environment import agent_environment
from symphony_cli.core.reasons import Outcome
from symphony_cli.core.run import Brief, CodexSettings, Hooks, Order, StopNote
from symphony_cli.errands import finish, prepare
from symphony_cli.paths import RunPaths
from tests.errands.world import SECRET, World, acts, end, files_with, holders, until

pytestmark = pytest.mark.real

FAILING = Hooks(before_run="echo no good >&2; exit 3")


@dataclass
class Told:
    """What the steps of prepare told."""

    lines: list[report.Line] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)

    @property
    def closing(self) -> tuple[Outcome, str]:
        found = report.add_up(self.lines).closing
        assert found is not None
        return found.outcome, found.reason

    @property
    def detail(self) -> str:
        found = report.add_up(self.lines).closing
        assert found is not None
        return found.detail

    @property
    def phases(self) -> list[str]:
        return [line.name for line in self.lines if isinstance(line, report.Phase)]


def at_desk(world: World, order: Order, told: Told) -> prepare.Desk:
    paths = world.state.run(order.key, order.number)
    files.make_folder(paths.folder)
    runfolder.save(order, paths.order)
    environment = agent_environment(world.environ, order.settings, order.run, order.thread)
    return prepare.Desk(
        order, paths, world.secrets, environment, told.lines.append, lambda _: None,
        told.groups.append,
    )  # fmt: skip


def prepared(world: World, order: Order) -> tuple[prepare.NextAct, Told]:
    told = Told()
    return prepare.run(at_desk(world, order, told)), told


def codex_on_path(world: World) -> str:
    program = world.root / "bin" / "codex"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    world.path = f"{program.parent}:{os.environ['PATH']}"
    return str(program)


def test_an_eligible_issue_ends_in_a_brief_for_the_supervisor(world: World) -> None:
    world.hooks = Hooks(before_run="echo $SYMPHONY_RUN > marker")
    world.write_issue(state="In Progress", text="Say hello.")
    codex = codex_on_path(world)
    order = world.order()

    then, told = prepared(world, order)

    brief = runfolder.brief(world.state.run(order.key, 1))
    assert brief is not None
    workspace = Path(brief.workspace)
    assert brief == Brief(
        workspace=str(world.root / "workspaces" / "ABC-1"),
        branch=brief.branch,
        base=brief.base,
        argv=(codex, "app-server"),
        prompt="Work on ABC-1: Say hello.",
        continuation=brief.continuation,
        tools=("issue_update", "symphony_block"),
        state="In Progress",
    )
    assert "{turn}" in brief.continuation
    assert (workspace / "marker").read_text().strip() == order.run
    assert then == prepare.SUPERVISOR
    assert told.phases == ["issue", "workspace", "before_run", "prompt", "launch", "supervisor"]


@pytest.mark.parametrize(
    ("state", "labels", "reason", "detail"),
    [
        ("Done", "", "not_eligible", "its state is Done"),
        ("Todo", "symphony-stuck", "label", "it carries the stop label symphony-stuck"),
    ],
)
def test_an_issue_that_may_not_be_worked_now_ends_the_run(
    world: World, state: str, labels: str, reason: str, detail: str
) -> None:
    (world.issues / "ABC-1.md").write_text(
        f"---\ntitle: T\nstate: {state}\nlabels: [{labels}]\n---\n"
    )

    then, told = prepared(world, world.order())

    assert (then, told.closing) == (prepare.FINISH, (Outcome.NOT_ELIGIBLE, reason))
    assert told.detail.startswith(detail)
    assert not (world.root / "workspaces").exists()


def test_an_issue_that_the_tracker_lost_ends_the_run(world: World) -> None:
    then, told = prepared(world, world.order())

    assert (then, told.closing) == (prepare.FINISH, (Outcome.NOT_ELIGIBLE, "not_eligible"))


@pytest.mark.parametrize("trouble", ["folder", "file"])
def test_a_tracker_that_cannot_tell_is_nobodys_fault(world: World, trouble: str) -> None:
    if trouble == "folder":
        world.issues.rmdir()
    else:
        (world.issues / "ABC-1.md").write_text("---\ntitle: [\n---\n")

    then, told = prepared(world, world.order())

    assert (then, told.closing) == (prepare.FINISH, (Outcome.TRACKER, "tracker"))


@pytest.mark.parametrize(
    ("changes", "reason", "says"),
    [
        ({"hooks": FAILING}, "hook", "before_run"),
        ({"hooks": Hooks(before_run="sleep 60", timeout=0.3)}, "hook", "before_run"),
        ({"hooks": Hooks(after_create="exit 1")}, "hook", "after_create"),
        ({"prompt": "{{ issue.nonsense }}"}, "prompt", "nonsense"),
        ({"codex": CodexSettings(command="a | b"), "path": "/nonexistent"}, "codex", "bash"),
    ],
)
def test_what_fails_before_the_first_answer_is_the_environments(
    world: World, changes: dict[str, object], reason: str, says: str
) -> None:
    world.write_issue()
    for name, value in changes.items():
        setattr(world, name, value)

    then, told = prepared(world, world.order())

    assert (then, told.closing) == (prepare.FINISH, (Outcome.ENVIRONMENT, reason))
    assert says in told.detail


def test_an_issue_with_more_text_than_any_model_takes_fails_alone(world: World) -> None:
    world.write_issue(text="x" * 1_050_000)

    then, told = prepared(world, world.order())

    assert (then, told.closing) == (prepare.FINISH, (Outcome.FAILED, "prompt"))
    assert "shorten the issue" in told.detail


def test_a_stop_file_ends_the_run_before_its_next_step(world: World) -> None:
    world.write_issue()
    order = world.order()
    told = Told()
    desk = at_desk(world, order, told)
    runfolder.save(StopNote("operator", "by hand"), desk.paths.stop)

    then = prepare.run(desk)

    assert (then, told.closing, told.phases) == (
        prepare.FINISH,
        (Outcome.STOPPED, "operator"),
        [],
    )


DAEMONS = Hooks(
    before_run=(
        "setsid sleep 301 > /dev/null 2>&1 < /dev/null & echo $! >> pids\n"
        "sleep 302 & echo $! >> pids\n"
        "env -i setsid --fork sh -c 'echo $$ >> pids; exec sleep 303'\n"
        "sh -c 'trap \"\" TERM; echo $$ >> pids; while :; do sleep 1; done' &\n"
        "SYMPHONY_SHARED=1 setsid --fork sh -c 'echo $$ > shared; exec sleep 304'\n"
        'while [ "$(wc -l < pids)" -lt 4 ] || [ ! -s shared ]; do sleep 0.02; done\n'
        "exit 1\n"
    )
)


def test_what_a_hook_leaves_behind_is_swept_but_for_what_is_shared(world: World) -> None:
    world.hooks = DAEMONS
    world.write_issue()
    paths = world.start(world.order())

    verdict = world.verdict(paths)

    workspace = Path(verdict.workspace)
    pids = [int(line) for line in (workspace / "pids").read_text().split()]
    shared = int((workspace / "shared").read_text())
    alive = [pid for pid in pids if processes.identify(pid) is not None]
    spared = processes.identify(shared)
    end(shared)
    assert (len(pids), alive, verdict.survivors) == (4, [], ())
    assert spared is not None and shared not in verdict.killed["sweep"]
    assert (verdict.outcome, verdict.reason) == (Outcome.ENVIRONMENT, "hook")


def test_after_run_runs_on_a_bad_ending_too_and_what_it_leaves_is_swept(world: World) -> None:
    world.hooks = replace(
        FAILING, after_run="echo $SYMPHONY_RUN > after; setsid sleep 305 & echo $! > left"
    )
    world.write_issue()
    order = world.order()

    verdict = world.verdict(world.start(order))

    workspace = Path(verdict.workspace)
    left = int((workspace / "left").read_text())
    assert (workspace / "after").read_text().strip() == order.run
    assert (processes.identify(left), "; after_run" in verdict.detail) == (None, False)


@pytest.mark.parametrize("after", ["echo bad; exit 9", "sleep 60"])
def test_a_bad_after_run_is_told_and_keeps_no_verdict_from_being_written(
    world: World, after: str
) -> None:
    world.hooks = replace(FAILING, after_run=after, timeout=0.5)
    world.write_issue()
    order = world.order()

    verdict = world.verdict(world.start(order))

    told = (verdict.run, verdict.outcome, verdict.reason)
    assert told == (order.run, Outcome.ENVIRONMENT, "hook")
    assert "; after_run: " in verdict.detail


def test_a_workspace_that_cannot_be_rescued_is_kept_with_its_reason(world: World) -> None:
    world.hooks = FAILING
    world.write_issue()

    verdict = world.verdict(world.start(world.order()))

    assert verdict.git is not None
    assert verdict.git.kept_because == "it has no git repository"


def test_the_work_of_a_run_that_failed_is_kept_and_counted(world: World) -> None:
    repo = world.root / "origin"
    git(world.root, "init", "-q", "-b", "main", str(repo))
    (repo / "a").write_text("one")
    git(repo, "add", "a")
    git(repo, "commit", "-qm", "one")
    work = (
        "git -c user.name=A -c user.email=a@b commit -q --allow-empty -m two; echo x > new; exit 1"
    )
    world.hooks = Hooks(before_run=work)
    world.write_issue()
    order = world.order()
    cloned = replace(order.settings.workspace, repo=str(repo))
    order = replace(order, settings=replace(order.settings, workspace=cloned))

    verdict = world.verdict(world.start(order))

    assert verdict.git is not None
    found = (verdict.branch, verdict.git.commits, verdict.git.dirty_files, verdict.git.rescue)
    kept = "refs/symphony/rescue/ABC-1/1"
    assert found == ("symphony/ABC-1", 1, ("new",), kept)
    assert git(world.root / "workspaces/.symphony/rescue.git", "show", f"{kept}:new") == "x\n"


def git(folder: Path, *words: str) -> str:
    command = ["git", "-c", "user.name=A", "-c", "user.email=a@b", *words]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def test_three_acts_are_one_process_under_one_lock(world: World) -> None:
    """Codex cannot be started here, so the supervisor has little to do, and becomes finish."""
    world.hooks = Hooks(before_run="sleep 0.2", after_run="sleep 0.2")
    world.write_issue()
    codex_on_path(world)
    paths = world.start(world.order())
    seen: dict[str, tuple[int, set[int]]] = {}

    while is_held(paths.lock):
        known = runfolder.pid_file(paths)
        if known is not None:
            seen[known.phase] = (known.process.pid, holders(paths.lock))
    verdict = world.verdict(paths)

    pid = seen["before_run"][0]
    assert {"before_run", "cleanup"} <= seen.keys()
    assert {owner for owner, _ in seen.values()} == {pid}
    assert all(holding <= {pid} for _, holding in seen.values())
    assert verdict.outcome is Outcome.ENVIRONMENT


def test_the_verdict_is_written_once(world: World) -> None:
    order = world.order()
    paths = world.start(order)
    world.verdict(paths)
    written = (paths.verdict.read_bytes(), paths.verdict.stat().st_mtime_ns)

    world.finish(order)
    until(lambda: not is_held(paths.lock))

    assert (paths.verdict.read_bytes(), paths.verdict.stat().st_mtime_ns) == written


def test_a_finish_that_is_killed_again_and_again_leaves_one_verdict(world: World) -> None:
    """Seeded: 12 kills within the first 0.4 s of finish, whatever it is doing then."""
    dice = random.Random(20260301)
    world.hooks = Hooks(before_run="sleep 300", after_run="sleep 0.1", timeout=300)
    world.write_issue()
    order = world.order()
    paths = world.start(order)
    until(lambda: _phase(paths) == "before_run")
    world.agents().signal(order.key, order.run, "KILL")
    seen: set[bytes] = set()

    for _ in range(12):
        world.finish(order)
        time.sleep(dice.uniform(0.0, 0.4))
        for pid in acts(world.state.root):
            end(pid)
        if paths.verdict.exists():
            seen.add(paths.verdict.read_bytes())
    world.finish(order)
    verdict = world.verdict(paths)

    assert len(seen | {paths.verdict.read_bytes()}) == 1
    assert (verdict.run, verdict.outcome) == (order.run, Outcome.LOST)
    assert processes.bearers(order.run) == []


def _phase(paths: RunPaths) -> str:
    known = runfolder.pid_file(paths)
    return "" if known is None else known.phase


def test_a_bug_of_ours_is_told_and_its_traceback_hides_the_key(world: World) -> None:
    world.write_issue()
    order = world.order()
    broken = replace(order.settings.workspace, root=f"/dev/null/{SECRET}")
    order = replace(order, settings=replace(order.settings, workspace=broken))

    paths = world.start(order)
    verdict = world.verdict(paths)

    assert verdict.outcome is Outcome.ENVIRONMENT
    assert files_with(world.state.root, SECRET) == []


def test_a_tick_is_started_for_the_workflow_of_the_run(world: World) -> None:
    command = finish.tick_command("/w/WORKFLOW.md")

    assert command[1:] == ["-P", "-m", "symphony_cli", "--workflow", "/w/WORKFLOW.md", "tick"]


def test_who_dropped_its_mark_and_its_group_is_named_when_the_run_was_killed(world: World) -> None:
    there = world.root / "daemon.pid"
    daemon = f"sh -c 'echo $$ > {there}; exec sleep 60'"
    world.hooks = Hooks(before_run=f"env -i setsid {daemon} & sleep 300", timeout=300)
    world.write_issue()
    order = world.order()
    paths = world.start(order)
    until(lambda: there.exists() and there.read_text().endswith("\n"))
    pid = int(there.read_text())
    world.agents().signal(order.key, order.run, "KILL")
    world.finish(order)
    verdict = world.verdict(paths)
    lives = processes.identify(pid) is not None
    end(pid)

    assert (verdict.outcome, lives, verdict.survivors) == (Outcome.LOST, True, ())
    assert f"pid {pid} began after this run and works in its workspace" in verdict.detail
