"""`python -m bench [--quick | --full] [--json] [--list]`: one table of figures and ratios."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import (
    cleaning,
    crowd,
    demoing,
    interrupting,
    linear,
    measure,
    resuming,
    supervising,
    table,
    ticks,
    workspaces,
)
from bench.rows import ROWS, Result, expected, result
from bench.worlds import BYTECODE, environment


def main(arguments: list[str] | None = None) -> int:
    """Measure everything; figures beyond their limits are shown and change no exit code."""
    asked = _options(arguments)
    if asked.list:
        print(table.listed(ROWS))
        return 0
    try:
        with tempfile.TemporaryDirectory(prefix="symphony-bench-") as folder:
            found = list(_measured(Path(folder), quick=asked.quick, full=asked.full))
    except measure.Failed as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    by_name = {one.row.name: one for one in found}
    ordered = [by_name[row.name] for row in expected(full=asked.full) if row.name in by_name]
    print(table.as_json(ordered) if asked.json else table.as_text(ordered))
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--quick", action="store_true", help="fewer rounds, a shorter stream")
    length.add_argument("--full", action="store_true", help="a ledger of a million events, too")
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    parser.add_argument("--list", action="store_true", help="name every row, measure nothing")
    return parser.parse_args(arguments)


def _measured(folder: Path, *, quick: bool, full: bool) -> Iterator[Result]:
    # A checkout may have stale bytecode, or none: what is measured compiles its own, once.
    os.environ[BYTECODE] = str(folder / "bytecode")
    rounds = 5 if quick else 15
    baseline = measure.baseline(environment(folder), folder, 2 * rounds)
    yield result("baseline.cpu", baseline.cpu)
    yield result("baseline.rss", baseline.rss)
    yield result("baseline.wall", baseline.wall)
    _say("the idle tick")
    yield from ticks.idle(folder / "idle", baseline, rounds, full=full)
    yield from ticks.timed(folder / "timed", baseline, rounds)
    _say("the replay")
    yield from ticks.replay(folder / "replay", baseline, 1 if quick else 3)
    _say("supervisors")
    yield from supervising.supervised(folder / "run", baseline, 10.0 if quick else 60.0)
    _say("kills")
    yield from resuming.resumed(folder / "kills")
    why = interrupting.missing()
    _say("interruptions" if not why else f"no interruptions, as {why};")
    yield from () if why else interrupting.interrupted(folder / "again")
    _say("a crowded tick")
    yield from crowd.crowded(folder / "crowd", baseline, rounds)
    _say("Linear")
    yield from linear.asked(folder / "linear", baseline, rounds)
    _say("workspaces")
    yield from workspaces.made(folder / "workspaces", 60 if quick else 500)
    _say("cleaning")
    files, size = (1_000_000, 20_000) if full else (40_000 if quick else 200_000, 4_000)
    yield from cleaning.cleaned(folder / "cleaning", files, size, rounds)
    _say("the demo")
    yield from demoing.played(folder / "demo", baseline)


def _say(what: str) -> None:
    print(f"measuring {what} ...", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
