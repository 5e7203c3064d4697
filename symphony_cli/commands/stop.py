"""`symphony stop ISSUE`: end one run and hold the issue until a person lets it go on."""

from __future__ import annotations

from dataclasses import dataclass

from symphony_cli.commands.unblock import known
from symphony_cli.core import events as e
from symphony_cli.core.reasons import BlockReason
from symphony_cli.core.run import StopNote
from symphony_cli.errors import ExitCode, UsageError
from symphony_cli.ports import World


@dataclass(frozen=True, slots=True, kw_only=True)
class StopResult:
    """Which run was told to end."""

    issue_identifier: str
    run: str
    by: str
    next: str
    exit_code: ExitCode = ExitCode.DONE


def stop(world: World, name: str, by: str, note: str = "") -> StopResult:
    """Tell a run to end; its issue is blocked (`operator`) first, so that it does not come back.

    Raises:
        UsageError: no such issue, or no run of it.
    """
    record = known(world.ledger.history(), name)
    running = record.running
    if running is None:
        raise UsageError(
            f"{record.issue.identifier} has no run to stop. "
            f"`symphony status {record.issue.identifier}` says what it waits for."
        )
    now = world.clock()
    detail = f"stopped by {by}{f': {note}' if note else ''}"
    blocked = e.Blocked(now, record.id, BlockReason.OPERATOR, detail, by)
    asked = e.StopAsked(now, record.id, running.run, "operator", detail, by)
    world.ledger.append(*(() if record.block else (blocked,)), asked)
    world.agents.stop(record.key, running.run, StopNote("operator", detail, by))
    name = record.issue.identifier
    return StopResult(
        issue_identifier=name,
        run=running.run,
        by=by,
        next=f"its thread and workspace are kept; `symphony unblock {name}` lets it go on",
    )
