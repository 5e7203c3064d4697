"""Scenario: real supervisors, each under an even stream of events (S2)."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
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


CROWDS = {"s2": 1, "s2.ten": 10, "s2.fifty": 50}
"""How many supervisors are measured at once, by the beginning of the rows' names."""


@dataclass(frozen=True, slots=True)
class Load:
    """Of some supervisors at once: the largest RSS and the highest one so far, all their PSS
    together (MB), the mean share of a core, and the mean of events that arrived in a second."""

    rss: float
    peak: float
    together: float
    cpu: float
    events: float


def supervised(folder: Path, baseline: Cost, seconds: float) -> Iterator[Result]:
    """S2: memory at the end of the time, and the share of a core in it, of 1, 10 and 50."""
    for name, count in CROWDS.items():
        load = _measured(folder.resolve() / name, count, seconds)
        yield result(f"{name}.rss", load.rss, baseline.rss)
        yield result(f"{name}.peak", load.peak, baseline.rss)
        if count > 1:
            yield result(f"{name}.together", load.together)
        yield result(f"{name}.cpu", 100 * load.cpu, 100 * baseline.cpu)
        yield result(f"{name}.events", load.events)


def _measured(folder: Path, count: int, seconds: float) -> Load:
    places = [_run_folder(folder / f"run-{number}") for number in range(1, count + 1)]
    environ = worlds.environment(folder)
    compiled = ("-P", "-c", f"import {SUPERVISOR}.__main__")
    # Compiling costs memory, and only once.
    measure.once(Command(compiled, environ, places[0].folder))
    with ExitStack() as at_last:
        pids = [at_last.enter_context(_supervisor(paths, environ)) for paths in places]
        for paths, process in zip(places, pids, strict=True):
            _wait_for_turn(paths, process)
        time.sleep(_WARM_UP)
        numbers = [process.pid for process in pids]
        events = sum(map(_heard, places))
        began, cpu = time.monotonic(), sum(map(measure.cpu_of, numbers))
        time.sleep(seconds)
        lasted, used = time.monotonic() - began, sum(map(measure.cpu_of, numbers)) - cpu
        told = sum(map(_heard, places)) - events
        memory = [measure.memory_of(pid) for pid in numbers]
        together = sum(map(measure.share_of, numbers))
    now, peak = (max(column) for column in zip(*memory, strict=True))
    return Load(now, peak, together, used / lasted / count, told / lasted / count)


def _run_folder(folder: Path) -> RunPaths:
    """What tick and prepare leave for a supervisor; the emitter is a Python that imports little,
    for fifty of them must not be what is measured."""
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
        run=RunId(f"run_bench_{folder.name}"),
        issue=Issue(IssueId("A-1"), "A-1", "A title", "Todo"),
        key=Key("A-1"),
        number=1,
        attempt=1,
        settings=settings,
        state_dir=str(folder / "state"),
        ordered_at=clock.now(),
    )
    program = str(Path(emitter.__file__).resolve())
    argv = (sys.executable, "-I", "-S", program, str(PER_SECOND))
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
