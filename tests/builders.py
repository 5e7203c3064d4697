"""Short ways to say what a test is about: an issue, what happened to it, what the world shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from symphony_cli.core import events as e
from symphony_cli.core.history import History
from symphony_cli.core.issue import Blocker, Issue
from symphony_cli.core.reasons import Outcome, RetryKind
from symphony_cli.core.record import Record
from symphony_cli.core.run import Identity, PidFile, RunLimits, Verdict
from symphony_cli.core.snapshot import Disk, Read, Sighting, Snapshot, TrackerView
from symphony_cli.core.usage import Usage
from symphony_cli.ids import IssueId, Key, RunId

NOW = datetime(2025, 11, 20, 9, 0, tzinfo=UTC)


def later(seconds: float) -> datetime:
    """`NOW` and so many seconds; negative: before it."""
    return NOW + timedelta(seconds=seconds)


def iid(name: str) -> IssueId:
    """The id that `issue(name)` has."""
    return IssueId(f"id-{name}")


def rid(name: str = "run_1") -> RunId:
    """A run id."""
    return RunId(name)


def issue(name: str = "ABC-1", state: str = "Todo", **more: Any) -> Issue:
    """An issue that may be worked under the default rules."""
    return Issue(id=iid(name), identifier=name, title=f"About {name}", state=state, **more)


def blocker(name: str = "ABC-9", state: str = "Todo", open: bool | None = True) -> Blocker:
    """Something that must close first."""
    return Blocker(name, state, open, iid(name))


def sighted(name: str = "ABC-1", state: str = "Todo", at: datetime = NOW, **more: Any) -> e.Sighted:
    """The tracker told us of an issue; its key is its identifier."""
    return e.Sighted(at, issue(name, state, **more), Key(name))


def enrolled(name: str = "ABC-1", at: datetime = NOW) -> e.Enrolled:
    """The issue took its place."""
    return e.Enrolled(at, iid(name))


def dispatched(
    name: str = "ABC-1", run: str = "run_1", state: str = "Todo", at: datetime = NOW, **more: Any
) -> e.Dispatched:
    """A run was ordered."""
    attempt, limits = more.pop("attempt", 1), more.pop("limits", RunLimits())
    return e.Dispatched(at, iid(name), rid(run), attempt, state, limits=limits, **more)


def verdict(
    name: str = "ABC-1",
    run: str = "run_1",
    outcome: Outcome = Outcome.ROLLED_OVER,
    spent: Usage | None = None,
    **more: Any,
) -> Verdict:
    """How a run ended; `spent` is its use of the thread `thread_1`."""
    usage = {} if spent is None else {"thread_1": spent}
    return Verdict(rid(run), iid(name), outcome, usage=usage, **more)


def ended(
    name: str = "ABC-1",
    run: str = "run_1",
    outcome: Outcome = Outcome.ROLLED_OVER,
    *,
    at: datetime = NOW,
    progress: bool = False,
    wait: float = 0.0,
    hold: float = 0.0,
    **more: Any,
) -> e.Ended:
    """A run was settled."""
    told = verdict(name, run, outcome, **more)
    return e.Ended(at, iid(name), rid(run), told, progress, wait, hold)


def history(*events: e.Event | None) -> History:
    """What these lines add up to, after a first line."""
    return History(id="ledger_1", workflow="WORKFLOW.md", position=1).take_all(events)


def record(*events: e.Event, name: str = "ABC-1") -> Record:
    """What these lines add up to for one issue, sighted and enrolled before them."""
    found = history(sighted(name), enrolled(name), *events).find(iid(name))
    assert found is not None
    return found


def enrol_all(*names: str) -> tuple[e.Event, ...]:
    """So many issues in `Todo`, enrolled in this order."""
    return tuple(event for name in names for event in (sighted(name), enrolled(name)))


def pid_file(run: str = "run_1", beat: datetime = NOW, **more: Any) -> PidFile:
    """A sign of life."""
    process = Identity(4242, 100, "boot_1", "pid:[1]")
    return PidFile(rid(run), process, phase="turn", beat_at=beat, **more)


def alive(run: str = "run_1", beat: datetime = NOW, **more: Any) -> Sighting:
    """A run whose lock is held, with a heartbeat."""
    stop_there = bool(more.pop("stop_there", False))
    return Sighting(True, rid(run), 1, pid_file(run, beat, **more), stop_there=stop_there)


def over(told: Verdict | None, run: str = "run_1") -> Sighting:
    """A run whose lock is free; with or without a verdict."""
    return Sighting(False, rid(run), 1, verdict=told)


def snapshot(
    *issues: Issue,
    now: datetime = NOW,
    missing: Iterable[IssueId] = (),
    unknown: dict[IssueId, str] | None = None,
    cursor: str = "",
    runs: dict[IssueId, Sighting] | None = None,
    disk: Disk | None = None,
    policy_error: str = "",
    first: tuple[IssueId, ...] = (),
) -> Snapshot:
    """A world whose tracker has just told us of `issues`."""
    read = Read(issues, tuple(missing), unknown or {}, cursor, requests=1)
    view = TrackerView(read, now)
    return Snapshot(now, view, runs or {}, disk, policy_error, first=first)


def silent_tracker(world: Snapshot, as_of: datetime | None, error: str = "no answer") -> Snapshot:
    """The same world with a tracker that did not answer."""
    return replace(world, tracker=TrackerView(None, as_of, error))


CONTINUATION, RETRY, RESUMED = RetryKind.CONTINUATION, RetryKind.RETRY, RetryKind.RESUMED
