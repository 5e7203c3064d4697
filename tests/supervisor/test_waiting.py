"""A supervisor with real pipes whose tracker gives no answer."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from symphony_cli import clock, runfolder
from symphony_cli.core.run import PidFile, StopNote
from symphony_cli.core.verdict import compose
from symphony_cli.paths import RunPaths
from symphony_cli.supervisor import loop
from symphony_cli.supervisor.children import Signals

from .play import THREAD, brief, order

pytestmark = pytest.mark.real

SERVER = str(Path(__file__).parent / "tiny_server.py")

ERRAND = """
import pathlib, sys, time
here = pathlib.Path(__file__).parent
with open(here / "asked", "a") as asked:
    print(*sys.argv[1:], time.monotonic(), file=asked)
print((here / "standing").read_text())
"""

UNKNOWN = '{"standing": "unknown", "reason": "tracker", "detail": "no route"}'


@pytest.fixture
def signals() -> Iterator[Signals]:
    made = Signals()
    yield made
    made.close()


def waiting_run(root: Path, tracker_wait: float) -> RunPaths:
    paths = RunPaths(root / "runs" / "A-1" / "1")
    paths.folder.mkdir(parents=True)
    (root / "ws").mkdir()
    (root / "errand.py").write_text(ERRAND)
    (root / "standing").write_text(UNKNOWN)
    runfolder.save(order(tracker_wait=tracker_wait), paths.order)
    runfolder.save(brief(str(root / "ws"), (sys.executable, SERVER, "work")), paths.brief)
    return paths


def errand(name: str, folder: Path) -> list[str]:
    return [sys.executable, str(folder.parents[2] / "errand.py"), name]


def awaiting(paths: RunPaths) -> PidFile:
    """The pid file, once it says that the run waits for the tracker."""
    for _ in range(500):
        found = runfolder.pid_file(paths)
        if found is not None and found.phase == "awaiting_tracker":
            return found
        time.sleep(0.02)
    raise AssertionError("the run does not wait for the tracker")


def test_a_stop_file_is_obeyed_while_a_run_waits_and_its_phase_is_shown(
    tmp_path: Path, signals: Signals
) -> None:
    paths = waiting_run(tmp_path, 1800.0)

    def stop() -> PidFile:
        found = awaiting(paths)
        runfolder.save(StopNote("operator", "by hand"), paths.stop)
        return found

    with ThreadPoolExecutor(1) as pool:
        seen = pool.submit(stop)
        closing = loop.run(paths, (), signals, os.environ, errand)
    assert (seen.result().thread, seen.result().turns) == (THREAD, 1)
    assert (closing.outcome, closing.reason) == ("stopped", "operator")


def test_a_tracker_that_comes_back_ends_the_wait(tmp_path: Path, signals: Signals) -> None:
    paths = waiting_run(tmp_path, 1800.0)

    def mend() -> None:
        awaiting(paths)
        (tmp_path / "new").write_text('{"standing": "handed_over", "state": "Done"}')
        (tmp_path / "new").rename(tmp_path / "standing")

    mending = threading.Thread(target=mend)
    mending.start()
    closing = loop.run(paths, (), signals, os.environ, errand)
    mending.join()
    assert (closing.outcome, closing.reason) == ("handed_over", "Done")


def test_a_run_that_gives_the_tracker_up_leaves_its_thread_to_the_next(
    tmp_path: Path, signals: Signals
) -> None:
    paths = waiting_run(tmp_path, 0.0)

    loop.run(paths, (), signals, os.environ, errand)

    told = runfolder.report_lines(paths)
    verdict = compose(runfolder.order(paths), brief(), told, clock.now())
    assert verdict.thread is not None and verdict.thread.id == THREAD
    assert (verdict.outcome, verdict.reason, verdict.detail, verdict.turns) == (
        "tracker",
        "tracker",
        "no route",
        1,
    )


def test_an_errand_is_told_when_it_was_asked(tmp_path: Path, signals: Signals) -> None:
    began = clock.monotonic()

    loop.run(waiting_run(tmp_path, 0.0), (), signals, os.environ, errand)

    name, flag, asked, started = (tmp_path / "asked").read_text().split()
    assert (name, flag) == ("refresh", "--asked")
    assert began < float(asked) < float(started)
