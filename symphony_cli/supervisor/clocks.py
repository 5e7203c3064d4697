"""The limits of a run, and which of them is reached first. Pure: seconds in, a date out.

start    from the launch of Codex until its thread is open
silence  since the last sign of life within a turn; longer while a command, a foreign tool or a
         sleep is open, and not counted while Codex waits for us (our tools) or nobody works
         (between turns)
turn     since the turn began
run      since the supervisor began, without the time it waited for a tracker that was down
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import NamedTuple

from symphony_cli.core.run import CodexSettings


class What(StrEnum):
    """Which limit."""

    START = "start"
    SILENCE = "silence"
    TURN = "turn"
    RUN = "run"


class Limits(NamedTuple):
    """Seconds; None means no limit."""

    start: float | None = 60.0
    silence: float | None = 300.0
    command: float | None = 1800.0
    turn_silence: float | None = 3600.0
    turn: float | None = None
    run: float | None = None


class Readings(NamedTuple):
    """Since when, on the monotonic clock; None means that this clock does not run now."""

    run: float | None
    start: float | None = None
    turn: float | None = None
    heard: float | None = None
    busy: float = 0.0
    """Seconds for which what is open may be silent (`work`), before the model is to be heard."""


class Due(NamedTuple):
    """A limit and when it is reached."""

    what: What
    at: float


def limits_of(settings: CodexSettings) -> Limits:
    """The limits that WORKFLOW.md sets; zero or less switches one off."""
    return Limits(
        start=_limit(settings.start_timeout),
        silence=_limit(settings.stall_timeout),
        command=_limit(settings.command_timeout),
        turn_silence=_limit(settings.turn_silence),
        turn=_limit(settings.turn_limit),
        run=_limit(settings.run_limit),
    )


def _limit(seconds: float | None) -> float | None:
    return seconds if seconds is not None and seconds > 0 else None


def next_due(limits: Limits, readings: Readings) -> Due | None:
    """The limit that is reached first if nothing happens, or None when there is none."""
    candidates = (
        (What.RUN, readings.run, limits.run),
        (What.START, readings.start, limits.start),
        (What.TURN, readings.turn, limits.turn),
        (What.SILENCE, readings.heard, patience(limits, readings.busy)),
    )
    dates = [
        Due(what, since + limit)
        for what, since, limit in candidates
        if since is not None and limit is not None
    ]
    return min(dates, key=lambda due: due.at, default=None)


def patience(limits: Limits, busy: float) -> float | None:
    """How long silence may last while something is open that is silent for `busy` seconds.

    Never shorter than for a model alone, and never longer than a command may take.
    """
    if limits.silence is None:
        return limits.turn_silence
    command = math.inf if limits.command is None else max(limits.command, limits.silence)
    turn = math.inf if limits.turn_silence is None else limits.turn_silence
    shortest = min(limits.silence + busy, command, turn)
    return None if shortest == math.inf else shortest
