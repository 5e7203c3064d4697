"""Scenario: the demo, as a newcomer types it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench import measure, worlds
from bench.measure import Command, Cost
from bench.rows import Result, result


def played(folder: Path, baseline: Cost) -> Iterator[Result]:
    """The demo once, from its first line to its last."""
    folder = folder.resolve()
    folder.mkdir()
    arguments = ("-P", "-m", "symphony_cli", "demo")
    cost = measure.once(Command(arguments, worlds.environment(folder), folder))
    yield result("demo.wall", cost.wall, baseline.wall)
