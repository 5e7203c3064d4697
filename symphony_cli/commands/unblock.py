"""`symphony unblock ISSUE`: clear a block, grant one more helping, take our label off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symphony_cli.core import events as e
from symphony_cli.core.decisions import Deliver, Grant
from symphony_cli.core.helping import Helping
from symphony_cli.core.history import History
from symphony_cli.core.lanes import thread_for
from symphony_cli.core.limits import helping, run_limits, tokens_left, warning_due
from symphony_cli.core.outbox import take_back
from symphony_cli.core.policy import Policy
from symphony_cli.core.reasons import BlockReason, Cause
from symphony_cli.core.record import Block, Record, Running
from symphony_cli.errors import ExitCode, UsageError
from symphony_cli.perform import perform
from symphony_cli.ports import World


@dataclass(frozen=True, slots=True, kw_only=True)
class UnblockResult:
    """What was cleared and what happens next; no reason: a running issue was given more."""

    issue_identifier: str
    reason: str
    detail: str
    granted: str
    next: str
    by: str
    exit_code: ExitCode = ExitCode.DONE


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person typed: how much to give, and why."""

    tokens: int | None = None
    attempts: int | None = None
    note: str = ""


def unblock(world: World, name: str, by: str, asked: Asked = Asked()) -> UnblockResult:
    """Clear the block of an issue, durably, and take our label off if the tracker lets us now. A
    running issue takes more tokens.

    Raises:
        UsageError: no such issue, or it is not blocked; the text says what it is instead.
    """
    record = known(world.ledger.history(), name)
    _check(asked, record, world.policy)
    if record.running is not None:
        return _top_up(world, record, record.running, by, asked)
    if record.block is None:
        raise UsageError(
            f"{record.issue.identifier} is not blocked. "
            f"`symphony status {record.issue.identifier}` says why it does not run."
        )
    return _clear(world, record, record.block, by, asked)


def _check(asked: Asked, record: Record, policy: Policy) -> None:
    """What is given must be of what WORKFLOW.md limits, or nobody would notice."""
    for option, value, key, limit in (
        ("--grant-tokens", asked.tokens, "max_tokens_per_issue", policy.max_tokens_per_issue),
        ("--grant-attempts", asked.attempts, "max_dispatch_attempts", policy.max_dispatch_attempts),
    ):
        if value is not None and limit is None:
            raise UsageError(
                f"{option}: WORKFLOW.md sets no `agent.{key}`, so there is nothing to add to for "
                f"{record.issue.identifier}. Leave the option out."
            )


def _clear(world: World, record: Record, block: Block, by: str, asked: Asked) -> UnblockResult:
    history, now = world.ledger.history(), world.clock()
    given = helping(record, world.policy, tokens=asked.tokens, attempts=asked.attempts)
    cleared = e.Unblocked(now, record.id, Cause.UNBLOCK, by, asked.note, given)
    facts = (*take_back(history, record, block, now), cleared)
    world.ledger.append(*facts, *_told_already(world, record, facts, 0))
    for write in tuple(history.outbox.values()):
        if write.issue == record.id:
            perform(Deliver(record.id, write.id), world, now)
    return UnblockResult(
        issue_identifier=record.issue.identifier,
        reason=block.reason.value,
        detail=block.detail,
        granted=_granted(block.reason, asked, given, world.policy),
        next=onward(record, history, world.policy),
        by=by,
    )


def _top_up(world: World, record: Record, running: Running, by: str, asked: Asked) -> UnblockResult:
    """More tokens for a run that goes on: written down, then told to the run."""
    name = record.issue.identifier
    if running.stop:
        raise UsageError(
            f"The run of {name} was told to stop and is still ending: try again in a moment."
        )
    if asked.tokens is None or asked.attempts is not None:
        raise UsageError(
            f"{name} is running (run {record.runs}), so there is nothing to unblock. "
            f"`--grant-tokens N` alone gives its run more tokens; `symphony stop {name}` ends it."
        )
    now = world.clock()
    given = e.ToppedUp(now, record.id, asked.tokens, by, asked.note)
    pid = world.agents.sight(record.key, running.run).pid
    spent = pid.spent.spend(world.policy.cached_token_weight) if pid is not None else 0
    world.ledger.append(given, *_told_already(world, record, (given,), spent))
    fresh = known(world.ledger.history(), record.id)
    limits = run_limits(fresh, world.policy)
    perform(Grant(record.id, running.run, limits), world, now)
    left = tokens_left(fresh, world.policy)
    return UnblockResult(
        issue_identifier=name,
        reason="",
        detail="",
        granted=f"{asked.tokens:,} more tokens",
        next=f"its run may use {left:,} from its start, and hears of it within seconds",
        by=by,
    )


def _told_already(
    world: World, record: Record, facts: Sequence[e.Event], running: int
) -> tuple[e.Event, ...]:
    """A person who gives a little more knows that most is used: no comment says so again."""
    after = world.ledger.history().copy().take_all(facts).find(record.id) or record
    whole = warning_due(after, world.policy, running)
    return () if whole is None else (e.Warned(world.clock(), record.id, whole),)


def known(history: History, name: str) -> Record:
    """The record of an issue that a person named.

    Raises:
        UsageError: there is none; near names are listed.
    """
    record = history.named(name)
    if record is not None:
        return record
    known = (r for r in history.records.values() if r.finished_at is None)
    names = sorted(record.issue.identifier for record in known)
    listed = f" Known: {', '.join(names[:10])}." if names else " No issue was taken in yet."
    raise UsageError(f"There is no issue {name!r}.{listed}")


def onward(record: Record, history: History, policy: Policy) -> str:
    """What comes next for an issue that nothing of its own holds back any more."""
    when = "the next tick" if history.pause is None else "the first tick after `symphony resume`"
    thread = " on its old thread" if thread_for(record, policy) is not None else ""
    return f"{when} with a free slot starts it{thread}"


def _granted(reason: BlockReason, asked: Asked, given: Helping, policy: Policy) -> str:
    parts = []
    if given.tokens is not None:
        tokens = asked.tokens or policy.max_tokens_per_issue or 0
        parts.append(f"{tokens:,} more tokens")
    if asked.attempts is not None:
        parts.append(f"{asked.attempts} more runs without progress")
    elif reason is BlockReason.ATTEMPTS:
        parts.append(f"{policy.max_dispatch_attempts} more runs without progress")
    if given.rework is not None:
        parts.append("this rework cycle")
    if given.tip:
        parts.append(f"work on top of what is merged ({given.tip[:12]})")
    return ", ".join(parts)
