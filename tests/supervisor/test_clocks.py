from __future__ import annotations

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
        (Readings(run=0, turn=10, heard=50, busy=True), Due(What.SILENCE, 1850)),
        (Readings(run=0, heard=28700), Due(What.RUN, 28800)),
        (Readings(run=None), None),
    ],
)
def test_the_limit_that_is_reached_first_is_due(readings: Readings, due: Due | None) -> None:
    assert next_due(LIMITS, readings) == due


def test_a_turn_limit_counts_from_the_turns_beginning() -> None:
    limits = Limits(silence=300, turn=100, run=None)
    assert next_due(limits, Readings(run=0, turn=20, heard=30)) == Due(What.TURN, 120)


@pytest.mark.parametrize(
    ("limits", "busy", "seconds"),
    [
        (LIMITS, False, 300),
        (LIMITS, True, 1800),
        (Limits(silence=300, command=60), True, 300),
        (Limits(silence=300, command=None, turn_silence=None), True, None),
        (Limits(silence=300, command=None, turn_silence=900), True, 900),
        (Limits(silence=None, turn_silence=900), False, 900),
        (Limits(silence=300, turn_silence=200), False, 200),
    ],
)
def test_patience_is_longer_while_something_quiet_is_open(
    limits: Limits, busy: bool, seconds: float | None
) -> None:
    assert patience(limits, busy) == seconds


def test_a_limit_of_zero_or_less_is_no_limit() -> None:
    settings = CodexSettings(stall_timeout=0, command_timeout=-1, turn_limit=5.0, run_limit=None)
    assert limits_of(settings) == Limits(60.0, None, None, 3600.0, 5.0, None)
