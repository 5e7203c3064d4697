"""Scenario: a tick that finds 300 issues in Linear as we left them, and one after a change to one
of them, in twelve ways."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import linear_worlds, living, measure, worlds
from bench.linear_server import Server, serving
from bench.measure import Cost
from bench.rows import Result, result
from bench.worlds import World
from symphony_cli import clock
from symphony_cli.core import events as e
from symphony_cli.core.issue import Issue
from symphony_cli.core.reasons import BlockReason
from symphony_cli.ids import Key
from tests.linear.twelve_ways import WAYS, Kind, acted

RUNNING, QUEUED, BLOCKED, WAITING = 50, 200, 30, 20


@dataclass(frozen=True, slots=True)
class Crowd:
    """The issues by kind, and for each an issue that blocks it, or may do so later."""

    issues: dict[Kind, list[Issue]]
    blockers: dict[str, str]


def crowded(folder: Path, baseline: Cost, rounds: int) -> Iterator[Result]:
    """A tick in which nothing happens, then one for each way."""
    with serving() as server:
        world = linear_worlds.make(folder, server, slots=RUNNING)
        crowd = _gather(server)
        linear_worlds.remember(world, _past(crowd))
        with living.alive(world, crowd.issues["running"]):
            worlds.settle(world)
            _check(world)
            server.told()
            (cost,) = measure.best([world.tick], rounds)
            told = server.told()
            looks = list(_changed(world, server, crowd))
    yield result("linear.crowd.requests", len(told.asked) / rounds)
    yield result("linear.crowd.points", max(one.points for one in told.asked))
    yield result("linear.crowd.up", told.up / rounds)
    yield result("linear.crowd.down", told.down / rounds)
    yield result("linear.crowd.cpu", cost.cpu - baseline.cpu, baseline.cpu)
    yield result("linear.crowd.wall", cost.wall, baseline.wall)
    met = sum(as_wanted for as_wanted, _ in looks)
    yield result("linear.ways.acted", met, len(WAYS))
    yield result("linear.ways.missed", len(WAYS) - met)
    yield result("linear.ways.requests", max(count for _, count in looks))


def _gather(server: Server) -> Crowd:
    wish = linear_worlds.wish
    waiting = server.write([linear_worlds.stranger()] * WAITING)
    names = [one["identifier"] for one in waiting]
    wanted = {
        "running": [wish("In Progress")] * RUNNING,
        "queued": [wish(priority=2), *[wish()] * (QUEUED - 1)],
        "blocked": [wish("In Progress")] * BLOCKED,
        "waiting": [wish(blocked_by=[name]) for name in names],
    }
    found: dict[Kind, list[Issue]] = {}
    for way in WAYS:
        if way.kind not in found:
            made = server.write(wanted[way.kind])
            found[way.kind] = [linear_worlds.issue_of(truth) for truth in made]
    blockers = dict(zip((one.identifier for one in found["waiting"]), names, strict=True))
    (spare,) = server.write([linear_worlds.stranger()])
    others = (issue.identifier for issues in found.values() for issue in issues)
    return Crowd(found, {name: blockers.get(name, spare["identifier"]) for name in others})


def _past(crowd: Crowd) -> list[e.Event]:
    """Who runs and who is blocked is known before the first tick."""
    now = clock.now()
    told = [event for issue in crowd.issues["running"] for event in living.begun(issue, now)]
    for issue in crowd.issues["blocked"]:
        told += [
            e.Sighted(now, issue, Key(issue.identifier)),
            e.Enrolled(now, issue.id),
            e.Blocked(now, issue.id, BlockReason.INPUT, "Which colour?"),
        ]
    return told


def _check(world: World) -> None:
    told = str(worlds.last_tick(world)["summary"])
    passed = f"{BLOCKED} block, {WAITING} blocker, {QUEUED} slots"
    if f"{RUNNING} running" not in told or passed not in told:
        raise measure.Failed(f"the crowd is not what was meant to be measured: {told}")


def _changed(world: World, server: Server, crowd: Crowd) -> Iterator[tuple[bool, int]]:
    """For each way: whether the next tick acted on it, and how often it looked."""
    for number, way in enumerate(WAYS):
        name = crowd.issues[way.kind].pop().identifier
        server.change(number, name, crowd.blockers[name])
        said = _told(world, name)
        looks = sum(one.operation == "Look" for one in server.told().asked)
        yield said == way.acted, looks


def _told(world: World, name: str) -> str:
    """What one tick did about an issue."""
    tick = world.tick
    done = subprocess.run(
        [sys.executable, *tick.arguments, "--json"],
        env=dict(tick.environ),
        cwd=tick.cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode:
        raise measure.Failed(f"a tick of the crowd ended with {done.returncode}: {done.stderr}")
    told = json.loads(done.stdout)
    decisions = [(one["issue_identifier"], one["kind"]) for one in told["decisions"]]
    passed = [(one["issue_identifier"], one["reason"]) for one in told["passed_over"]]
    return acted(name, decisions, passed)
