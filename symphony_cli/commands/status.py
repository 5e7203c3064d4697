"""`symphony status`: what the crew does, what waits and why, and whether the ticks are well.

Reads only, takes no lock, asks nobody: everything comes from files.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from symphony_cli.commands.screen import (
    BlockedRow,
    Budget,
    Day,
    Health,
    MirrorLine,
    QueuedRow,
    RetryingRow,
    RunningRow,
    Slots,
    StatusResult,
    Tokens,
    TrackerLine,
    WaitingRow,
)
from symphony_cli.commands.standing import Standing, standing
from symphony_cli.commands.tick import stale
from symphony_cli.core import day
from symphony_cli.core.cures import clear_by
from symphony_cli.core.history import History
from symphony_cli.core.holds import in_force
from symphony_cli.core.limits import budget, rework_cycles, tokens_left
from symphony_cli.core.policy import Policy
from symphony_cli.core.record import Hold, Record, Running
from symphony_cli.core.run import SILENT_AFTER, PidFile
from symphony_cli.core.snapshot import Sighting
from symphony_cli.core.tickfile import TickFile
from symphony_cli.core.times import age, span
from symphony_cli.core.usage import Usage
from symphony_cli.ids import IssueId
from symphony_cli.ports import World

NOTHING = Usage()


def _probe(hold: Hold, now: datetime) -> str:
    left = hold.wait.left(now)
    return f"one probe goes in {span(left)}" if left > 0 else "one probe goes, or is at it"


Living = tuple[RunningRow, PidFile | None]
"""The row of a run, and the sign of life that it is made from."""


def status(world: World, holder: str = "", warnings: tuple[str, ...] = ()) -> StatusResult:
    """The whole screen. `holder` names the process that holds `state/lock`, if somebody does."""
    now, history, last = world.clock(), world.ledger.history(), world.bulletin.last()
    open_records = [r for r in history.records.values() if r.finished_at is None or r.running]
    passed = last.by_issue()
    stands = {r.id: standing(r, world.policy, passed, now, history) for r in open_records}
    open_records.sort(key=lambda r: r.place or 0)

    def those(kind: str) -> list[tuple[Record, Standing]]:
        return [(r, stands[r.id]) for r in open_records if stands[r.id].kind == kind]

    running, queued, retrying = those("running"), those("queued"), those("retrying")
    blocked, waiting, released = those("blocked"), those("waiting"), those("released")
    policy = world.policy
    rows = [_running(r, world, now) for r, _ in running]
    return StatusResult(
        generated_at=now,
        counts={
            "running": len(running),
            "queued": len(queued),
            "retrying": len(retrying),
            "blocked": len(blocked),
            "waiting": len(waiting),
            "released": len(released),
            "finished": len({**history.finished, **history.records}) - len(open_records),
        },
        running=tuple(one for one, _ in rows),
        queued=tuple(_queued(r, n, told, policy) for n, (r, told) in enumerate(queued, 1)),
        retrying=tuple(_retrying(r, policy) for r, _ in retrying),
        blocked=tuple(_blocked(r, policy) for r, _ in blocked),
        waiting=tuple(_waiting(r, told, policy) for r, told in waiting),
        codex_totals=_tokens(_all_usage(history) + _of_living(rows), policy),
        day=Day(
            used=_day(history, rows, now).spend(policy.cached_token_weight),
            limit=policy.max_tokens_per_day,
        ),
        rate_limits=_limits(history, rows),
        tracker=_tracker(world, last, now),
        tick=_health(last, now, policy, holder),
        slots=Slots(total=policy.slots, used=len(running)),
        disk=world.disk(),
        mirror=_mirror(world, now),
        paused=history.pause is not None,
        pause=history.pause,
        holds={
            kind: f"{hold.count} in a row: {hold.error}; {_probe(hold, now)}"
            for kind, hold in history.holds.items()
            if in_force(kind, hold)
        },
        undeliverable=tuple(
            f"{_identifier(write.issue, history)}: {write.kind}: {write.error}"
            for write in history.undeliverable.values()
        ),
        warnings=(*warnings, *_unread(last, history), *_kept(open_records)),
    )


def _identifier(issue: IssueId, history: History) -> str:
    record = history.find(issue)
    return record.issue.identifier if record is not None else issue


def _tracker(world: World, last: TickFile, now: datetime) -> TrackerLine:
    gauge = world.tracker.gauge()
    wait = gauge.wait if gauge is not None else 0.0
    named = last.ask_at if last.ask_at is not None and last.ask_at > now else None
    return TrackerLine(
        kind=world.tracker.kind,
        project=world.policy.rules.project or "",
        as_of=last.facts_as_of,
        requests=last.requests,
        ask_at=now + timedelta(seconds=wait) if wait else named,
        limit=int(gauge.limit) if gauge is not None else None,
        remaining=int(gauge.remaining) if gauge is not None else None,
        wait_s=round(wait, 1),
        why=gauge.why if gauge is not None else "",
    )


def _mirror(world: World, now: datetime) -> MirrorLine | None:
    known = world.mirror()
    if known is None:
        return None
    return MirrorLine(
        path=known.path,
        fetched_at=known.fetched_at,
        age_s=None if known.fetched_at is None else round(age(now, known.fetched_at), 1),
        tried_at=known.tried_at,
        fetching=known.fetching,
        error=known.error,
    )


def _kept(records: list[Record]) -> tuple[str, ...]:
    """Work that only its workspace has: it could not be copied into the rescue store."""
    return tuple(
        f"{record.issue.identifier}: work in {record.workspace} is nowhere else: {git.kept_because}"
        for record in records
        if record.last is not None and (git := record.last.git) is not None and git.kept_because
    )


def _unread(last: TickFile, history: History) -> tuple[str, ...]:
    """Issues that the last tick found and could not read, so that it knows no more of them."""
    return tuple(
        f"{passed.issue_identifier} cannot be read: {passed.why}"
        for passed in last.passed_over
        if history.find(IssueId(passed.issue)) is None
    )


def _all_usage(history: History) -> Usage:
    everybody = {**history.finished, **history.records}.values()
    return sum((record.usage for record in everybody), Usage())


def _day(
    history: History, rows: Sequence[tuple[RunningRow, PidFile | None]], now: datetime
) -> Usage:
    return day.used(history.day, now) + _of_living(rows)


def _of_living(rows: Sequence[Living]) -> Usage:
    return sum((pid.spent for _, pid in rows if pid is not None), Usage())


def _tokens(usage: Usage, policy: Policy) -> Tokens:
    return Tokens(
        input_tokens=usage.input,
        cached_input_tokens=usage.cached_input,
        output_tokens=usage.output,
        total_tokens=usage.total,
        spend=usage.spend(policy.cached_token_weight),
    )


def row(record: Record, policy: Policy, running: Usage = NOTHING) -> dict[str, object]:
    """The members that all rows share; `running` is what a living run has spent by now."""
    left, used = tokens_left(record, policy), running.spend(policy.cached_token_weight)
    return {
        "issue_id": record.id,
        "issue_identifier": record.issue.identifier,
        "issue_url": record.issue.url,
        "title": record.issue.title,
        "state": record.issue.state,
        "tokens": _tokens(record.usage + running, policy),
        "budget": Budget(
            limit=policy.max_tokens_per_issue,
            granted=(budget(record, policy) or 0) - (policy.max_tokens_per_issue or 0),
            left=None if left is None else max(0, left - used),
        ),
        "dispatch_count": record.runs,
        "retry_count": record.failures,
        "rework_count": rework_cycles(record, policy),
        "stall_events": record.stalls,
        "declined_elicitations": record.declines,
        "thread_id": record.thread.id if record.thread else "",
        "workspace_path": record.workspace if record.has_workspace else "",
    }


def _limits(history: History, rows: Sequence[Living]) -> dict[str, object]:
    """The provider's rate limits as the run saw them that heard of its agent last."""
    signs = [pid for _, pid in rows if pid is not None and pid.limits and pid.last_event_at]
    newest = max(signs, key=lambda pid: str(pid.last_event_at), default=None)
    return newest.limits if newest is not None else history.limits


