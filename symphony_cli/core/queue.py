"""Who may start, in which order, and why the others may not.

First in, first out by place in the ledger. An entry that does not fit is passed over and holds
nobody up; waiting is not failing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from symphony_cli.core import holds
from symphony_cli.core.history import History
from symphony_cli.core.issue import Issue, norm
from symphony_cli.core.policy import Policy, refusal
from symphony_cli.core.reasons import Outcome, Why
from symphony_cli.core.record import Record
from symphony_cli.core.snapshot import Snapshot
from symphony_cli.core.times import age, span

Pass = tuple[Why, str]

FIRST_POLL = "the first complete poll goes on; the order is known when it is done"


def newcomers(issues: Iterable[Issue]) -> list[Issue]:
    """The order among issues first seen in one poll: priority, then age, then identifier."""

    def rank(issue: Issue) -> tuple[int, str, str]:
        urgent = issue.priority if issue.priority in (1, 2, 3, 4) else 5
        created = issue.created_at.isoformat() if issue.created_at else "9999"
        return (urgent, created, issue.identifier)

    return sorted(issues, key=rank)


def in_line(history: History, policy: Policy, first: Iterable[str] = ()) -> list[Record]:
    """Enrolled issues that do not run, in the order in which they are served.

    `first` are those that the last tick had no time for. A continuation comes before newcomers: it
    keeps the slot that it had. While the machine or the provider is thought unfit, those go first
    whose own runs failed least: the probe must not be the same issue for ever.
    """
    hurried = set(first)
    waiting = [r for r in history.records.values() if r.place is not None and not r.running]
    probing = {name for name, hold in history.holds.items() if holds.in_force(name, hold)}

    def turn(record: Record) -> tuple[bool, int, bool, int, int]:
        unfit = record.environment_in_row if holds.ENVIRONMENT in probing else 0
        unfit += record.provider_in_row if holds.PROVIDER in probing else 0
        urgent = record.issue.priority or 5 if policy.queue_order == "priority" else 0
        return (record.id not in hurried, unfit, not goes_on(record), urgent, record.place or 0)

    return sorted(waiting, key=turn)


def goes_on(record: Record) -> bool:
    """The last run of this stay in the queue ended only to be continued."""
    last = record.last
    if last is None or last.outcome is not Outcome.ROLLED_OVER:
        return False
    return record.enrolled_at is None or record.enrolled_at <= last.at


@dataclass(frozen=True, slots=True)
class Room:
    """What is taken: slots, and slots by state (normal form)."""

    running: int
    by_state: dict[str, int]

    def with_one_in(self, state: str) -> Room:
        """The room after one more was started."""
        name = norm(state)
        return Room(self.running + 1, {**self.by_state, name: self.by_state.get(name, 0) + 1})


def taken(history: History) -> Room:
    """Room as the ledger has it: an issue counts by the state it is in now."""
    room = Room(0, {})
    for record in history.records.values():
        if record.running is not None:
            room = room.with_one_in(record.issue.state)
    return room


def held_up(record: Record, world: Snapshot, policy: Policy) -> Pass | None:
    """Why this issue itself may not start now, whatever room there is."""
    if record.block is not None:
        cure = f"`symphony unblock {record.issue.identifier}` clears it"
        return Why.BLOCK, f"blocked ({record.block.reason}): {record.block.detail}; {cure}"
    refused = refusal(record.issue, policy.rules)
    if refused is not None:
        return refused.why, refused.detail
    read = world.tracker.read
    if read is not None and record.id in read.unknown:
        return Why.TRACKER, read.unknown[record.id]
    if record.missed:
        return Why.TRACKER, "the last read did not have it; the next one decides"
    if record.retry is not None and not record.retry.wait.over(world.now):
        left = round(record.retry.wait.left(world.now))
        return Why.BACKOFF, f"next attempt in {left} s, after: {record.retry.error}"
    return None


def closed(history: History, world: Snapshot, policy: Policy) -> Pass | None:
    """Why nothing at all may start now."""
    if world.policy_error:
        return Why.POLICY, world.policy_error
    as_of = world.tracker.as_of
    if as_of is None or age(world.now, as_of) > policy.stale_after:
        error = world.tracker.error or "the tracker was not read yet"
        return Why.TRACKER, f"what we know of the tracker is too old to start on: {error}"
    if world.tracker.rejected:
        # A run reads its issue first: it would knock with the same key.
        return Why.TRACKER, world.tracker.error
    if world.tracker.wait > 0:
        return Why.TRACKER, world.tracker.error
    if world.first_poll:
        return Why.TRACKER, FIRST_POLL
    for kind, why in (("provider", Why.PROVIDER), ("environment", Why.ENVIRONMENT)):
        reason = _hold(kind, history, world)
        if reason is not None:
            return why, reason
    disk = world.disk
    if disk is not None and disk.free_bytes < policy.min_free_bytes:
        free, floor = disk.free_bytes / 1e9, policy.min_free_bytes / 1e9
        return Why.DISK, f"{free:.1f} GB free in {disk.path}, below the floor of {floor:.1f} GB"
    return None


def _hold(kind: str, history: History, world: Snapshot) -> str | None:
    """The hold in force: an answer releases it, and one probe may go when its wait is over."""
    names = (holds.USAGE_LIMIT, kind) if kind == holds.PROVIDER else (kind,)
    found = [_in_force(name, history, world) for name in names]
    return next((reason for reason in found if reason is not None), None)


def _in_force(name: str, history: History, world: Snapshot) -> str | None:
    hold = history.holds.get(name)
    if hold is None or not holds.in_force(name, hold):
        return None
    live = [(r, r.running) for r in history.records.values() if r.running is not None]
    probes = [record for record, running in live if running.since >= hold.wait.since]
    if any(holds.is_fit(hold, world.runs.get(record.id)) for record in probes):
        return None
    limit = name == holds.USAGE_LIMIT
    what = hold.error if limit else f"{hold.count} failures in a row ({hold.error})"
    if not hold.wait.over(world.now):
        return f"{what}; one probe in {span(hold.wait.left(world.now))}"
    return f"{what}; a probe runs" if probes else None


def no_room(record: Record, room: Room, policy: Policy) -> Pass | None:
    """Why there is no slot for this issue."""
    if room.running >= policy.slots:
        return Why.SLOTS, f"all {policy.slots} slots are taken (`agent.max_concurrent_agents`)"
    state = norm(record.issue.state)
    cap = policy.slots_by_state.get(state)
    if cap is not None and room.by_state.get(state, 0) >= cap:
        return Why.STATE_CAP, f"all {cap} slots for {record.issue.state} are taken"
    return None
