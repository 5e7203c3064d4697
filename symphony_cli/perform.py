"""Do what was decided: write it down, then do it. One `match`, no judgement.

Invariant: every effect comes after the durable fact that announces it. A crash between the two
leaves something that the next plan finds and settles.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from symphony_cli.core import events as e
from symphony_cli.core.backoff import backoff
from symphony_cli.core.decisions import (
    Block,
    Decision,
    Deliver,
    Dispatch,
    Fault,
    Finish,
    Grant,
    PassOver,
    Recover,
    Release,
    Remove,
    Settle,
    SettleRemoval,
    Signal,
    Stop,
    TakeIn,
    Tidy,
    Unblock,
    Warn,
    facts,
)
from symphony_cli.core.limits import rework_cap
from symphony_cli.core.reasons import Why
from symphony_cli.core.record import Record, Write
from symphony_cli.core.removal import Tidying
from symphony_cli.core.run import Merged, Order, PreviousAttempt, RunLimits, Settings, StopNote
from symphony_cli.errors import PutOff, RunLocked, SymphonyError, TrackerError, WriteRefused
from symphony_cli.ids import IssueId, RunId
from symphony_cli.ports import Claim, World

WRITE_BACKOFF_CAP = 3600.0
"""Seconds; a write that the tracker does not take is tried at least this often."""


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a decision; `detail` is for people."""

    detail: str = ""
    passed: PassOver | None = None
    """The decision could not be carried out, through nobody's fault."""


class Unperformable(SymphonyError):
    """A decision speaks of something that is not in the history: a bug."""


def perform(decision: Decision, world: World, now: datetime) -> Done:
    """Carry one decision out.

    Raises:
        StateError: it could not be written down; nothing was done.
        IssueTrouble: the effect failed for this issue.
    """
    match decision:
        case Dispatch():
            return _dispatch(decision, world, now)
        case Recover():
            return _recover(decision, world, now)
        case Remove():
            return _remove(decision, world, now)
        case Tidy():
            return _tidy(decision, world, now)
        case Deliver():
            return _deliver(decision, world, now)
        case Stop():
            world.ledger.append(*facts(decision, now))
            note = StopNote(decision.reason, decision.detail, "tick")
            world.agents.stop(_record(world, decision.issue).key, decision.run, note)
            return Done(f"{decision.reason}: {decision.detail}")
        case Signal():
            world.ledger.append(*facts(decision, now))
            key = _record(world, decision.issue).key
            world.agents.signal(key, decision.run, decision.name)
            return Done(f"sent {decision.name}: it gave no sign of life")
        case Grant():
            world.ledger.append(*facts(decision, now))
            key = _record(world, decision.issue).key
            world.agents.grant(key, decision.run, decision.limits)
            return Done(_granted(decision.limits))
        case PassOver():
            return Done(decision.detail, decision)
        case _:
            world.ledger.append(*facts(decision, now))
            return Done(describe(decision))


def describe(decision: Decision) -> str:
    """A few words on a decision that is nothing but a fact."""
    match decision:
        case Settle(ended=ended):
            verdict = ended.verdict
            words = [verdict.outcome.value, verdict.reason, verdict.detail]
            text = ": ".join(word for word in words if word).rstrip(".")
            return f"{text}; next attempt in {ended.wait:.0f} s" if ended.wait else text
        case Block() | Release() | Warn():
            return decision.detail
        case Remove(why=why):
            return f"its workspace goes: {why}"
        case SettleRemoval(became=became):
            return _became(became)
        case Tidy():
            return (
                f"transcripts of {len(decision.transcripts)} finished issues and run folders of"
                f" {len(decision.folders)} may go"
            )
        case Unblock():
            note = f" ({decision.note})" if decision.note else ""
            return f"{decision.cause}: by {decision.by}{note}"
        case Finish(state=state):
            return state
        case TakeIn(sighted=sighted, missed=missed):
            return f"{len(sighted)} changed, {len(missed)} missed"
        case Fault(error=error):
            return error
        case _:
            return ""


def _became(became: e.Removed | e.Kept) -> str:
    if isinstance(became, e.Kept):
        return f"its workspace stays: {became.why}"
    saved = f"; what only it had is kept as {became.rescue}" if became.rescue else ""
    return f"its workspace is removed{saved}{f'; {became.note}' if became.note else ''}"


def _granted(limits: RunLimits) -> str:
    return f"its limits are now {limits.words()}"


def _record(world: World, issue: IssueId) -> Record:
    record = world.ledger.history().find(issue)
    if record is None:
        raise Unperformable(f"no record of issue {issue}: please report this as a bug.")
    return record


def _claim(world: World, record: Record) -> Claim | PassOver:
    try:
        return world.agents.claim(record.id, record.key)
    except RunLocked as error:
        return PassOver(record.id, Why.LOCK, str(error))


