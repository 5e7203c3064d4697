"""A Codex that fails at once is started once more: two that meet on a fresh home collide."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from symphony_cli import runfolder
from symphony_cli.core.run import StopNote
from symphony_cli.paths import RunPaths
from symphony_cli.supervisor import loop
from symphony_cli.supervisor.actions import Relaunch
from symphony_cli.supervisor.children import Signals
from symphony_cli.supervisor.states import State

from .play import PID, Play, brief, order
from .test_loop import ERRAND, SERVER, errand

WORDS = "failed to initialize sqlite state runtime"


def relaunches(play: Play) -> int:
    return sum(isinstance(action, Relaunch) for action in play.actions)


def begin_again(play: Play) -> None:
    play.take(play.session.begin(PID + 1, play.now))


def test_a_codex_that_fails_before_it_answers_is_started_again_after_a_second() -> None:
    play = Play()
    play.exits(1, WORDS)
    play.wait(0.9)
    assert (relaunches(play), play.ending()) == (0, ("", ""))
    play.wait(0.2)
    assert relaunches(play) == 1
    begin_again(play)
    assert (play.methods, play.session.state) == (["initialize", "initialize"], State.STARTING)


def test_the_second_failure_counts() -> None:
    play = Play()
    play.exits(1, WORDS)
    play.wait(2)
    begin_again(play)
    play.exits(1, WORDS)
    assert (play.ending(), relaunches(play)) == (("environment", "launch"), 1)
    assert play.session.closing is not None and WORDS in play.session.closing.detail


@pytest.mark.parametrize("code", [0, -15, 143, 127])
def test_a_codex_that_was_told_to_end_or_is_not_there_is_not_started_again(code: int) -> None:
    play = Play()
    play.exits(code)
    play.wait(10)
    assert (relaunches(play), play.ending()) == (0, ("environment", "launch"))


def test_a_codex_that_fails_late_or_after_its_answer_is_not_started_again() -> None:
    late, ready = Play(), Play()
    late.wait(5)
    ready.initialized()
    for play in (late, ready):
        play.exits(1, WORDS)
        play.wait(10)
    assert [(relaunches(play), play.ending()) for play in (late, ready)] == [
        (0, ("environment", "launch"))
    ] * 2


def test_who_wants_the_run_to_end_meanwhile_is_heard() -> None:
    stopped, signalled = Play(), Play()
    for play in (stopped, signalled):
        play.exits(1, WORDS)
    stopped.take(stopped.session.stop(StopNote("label", "a stop label"), stopped.now))
    signalled.take(signalled.session.terminated(signalled.now))
    for play in (stopped, signalled):
        play.wait(10)
    assert [(relaunches(play), play.ending()) for play in (stopped, signalled)] == [
        (0, ("stopped", "label")),
        (0, ("interrupted", "signal")),
    ]


@pytest.mark.real
def test_a_server_that_dies_once_does_its_work_the_second_time(tmp_path: Path) -> None:
    paths = RunPaths(tmp_path / "runs" / "A-1" / "1")
    paths.folder.mkdir(parents=True)
    (tmp_path / "ws").mkdir()
    (tmp_path / "errand.py").write_text(ERRAND)
    script = (
        f'test -e {tmp_path}/died || {{ touch {tmp_path}/died; echo "{WORDS}" >&2; exit 1; }}\n'
        f"exec {sys.executable} {SERVER} work\n"
    )
    runfolder.save(order(), paths.order)
    runfolder.save(brief(str(tmp_path / "ws"), ("sh", "-c", script)), paths.brief)
    signals = Signals()
    try:
        closing = loop.run(paths, (), signals, os.environ, errand)
    finally:
        signals.close()
    said = paths.log.read_text()
    assert (closing.outcome.value, closing.reason) == ("handed_over", "Done")
    assert said.splitlines() == [
        WORDS,
        "Codex ended before it answered; Symphony starts it once more.",
    ]
