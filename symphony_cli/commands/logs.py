"""`symphony logs ISSUE`: what an agent does, or did, as a person would follow it.

Without `follow`: one run, to where it is now. With it: what comes, to the end of the run and over
to the next one of the issue, as long as there may be one; a run that was named is followed alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from symphony_cli import runfolder
from symphony_cli.commands.explain import unseen
from symphony_cli.commands.standing import Standing, standing
from symphony_cli.commands.telling import Raw, RawLine, Source, Telling
from symphony_cli.core.record import Record
from symphony_cli.core.run import Order, Verdict
from symphony_cli.core.said import Entry, Note, RunBegan, RunOver
from symphony_cli.errors import StateError, UsageError
from symphony_cli.ids import Key, RunId
from symphony_cli.paths import RunPaths, StatePaths
from symphony_cli.ports import World

POLL = 0.25
"""Seconds between looks at the files of a living run."""

IDLE = 2.0
"""Seconds between looks at the ledger while nothing runs."""

_LIFE_EVERY = 12
"""Looks at the files between looks at the lock."""

_RESTING = {
    "finished": "{name} is finished ({why}): no further run will come.",
    "blocked": "{name} is blocked ({why}): no further run will come before that is cleared.",
    "released": "{name} is not ours to work on now ({why}): no further run is planned.",
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """An issue, its runs that have a folder, and the one to begin with; None before the first."""

    key: Key
    name: str
    numbers: tuple[int, ...]
    number: int | None
    pinned: bool = False
    """The run was asked for by its number."""


@dataclass(frozen=True, slots=True)
class Watch:
    """How to follow, and where the news come from."""

    look: Callable[[], World]
    """The world anew: the ledger grows while we watch."""
    sleep: Callable[[float], None]


def choose(world: World, name: str, run: int | None) -> Chosen:
    """The run that is meant: the one asked for, or the newest.

    Raises:
        UsageError: nobody ever saw such an issue, or it has no such run.
    """
    record = world.ledger.history().named(name)
    if record is None:
        raise UsageError(unseen(name, world.policy))
    numbers = tuple(_state(world).numbers(record.key))
    shown = record.issue.identifier
    if run is not None and run not in numbers:
        there = ", ".join(map(str, numbers)) or "none"
        raise UsageError(f"{shown} has no run {run}. Runs that have a folder: {there}.")
    newest = numbers[-1] if numbers else None
    return Chosen(record.key, shown, numbers, newest if run is None else run, run is not None)


def logs(
    world: World, chosen: Chosen, *, raw: bool = False, watch: Watch | None = None
) -> Iterator[Entry | RawLine]:
    """What the chosen run told; with `watch`, also what it will tell, and the runs after it.

    Raises:
        StateError: a file is there and cannot be read.
    """
    number = chosen.number
    if number is None:
        yield Note(world.clock(), _no_run(world, chosen))
        if watch is not None:
            number = yield from _next(world, chosen, 0, watch)
    while number is not None:
        yield from _one(world, chosen, number, raw, watch)
        if watch is None or chosen.pinned:
            return
        number = yield from _next(world, chosen, number, watch)


def _one(
    world: World, chosen: Chosen, number: int, raw: bool, watch: Watch | None
) -> Iterator[Entry | RawLine]:
    paths = _state(world).run(chosen.key, number)
    source: Source = Raw(paths) if raw else Telling(paths)
    with closing(source):
        yield _began(world, chosen, paths)
        yield from _missing(world, paths, source)
        if watch is not None:
            yield from _live(world, chosen, paths, source, watch)
            return
        yield from source.all()
        yield _end(world, chosen, paths)


def _state(world: World) -> StatePaths:
    return StatePaths(Path(world.state_dir))


def _no_run(world: World, chosen: Chosen) -> str:
    return (
        f"{chosen.name} has no run yet ({_why(world, chosen)}); "
        f"`symphony status {chosen.name}` says more."
    )


def _record(world: World, chosen: Chosen) -> Record | None:
    return world.ledger.history().named(chosen.key)


def _why(world: World, chosen: Chosen) -> str:
    stands = _standing(world, chosen)
    return ": ".join((stands.kind, *stands.why[:1]))


def _standing(world: World, chosen: Chosen) -> Standing:
    record = _record(world, chosen)
    if record is None:
        return Standing("unknown", ())
    history = world.ledger.history()
    return standing(record, world.policy, world.bulletin.last().by_issue(), world.clock(), history)


def _began(world: World, chosen: Chosen, paths: RunPaths) -> RunBegan:
    order = _order(paths)
    numbers = tuple(_state(world).numbers(chosen.key))
    if order is None:
        at = world.clock()
        return RunBegan(at, chosen.name, "", chosen.key, paths.number, numbers)
    return RunBegan(
        at=order.ordered_at or world.clock(),
        issue=order.issue.identifier,
        title=order.issue.title,
        key=chosen.key,
        number=paths.number,
        of=numbers,
        attempt=order.attempt,
        kind=order.retry_kind.value if order.retry_kind is not None else "",
    )


def _order(paths: RunPaths) -> Order | None:
    try:
        return runfolder.order(paths)
    except StateError:
        return None


def _missing(world: World, paths: RunPaths, source: Source) -> Iterator[Note]:
    """Say so when a run that spoke with an agent has no transcript any more."""
    verdict = _verdict(paths)
    if not source.has_transcript and verdict is not None and verdict.thread is not None:
        told = "" if isinstance(source, Raw) else ": this is what its report has"
        yield Note(world.clock(), f"The transcript of this run is not there any more{told}.")


def _verdict(paths: RunPaths) -> Verdict | None:
    try:
        return runfolder.verdict(paths)
    except StateError:
        return None


def _live(
    world: World, chosen: Chosen, paths: RunPaths, source: Source, watch: Watch
) -> Iterator[Entry | RawLine]:
    """A run to its end: its verdict, or the run after it."""
    yield from source.all()
    looks, lost = 0, False
    while True:
        # First whether it is over, then the last read: nothing comes after a verdict.
        newer = _state(world).numbers(chosen.key)[-1:]
        over = paths.verdict.exists() or any(number > paths.number for number in newer)
        if over:
            yield from source.all()
            yield _end(world, chosen, paths)
            return
        yield from source.new()
        looks += 1
        if not lost and looks % _LIFE_EVERY == 0 and not _lives(world, chosen, paths):
            lost = not paths.verdict.exists()
            if lost:
                yield Note(world.clock(), _GONE)
        watch.sleep(POLL)


_GONE = "This run is gone and has left no verdict. The next tick finishes it and goes on."


def _lives(world: World, chosen: Chosen, paths: RunPaths) -> bool:
    order = _order(paths)
    return order is None or world.agents.sight(chosen.key, RunId(order.run)).alive


def _end(world: World, chosen: Chosen, paths: RunPaths) -> RunOver | Note:
    verdict = _verdict(paths)
    if verdict is not None:
        return _over(world, paths, verdict)
    if paths.verdict.exists():
        return Note(world.clock(), f"{paths.verdict} cannot be understood.")
    newest = _state(world).numbers(chosen.key)[-1:] == [paths.number]
    if newest and _lives(world, chosen, paths):
        return Note(world.clock(), f"It goes on: `symphony logs {chosen.name} -f` follows it.")
    return Note(world.clock(), _GONE if newest else "This run left no verdict.")


def _over(world: World, paths: RunPaths, verdict: Verdict) -> RunOver:
    ended, began, git = verdict.ended_at, verdict.started_at, verdict.git
    return RunOver(
        at=ended or world.clock(),
        number=paths.number,
        outcome=verdict.outcome,
        reason=verdict.reason,
        detail=verdict.detail,
        turns=verdict.turns,
        spent=verdict.spent,
        seconds=max(0.0, (ended - began).total_seconds()) if ended and began else None,
        commits=git.commits if git is not None else None,
        branch=verdict.branch,
        rescue=git.rescue if git is not None else "",
        last_message=verdict.last_message,
    )


def _next(
    world: World, chosen: Chosen, after: int, watch: Watch
) -> Generator[Note, None, int | None]:
    """Wait for the next run; its number, or None once none will come of itself."""
    said = ""
    for looks in itertools.count():
        coming = [number for number in _state(world).numbers(chosen.key) if number > after]
        if coming:
            return coming[0]
        now = watch.look()
        stands = _standing(now, chosen)
        kind = stands.kind
        if kind in _RESTING:
            sentence = _RESTING[kind].format(name=chosen.name, why="; ".join(stands.why[:1]))
            yield Note(now.clock(), sentence)
            return None
        settled = kind != "running"
        if kind != said and (settled or looks == 1):
            said = kind
            what = f"the next run ({_why(now, chosen)})" if settled else "a tick to take this in"
            yield Note(now.clock(), f"Waiting for {what}.")
        watch.sleep(IDLE)
    return None