def _dispatch(decision: Dispatch, world: World, now: datetime) -> Done:
    record = _record(world, decision.issue)
    claim = _claim(world, record)
    if isinstance(claim, PassOver):
        return Done(claim.detail, claim)
    try:
        run = world.new_run()
        (dispatched,) = facts(decision, now, run)
        assert isinstance(dispatched, e.Dispatched), "a dispatch writes one fact"
        settings = world.settings
        stamped = replace(
            dispatched,
            workflow_commit=settings.workflow_commit,
            workflow_blob=settings.workflow_blob,
        )
        world.ledger.append(stamped)
        number = world.agents.start(claim, order_for(decision, record, world, run, now))
    finally:
        claim.drop()
    return Done(f"run {number}, attempt {decision.attempt}")


def _recover(decision: Recover, world: World, now: datetime) -> Done:
    record = _record(world, decision.issue)
    claim = _claim(world, record)
    if isinstance(claim, PassOver):
        return Done(claim.detail, claim)
    try:
        world.ledger.append(*facts(decision, now))
        world.agents.finish(claim, record.key, decision.run)
    finally:
        claim.drop()
    return Done("it died without a verdict; its last act is started")


def _remove(decision: Remove, world: World, now: datetime) -> Done:
    record = _record(world, decision.issue)
    claim = _claim(world, record)
    if isinstance(claim, PassOver):
        return Done(claim.detail, claim)
    try:
        run = world.new_run()
        world.ledger.append(*facts(decision, now, run))
        world.agents.remove(claim, removal_order(record, world, run, now))
    finally:
        claim.drop()
    return Done(describe(decision))


def _tidy(decision: Tidy, world: World, now: datetime) -> Done:
    roots = dict.fromkeys((world.settings.workspace.root, *decision.roots))
    world.agents.tidy(Tidying(now, tuple(roots), decision.transcripts, decision.folders))
    return Done(describe(decision))


def removal_order(record: Record, world: World, run: RunId, now: datetime) -> Order:
    """What the errand is told that removes the workspace of an issue's runs."""
    return Order(
        run=run,
        issue=record.issue,
        key=record.key,
        number=0,
        attempt=record.runs,
        settings=_settings_for(record, world, world.settings.limits),
        state_dir=world.state_dir,
        ordered_at=now,
    )


def order_for(decision: Dispatch, record: Record, world: World, run: RunId, now: datetime) -> Order:
    """What the run is told. Place and branch are those of the issue's first run."""
    return Order(
        run=run,
        issue=record.issue,
        key=record.key,
        number=decision.attempt,
        attempt=decision.attempt,
        settings=_settings_for(record, world, decision.limits),
        state_dir=world.state_dir,
        ordered_at=now,
        retry_kind=decision.retry_kind,
        thread=decision.thread,
        totals=record.totals,
        previous=_previous(record),
        environment_in_row=record.environment_in_row,
        rework=rework_cap(record, world.policy),
        merged=Merged(record.began, record.tip, record.accepted_tip),
    )


def _settings_for(record: Record, world: World, limits: RunLimits) -> Settings:
    settings = world.settings
    place = replace(settings.workspace, path=record.workspace)
    if record.root:
        place = replace(place, root=record.root)
    if record.branch:
        place = replace(place, branch=record.branch)
    return replace(settings, workspace=place, limits=limits)


def _previous(record: Record) -> PreviousAttempt | None:
    last = record.last
    if last is None:
        return None
    git = last.git
    return PreviousAttempt(
        outcome=last.outcome.value,
        reason=last.reason,
        last_agent_message=last.message,
        dirty_files=git.dirty_files if git else (),
        commits_ahead=git.commits_ahead if git else 0,
        diffstat=git.diffstat if git else "",
        turns_used=last.turns,
        token_total=record.usage.total,
    )


def _deliver(decision: Deliver, world: World, now: datetime) -> Done:
    outbox = world.ledger.history().outbox
    write = outbox.get(decision.write)
    if write is None:
        return Done("nothing left to deliver")
    if next(other for other in outbox.values() if other.issue == write.issue) is not write:
        return Done("an earlier write about this issue was not taken and goes first")
    try:
        kept = _send(write, world)
    except PutOff as error:
        return Done(str(error), PassOver(write.issue, Why.TRACKER, str(error)))
    except WriteRefused as error:
        world.ledger.append(e.Undeliverable(now, write.id, str(error)))
        return Done(f"{write.kind} refused: {error}")
    except TrackerError as error:
        wait = backoff(write.tries + 1, 10.0, WRITE_BACKOFF_CAP, write.id)
        world.ledger.append(e.Tried(now, write.id, str(error), wait))
        return Done(f"{write.kind} not taken, again in {wait:.0f} s: {error}")
    world.ledger.append(e.Delivered(now, write.id) if kept else e.Tried(now, write.id, "", 0.0))
    return Done(f"{write.kind} {'delivered' if kept else 'written, to be confirmed'}")


def _send(write: Write, world: World) -> bool:
    if write.kind == "comment":
        return world.tracker.comment(write.issue, write.body, write.id)
    if write.kind == "add_label":
        world.tracker.add_label(write.issue, write.body)
    elif write.kind == "remove_label":
        world.tracker.remove_label(write.issue, write.body)
    else:
        raise WriteRefused(f"this Symphony does not know the write {write.kind!r}.")
    return True
