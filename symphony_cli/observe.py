"""Look at the world once: run folders, tracker, disk. Reads only; what fails is a fact, not an end.

Invariant: after `observe` returned, a tick does not look at the world again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from symphony_cli.core.history import History
from symphony_cli.core.reasons import Why
from symphony_cli.core.snapshot import Read, Sighting, Snapshot, TrackerView
from symphony_cli.core.tickfile import TickFile
from symphony_cli.errors import ExitCode, StateError, TrackerError
from symphony_cli.ids import IssueId
from symphony_cli.ports import World


@dataclass(frozen=True, slots=True)
class Observed:
    """A snapshot, and the trouble met while taking it."""

    snapshot: Snapshot
    errors: tuple[str, ...]
    codes: tuple[ExitCode, ...]


def observe(world: World, history: History, last: TickFile, now: datetime) -> Observed:
    """Everything the plan needs to know, as of `now`."""
    runs, run_errors = _runs(world, history)
    view, error = _tracker(world, history, last, now)
    errors = [*run_errors]
    codes = [ExitCode.PARTIAL] if run_errors else []
    if error is not None:
        errors.append(str(error))
        codes.append(error.exit_code)
    snapshot = Snapshot(
        now=now,
        tracker=view,
        runs=runs,
        disk=world.disk(),
        policy_error=world.policy_error,
        looked_at=last.started_at,
        first=tuple(
            IssueId(passed.issue) for passed in last.passed_over if passed.reason == Why.DEADLINE
        ),
    )
    return Observed(snapshot, tuple(errors), tuple(codes))


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


def _tracker(
    world: World, history: History, last: TickFile, now: datetime
) -> tuple[TrackerView, TrackerError | None]:
    """One read; when it fails, what we knew stays as old as it was."""
    try:
        read = world.tracker.look(history.cursor, held(history))
    except TrackerError as error:
        as_of = None if last.facts_as_of is None else min(last.facts_as_of, now)
        return TrackerView(None, as_of, str(error)), error
    return TrackerView(_in_order(read), now), None


def _in_order(read: Read) -> Read:
    """Issues in a fixed order, so that a plan does not depend on a file system's."""
    issues = tuple(sorted(read.issues, key=lambda issue: issue.id))
    return Read(issues, read.missing, read.unknown, read.cursor, read.requests)


def held(history: History) -> tuple[IssueId, ...]:
    """Issues whose absence from a read would mean something."""
    return tuple(
        record.id
        for record in history.records.values()
        if record.finished_at is None and not (record.released == "gone" and not record.running)
    )
