"""`symphony unblock ISSUE`: clear a block, grant one more helping, take our label off."""

from __future__ import annotations

from dataclasses import dataclass

from symphony_cli.core import events as e
from symphony_cli.core.decisions import Deliver
from symphony_cli.core.history import History
from symphony_cli.core.outbox import take_back
from symphony_cli.core.policy import Policy
from symphony_cli.core.reasons import BlockReason
from symphony_cli.core.record import Record
from symphony_cli.errors import ExitCode, UsageError
from symphony_cli.perform import perform
from symphony_cli.ports import World


@dataclass(frozen=True, slots=True, kw_only=True)
class UnblockResult:
    """What was cleared and what happens next."""

    issue_identifier: str
    reason: str
    detail: str
    granted: str
    next: str
    by: str
    exit_code: ExitCode = ExitCode.DONE


def unblock(world: World, name: str, by: str, note: str = "") -> UnblockResult:
    """Clear the block of an issue, durably, and take our label off if the tracker lets us now.

    Raises:
        UsageError: no such issue, or it is not blocked; the text says what it is instead.
    """
    history = world.ledger.history()
    record = known(history, name)
    if record.running is not None and record.running.stop:
        raise UsageError(
            f"The run of {record.issue.identifier} was told to stop and is still ending: "
            "try again in a moment."
        )
    if record.running is not None:
        raise UsageError(
            f"{record.issue.identifier} is running (run {record.runs}), so there is nothing to "
            f"unblock. `symphony stop {record.issue.identifier}` ends that run."
        )
    if record.block is None:
        raise UsageError(
            f"{record.issue.identifier} is not blocked. "
            f"`symphony status {record.issue.identifier}` says why it does not run."
        )
    now = world.clock()
    cleared = e.Unblocked(now, record.id, "unblock", by, note)
    world.ledger.append(*take_back(history, record, record.block, now), cleared)
    for write in tuple(history.outbox.values()):
        if write.issue == record.id:
            perform(Deliver(record.id, write.id), world, now)
    return UnblockResult(
        issue_identifier=record.issue.identifier,
        reason=record.block.reason.value,
        detail=record.block.detail,
        granted=_granted(record.block.reason, world.policy),
        next="the next tick with a free slot starts it on its old thread",
        by=by,
    )


def known(history: History, name: str) -> Record:
    """The record of an issue that a person named.

    Raises:
        UsageError: there is none; near names are listed.
    """
    record = history.named(name)
    if record is not None:
        return record
    names = sorted(record.issue.identifier for record in history.records.values())
    listed = f" Known: {', '.join(names[:10])}." if names else " No issue was taken in yet."
    raise UsageError(f"There is no issue {name!r}.{listed}")


def _granted(reason: BlockReason, policy: Policy) -> str:
    if reason is BlockReason.BUDGET and policy.max_tokens_per_issue:
        return f"{policy.max_tokens_per_issue:,} more tokens"
    if reason is BlockReason.ATTEMPTS and policy.max_dispatch_attempts:
        return f"{policy.max_dispatch_attempts} more runs without progress"
    return ""
