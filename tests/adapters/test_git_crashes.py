"""kill -9 before each git command of a clone and of a rescue, with and without an orphaned git."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from symphony_cli import runfolder
from symphony_cli.adapters.gitstore import rescue
from symphony_cli.adapters.rescuestore import Store, restore, store_path
from symphony_cli.adapters.workspaces import ensure
from symphony_cli.core.run import Hooks
from tests.adapters.gitworld import NOW, GitWorld, files_in, git_world

pytestmark = [pytest.mark.real, pytest.mark.slow]

ENSURE = """
import os, sys
from pathlib import Path
from symphony_cli import runfolder
from symphony_cli.adapters.workspaces import ensure
from symphony_cli.core.run import Order
order = runfolder.load(Order, Path(sys.argv[1]))
ensure(order, dict(os.environ), Path(sys.argv[1] + ".log"))
"""
RESCUE = """
import sys
from datetime import datetime, timezone
from pathlib import Path
from symphony_cli.adapters.gitstore import Site, rescue
root = Path(sys.argv[1])
rescue(Site(root, "A-1", root / "A-1"), datetime(2026, 3, 1, tzinfo=timezone.utc))
"""
MOST_STEPS = 60


def deadly_git(folder: Path, step: int, *, orphan: bool) -> str:
    """A PATH whose git kills its parent at call number `step`, and goes on when `orphan`."""
    place = folder / f"bin-{step}"
    place.mkdir()
    real = shutil.which("git")
    then = f'exec {real} "$@"' if orphan else "exit 1"
    (place / "git").write_text(
        f"#!/bin/sh\necho x >> {place}/calls\n"
        f'if [ "$(wc -l < {place}/calls)" -eq {step} ]; then kill -9 $PPID; {then}; fi\n'
        f'exec {real} "$@"\n'
    )
    (place / "git").chmod(0o755)
    return f"{place}:{os.environ['PATH']}"


def survives(world: GitWorld, program: str, argument: Path, path: str) -> bool:
    done = subprocess.run(
        [sys.executable, "-P", "-c", program, str(argument)],
        env=world.environment | {"PATH": path}, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode in (0, -9)
    return done.returncode == 0


@pytest.mark.parametrize("orphan", [False, True])
def test_a_killed_clone_is_made_again(tmp_path: Path, orphan: bool) -> None:
    world = git_world(tmp_path)
    order = world.order("A-1", hooks=Hooks(after_create="echo made >> made.log"))
    saved = tmp_path / "order.json"
    runfolder.save(order, saved)
    for step in range(1, MOST_STEPS):
        if survives(world, ENSURE, saved, deadly_git(tmp_path, step, orphan=orphan)):
            break
        found = ensure(order, world.environment, tmp_path / "log")
        assert (found.branch, found.created) == ("symphony/A-1", True)
        assert world.git(found.path, "status", "--porcelain") == ""
        assert (found.path / "made.log").read_text() == "made\n"
        shutil.rmtree(world.root)
    assert 2 < step < MOST_STEPS - 1


@pytest.mark.parametrize("orphan", [False, True])
def test_a_killed_rescue_is_made_again(tmp_path: Path, orphan: bool) -> None:
    world = git_world(tmp_path)
    place = world.clone("A-1")
    world.commit(place, "done.txt", "done\n")
    (place / "new.txt").write_text("new\n")
    for step in range(1 + orphan, MOST_STEPS, 2):  # the two cases together have every step
        path = deadly_git(tmp_path, step, orphan=orphan)
        if survives(world, RESCUE, world.root, path):
            break
        found = rescue(world.site("A-1"), NOW)
        into = tmp_path / f"back-{step}"
        restore(store_path(world.root), found.rescue, into)
        assert (found.kept_because, files_in(into)) == ("", files_in(place))
        assert "missing" not in world.git(store_path(world.root), "fsck", "--full")
        assert os.listdir(world.root / ".symphony/scratch") == []
        (place / "new.txt").write_text(f"new {step}\n")
    assert 10 < step < MOST_STEPS - 1
    refs = Store(store_path(world.root)).refs("A-1")
    assert [ref.rpartition("/")[2] for ref in refs] == [str(n + 1) for n in range(len(refs))]


def test_locks_that_a_killed_git_left_in_the_store_are_nobodys(tmp_path: Path) -> None:
    world = git_world(tmp_path)
    place = world.clone("A-1")
    (place / "new.txt").write_text("new\n")
    rescue(world.site("A-1"), NOW)
    store = store_path(world.root)
    for name in ("shallow.lock", "packed-refs.lock", "refs/symphony/rescue/A-1/2.lock"):
        (store / name).write_text("")
    (place / "new.txt").write_text("newer\n")
    assert rescue(world.site("A-1"), NOW).rescue == "refs/symphony/rescue/A-1/2"
