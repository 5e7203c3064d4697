"""Scenarios with Linear: what a tick asks, and what that costs. The server is ours (the one of the
tests), in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from bench import ledgers, linear_crowd, linear_worlds, living, measure, worlds
from bench.linear_server import Server, Told, serving
from bench.measure import Cost
from bench.rows import Result, result
from bench.worlds import World
from symphony_cli import clock

WAITING = 20
EVENTS = 100_000
FIRST = 10_000
_MOST_TICKS = 20

TICKS_AN_HOUR = 120
"""One every 30 s."""

REFERENCE_IDLE, REFERENCE_CROWD = 720, 2_160
"""Requests in an hour of the Symphony written in Elixir, as its sample of a WORKFLOW.md has it: a
poll every 5 s, and in each one page of candidates; with a crowd, one request more for each 50 that
run and each 50 that are blocked (counted in its source)."""


def asked(folder: Path, baseline: Cost, rounds: int) -> Iterator[Result]:
    """All rows of Linear."""
    idle = list(idled(folder / "idle", baseline, rounds))
    crowd = list(linear_crowd.crowded(folder / "crowd", baseline, rounds))
    yield from [*idle, *crowd]
    yield from first(folder / "first", baseline)
    requests = {one.row.name: one.figure for one in (*idle, *crowd)}
    hour = TICKS_AN_HOUR * requests["linear.idle.requests"]
    yield result("linear.hour.idle", hour, REFERENCE_IDLE)
    hour = TICKS_AN_HOUR * requests["linear.crowd.requests"]
    yield result("linear.hour.crowd", hour, REFERENCE_CROWD)


def idled(folder: Path, baseline: Cost, rounds: int) -> Iterator[Result]:
    """S1 with Linear: a tick in which nothing happens, beside a process that only asks once."""
    with ExitStack() as stack:
        nobody, idle, long, fresh = (stack.enter_context(serving()) for _ in range(4))
        settled = [
            _settled(folder / "idle", idle, waiting=0),
            _settled(folder / "long", long, WAITING, EVENTS),
            _settled(folder / "fresh", fresh, WAITING),
        ]
        for server in (idle, long):
            server.told()
        ticks = [world.tick for world in settled]
        commands = [linear_worlds.post(folder, nobody), *ticks]
        post, *costs, young = measure.best(commands, rounds)
        told = [idle.told(), long.told()]
    yield result("linear.post.cpu", post.cpu - baseline.cpu, baseline.cpu)
    for name, cost, heard in zip(("linear.idle", "linear.long"), costs, told, strict=True):
        yield from _idle(name, cost, heard, rounds)
        yield result(f"{name}.cpu", cost.cpu - baseline.cpu, baseline.cpu)
        yield result(f"{name}.own", cost.cpu - post.cpu, baseline.cpu)
        yield result(f"{name}.rss", cost.rss, baseline.rss)
    yield result("linear.long.growth", costs[1].cpu - baseline.cpu, young.cpu - baseline.cpu)


def _idle(name: str, cost: Cost, told: Told, rounds: int) -> Iterator[Result]:
    strange = [one for one in told.asked if (one.operation, one.status) != ("Look", 200)]
    if strange:
        raise measure.Failed(f"{name}: an idle tick asked {strange[0]}")
    yield result(f"{name}.requests", len(told.asked) / rounds)
    yield result(f"{name}.up", told.up / rounds)
    yield result(f"{name}.down", told.down / rounds)


def _settled(folder: Path, server: Server, waiting: int, events: int = 0) -> World:
    """A past of so many events, and issues of which each waits for one that nobody works."""
    names = [one["identifier"] for one in server.write([linear_worlds.stranger()] * waiting)]
    server.write([linear_worlds.wish(blocked_by=[name]) for name in names])
    world = linear_worlds.make(folder, server)
    if events:
        ledgers.write(world.state, str(world.workflow), events)
    worlds.settle(world)
    return world


def first(folder: Path, baseline: Cost) -> Iterator[Result]:
    """The first look at a project of 10,000 issues. One of them runs, so that none is started."""
    with serving() as server:
        (running,) = server.write([linear_worlds.wish("In Progress")])
        server.write([linear_worlds.wish()] * (FIRST - 1))
        world = linear_worlds.make(folder, server, slots=1)
        issue = linear_worlds.issue_of(running)
        linear_worlds.remember(world, living.begun(issue, clock.now()))
        with living.alive(world, [issue]):
            costs = list(_until_known(world))
        told = server.told()
    yield result("linear.first.requests", len(told.asked))
    yield result("linear.first.ticks", len(costs))
    yield result("linear.first.points", max(one.points for one in told.asked))
    yield result("linear.first.down", told.down)
    cpu = sum(cost.cpu - baseline.cpu for cost in costs)
    yield result("linear.first.cpu", cpu, baseline.cpu)
    yield result("linear.first.wall", sum(cost.wall for cost in costs), baseline.wall)
    yield result("linear.first.rss", max(cost.rss for cost in costs), baseline.rss)


def _until_known(world: World) -> Iterator[Cost]:
    """Ticks until all are in line, and only the slots keep them."""
    wanted = f"tick ok: 1 running, {FIRST - 1} in line"
    for _ in range(_MOST_TICKS):
        yield measure.once(world.tick)
        told = worlds.last_tick(world)
        if str(told["summary"]).startswith(wanted):
            passed = told["passed_over"]
            assert isinstance(passed, list)
            if {one["reason"] for one in passed} == {"slots"}:
                return
    raise measure.Failed(f"after {_MOST_TICKS} ticks not all of {FIRST} issues are known")
