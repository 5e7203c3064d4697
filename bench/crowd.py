"""Scenario: a tick that finds many runs alive and a long queue (S3)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench import measure, worlds
from bench.measure import Cost
from bench.rows import Result, result
from bench.worlds import World
from symphony_cli import clock, ids, processes, runfolder, wiring_config
from symphony_cli.adapters import locks
from symphony_cli.adapters.ledger import FileLedger
from symphony_cli.core import events as e
from symphony_cli.core.issue import Issue
from symphony_cli.core.run import Order, PidFile, Settings
from symphony_cli.core.usage import Usage
from symphony_cli.ids import IssueId, Key, RunId

RUNNING, QUEUED = 50, 1_000

_SLEEPER = "import sys; sys.stdin.read()"
"""Holds the locks of all runs, and ends with us."""


def crowded(folder: Path, baseline: Cost, rounds: int) -> Iterator[Result]:
    """S3: real files, a fresh process each time."""
    world = worlds.make(folder, slots=RUNNING)
    running = [f"RUN-{number}" for number in range(RUNNING)]
    for name in running:
        worlds.add_issue(world, name, state="In Progress")
    for number in range(QUEUED):
        worlds.add_issue(world, f"QUEUED-{number}")
    _tell_ledger(world, running)
    with _runs(world, running):
        worlds.settle(world)
        (cost,) = measure.best([world.tick], rounds)
    told = str(worlds.last_tick(world)["summary"])
    if not told.startswith(f"tick ok: {RUNNING} running, {QUEUED} in line"):
        raise measure.Failed(f"the crowd is not what was meant to be measured: {told}")
    yield result("s3.wall", cost.wall, baseline.wall)
    yield result("s3.cpu", cost.cpu - baseline.cpu, baseline.cpu)
    yield result("s3.rss", cost.rss, baseline.rss)


def _run_id(name: str) -> RunId:
    return RunId(f"run_{name}")


def _issue(name: str) -> Issue:
    return Issue(id=IssueId(name), identifier=name, title=name, state="In Progress")


def _tell_ledger(world: World, names: Sequence[str]) -> None:
    """Each of them was found, enrolled and dispatched."""
    now = clock.now()
    book = FileLedger(world.state, str(world.workflow), clock.now, ids.new_ledger_id)
    for name in names:
        issue = _issue(name)
        book.append(
            e.Sighted(now, issue, Key(name)),
            e.Enrolled(now, issue.id),
            e.Dispatched(now, issue.id, _run_id(name), 1, issue.state),
        )


@contextmanager
def _runs(world: World, names: Sequence[str]) -> Iterator[None]:
    """Runs that are alive as long as this lasts, as far as anybody can see from outside."""
    held = []
    for name in names:
        descriptor = locks.take_run_lock(world.state.issue_lock(name))
        assert descriptor is not None, "nobody else knows this folder"
        held.append(descriptor)
    sleeper = subprocess.Popen(
        [sys.executable, "-c", _SLEEPER], stdin=subprocess.PIPE, pass_fds=held
    )
    try:
        place = wiring_config.locate(str(world.workflow), None, world.environ)
        settings = wiring_config.configure(place).good.settings
        for name in names:
            _write_run(world, name, settings, sleeper.pid)
        for descriptor in held:
            os.close(descriptor)
        yield
    finally:
        sleeper.communicate()


def _write_run(world: World, name: str, settings: Settings, pid: int) -> None:
    paths = world.state.run(name, 1)
    paths.folder.mkdir(parents=True)
    process = processes.identify(pid)
    assert process is not None, "it sleeps until we end"
    now = clock.now()
    order = Order(
        run=_run_id(name),
        issue=_issue(name),
        key=Key(name),
        number=1,
        attempt=1,
        settings=settings,
        state_dir=str(world.state.root),
        ordered_at=now,
    )
    sign = PidFile(
        run=order.run,
        process=process,
        phase="turn",
        beat_at=now,
        groups=(pid,),
        answered=True,
        turns=3,
        thread=f"thread_{name}",
        last_event="item/completed",
        last_event_at=now,
        last_message="I am looking at the report.",
        spent=Usage(90_000, 70_000, 4_000, 1_000, 94_000),
    )
    runfolder.save(order, paths.order, durable=False)
    runfolder.save(sign, paths.pid, durable=False)
