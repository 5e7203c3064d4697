"""What stands around a tick: the lock, the deadline, the loop, and what is printed of it."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace

from symphony_cli import clock, wiring_world
from symphony_cli.commands.tick import Acted, TickResult, tick
from symphony_cli.core.secrets import redact
from symphony_cli.errors import ExitCode, LockHeld
from symphony_cli.wiring_world import Opened, Place

LONGEST = 45.0
"""Seconds; a tick's deadline is this, or half its interval when that is shorter."""


def one(place: Place, *, dry_run: bool = False, deadline: float | None = None) -> TickResult:
    """One tick of this process.

    Raises:
        LockHeld: another process holds the lock; three such ticks in a row are told loudly.
        SymphonyError: the tick could not begin, or ended at a failing ledger.
    """
    started = clock.monotonic()
    if dry_run:
        return _tick(wiring_world.reading(place), started, deadline, dry_run=True)
    try:
        with wiring_world.writing(place) as opened:
            return _tick(opened, started, deadline)
    except LockHeld as error:
        bounces = wiring_world.count_bounce(place)
        raise LockHeld(wiring_world.lock_advice(error, bounces)) from error


def _tick(
    opened: Opened, started: float, deadline: float | None, *, dry_run: bool = False
) -> TickResult:
    limit = deadline or min(LONGEST, opened.world.policy.interval / 2)
    # A fold without its cache may take long; that tick shall still do something afterwards.
    began = clock.monotonic()
    # Nothing in a tick may hang: at twice its deadline the kernel ends it, and crashes are safe.
    signal.setitimer(signal.ITIMER_REAL, 2 * limit)
    try:
        result = tick(
            opened.world,
            deadline=limit,
            elapsed=lambda: clock.monotonic() - began,
            dry_run=dry_run,
            warnings=opened.warnings,
        )
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    result = _without_secrets(result, opened.secrets)
    if opened.repaired:
        told = Acted("repair", "ledger", opened.repaired, "done")
        result = replace(result, decisions=(told, *result.decisions))
    return replace(result, duration_s=round(clock.monotonic() - started, 3))


def _without_secrets(result: TickResult, secrets: tuple[str, ...]) -> TickResult:
    """What is printed of a tick may quote an exception, and that may quote anything."""
    return replace(
        result,
        decisions=tuple(replace(a, detail=redact(a.detail, secrets)) for a in result.decisions),
        passed_over=tuple(replace(p, why=redact(p.why, secrets)) for p in result.passed_over),
        errors=tuple(redact(error, secrets) for error in result.errors),
    )


def shown(result: TickResult, *, as_json: bool, log_json: bool, to_person: bool) -> str:
    """What a tick prints: nothing where nothing happened and nobody watches."""
    if result.quiet and not (as_json or log_json or to_person or result.dry_run):
        return ""
    from symphony_cli.render import machine

    if as_json:
        return machine.as_json(result)
    if log_json:
        return "\n".join(machine.log_lines(result, clock.now(), as_objects=True))
    if to_person or result.dry_run:
        from symphony_cli.render import text

        return text.as_text(result)
    errors = [f"error: {' '.join(error.split())}" for error in result.errors]
    lines = machine.log_lines(result, clock.now(), as_objects=False)
    return "\n".join([result.summary, *lines, *errors])


def loop(place: Place, every: float, until: float | None, options: list[str]) -> int:
    """Ticks in the foreground, each in a process of its own, until the time is up or ^C.

    The worst exit code of the ticks is not kept: a loop that was ended is done (0), as a timer is.
    """
    pause = every or wiring_world.configure(place, need_key=False).good.policy.interval
    began = clock.monotonic()
    command = [sys.executable, "-P", "-m", "symphony_cli", "--workflow", str(place.workflow)]
    try:
        while until is None or clock.monotonic() - began < until:
            due = clock.monotonic() + pause
            subprocess.run([*command, "tick", *options], check=False)
            clock.sleep(max(0.0, due - clock.monotonic()))
    except KeyboardInterrupt:
        return int(ExitCode.DONE)
    return int(ExitCode.DONE)
