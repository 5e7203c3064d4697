"""What a run counts, where Codex does more than to tell a total that rises."""

from __future__ import annotations

import pytest

from symphony_cli.core.report import ThreadBusy, ThreadIdle, UsageSeen
from symphony_cli.core.usage import Usage
from symphony_cli.supervisor.notices import TurnCompleted, TurnError, TurnStarted, usage
from symphony_cli.supervisor.tally import Tally
from tests.supervisor.play import START

KNOWN = Usage(1000, 100, 10, 0, 1010)
WINDOW = 258_400


def tokens(given: int, output: int) -> Usage:
    return Usage(given, 0, output, 0, given + output)


def overflowed() -> Usage:
    """What Codex tells when a conversation has outgrown its model."""
    return usage({"totalTokens": WINDOW, "inputTokens": 0, "outputTokens": 0})


def counted(bases: dict[str, Usage], *totals: Usage) -> tuple[Usage, int]:
    """What one thread's totals add up to, and how many lines they are worth."""
    tally = Tally(bases)
    lines = [line for total in totals for line in tally.counted("t", total, START, True)]
    return tally.meter.spent, len(lines)


def test_after_an_overflow_codex_counts_from_nothing_and_all_of_it_is_spent() -> None:
    tally = Tally({"t": KNOWN})
    totals = (KNOWN + tokens(200, 5), overflowed(), overflowed(), tokens(30, 1), tokens(70, 2))
    lines = [line for total in totals for line in tally.counted("t", total, START, True)]
    before = tokens(200, 5)
    assert lines == [
        UsageSeen(START, "t", totals[0], KNOWN),
        UsageSeen(START, "t", Usage(), before=before),
        UsageSeen(START, "t", tokens(30, 1), before=before),
        UsageSeen(START, "t", tokens(70, 2), before=before),
    ]
    assert tally.meter.spent == before + tokens(70, 2)


def test_an_overflow_that_a_kill_hid_shows_in_the_total_that_is_told_at_the_resume() -> None:
    assert counted({"t": KNOWN}, overflowed(), tokens(30, 1)) == (tokens(30, 1), 2)


def test_a_thread_whose_newest_figures_codex_lost_with_the_power_goes_on_from_older_ones() -> None:
    """Measured: its record was cut back by one answer; the replay tells the total before that."""
    older = Usage(700, 70, 7, 0, 707)
    assert counted({"t": KNOWN}, older, older + tokens(50, 3)) == (tokens(50, 3), 2)


def test_later_in_a_run_a_lower_total_is_an_old_one() -> None:
    assert counted({}, tokens(500, 5), tokens(300, 3), tokens(600, 6)) == (tokens(600, 6), 2)


def test_an_update_without_figures_tells_nothing() -> None:
    unknown = usage({"tokens": 12})
    assert counted({"t": KNOWN}, unknown, KNOWN + tokens(5, 1)) == (tokens(5, 1), 1)


@pytest.mark.parametrize(
    ("status", "error", "cut"),
    [
        ("completed", None, False),
        ("interrupted", None, True),
        ("failed", None, True),
        ("failed", TurnError("stream disconnected before completion", "other"), True),
        ("failed", TurnError("cut", "responseStreamDisconnected"), True),
        ("failed", TurnError("429", "responseStreamDisconnected", 429), False),
        ("failed", TurnError("wait", "usageLimitExceeded"), False),
        ("failed", TurnError("too long", "contextWindowExceeded"), False),
    ],
)
def test_an_answer_is_cut_unless_it_ended_or_was_refused(
    status: str, error: TurnError | None, cut: bool
) -> None:
    tally = Tally({})
    began = tally.turned(TurnStarted("t", "turn-1"), START)
    over = tally.turned(TurnCompleted("t", "turn-1", status, error), START)
    assert (began, over) == ([ThreadBusy(START, "t")], [ThreadIdle(START, "t", cut)])
