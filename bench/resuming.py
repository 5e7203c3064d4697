"""Scenario: supervisors are killed, and a timer's ticks bring their agents back."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import TypeVar

from bench.measure import Failed
from bench.rows import Result, result
from symphony_cli import clock, processes, runfolder
from symphony_cli.core.events import Ended
from symphony_cli.core.report import ThreadBegan, TurnBegan
from symphony_cli.demo.material import scripted_command
from symphony_cli.paths import RunPaths
from tests.real.house import House, furnish

T = TypeVar("T")

EVERY = 10.0
"""Seconds between two ticks."""

KILLED_AFTER = {"K-1": 1.0, "K-2": 4.0, "K-3": 8.0}
"""Seconds between the end of a tick and the kill: early, half-way and late."""

_PATIENCE = 120.0
_USAGE = {"input": 1000, "cached_input": 900, "output": 10}
_TURN = [{"say": "I look around.", "usage": _USAGE}, {"wait": 600}]


def resumed(folder: Path) -> Iterator[Result]:
    """Seconds from SIGKILL of a supervisor to the next turn on its thread, three times."""
    house = _house(folder.resolve())
    try:
        with _ticking(house):
            killed = _kill_all(house)
            back = {name: _next_turn(house, name) for name in KILLED_AFTER}
        waits = [event.wait for event in house.events() if isinstance(event, Ended)]
    finally:
        house.end()
    seconds = sorted((back[name] - killed[name]).total_seconds() for name in KILLED_AFTER)
    yield result("kill.fastest", seconds[0], EVERY)
    yield result("kill.median", median(seconds), EVERY)
    yield result("kill.slowest", seconds[-1], EVERY)
    yield result("kill.backoff", median(waits), EVERY)


def _house(folder: Path) -> House:
    """Three issues whose agents say a word and then wait."""
    agents = folder / "agents"
    (agents / "home").mkdir(parents=True)
    script = {"issues": [{"match": f"Issue {name}:", "turns": [_TURN]} for name in KILLED_AFTER]}
    (agents / "script.json").write_text(json.dumps(script))
    command = scripted_command(sys.executable, agents / "script.json")
    slots = {"max_concurrent_agents": len(KILLED_AFTER), "max_retry_backoff_ms": 300_000}
    codex = {"command": command, "home": str(agents / "home")}
    house = furnish(folder / "house", {"agent": slots, "codex": codex})
    for name in KILLED_AFTER:
        house.write_issue(name)
    return house


@contextmanager
def _ticking(house: House) -> Iterator[None]:
    """A timer, as `symphony tick --every` is one."""
    command = house.command("tick", "--every", f"{EVERY:g}")
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, env=house.environ, stdout=quiet, stderr=quiet)
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


def _kill_all(house: House) -> dict[str, datetime]:
    """Kill each at its moment after one of the ticks; when that was."""
    for name in KILLED_AFTER:
        _until(partial(_began, house, name, 1), f"the first turn of {name}")
    before = house.state.tick.stat().st_mtime_ns
    _until(lambda: house.state.tick.stat().st_mtime_ns != before, "the next tick")
    began, killed = time.monotonic(), {}
    for name, after in KILLED_AFTER.items():
        time.sleep(max(0.0, began + after - time.monotonic()))
        sign = runfolder.pid_file(house.runs(name)[0])
        if sign is None or not processes.signal_if_same(sign.process, signal.SIGKILL):
            raise Failed(f"the supervisor of {name} was gone before its time")
        killed[name] = clock.now()
    return killed


def _next_turn(house: House, name: str) -> datetime:
    turn = _until(partial(_began, house, name, 2), f"the next turn of {name}")
    first, second = (_thread(run) for run in house.runs(name)[:2])
    if first != second:
        raise Failed(f"{name} went on with another thread")
    return turn


def _began(house: House, name: str, number: int) -> datetime | None:
    """When the first turn of this run began, once its thread is known."""
    runs = house.runs(name)
    if len(runs) < number or not _thread(runs[number - 1]):
        return None
    return next((turn.at for turn in house.lines(runs[number - 1], TurnBegan)), None)


def _thread(run: RunPaths) -> str:
    lines = runfolder.report_lines(run)
    return next((line.thread.id for line in lines if isinstance(line, ThreadBegan)), "")


def _until(question: Callable[[], T | None], what: str) -> T:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        answer = question()
        if answer is not None and answer is not False:
            return answer
        time.sleep(0.05)
    raise Failed(f"{what} did not come within {_PATIENCE:.0f} s")
