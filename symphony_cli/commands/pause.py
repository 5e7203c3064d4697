"""`symphony pause` and `symphony resume`: nothing new is started; what runs goes on."""

from __future__ import annotations

from dataclasses import dataclass

from symphony_cli.core import events as e
from symphony_cli.core.gate import paused
from symphony_cli.errors import ExitCode, UsageError
from symphony_cli.ports import World


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseResult:
    """Whether dispatch is paused now, by whom and why, and how many runs go on."""

    paused: bool
    by: str
    reason: str
    running: int
    next: str
    exit_code: ExitCode = ExitCode.DONE


def pause(world: World, by: str, reason: str = "") -> PauseResult:
    """Start nothing new until `resume`, also after a restart.

    Raises:
        UsageError: it is paused already; the text says by whom and why.
    """
    history = world.ledger.history()
    if history.pause is not None:
        raise UsageError(
            f"Dispatch is already {paused(history.pause)}. `symphony resume` lets it go on."
        )
    world.ledger.append(e.Paused(world.clock(), by, reason))
    running = sum(record.running is not None for record in history.records.values())
    return PauseResult(
        paused=True,
        by=by,
        reason=reason,
        running=running,
        next="ticks settle, stop and clean up as ever; `symphony resume` lets them start runs",
    )


def resume(world: World, by: str) -> PauseResult:
    """Let dispatch go on.

    Raises:
        UsageError: it is not paused.
    """
    history = world.ledger.history()
    was = history.pause
    if was is None:
        raise UsageError("Dispatch is not paused. `symphony status` says why nothing starts.")
    world.ledger.append(e.Resumed(world.clock(), by))
    running = sum(record.running is not None for record in history.records.values())
    return PauseResult(
        paused=False,
        by=by,
        reason=was.reason,
        running=running,
        next="the next tick starts what fits",
    )
