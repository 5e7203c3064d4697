"""Scenario: a real supervisor under an even stream of events (S2)."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import emitter, measure, worlds
from bench.measure import Command, Cost
from bench.rows import Result, result
from symphony_cli import clock, processes, runfolder
from symphony_cli.adapters import locks
from symphony_cli.core.issue import Issue
from symphony_cli.core.run import (
    Brief,
    Order,
    PromptSettings,
    Settings,
    TrackerRef,
    WorkspaceSettings,
)
from symphony_cli.ids import IssueId, Key, RunId
from symphony_cli.paths import RunPaths

PER_SECOND = 10.0
SUPERVISOR = "symphony_cli.supervisor"
_OPENS_WITHIN = 30.0
_WARM_UP = 2.0


def supervised(folder: Path, baseline: Cost, seconds: float) -> Iterator[Result]:
    """S2: RSS at the end of the time, and the share of a core in it."""
    paths = _run_folder(folder.resolve())
    environ = worlds.environment(folder.resolve())
    compiled = ("-P", "-c", f"import {SUPERVISOR}.__main__")
    measure.once(Command(compiled, environ, paths.folder))  # compiling costs memory, and only once
    with _supervisor(paths, environ) as process:
        _wait_for_turn(paths, process)
        time.sleep(_WARM_UP)
        began, cpu, events = time.monotonic(), measure.cpu_of(process.pid), _heard(paths)
        time.sleep(seconds)
        lasted = time.monotonic() - began
        used, told = measure.cpu_of(process.pid) - cpu, _heard(paths) - events
        rss, peak = measure.memory_of(process.pid)
    yield result("s2.rss", rss, baseline.rss)
    yield result("s2.peak", peak, baseline.rss)
    yield result("s2.cpu", 100 * used / lasted, 100 * baseline.cpu)
    yield result("s2.events", told / lasted)


def _run_folder(folder: Path) -> RunPaths:
    """What tick and prepare leave for a supervisor."""
    paths = RunPaths(folder / "state" / "runs" / "A-1" / "1")
    workspace = folder / "workspace"
    for place in (paths.folder, workspace):
        place.mkdir(parents=True)
    settings = Settings(
        workspace=WorkspaceSettings(str(folder)),
        tracker=TrackerRef("markdown", f"markdown:{folder}", str(folder / "WORKFLOW.md")),
        prompt=PromptSettings("Do it."),
    )
    order = Order(
        run=RunId("run_bench"),
        issue=Issue(IssueId("A-1"), "A-1", "A title", "Todo"),
        key=Key("A-1"),
        number=1,
        attempt=1,
        settings=settings,
        state_dir=str(folder / "state"),
        ordered_at=clock.now(),
    )
    argv = (sys.executable, str(Path(emitter.__file__).resolve()), str(PER_SECOND))
    brief = Brief(str(workspace), argv=argv, prompt="Do it.", continuation="Go on.")
    runfolder.save(order, paths.order)
    runfolder.save(brief, paths.brief)
    return paths


@contextmanager
def _supervisor(paths: RunPaths, environ: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """The second act of a run, as prepare would become it; killed in the end, and the emitter
    with it, whose input is over then."""
    lock = locks.take_run_lock(paths.lock)
    assert lock is not None, "nobody else knows this folder"
    command = processes.act_command(SUPERVISOR, paths.folder, [lock], None)
    process = subprocess.Popen(
        command,
        cwd=paths.folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        pass_fds=[lock],
        start_new_session=True,
    )
    os.close(lock)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _wait_for_turn(paths: RunPaths, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _OPENS_WITHIN
    while _heard(paths) == 0:
        if process.poll() is not None or time.monotonic() > until:
            raise measure.Failed("the supervisor did not get to its first turn")
        time.sleep(0.05)


def _heard(paths: RunPaths) -> int:
    """Messages of the turn so far, as the transcript has them."""
    if not paths.transcript.exists():
        return 0
    return paths.transcript.read_bytes().count(b'"threadId": "thread-bench"')