def _running(record: Record, world: World, now: datetime) -> Living:
    """Its row, and the sign of life that the row is made from."""
    running = record.running
    assert running is not None, "only running records come here"
    seen = world.agents.sight(record.key, running.run)
    pid = sign_of(seen, running)
    common = row(record, world.policy, pid.spent if pid is not None else NOTHING)
    common["thread_id"] = (pid.thread if pid else "") or common["thread_id"]
    shown = RunningRow(
        **common,  # type: ignore[arg-type]
        run=running.run,
        attempt=running.attempt,
        phase=_phase(seen, pid),
        pid=pid.process.pid if pid else None,
        turn_count=pid.turns if pid else 0,
        started_at=running.since,
        last_event=pid.last_event if pid else "",
        last_event_at=pid.last_event_at if pid else None,
        last_message=pid.last_message if pid else "",
        alive=seen.alive,
        note=_note(record, seen, pid, now),
    )
    return shown, pid


def sign_of(seen: Sighting, running: Running) -> PidFile | None:
    """The sign of life of this very run."""
    return seen.pid if seen.pid is not None and seen.pid.run == running.run else None


def _phase(seen: Sighting, pid: PidFile | None) -> str:
    if not seen.alive:
        return "ended" if seen.verdict else "lost"
    return pid.phase if pid else "starting"


