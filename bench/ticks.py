"""Scenarios: the idle tick before ledgers of several lengths (S1), and the replay of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from bench import ledgers, measure, worlds
from bench.measure import Command, Cost
from bench.rows import Result, result
from bench.worlds import World

WAITING = 20
REPLAYED = 100_000

_REPLAY = """
import sys
from pathlib import Path
from symphony_cli.adapters.ledger import view_ledger
from symphony_cli.paths import StatePaths
view_ledger(StatePaths(Path(sys.argv[1])), sys.argv[2])
"""


def idle(folder: Path, baseline: Cost, rounds: int, *, full: bool) -> Iterator[Result]:
    """S1: what a tick costs in which nothing happens."""
    lengths = {"s1.empty": 0, "s1.100k": 100_000} | ({"s1.1m": 1_000_000} if full else {})
    found = {name: _world(folder / name, count) for name, count in lengths.items()}
    costs = measure.best([world.tick for world in found.values()], rounds)
    empty = costs[0].cpu - baseline.cpu
    for (name, world), cost in zip(found.items(), costs, strict=True):
        above = cost.cpu - baseline.cpu
        yield result(f"{name}.cpu", above, baseline.cpu)
        yield result(f"{name}.rss", cost.rss, baseline.rss)
        yield result(f"{name}.requests", _requests(worlds.last_tick(world)))
        if name != "s1.empty":
            yield result(f"{name}.growth", above, empty)


def timed(folder: Path, baseline: Cost, rounds: int) -> Iterator[Result]:
    """S1 as a systemd timer starts it: INVOCATION_ID (systemd.exec(5)) is another each time."""
    world = _world(folder, 0)
    costs = [measure.once(_invoked(world.tick, number)) for number in range(rounds)]
    yield result("s1.timer.cpu", min(cost.cpu for cost in costs) - baseline.cpu, baseline.cpu)


def _invoked(tick: Command, number: int) -> Command:
    return replace(tick, environ={**tick.environ, "INVOCATION_ID": f"{number:032x}"})


def _world(folder: Path, count: int) -> World:
    """A settled world in which each of 20 issues waits for the next one."""
    world = worlds.make(folder)
    for number in range(WAITING):
        worlds.add_issue(world, f"W-{number}", blocker=f"W-{(number + 1) % WAITING}")
    if count:
        ledgers.write(world.state, str(world.workflow), count)
    worlds.settle(world)
    return world


def _requests(told: Mapping[str, object]) -> float:
    return float(str(told.get("requests", 0)))


def replay(folder: Path, baseline: Cost, rounds: int) -> Iterator[Result]:
    """The fold of a whole ledger by a process that has nothing else to do."""
    world = worlds.make(folder)
    ledgers.write(world.state, str(world.workflow), REPLAYED)
    arguments = ("-P", "-c", _REPLAY, str(world.state.root), str(world.workflow))
    (cost,) = measure.best([Command(arguments, world.environ, world.folder)], rounds)
    above = cost.cpu - baseline.cpu
    yield result("replay.cpu", above, baseline.cpu)
    yield result("replay.rate", REPLAYED / above)
    yield result("replay.rss", cost.rss, baseline.rss)
