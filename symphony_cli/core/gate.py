"""The one gate to a run: may this issue start now, and if not, why.

Every start goes through `refused`, whatever it is: a first run, a continuation, a retry, the first
one after a block. What concerns the issue comes first, then what holds back everybody, then room.
"""

from __future__ import annotations

from symphony_cli.core import day, holds
from symphony_cli.core.cures import clear_by
from symphony_cli.core.history import History
from symphony_cli.core.issue import norm
from symphony_cli.core.policy import Policy, refusal
from symphony_cli.core.queue import Room
from symphony_cli.core.reasons import Why
from symphony_cli.core.record import Pause, Record
from symphony_cli.core.snapshot import Snapshot
from symphony_cli.core.times import age, span
from symphony_cli.core.usage import Usage
from symphony_cli.ids import IssueId, RunId

Pass = tuple[Why, str]

FIRST_POLL = "the first complete poll goes on; the order is known when it is done"


def refused(
    record: Record, history: History, world: Snapshot, policy: Policy, room: Room
) -> Pass | None:
    """Why this issue may not start now, and the fact that decided; None: it may."""
    return (
        _own_label(record, history, policy)
        or held_up(record, world, policy)
        or closed(history, world, policy)
        or no_room(record, room, policy)
    )


def _own_label(record: Record, history: History, policy: Policy) -> Pass | None:
    """A label of ours that is on its way off holds the issue for a moment; no person has to act."""
    refusal_now = refusal(record.issue, policy.rules)
    if record.block is not None or refusal_now is None or refusal_now.why is not Why.LABEL:
        return None
    mine = (w for w in history.outbox.values() if w.issue == record.id)
    going = next((w.body for w in mine if w.kind == "remove_label"), None)
    if going is None or not record.issue.has_label(going):
        return None
    return Why.LABEL, f"our own label {going} is being taken off; the next read decides"


def blocked(record: Record) -> Pass | None:
    """The block of an issue, and what ends it."""
    if record.block is None:
        return None
    reason, detail = record.block.reason, record.block.detail
    cure = clear_by(reason, record.issue.identifier)
    return Why.BLOCK, f"blocked ({reason}): {detail}; {cure}"


def held_up(record: Record, world: Snapshot, policy: Policy) -> Pass | None:
    """Why this issue itself may not start now, whatever room there is."""
    block = blocked(record)
    if block is not None:
        return block
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
    if history.pause is not None:
        return Why.PAUSED, paused(history.pause)
    if world.policy_error:
        return Why.POLICY, world.policy_error
    return _tracker_closed(world, policy) or _unfit(history, world, policy)


def paused(pause: Pause) -> str:
    """Who paused dispatch, since when, and why."""
    why = f": {pause.reason}" if pause.reason else ""
    return f"paused by {pause.by} since {pause.at:%Y-%m-%d %H:%M:%S} UTC{why}"


def _tracker_closed(world: Snapshot, policy: Policy) -> Pass | None:
    """Whether we know too little of the tracker, or may not ask it."""
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
    return None


def _unfit(history: History, world: Snapshot, policy: Policy) -> Pass | None:
    """Whether the machine, the provider or the day's budget is not up to more."""
    for kind, why in (("provider", Why.PROVIDER), ("environment", Why.ENVIRONMENT)):
        reason = _hold(kind, history, world)
        if reason is not None:
            return why, reason
    return _disk(world, policy) or _day_budget(history, world, policy)


def _disk(world: Snapshot, policy: Policy) -> Pass | None:
    disk = world.disk
    if disk is None:
        return None
    if disk.free_bytes < policy.min_free_bytes:
        free, floor = disk.free_bytes / 1e9, policy.min_free_bytes / 1e9
        return Why.DISK, f"{free:.1f} GB free in {disk.path}, below the floor of {floor:.1f} GB"
    # A file system without a fixed number of inodes says that it has none at all.
    if disk.has_inodes and disk.free_inodes < policy.min_free_inodes:
        free_now, floor_now = f"{disk.free_inodes:,}", f"{policy.min_free_inodes:,}"
        return Why.DISK, f"{free_now} inodes free in {disk.path}, below the floor of {floor_now}"
    return None


def _day_budget(history: History, world: Snapshot, policy: Policy) -> Pass | None:
    limit = policy.max_tokens_per_day
    if limit is None:
        return None
    living = (
        seen.pid.spent
        for issue, seen in world.runs.items()
        if seen.pid is not None and _is_unsettled(history, issue, seen.pid.run)
    )
    whole = day.used(history.day, world.now) + sum(living, Usage())
    used = whole.spend(policy.cached_token_weight)
    if used < limit:
        return None
    frees = day.frees_at(history.day, world.now)
    when = "" if frees is None else f"; the oldest are over in {span(age(frees, world.now))}"
    return Why.DAY_BUDGET, (
        f"{used:,} tokens were spent in 24 hours; `agent.max_tokens_per_day` is {limit:,}{when}"
    )


def _is_unsettled(history: History, issue: IssueId, run: RunId) -> bool:
    record = history.records.get(issue)
    return record is not None and record.running is not None and record.running.run == run


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
        return Why.SLOTS, f"{_taken(policy.slots)} (`agent.max_concurrent_agents`)"
    state = norm(record.issue.state)
    cap = policy.slots_by_state.get(state)
    if cap is not None and room.by_state.get(state, 0) >= cap:
        return Why.STATE_CAP, _taken(cap, f" for {record.issue.state}")
    return None


def _taken(slots: int, whose: str = "") -> str:
    return f"the only slot{whose} is taken" if slots == 1 else f"all {slots} slots{whose} are taken"
