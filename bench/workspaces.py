"""S4: what a workspace of a large repository costs, and the mirror that it borrows from."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import measure, repositories
from bench.ledgers import AT
from bench.measure import MEGABYTE, Command, Cost
from bench.rows import Result, result
from bench.worlds import environment
from symphony_cli import runfolder
from symphony_cli.adapters import locks, mirror
from symphony_cli.adapters.burial import disk_use
from symphony_cli.core.issue import Issue
from symphony_cli.core.run import Order, PromptSettings, Settings, TrackerRef, WorkspaceSettings
from symphony_cli.ids import IssueId, Key, RunId

MANY = 20

_ENSURE = """
import os, sys
from pathlib import Path
from symphony_cli import runfolder
from symphony_cli.adapters.workspaces import ensure
from symphony_cli.core.run import Order
order = runfolder.load(Order, Path(sys.argv[1]))
ensure(order, dict(os.environ), Path(sys.argv[1] + ".log"))
"""

_CLONE = """
import subprocess, sys
sys.exit(subprocess.call(["git", "clone", "--quiet", *sys.argv[1:]]))
"""

_READ = """
import os, subprocess, sys
quiet = {"stdout": subprocess.DEVNULL, "cwd": sys.argv[1]}
while not os.path.exists(sys.argv[2]):
    subprocess.run(["git", "rev-list", "--objects", "--all"], check=True, **quiet)
    subprocess.run(["git", "status"], check=True, **quiet)
"""


class Site:
    """A remote, its mirror, and workspaces that borrow from it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.environ = environment(self.folder) | {"HOME": str(self.folder)}
        self.remote = f"file://{self.folder}/remote.git"

    def order(self, name: str) -> Path:
        """The file of an order for this issue."""
        place = WorkspaceSettings(
            str(self.folder / "workspaces"), repo=self.remote, mirror=str(self.mirror)
        )
        settings = Settings(place, TrackerRef("markdown", "bench", ""), PromptSettings(""))
        issue = Issue(IssueId(name), name, name, "Todo")
        order = Order(RunId(name), issue, Key(name), 1, 1, settings, str(self.folder), AT)
        path = self.folder / f"{name}.json"
        runfolder.save(order, path)
        return path

    @property
    def mirror(self) -> Path:
        return self.folder / "mirror.git"

    def update(self) -> float:
        """Make or fetch the mirror as the errand does; seconds that it took."""
        one = mirror.mirror(str(self.mirror), self.remote)
        assert one is not None
        lock = locks.take_run_lock(one.lock)
        assert lock is not None
        began = time.monotonic()
        try:
            error = mirror.update(one, self.environ, lock)
        finally:
            os.close(lock)
        if error:
            raise measure.Failed(f"the mirror: {error}")
        return time.monotonic() - began

    def workspace(self, name: str) -> Cost:
        """Make a workspace in a fresh process."""
        arguments = ("-P", "-c", _ENSURE, str(self.order(name)))
        return measure.once(Command(arguments, self.environ, self.folder))

    def clone(self, name: str) -> Cost:
        """A full clone in a fresh process."""
        arguments = ("-I", "-c", _CLONE, self.remote, str(self.folder / name))
        return measure.once(Command(arguments, self.environ, self.folder))


def made(folder: Path, megabytes: int) -> Iterator[Result]:
    """Time and disk of one workspace and of twenty, and a fetch while all of them are read."""
    site = Site(folder)
    repositories.make(site.folder / "remote.git", megabytes)
    full = site.clone("full")
    yield result("s4.mirror.wall", site.update(), full.wall)
    costs = [site.workspace(f"W-{number}") for number in range(MANY)]
    yield result("s4.wall", costs[0].wall, full.wall)
    yield result("s4.cpu", costs[0].cpu, full.cpu)
    yield result("s4.twenty.wall", sum(cost.wall for cost in costs), MANY * full.wall)
    added = [_beyond_files(site.folder / f"workspaces/W-{number}") for number in range(MANY)]
    of_clone = _beyond_files(site.folder / "full")
    yield result("s4.disk", added[0], of_clone)
    yield result("s4.twenty.disk", sum(added), MANY * of_clone)
    yield from _fetched(site)


def _beyond_files(workspace: Path) -> float:
    """MB of disk that a clone takes beyond the files that are checked out: its `.git`."""
    return disk_use(workspace / ".git") / MEGABYTE


def _fetched(site: Site) -> Iterator[Result]:
    """One new commit each time, alone and under twenty readers."""
    repositories.commit(site.folder / "remote.git", 1)
    alone = site.update()
    with _readers(site):
        repositories.commit(site.folder / "remote.git", 2)
        beside = site.update()
    yield result("s4.fetch.wall", beside, alone)


@contextmanager
def _readers(site: Site) -> Iterator[None]:
    """A process in each workspace that reads all of it, again and again; none may fail."""
    end = site.folder / "end"
    readers = [
        subprocess.Popen(
            [sys.executable, "-I", "-c", _READ, str(path), str(end)],
            env=site.environ,
            stderr=subprocess.PIPE,
        )
        for path in sorted((site.folder / "workspaces").glob("W-*"))
    ]
    try:
        yield
    finally:
        end.touch()
        told = [reader.communicate()[1] for reader in readers]
    failed = [error for reader, error in zip(readers, told, strict=True) if reader.returncode]
    if failed:
        raise measure.Failed(f"a reader: {failed[0].decode('utf-8', 'replace')[-500:]}")