def _note(record: Record, seen: Sighting, pid: PidFile | None, now: datetime) -> str:
    running = record.running
    if running is not None and running.stop:
        return f"told to stop: {running.stop}"
    if not seen.alive:
        return "the next tick takes in how it ended"
    if pid is not None and age(now, pid.beat_at) > SILENT_AFTER:
        return f"no sign of life for {age(now, pid.beat_at):.0f} s"
    return seen.trouble


def _queued(record: Record, position: int, told: Standing, policy: Policy) -> QueuedRow:
    return QueuedRow(
        **row(record, policy),  # type: ignore[arg-type]
        since=record.enrolled_at,
        position=position,
        reason=told.reason,
        why="; ".join(told.why),
    )


def _retrying(record: Record, policy: Policy) -> RetryingRow:
    assert record.retry is not None, "only retrying records come here"
    return RetryingRow(
        **row(record, policy),  # type: ignore[arg-type]
        attempt=record.runs + 1,
        due_at=record.retry.wait.due,
        error=record.retry.error,
    )


def _blocked(record: Record, policy: Policy) -> BlockedRow:
    assert record.block is not None, "only blocked records come here"
    return BlockedRow(
        **row(record, policy),  # type: ignore[arg-type]
        reason=record.block.reason.value,
        detail=record.block.detail,
        blocked_at=record.block.at,
        clear_by=clear_by(record.block.reason, record.issue.identifier),
    )


def _waiting(record: Record, told: Standing, policy: Policy) -> WaitingRow:
    return WaitingRow(**row(record, policy), reason=told.reason, why=told.why)  # type: ignore[arg-type]


def _long(now: datetime, then: datetime) -> str:
    seconds = age(now, then)
    return f"{seconds:.0f} s" if seconds < 60 else f"{seconds / 60:.0f} min"


def _health(last: TickFile, now: datetime, policy: Policy, holder: str) -> Health:
    old = stale(last, now, policy.interval)
    if last.ended_at is None:
        sentence = "No tick has run yet: type `symphony tick`, or let a timer do it."
    elif age(now, last.ended_at) > 3 * policy.interval:
        sentence = f"The last tick was {_long(now, last.ended_at)} ago: is the timer running?"
        sentence += f" The lock is held by {holder}." if holder else ""
    elif last.exit_code:
        first = last.errors[0] if last.errors else last.summary
        sentence = f"The last tick ended with exit code {last.exit_code}: {first}"
    else:
        sentence = f"The last tick was {_long(now, last.ended_at)} ago and went well."
    return Health(
        ok=not old and last.exit_code == 0,
        sentence=sentence,
        last_at=last.ended_at,
        good_at=last.good_at,
        exit_code=last.exit_code,
        summary=last.summary,
        lock_held_by=holder,
    )
