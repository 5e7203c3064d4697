"""Look at the world once: run folders, tracker, disk. Reads only; what fails is a fact, not an end.

Invariant: after `observe` returned, a tick does not look at the world again.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from symphony_cli.core.endings import ENDED_BY
from symphony_cli.core.history import History
from symphony_cli.core.intake import doubts
from symphony_cli.core.reasons import Cause, Why
from symphony_cli.core.record import GONE, Record
from symphony_cli.core.snapshot import (
    Held,
    Read,
    RemovalSight,
    Sighting,
    Snapshot,
    TrackerView,
)
from symphony_cli.core.tickfile import TickFile
from symphony_cli.errors import (
    ConfigError,
    ExitCode,
    KeyRejected,
    PutOff,
    RateLimited,
    StateError,
    TrackerError,
)
from symphony_cli.ids import IssueId
from symphony_cli.ports import World

CLOCKS_DIFFER = timedelta(days=1)
"""How far the tracker's clock may be behind ours."""


@dataclass(frozen=True, slots=True)
class Observed:
    """A snapshot, and the trouble met while taking it."""

    snapshot: Snapshot
    errors: tuple[str, ...]
    codes: tuple[ExitCode, ...]
    problems: tuple[str, ...] = ()
    """Names that the tracker does not have, by this answer or the last one."""
    note: str = ""
    """What is no error but a person wants to know: why nobody was asked."""
    ask_at: datetime | None = None
    """Before this the tracker is not asked again."""
    doubts: dict[IssueId, str] = field(default_factory=dict)
    """Rows that nobody may believe yet; for the next tick."""


def observe(
    world: World, history: History, last: TickFile, now: datetime, *, full: bool = False
) -> Observed:
    """Everything the plan needs to know, as of `now`."""
    runs, run_errors = _runs(world, history)
    view, error = _tracker(world, history, last, now, full)
    errors, codes = [*run_errors], [ExitCode.PARTIAL] if run_errors else []
    if error is not None and not isinstance(error, PutOff):
        errors.append(str(error))
        codes.append(error.exit_code)
    problems = _problems(view, error, last)
    if view.read is not None and problems:
        errors += problems
        codes.append(ExitCode.CONFIG)
    problem = world.policy_error or (problems[0] if problems else "")
    wait = error.wait if isinstance(error, (PutOff, RateLimited)) else None
    snapshot = Snapshot(
        now=now,
        tracker=view,
        runs=runs,
        disk=world.disk(),
        policy_error=problem,
        misnamed=frozenset(sentence.partition(" ")[0] for sentence in problems),
        first_poll=last.first_poll if view.read is None else view.read.first_poll,
        looked_at=last.started_at,
        doubts={IssueId(issue): said for issue, said in last.doubts.items()},
        first=tuple(
            IssueId(passed.issue) for passed in last.passed_over if passed.reason == Why.DEADLINE
        ),
        removals=removals(world, history),
        tidied_at=world.agents.tidied_at(),
    )
    return Observed(
        snapshot,
        tuple(errors),
        tuple(codes),
        problems=problems,
        note=str(error) if isinstance(error, PutOff) else "",
        ask_at=None if wait is None else now + timedelta(seconds=wait),
        doubts=doubts(view.read, history, world.policy.rules) if view.read else {},
    )


def _runs(world: World, history: History) -> tuple[dict[IssueId, Sighting], list[str]]:
    """A sighting of every run; one whose folder cannot be read is left out, and so left alone."""
    seen, errors = {}, []
    for record in history.records.values():
        if record.running is None:
            continue
        try:
            sighting = world.agents.sight(record.key, record.running.run)
        except StateError as error:
            errors.append(f"{record.issue.identifier}: {error}")
            continue
        if sighting.trouble:
            errors.append(f"{record.issue.identifier}: {sighting.trouble}")
        seen[record.id] = sighting
    return seen, errors


def removals(world: World, history: History) -> dict[IssueId, RemovalSight]:
    """What can be seen of each removal that goes on as far as the ledger knows."""
    return {
        record.id: world.agents.removal(record.key, record.removal.run)
        for record in history.records.values()
        if record.removal is not None
    }


def _tracker(
    world: World, history: History, last: TickFile, now: datetime, full: bool
) -> tuple[TrackerView, TrackerError | ConfigError | None]:
    """One read; when it fails, what we knew stays as old as it was."""
    try:
        read = world.tracker.look(history.cursor, held(history, last), full=full)
    except (TrackerError, ConfigError) as error:
        as_of = None if last.facts_as_of is None else min(last.facts_as_of, now)
        return _unread(error, as_of), error
    return TrackerView(_in_order(read), now), None


def _unread(error: TrackerError | ConfigError, as_of: datetime | None) -> TrackerView:
    wait = error.wait if isinstance(error, (PutOff, RateLimited)) else 0.0
    reachable, rejected = isinstance(error, PutOff), isinstance(error, KeyRejected)
    return TrackerView(None, as_of, str(error), reachable, rejected, wait)


def _problems(
    view: TrackerView, error: TrackerError | ConfigError | None, last: TickFile
) -> tuple[str, ...]:
    """What the tracker does not have; when it says nothing now, what it said last."""
    if isinstance(error, ConfigError):
        return (str(error),)
    return last.problems if view.read is None else view.read.problems


def _in_order(read: Read) -> Read:
    """Issues in a fixed order, so that a plan does not depend on a file system's."""
    issues = tuple(sorted(read.issues, key=lambda issue: issue.id))
    return replace(read, issues=issues)


def _comments_since(record: Record) -> datetime | None:
    """What a person wrote may end a block; our clock and the tracker's need not agree."""
    block = record.block
    if block is None or Cause.COMMENT not in ENDED_BY[block.reason]:
        return None
    return block.at - CLOCKS_DIFFER


def held(history: History, last: TickFile) -> tuple[Held, ...]:
    """Issues that are read by id: those whose absence would mean something, running ones first,
    and those of which the tick before met a row that it did not believe."""
    wanted = [
        Held(record.issue, record.running is not None, _comments_since(record))
        for record in history.records.values()
        if record.finished_at is None and not (record.released == GONE and not record.running)
    ]
    known = {one.id for one in wanted}
    doubted = (history.find(IssueId(issue)) for issue in last.doubts if issue not in known)
    others = [Held(record.issue) for record in doubted if record is not None]
    return tuple(sorted([*wanted, *others], key=lambda one: not one.running))
