"""Scenario: a tick that finds many runs alive and a long queue (S3)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench import living, measure, worlds
from bench.measure import Cost
from bench.rows import Result, result
from symphony_cli import clock, ids
from symphony_cli.adapters.ledger import FileLedger
from symphony_cli.core.issue import Issue
from symphony_cli.ids import IssueId

RUNNING, QUEUED = 50, 1_000


def crowded(folder: Path, baseline: Cost, rounds: int) -> Iterator[Result]:
    """S3: real files, a fresh process each time."""
    world = worlds.make(folder, slots=RUNNING)
    running = [_issue(f"RUN-{number}") for number in range(RUNNING)]
    for issue in running:
        worlds.add_issue(world, issue.identifier, state="In Progress")
    for number in range(QUEUED):
        worlds.add_issue(world, f"QUEUED-{number}")
    book = FileLedger(world.state, str(world.workflow), clock.now, ids.new_ledger_id)
    for issue in running:
        book.append(*living.begun(issue, clock.now()))
    with living.alive(world, running):
        worlds.settle(world)
        (cost,) = measure.best([world.tick], rounds)
    told = str(worlds.last_tick(world)["summary"])
    if not told.startswith(f"tick ok: {RUNNING} running, {QUEUED} in line"):
        raise measure.Failed(f"the crowd is not what was meant to be measured: {told}")
    yield result("s3.wall", cost.wall, baseline.wall)
    yield result("s3.cpu", cost.cpu - baseline.cpu, baseline.cpu)
    yield result("s3.rss", cost.rss, baseline.rss)


def _issue(name: str) -> Issue:
    return Issue(id=IssueId(name), identifier=name, title=name, state="In Progress")
