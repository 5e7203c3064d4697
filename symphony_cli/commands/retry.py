"""`symphony retry ISSUE`: go on now, after `stop` or `block`, or in place of waiting."""

from __future__ import annotations

from dataclasses import dataclass

from symphony_cli.commands.unblock import known, onward
from symphony_cli.core import events as e
from symphony_cli.core.reasons import BlockReason
from symphony_cli.core.record import Record
from symphony_cli.errors import ExitCode, UsageError
from symphony_cli.ports import World


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryResult:
    """What no longer holds the issue back: `stopped by ana@desk`, `waiting after: it broke`."""

    issue_identifier: str
    released: str
    by: str
    next: str
    exit_code: ExitCode = ExitCode.DONE


def retry(world: World, name: str, by: str, note: str = "") -> RetryResult:
    """Let an issue that a person holds, or that waits after a failure, start at the next tick.

    Raises:
        UsageError: there is no such issue, or nothing that `retry` can do for it.
    """
    history = world.ledger.history()
    record = known(history, name)
    released = _released(record)
    world.ledger.append(e.Retried(world.clock(), record.id, by, note))
    return RetryResult(
        issue_identifier=record.issue.identifier,
        released=released,
        by=by,
        next=onward(record, history, world.policy),
    )


def _released(record: Record) -> str:
    name, block = record.issue.identifier, record.block
    if record.running is not None and record.running.stop:
        raise UsageError(
            f"The run of {name} was told to stop and is still ending: try again in a moment."
        )
    if record.running is not None:
        raise UsageError(f"{name} is running (run {record.runs}): there is nothing to retry.")
    if record.finished_at is not None:
        raise UsageError(f"{name} has finished ({record.issue.state}): there is nothing to retry.")
    if block is not None and block.reason is not BlockReason.OPERATOR:
        raise UsageError(
            f"{name} is blocked ({block.reason}: {block.detail}): `symphony unblock {name}` is for"
            " that."
        )
    if block is not None:
        return block.detail
    if record.retry is not None:
        return f"waiting after: {record.retry.error}"
    raise UsageError(
        f"{name} is neither held nor waiting after a failure. `symphony status {name}` says what it"
        " waits for."
    )
