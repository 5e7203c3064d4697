"""Runs that are alive as far as anybody can see from outside: folders, files, and locks held."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from bench.worlds import World
from symphony_cli import clock, processes, runfolder, wiring_config
from symphony_cli.adapters import locks
from symphony_cli.core import events as e
from symphony_cli.core.issue import Issue
from symphony_cli.core.run import Order, PidFile, Settings
from symphony_cli.core.usage import Usage
from symphony_cli.ids import Key, RunId

_SLEEPER = """
import signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(flush=True)
sys.stdin.read()
"""
"""Holds the locks of all runs, and ends with us. A run that is told to stop does not die of it."""


def begun(issue: Issue, now: datetime) -> tuple[e.Event, ...]:
    """It was found, enrolled and dispatched."""
    return (
        e.Sighted(now, issue, Key(issue.identifier)),
        e.Enrolled(now, issue.id),
        e.Dispatched(now, issue.id, _run_id(issue), 1, issue.state),
    )


@contextmanager
def alive(world: World, issues: Sequence[Issue]) -> Iterator[None]:
    """The runs of these issues are alive as long as this lasts."""
    held = []
    for issue in issues:
        descriptor = locks.take_run_lock(world.state.issue_lock(issue.identifier))
        assert descriptor is not None, "nobody else knows this folder"
        held.append(descriptor)
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", _SLEEPER]
    sleeper = subprocess.Popen(command, stdin=pipe, stdout=pipe, pass_fds=held)
    try:
        assert sleeper.stdout is not None
        sleeper.stdout.readline()
        place = wiring_config.locate(str(world.workflow), None, world.environ)
        settings = wiring_config.configure(place).good.settings
        for issue in issues:
            _write_run(world, issue, settings, sleeper.pid)
        for descriptor in held:
            os.close(descriptor)
        yield
    finally:
        sleeper.communicate()


def _run_id(issue: Issue) -> RunId:
    return RunId(f"run_{issue.identifier}")


def _write_run(world: World, issue: Issue, settings: Settings, pid: int) -> None:
    key, now = Key(issue.identifier), clock.now()
    paths = world.state.run(key, 1)
    paths.folder.mkdir(parents=True)
    process = processes.identify(pid)
    assert process is not None, "it sleeps until we end"
    order = Order(
        run=_run_id(issue),
        issue=issue,
        key=key,
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
        thread=f"thread_{key}",
        last_event="item/completed",
        last_event_at=now,
        last_message="I am looking at the report.",
        spent=Usage(90_000, 70_000, 4_000, 1_000, 94_000),
    )
    runfolder.save(order, paths.order, durable=False)
    runfolder.save(sign, paths.pid, durable=False)
