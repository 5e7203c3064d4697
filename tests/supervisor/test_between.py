"""A run that waits for the tracker between turns."""

from __future__ import annotations

import pytest

from symphony_cli.core import report
from symphony_cli.core.run import CodexSettings, RunLimits, StopNote
from symphony_cli.supervisor.actions import AskRefresh
from symphony_cli.supervisor.between import Patience

from .play import Play


def waiting(seconds: float, codex: CodexSettings | None = None) -> Play:
    """A run whose first turn is over, and that waits so long at most."""
    play = Play(codex=codex, tracker_wait=seconds)
    play.open()
    play.turn_ends()
    return play


def asked_at(play: Play, seconds: float) -> list[float]:
    """When the tracker is asked while it never answers."""
    moments = []
    while play.session.closing is None and play.seconds <= seconds:
        if AskRefresh() in play.actions:
            play.actions.remove(AskRefresh())
            moments.append(play.seconds)
            play.tracker("unknown", detail="no route")
        due = play.session.deadline()
        play.wait(1.0 if due is None else max(0.0, due - play.now.mono))
    return moments


def test_the_tracker_is_asked_less_and_less_often_and_once_more_at_the_very_end() -> None:
    play = waiting(200)
    assert (asked_at(play, 1000), play.ending()) == (
        [0, 5, 15, 35, 75, 135, 195, 200],
        ("tracker", "unreachable"),
    )


def test_a_run_without_patience_ends_at_the_first_question_that_is_not_answered() -> None:
    play = waiting(0)
    assert (asked_at(play, 1000), play.ending()) == ([0], ("tracker", "unreachable"))
    assert "awaiting_tracker" not in phases(play)


def phases(play: Play) -> list[str]:
    return [line.name for line in play.lines(report.Phase) if isinstance(line, report.Phase)]


def test_an_answer_gives_the_run_its_whole_patience_back() -> None:
    play = waiting(30)
    for _ in range(3):
        play.tracker("unknown")
        play.wait(20)
        play.tracker("go_on")
        play.turn_starts()
        play.turn_ends()
    assert (play.ending(), len(play.prompts())) == (("", ""), 4)


def test_no_clock_of_the_run_goes_on_while_it_waits() -> None:
    play = waiting(1800, CodexSettings(run_limit=100.0, stall_timeout=50.0, turn_limit=60.0))
    play.tracker("unknown")
    play.wait(1700)
    assert (play.ending(), play.lines(report.Stalled)) == (("", ""), [])


def test_the_time_at_work_before_and_after_a_wait_adds_up_to_the_run_limit() -> None:
    play = waiting(1800, CodexSettings(run_limit=100.0, stall_timeout=0))
    play.tracker("unknown")
    play.wait(1000)
    play.tracker("go_on")
    play.turn_starts()
    play.wait(99)
    before = play.ending()
    play.wait(2)
    assert (before, play.ending()) == (("", ""), ("timed_out", "run"))


def test_a_stop_ends_a_run_that_waits() -> None:
    play = waiting(1800)
    play.tracker("unknown")
    phase = play.session.phase
    play.wait(7)
    play.take(play.session.stop(StopNote("operator", "by hand"), play.now))
    assert (phase, play.ending()) == ("awaiting_tracker", ("stopped", "operator"))


def test_an_answer_that_comes_after_the_end_changes_nothing() -> None:
    play = waiting(1800)
    play.tracker("unknown")
    play.take(play.session.stop(StopNote("operator"), play.now))
    play.tracker("go_on")
    assert (play.ending(), len(play.prompts())) == (("stopped", "operator"), 1)


@pytest.mark.parametrize("reason", ["project", "label", "assignee", "not_eligible"])
def test_a_word_of_the_tracker_while_the_run_waits_ends_it(reason: str) -> None:
    play = waiting(1800)
    play.tracker("unknown")
    play.wait(5)
    play.tracker("stop", reason=reason)
    assert play.ending() == ("stopped", reason)


@pytest.mark.parametrize("waits_already", [False, True])
def test_a_run_whose_key_is_refused_ends_at_once_and_nobodys_fault(waits_already: bool) -> None:
    play = waiting(1800)
    if waits_already:
        play.tracker("unknown", reason="tracker")
        play.wait(5)
    play.tracker("unknown", reason="key", detail="Linear does not accept the key.")
    assert play.ending() == ("tracker", "key")


def test_a_run_whose_turns_are_used_up_still_waits_to_know_how_its_issue_stands() -> None:
    play = Play(limits=RunLimits(max_turns=1), tracker_wait=60)
    play.open()
    play.turn_ends()
    play.tracker("unknown")
    play.wait(5)
    play.tracker("go_on")
    assert play.ending() == ("rolled_over", "max_turns")


def test_patience_counts_only_waits_that_an_answer_ended() -> None:
    patience = Patience(100)
    told = [patience.unanswered(10), patience.unanswered(15), patience.waited]
    patience.answered(30)
    patience.answered(31)
    assert (told, patience.waited) == ([15, 25, 0.0], 20)
