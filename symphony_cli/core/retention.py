"""What goes of issues that are over: workspaces by number and size, run folders by age (row G5).

An issue is over when it reached a terminal state or the tracker does not have it any more. All
others keep everything: the next run needs it. A workspace that could not be removed counts like
any other, and is tried again after a wait.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

from symphony_cli.core import events as e
from symphony_cli.core.backoff import backoff
from symphony_cli.core.decisions import Decision, Remove, SettleRemoval, Tidy
from symphony_cli.core.history import History
from symphony_cli.core.policy import Policy
from symphony_cli.core.record import GONE, Record, Removal
from symphony_cli.core.snapshot import RemovalSight, Snapshot
from symphony_cli.core.times import age
from symphony_cli.ids import IssueId

MOST_AT_ONCE = 2
"""Removals that may go on together: they are in nobody's way, and not in each other's."""

TRANSCRIPT_DAYS = 14
"""How long transcripts of issues that are over stay."""

TIDY_EVERY = 86400.0
"""Seconds between two looks through all run folders."""

FIRST_WAIT, LONGEST_WAIT = 600.0, 86400.0
"""Seconds before a workspace that had to stay is tried again; each time twice as long."""

_DAY = 86400.0
_ONLY_ONE = "only the newest of finished issues stays"
_LOST = "its removal ended without a word; its agent.log may say more"


def over_since(record: Record) -> datetime | None:
    """When the issue came to its end; None while it may still be worked."""
    if record.running is not None:
        return None
    if record.finished_at is not None:
        return record.finished_at
    if record.released != GONE:
        return None
    return record.last.at if record.last is not None else record.state_since


def due(history: History, policy: Policy) -> dict[IssueId, str]:
    """The issues whose workspaces should go, the oldest first, and why."""
    reasons: dict[IssueId, str] = {}
    total = 0
    for rank, record in enumerate(_over(history)):
        total += record.workspace_bytes
        reason = _too_many(rank, policy) or _too_much(total, policy)
        if reason:
            reasons[record.id] = reason
    return dict(reversed(reasons.items()))


def _over(history: History) -> list[Record]:
    """Issues that are over and have a workspace, the newest first."""
    known = [(over_since(record), record) for record in history.records.values()]
    found = [(at, record) for at, record in known if at is not None and record.has_workspace]
    found.sort(key=lambda pair: (pair[0], pair[1].first_at, pair[1].id), reverse=True)
    return [record for _, record in found]


def _too_many(rank: int, policy: Policy) -> str:
    keep = policy.keep_workspaces
    if rank < keep:
        return ""
    stays = (
        f"only {_newest(keep)} of finished issues" if keep else "no workspace of a finished issue"
    )
    return f"{stays} {'stay' if keep > 1 else 'stays'} (`workspace.keep_last_n`)"


def _newest(keep: int) -> str:
    return f"the {keep} newest" if keep > 1 else "the newest"


def _too_much(total: int, policy: Policy) -> str:
    most = policy.max_workspaces_bytes
    if most is None or total <= most:
        return ""
    return (
        f"it and the newer ones of finished issues take {total / 1e9:.1f} GB, more than the"
        f" {most / 1e9:g} of `workspace.max_total_gb`"
    )


def clean(history: History, world: Snapshot, policy: Policy) -> Iterator[Decision]:
    """Take in what became of removals, and begin new ones."""
    records = history.records.values()
    going = sum(record.removal is not None and record.id in world.removals for record in records)
    settled = settle(history, world.removals, world.now)
    yield from settled
    if world.policy_error:
        return  # what should go is said by a WORKFLOW.md that nobody can read now
    begun = going - len(settled)
    for issue, why in due(history, policy).items():
        record = history.records[issue]
        waits = record.stay is not None and not record.stay.wait.over(world.now)
        if record.removal is None and not waits and begun < MOST_AT_ONCE:
            begun += 1
            yield Remove(issue, why)
    yield from _tidy(history, world, policy)


def settle(
    history: History, removals: Mapping[IssueId, RemovalSight], now: datetime
) -> tuple[SettleRemoval, ...]:
    """What became of the removals that have come to their end."""
    seen = [
        (record, _settled(record, record.removal, removals[record.id], now))
        for record in history.records.values()
        if record.removal is not None and record.id in removals
    ]
    return tuple(SettleRemoval(record.id, found) for record, found in seen if found is not None)


def _settled(
    record: Record, removal: Removal, seen: RemovalSight, now: datetime
) -> e.Removed | e.Kept | None:
    """The fact that a removal came to; None while it goes on."""
    found = seen.verdict
    if found is not None and found.removed:
        return e.Removed(now, record.id, removal.run, found.rescue, found.why)
    if found is None and seen.alive:
        return None
    why = seen.trouble or _LOST if found is None else found.why
    times = record.stay.times + 1 if record.stay is not None else 1
    over = found is None or found.over
    wait = backoff(times, FIRST_WAIT, LONGEST_WAIT, record.id) if over else 0.0
    return e.Kept(now, record.id, removal.run, why, wait)


def _tidy(history: History, world: Snapshot, policy: Policy) -> Iterator[Decision]:
    """Once a day. Only then are the finished issues read that left the cache long ago."""
    if world.tidied_at is None or age(world.now, world.tidied_at) < TIDY_EVERY:
        return
    yield old(history, policy, world.now)


def old(history: History, policy: Policy, now: datetime) -> Tidy:
    """What may go of the run folders at `now`, and every root that an issue ever had."""
    whole, texts, roots = [], [], set()
    for record in everybody(history):
        roots.add(record.root)
        days = over_days(record, now)
        if days is None or record.removal is not None:
            continue
        if days > policy.keep_run_days:
            whole.append(record.key)
        elif days > TRANSCRIPT_DAYS:
            texts.append(record.key)
    return Tidy(tuple(sorted(roots - {""})), tuple(sorted(texts)), tuple(sorted(whole)))


def everybody(history: History) -> Collection[Record]:
    """All records, each once, also of issues that left the cache long ago."""
    return {**history.finished, **history.records}.values()


def over_days(record: Record, now: datetime) -> float | None:
    """How many days ago the issue came to its end; None while it may still be worked."""
    since = over_since(record)
    return None if since is None else age(now, since) / _DAY


def whereabouts(record: Record) -> str:
    """What people should know of a workspace that is gone, goes, or should go; else nothing."""
    if record.removal is not None:
        return f"being removed since {record.removal.at:%Y-%m-%d %H:%M} UTC"
    if record.running is not None:
        return ""
    if record.removed_at is not None:
        kept = "everything in it was pushed"
        if record.saved:
            kept = f"`symphony rescue {record.key}` has what was not pushed"
        return f"removed {record.removed_at:%Y-%m-%d %H:%M} UTC; {kept}"
    if record.stay is not None:
        why, wait = record.stay.why.rstrip("."), record.stay.wait
        again = f"; tried again after {wait.due:%Y-%m-%d %H:%M} UTC" if wait.seconds else ""
        return f"it should go and could not be removed: {why}{again}"
    return ""


def fate(record: Record, goes: dict[IssueId, str], policy: Policy) -> tuple[bool, str]:
    """Whether the workspace of an issue goes, and why or why not, for people; `goes` is `due`."""
    if over_since(record) is None:
        return False, f"{record.issue.identifier} is not finished"
    if record.removal is not None:
        return True, f"it is being removed since {record.removal.at:%Y-%m-%d %H:%M} UTC"
    if record.id not in goes:
        keep = policy.keep_workspaces
        return (
            False,
            f"it is {f'among the {keep}' if keep > 1 else 'the'} newest of finished issues",
        )
    if record.stay is not None:
        return False, f"{goes[record.id]}; but it could not be removed: {record.stay.why}"
    return True, goes[record.id]
