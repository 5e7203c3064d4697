from __future__ import annotations

import math

import pytest

from symphony_cli.core.run import CodexSettings
from symphony_cli.supervisor.clocks import (
    Due,
    Limits,
    Readings,
    What,
    limits_of,
    next_due,
    patience,
)

LIMITS = Limits(start=60, silence=300, command=1800, turn_silence=3600, turn=None, run=28800)


@pytest.mark.parametrize(
    ("readings", "due"),
    [
        (Readings(run=0), Due(What.RUN, 28800)),
        (Readings(run=0, start=0), Due(What.START, 60)),
        (Readings(run=0, turn=10, heard=50), Due(What.SILENCE, 350)),
        (Readings(run=0, turn=10, heard=50, busy=math.inf), Due(What.SILENCE, 1850)),
        (Readings(run=0, turn=10, heard=50, busy=20), Due(What.SILENCE, 370)),
        (Readings(run=0, heard=28700), Due(What.RUN, 28800)),
        (Readings(run=None), None),
    ],
)
def test_the_limit_that_is_reached_first_is_due(readings: Readings, due: Due | None) -> None:
    assert next_due(LIMITS, readings) == due


def test_a_turn_limit_counts_from_the_turns_beginning() -> None:
    limits = Limits(silence=300, turn=100, run=None)
    assert next_due(limits, Readings(run=0, turn=20, heard=30)) == Due(What.TURN, 120)


FOR_EVER = math.inf


@pytest.mark.parametrize(
    ("limits", "busy", "seconds"),
    [
        (LIMITS, 0, 300),
        (LIMITS, FOR_EVER, 1800),
        (LIMITS, 120, 420),
        (LIMITS, 43_200, 1800),
        (Limits(silence=300, command=60), FOR_EVER, 300),
        (Limits(silence=300, command=60), 120, 300),
        (Limits(silence=300, command=None, turn_silence=None), FOR_EVER, None),
        (Limits(silence=300, command=None, turn_silence=None), 120, 420),
        (Limits(silence=300, command=None, turn_silence=900), FOR_EVER, 900),
        (Limits(silence=None, turn_silence=900), 0, 900),
        (Limits(silence=None, turn_silence=None), FOR_EVER, None),
        (Limits(silence=300, turn_silence=200), 0, 200),
    ],
)
def test_patience_is_as_much_longer_as_what_is_open_may_be_silent(
    limits: Limits, busy: float, seconds: float | None
) -> None:
    assert patience(limits, busy) == seconds


def test_a_limit_of_zero_or_less_is_no_limit() -> None:
    settings = CodexSettings(stall_timeout=0, command_timeout=-1, turn_limit=5.0, run_limit=None)
    assert limits_of(settings) == Limits(60.0, None, None, 3600.0, 5.0, None)
