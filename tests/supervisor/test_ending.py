from __future__ import annotations

import re
from pathlib import Path

import pytest

from symphony_cli.core import report
from symphony_cli.core.run import StopNote
from symphony_cli.errands.finish import HURRIED, ORDINARY
from symphony_cli.supervisor.actions import CloseStdin, SignalCodex, Tell
from symphony_cli.supervisor.ending import GENTLE, QUICK

from .play import PID, THREAD, Play


def started() -> Play:
    play = Play()
    play.open()
    return play


def steps(play: Play) -> list[str]:
    """What was done to Codex, in order."""
    found = []
    for action in play.actions:
        if isinstance(action, CloseStdin):
            found.append("eof")
        if isinstance(action, SignalCodex):
            found.append(action.name)
    return found


def test_a_stop_interrupts_cleans_and_closes_and_tells_what_ended_codex() -> None:
    play = started()
    play.take(play.session.stop(StopNote("label", "stop label set"), play.now))
    play.turn_ends("interrupted")
    play.reply("thread/backgroundTerminals/clean")
    play.exits()
    assert (play.ending(), steps(play), play.session.state) == (
        ("stopped", "label"),
        ["eof"],
        "over",
    )
    assert play.methods[-2:] == ["turn/interrupt", "thread/backgroundTerminals/clean"]
    assert play.lines(report.Ended) == [report.Ended(play.now.at, "eof", (PID,))]


def test_codex_that_ignores_everything_is_signalled_harder_and_then_left_to_the_sweep() -> None:
    play = started()
    play.take(play.session.stop(StopNote("operator"), play.now))
    play.wait(8.9)
    before = play.session.state
    play.wait(0.2)
    assert (steps(play), before, play.session.state) == (["eof", "term", "kill"], "ending", "over")
    assert play.lines(report.Ended) == []


def test_the_step_that_ended_codex_is_told() -> None:
    play = started()
    play.take(play.session.stop(StopNote("operator"), play.now))
    play.wait(5.5)
    play.exits(-15)
    assert play.lines(report.Ended) == [report.Ended(play.now.at, "term", (PID,))]


def test_the_decision_is_told_before_anything_is_taken_apart_and_only_once() -> None:
    play = started()
    before = len(play.actions)
    play.take(play.session.stop(StopNote("operator"), play.now))
    play.take(play.session.stop(StopNote("label"), play.now))
    play.turn_ends("failed", "unauthorized")
    (closing,) = play.lines(report.Closing)
    assert play.actions[before] == Tell(closing)


def test_a_signal_without_a_reason_is_an_interruption_and_wastes_no_time() -> None:
    play = started()
    play.take(play.session.terminated(play.now))
    play.wait(2.1)
    assert (play.ending(), steps(play), play.session.state) == (
        ("interrupted", "signal"),
        ["eof", "term", "kill"],
        "over",
    )
    assert "turn/interrupt" not in play.methods


def test_a_signal_makes_an_ending_that_only_asks_hurry() -> None:
    play = started()
    play.take(play.session.stop(StopNote("operator"), play.now))
    play.take(play.session.terminated(play.now))
    assert (play.ending(), steps(play)) == (("stopped", "operator"), ["eof"])


@pytest.mark.parametrize(("code", "waits"), [(0, True), (-15, True), (143, True), (101, False)])
def test_codex_that_left_politely_may_have_been_told_by_the_machine(code: int, waits: bool) -> None:
    play = started()
    play.tokens(10, 1)
    play.exits(code)
    before = play.ending()
    play.take(play.session.terminated(play.now))
    assert (before, play.ending()) == (
        (("", ""), ("interrupted", "signal"))
        if waits
        else (("failed", "codex_exit"), ("failed", "codex_exit"))
    )


def test_codex_that_left_politely_for_no_reason_failed() -> None:
    play = started()
    play.tokens(10, 1)
    play.exits(0)
    play.wait(4)
    assert (play.ending(), play.session.state) == (("failed", "codex_exit"), "over")


def test_codex_that_left_before_the_model_answered_is_a_matter_of_this_machine() -> None:
    play = started()
    play.exits(101, "thread main panicked")
    assert play.ending() == ("environment", "launch")


def test_turns_of_sub_agents_are_interrupted_too() -> None:
    play = started()
    play.say("turn/started", threadId="sub", turn={"id": "sub-turn"})
    play.take(play.session.stop(StopNote("operator"), play.now))
    asked = [one["params"] for one in play.sent if one.get("method") == "turn/interrupt"]
    assert asked == [
        {"threadId": THREAD, "turnId": "turn-1"},
        {"threadId": "sub", "turnId": "sub-turn"},
    ]


def test_between_turns_there_is_nothing_to_interrupt() -> None:
    play = started()
    play.turn_ends()
    play.tracker("handed_over", state="Done")
    assert play.methods[-1] == "thread/backgroundTerminals/clean"


def test_codex_that_cannot_be_started_is_over_at_once() -> None:
    play = Play()
    play.take(play.session.launch_failed("codex is not there", play.now))
    assert (play.ending(), play.session.state, steps(play)) == (
        ("environment", "launch"),
        "over",
        [],
    )


def test_what_comes_after_the_end_changes_nothing() -> None:
    play = started()
    play.take(play.session.stop(StopNote("operator"), play.now))
    play.exits()
    before = len(play.actions)
    play.wait(100_000)
    play.take(play.session.terminated(play.now))
    play.tracker("go_on")
    assert len(play.actions) == before


def test_the_steps_and_their_seconds_are_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "codex.md").read_text()
    (section,) = re.findall(r"^## Stopping\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\| ([\d.]+) \| ([\d.–]+) \|$", section, re.MULTILINE)
    quick = dict(QUICK)
    assert rows == [
        (name, f"{seconds:g}", f"{quick[name]:g}" if name in quick else "–")
        for name, seconds in GENTLE
    ]
    rounds = f"SIGTERM, and SIGKILL twice, {ORDINARY.patience:g} s each ({HURRIED.patience:g} s"
    assert rounds in " ".join(section.split())
