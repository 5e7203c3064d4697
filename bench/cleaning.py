"""A tick while a removed workspace of many small files is being deleted, against an idle one."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench import measure, worlds
from bench.ledgers import AT
from bench.rows import Result, result
from bench.worlds import World
from symphony_cli import runfolder
from symphony_cli.adapters.burial import trash
from symphony_cli.core.removal import Tidying

WAITING, IN_A_FOLDER, LEAST = 20, 500, 5


def cleaned(folder: Path, files: int, size: int, rounds: int) -> Iterator[Result]:
    """The wall time of ticks, the one in the middle, alone and while `files` files of `size` bytes
    are deleted by the errand that a tick starts.

    Raises:
        Failed: the files were gone before there were enough ticks.
    """
    world = worlds.make(folder)
    for number in range(WAITING):
        worlds.add_issue(world, f"W-{number}", blocker=f"W-{(number + 1) % WAITING}")
    worlds.settle(world)
    alone = [measure.once(world.tick) for _ in range(rounds)]
    grave = _fill(world, files, size)
    process = _tidy(world)
    beside: list[measure.Cost] = []
    while process.poll() is None and len(beside) < 10 * rounds:
        beside.append(measure.once(world.tick))
    code = process.wait()
    if code or grave.exists() or len(beside) < LEAST:
        raise measure.Failed(f"{len(beside)} ticks while {files} files went; exit code {code}")
    yield result("cleaning.files", files * size / measure.MEGABYTE)
    for name in ("wall", "cpu"):
        middle = [statistics.median(getattr(one, name) for one in them) for them in (beside, alone)]
        yield result(f"cleaning.{name}", *middle)


def _fill(world: World, files: int, size: int) -> Path:
    """What a workspace leaves in the trash."""
    grave = trash(world.folder / "workspaces") / f"BIG.{'0' * 12}"
    data = os.urandom(size)
    for number in range(files):
        if number % IN_A_FOLDER == 0:
            place = grave / str(number // IN_A_FOLDER)
            place.mkdir(parents=True)
        (place / str(number)).write_bytes(data)
    return grave


def _tidy(world: World) -> subprocess.Popen[bytes]:
    runfolder.save(Tidying(AT, (str(world.folder / "workspaces"),)), world.state.tidy)
    command = [sys.executable, "-P", "-m", "symphony_cli.errands.tidy", str(world.state.root)]
    return subprocess.Popen(command, env=world.environ, start_new_session=True)
