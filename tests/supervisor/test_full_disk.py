"""A supervisor whose disk is full: a limit on the size of its files, which is lifted later."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from symphony_cli import runfolder
from symphony_cli.core import report
from symphony_cli.errors import StateError
from symphony_cli.paths import RunPaths
from symphony_cli.supervisor import loop, reporting
from symphony_cli.supervisor.children import Signals

from .play import brief, order
from .test_loop import SERVER, ending, lines, wait_for, wait_for_thread

pytestmark = pytest.mark.real

DRIVER = """
import os, sys
from pathlib import Path
from symphony_cli.paths import RunPaths
from symphony_cli.supervisor import loop
from symphony_cli.supervisor.children import Signals

def errand(name, folder):
    return [sys.executable, sys.argv[2], name, str(folder)]

print(loop.run(RunPaths(Path(sys.argv[1])), (), Signals(), os.environ, errand).outcome)
"""

ERRAND = """
import json, sys, time
from pathlib import Path

name, folder = sys.argv[1], Path(sys.argv[2])
(folder / (name + "-asked")).touch()
while not (folder / (name + "-go")).exists():
    time.sleep(0.01)
print(json.dumps({"success": True, "text": "did it", "standing": "handed_over", "state": "Done"}))
"""
"""It says that it was asked, and answers when it is let."""

SERVER_THAT_MAKES_ROOM = "import os, sys; sys.stdin.read(); os.rmdir(sys.argv[1])"


@pytest.fixture
def signals() -> Iterator[Signals]:
    made = Signals()
    yield made
    made.close()


@pytest.fixture
def paths(tmp_path: Path) -> RunPaths:
    made = RunPaths(tmp_path / "run")
    for folder in (made.folder, tmp_path / "ws"):
        folder.mkdir()
    runfolder.save(order(), made.order)
    runfolder.save(brief(str(tmp_path / "ws"), (sys.executable, SERVER, "tool")), made.brief)
    (tmp_path / "errand.py").write_text(ERRAND)
    return made


def drive(paths: RunPaths) -> subprocess.Popen[str]:
    script = paths.folder.parent / "errand.py"
    argv = [sys.executable, "-P", "-c", DRIVER, str(paths.folder), str(script)]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, start_new_session=True)


def fill_the_disk(pid: int) -> tuple[int, int]:
    """Let this process write nothing more to any file; what was allowed before."""
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, before[1]))
    return before


def let(paths: RunPaths, errand: str) -> None:
    (paths.folder / f"{errand}-go").touch()


def test_a_full_disk_ends_no_run_and_costs_no_line_of_its_report(paths: RunPaths) -> None:
    supervisor = drive(paths)
    wait_for_thread(paths)
    wait_for((paths.folder / "tool-asked").exists)
    before = fill_the_disk(supervisor.pid)
    told = paths.report.read_bytes()
    let(paths, "tool")
    wait_for((paths.folder / "refresh-asked").exists)
    held_back = paths.report.read_bytes() == told
    resource.prlimit(supervisor.pid, resource.RLIMIT_FSIZE, before)
    let(paths, "refresh")
    said, _ = supervisor.communicate(timeout=60)
    kinds = [json.loads(line)["kind"] for line in paths.report.read_bytes().splitlines()]
    assert (held_back, said.strip()) == (True, "handed_over")
    assert [kind for kind in kinds if kind != "phase"] == (
        "turn busy thread tool said usage idle turn_ended closing ended".split()
    )


def test_a_full_disk_leaves_whole_lines_in_the_transcript(paths: RunPaths) -> None:
    supervisor = drive(paths)
    wait_for((paths.folder / "tool-asked").exists)
    before = resource.prlimit(supervisor.pid, resource.RLIMIT_FSIZE)
    room = paths.transcript.stat().st_size + 10
    resource.prlimit(supervisor.pid, resource.RLIMIT_FSIZE, (room, before[1]))
    let(paths, "tool")
    wait_for((paths.folder / "refresh-asked").exists)
    cut = paths.transcript.read_bytes()
    resource.prlimit(supervisor.pid, resource.RLIMIT_FSIZE, before)
    let(paths, "refresh")
    supervisor.communicate(timeout=60)
    kept = paths.transcript.read_bytes()
    assert kept.startswith(cut) and cut.endswith(b"\n")
    assert all(json.loads(line) for line in kept.splitlines())


def test_a_report_that_cannot_be_written_for_too_long_ends_the_run_which_is_told_later(
    paths: RunPaths, signals: Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder stands where the report shall be; Codex removes it when it is told to end."""
    paths.report.mkdir()
    argv = (sys.executable, "-c", SERVER_THAT_MAKES_ROOM, str(paths.report))
    runfolder.save(brief(str(paths.folder.parent / "ws"), argv), paths.brief)
    monkeypatch.setattr(reporting, "PATIENCE", 0.0)
    closing = loop.run(paths, (), signals, os.environ)
    assert (ending(closing), lines(paths, report.Closing)) == (("environment", "state"), [closing])
    assert "report.jsonl cannot be" in closing.detail


def test_a_report_that_cannot_be_written_at_the_end_of_its_run_is_an_error(
    paths: RunPaths, signals: Signals
) -> None:
    paths.report.mkdir()
    runfolder.save(brief("/no/such/workspace"), paths.brief)
    with pytest.raises(StateError, match=r"report\.jsonl cannot be"):
        loop.run(paths, (), signals, os.environ)
