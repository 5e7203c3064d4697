"""`symphony stop ISSUE` and `symphony block ISSUE`: end a run, hold an issue, until `retry`."""

from __future__ import annotations

from dataclasses import dataclass

from symphony_cli.commands.unblock import known
from symphony_cli.core import events as e
from symphony_cli.core.cures import clear_by
from symphony_cli.core.reasons import BlockReason
from symphony_cli.core.record import Record, Running
from symphony_cli.core.run import StopNote
from symphony_cli.errors import ExitCode, UsageError
from symphony_cli.ports import World


@dataclass(frozen=True, slots=True, kw_only=True)
class StopResult:
    """What is held, and which run was told to end; `run` is empty when there was none."""

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
    if record.running is None:
        raise UsageError(
            f"{record.issue.identifier} has no run to stop. "
            f"`symphony status {record.issue.identifier}` says what it waits for, and "
            f"`symphony block {record.issue.identifier}` keeps it from being started."
        )
    return _hold(world, record, record.running, by, f"stopped by {by}{f': {note}' if note else ''}")


def block(world: World, name: str, by: str, note: str = "") -> StopResult:
    """Hold an issue (`operator`): it is not started until a person lets it; a run of it ends.

    Raises:
        UsageError: no such issue, it is over, or it is blocked already.
    """
    record = known(world.ledger.history(), name)
    name = record.issue.identifier
    if record.finished_at is not None:
        raise UsageError(f"{name} has finished ({record.issue.state}): there is nothing to hold.")
    if record.block is not None:
        raise UsageError(
            f"{name} is blocked already ({record.block.reason}: {record.block.detail}): "
            f"{clear_by(record.block.reason, name)}."
        )
    return _hold(world, record, record.running, by, f"held by {by}{f': {note}' if note else ''}")


def _hold(
    world: World, record: Record, running: Running | None, by: str, detail: str
) -> StopResult:
    """Written down in one write, then told to the run: a crash between is settled by a tick."""
    now, name = world.clock(), record.issue.identifier
    facts: list[e.Event] = []
    if record.block is None:
        facts.append(e.Blocked(now, record.id, BlockReason.OPERATOR, detail, by))
    if running is not None:
        facts.append(e.StopAsked(now, record.id, running.run, "operator", detail, by))
    world.ledger.append(*facts)
    if running is not None:
        note = StopNote("operator", detail, by)
        world.agents.stop(record.key, running.run, note)
    kept = "its thread and workspace are kept; " if record.runs else ""
    return StopResult(
        issue_identifier=name,
        run=running.run if running is not None else "",
        by=by,
        next=f"{kept}`symphony retry {name}` lets it go on",
    )
