"""An issue whose work is merged: its run ends before hooks, prompt and Codex."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from symphony_cli import files
from symphony_cli.core import report
from symphony_cli.core.environment import agent_environment
from symphony_cli.core.reasons import Outcome
from symphony_cli.core.run import Hooks, Merged, Order
from symphony_cli.errands import prepare
from tests.errands.world import SECRET, World

pytestmark = pytest.mark.real


def git(folder: Path, *words: str) -> str:
    who = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"]}
    command = ["git", "-c", "user.name=A", "-c", "user.email=a@b", *words]
    done = subprocess.run(command, cwd=folder, env=who, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@dataclass
class Bounced:
    """An issue whose branch was squash-merged, and that came back to an active state."""

    world: World
    origin: Path
    began: str
    tip: str
    squashed: str

    def order(self, accepted: str = "", repo: str = "") -> Order:
        order = self.world.order(merged=Merged(self.began, self.tip, accepted), attempt=2)
        cloned = replace(order.settings.workspace, repo=repo or str(self.origin))
        return replace(order, settings=replace(order.settings, workspace=cloned))

    def prepared(self, order: Order) -> tuple[prepare.NextAct, list[report.Line]]:
        paths = self.world.state.run(order.key, order.number)
        files.make_folder(paths.folder)
        environment = agent_environment(self.world.environ, order.settings, order.run, order.thread)
        lines: list[report.Line] = []
        desk = prepare.Desk(
            order, paths, (SECRET,), environment, lines.append, lambda _: None, lambda _: None
        )
        return prepare.run(desk), lines


@pytest.fixture
def bounced(world: World) -> Bounced:
    program = world.root / "bin" / "codex"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch {world.root}/launched\n")
    program.chmod(0o755)
    world.path = f"{program.parent}:{os.environ['PATH']}"
    world.hooks = Hooks(before_run=f"touch {world.root}/hooked")
    world.write_issue()
    origin = world.root / "origin"
    git(world.root, "init", "-q", "-b", "main", str(origin))
    began = commit(origin, "a")
    place = world.root / "workspaces" / "ABC-1"
    git(world.root, "clone", "-q", str(origin), str(place))
    git(place, "checkout", "-q", "-b", "symphony/ABC-1")
    tip = (commit(place, "b"), commit(place, "c"))[-1]
    git(origin, "fetch", "-q", str(place), "symphony/ABC-1")
    git(origin, "merge", "-q", "--squash", "FETCH_HEAD")
    git(origin, "commit", "-qm", "squashed")
    return Bounced(world, origin, began, tip, git(origin, "rev-parse", "HEAD"))


def commit(place: Path, name: str) -> str:
    (place / name).write_text(name)
    git(place, "add", name)
    git(place, "commit", "-qm", name)
    return git(place, "rev-parse", "HEAD")


def closing(lines: list[report.Line]) -> tuple[Outcome, str, str]:
    found = report.add_up(lines).closing
    assert found is not None
    return found.outcome, found.reason, found.detail


def test_a_run_on_merged_work_ends_before_hooks_prompt_and_codex(bounced: Bounced) -> None:
    order = bounced.order()

    verdict = bounced.world.verdict(bounced.world.start(order))

    detail = (
        f"its branch's work up to {bounced.tip[:12]} is already in main"
        f" (squash-merged as {bounced.squashed[:12]})"
    )
    told = (verdict.outcome, verdict.reason, verdict.detail)
    assert told == (Outcome.NOT_ELIGIBLE, "merged", detail)
    assert (verdict.base, verdict.branch) == (bounced.tip, "symphony/ABC-1")
    assert verdict.git is not None and verdict.git.head == bounced.tip
    assert (verdict.usage, verdict.turns, verdict.answered) == ({}, 0, False)
    assert not (bounced.world.root / "hooked").exists()
    assert not (bounced.world.root / "launched").exists()


def test_nothing_is_asked_of_the_model_or_the_prompt(bounced: Bounced) -> None:
    then, lines = bounced.prepared(bounced.order())

    phases = [line.name for line in lines if isinstance(line, report.Phase)]
    assert (then, closing(lines)[:2]) == (prepare.FINISH, (Outcome.NOT_ELIGIBLE, "merged"))
    assert phases == ["issue", "workspace"]


def test_a_tip_that_a_person_accepted_is_worked_on(bounced: Bounced) -> None:
    then, _ = bounced.prepared(bounced.order(accepted=bounced.tip))

    assert then == prepare.SUPERVISOR


def test_a_first_run_asks_the_remote_nothing(
    bounced: Bounced, capfd: pytest.CaptureFixture[str]
) -> None:
    gone = str(bounced.world.root / "gone")

    then, _ = bounced.prepared(replace(bounced.order(repo=gone), merged=Merged()))

    assert (then, capfd.readouterr().err) == (prepare.SUPERVISOR, "")


def test_a_remote_that_cannot_be_reached_ends_no_run_and_is_told_without_secrets(
    bounced: Bounced, capfd: pytest.CaptureFixture[str]
) -> None:
    gone = f"{bounced.world.root}/{SECRET}"

    then, _ = bounced.prepared(bounced.order(repo=gone))

    said = capfd.readouterr().err
    note = f"Not seen in main as it was last fetched: {bounced.tip[:12]}. The remote could not"
    assert (then, said.startswith(note), said.count("\n")) == (prepare.SUPERVISOR, True, 1)
    assert SECRET not in said and "[secret]" in said
