"""The errand that makes and fetches the mirror: started by real runs, and outliving them."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from symphony_cli import processes
from symphony_cli.adapters import mirror as mirrors
from symphony_cli.adapters.locks import is_held
from symphony_cli.core.reasons import Outcome
from symphony_cli.core.run import MARKER, SHARED_MARKER, Hooks, Order
from tests.adapters.gitworld import GitWorld, git_world
from tests.errands.world import SECRET, World, end, until

pytestmark = pytest.mark.real

FAILING = Hooks(before_run="exit 3")


@pytest.fixture
def code(tmp_path: Path) -> GitWorld:
    folder = tmp_path / "code"
    folder.mkdir()
    return git_world(folder)


def order(world: World, code: GitWorld, name: str, url: str = "") -> Order:
    world.write_issue(name)
    plain = world.order(name)
    place = str(code.folder / "mirror.git")
    settings = replace(
        plain.settings.workspace,
        repo=url or str(code.origin),
        mirror=place,
        hooks=FAILING,
        env={"GIT_CONFIG_GLOBAL": str(code.folder / "home/.gitconfig")},
    )
    world.orders[-1] = replace(plain, settings=replace(plain.settings, workspace=settings))
    return world.orders[-1]


def mirror(code: GitWorld, url: str = "") -> mirrors.Mirror:
    found = mirrors.mirror(str(code.folder / "mirror.git"), url or str(code.origin))
    assert found is not None
    return found


def alternates(world: World, name: str) -> str:
    path = world.root / "workspaces" / name / ".git/objects/info/alternates"
    return path.read_text().strip() if path.exists() else ""


def fetching(state: Path) -> int | None:
    """The pid of an errand that was started for a run below `state`."""
    for pid in processes.all_pids():
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        runs = (word.startswith(os.fsencode(state)) for word in words)
        if b"symphony_cli.errands.fetch" in words and any(runs):
            return pid
    return None


def slow_remote(code: GitWorld) -> Path:
    """Let every ssh hang; the file in which each writes its pid."""
    script, pids = code.folder / "slow", code.folder / "pids"
    script.write_text(f"#!/bin/sh\necho $$ >> {pids}\nexec sleep 50\n")
    script.chmod(0o700)
    config = f'[core]\n\tsshCommand = "{script}"\n[ssh]\n\tvariant = simple\n'
    (code.folder / "home/.gitconfig").write_text(config)
    return pids


def test_first_runs_make_the_mirror_once_and_all_borrow_from_it(
    world: World, code: GitWorld
) -> None:
    names = ("ABC-1", "ABC-2", "ABC-3")
    (code.folder / "home/.gitconfig").write_text("")
    runs = [world.start(order(world, code, name)) for name in names]
    verdicts = [world.verdict(run) for run in runs]
    objects = str(mirror(code).objects)
    assert [(v.outcome, v.reason) for v in verdicts] == [(Outcome.ENVIRONMENT, "hook")] * 3
    assert [alternates(world, name) for name in names] == [objects] * 3
    assert mirrors.unfit(mirror(code)) == ""
    assert not is_held(mirror(code).lock)


def test_an_old_mirror_is_fetched_in_the_background(world: World, code: GitWorld) -> None:
    (code.folder / "home/.gitconfig").write_text("")
    world.verdict(world.start(order(world, code, "ABC-1")))
    one = mirror(code)
    new = code.commit(code.folder / "seed", "new.txt", "new\n")
    code.git(code.folder / "seed", "push", "--quiet", str(code.origin), "main")
    world.verdict(world.start(order(world, code, "ABC-2")))
    assert code.git(one.path, "rev-parse", "main") != new
    one.note.unlink()
    world.verdict(world.start(order(world, code, "ABC-3")))
    until(lambda: code.git(one.path, "rev-parse", "main") == new, what="the fetch")
    until(lambda: not is_held(one.lock), what="the end of the errand")
    assert mirrors.state(one).error == ""


def test_a_run_neither_waits_for_a_fetch_nor_ends_it(world: World, code: GitWorld) -> None:
    pids, url = slow_remote(code), "ssh://example.org/it"
    paths = world.start(order(world, code, "ABC-1", str(code.origin)))
    world.verdict(paths)
    one = mirror(code)
    # The same mirror, for a remote that does not answer from now on.
    config = (code.folder / "home/.gitconfig").read_text()
    (code.folder / "home/.gitconfig").write_text(
        f'{config}[url "{url}"]\n\tinsteadOf = {code.origin}\n'
    )
    one.note.unlink()
    world.root.joinpath("workspaces/ABC-1/mine.txt").write_text("work\n")
    again = replace(world.orders[-1], number=2, run=type(world.orders[-1].run)("run_again"))
    world.orders.append(again)
    verdict = world.verdict(world.start(again))
    assert (verdict.reason, verdict.survivors, verdict.killed) == ("hook", (), {})
    pid = fetching(world.state.root)
    assert pid is not None and is_held(one.lock)
    variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    assert f"{SHARED_MARKER}=1".encode() in variables
    assert [v for v in variables if v.startswith(MARKER.encode())] == []
    assert SECRET.encode() not in b"\0".join(variables)
    opened = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
    assert sorted(p for p in opened if p.endswith("lock")) == [str(one.lock)]
    # It ends its git with it.
    until(pids.exists, what="the ssh")
    identity = processes.identify(pid)
    assert identity is not None
    processes.signal_if_same(identity, signal.SIGTERM)
    until(lambda: not is_held(one.lock), what="the end of the errand and of its git")
    for line in pids.read_text().split():
        end(int(line))
