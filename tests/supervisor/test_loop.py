"""A supervisor with real pipes, real signals, and a server of a few lines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from symphony_cli import processes, runfolder
from symphony_cli.core import report
from symphony_cli.core.run import CodexSettings, PidFile, StopNote, ThreadRef
from symphony_cli.paths import RunPaths
from symphony_cli.supervisor import loop
from symphony_cli.supervisor.__main__ import lead
from symphony_cli.supervisor.children import Signals

from .play import brief, order

pytestmark = pytest.mark.real

SERVER = str(Path(__file__).parent / "tiny_server.py")

ERRAND = """
import json, sys
if sys.argv[1] == "refresh":
    print(json.dumps({"standing": "handed_over", "state": "Done"}))
elif sys.argv[1] == "tool":
    print(json.dumps({"success": True, "text": "did " + json.load(sys.stdin)["tool"]}))
"""


@pytest.fixture
def signals() -> Iterator[Signals]:
    made = Signals()
    yield made
    made.close()


def run_folder(tmp_path: Path, mode: str, codex: CodexSettings | None = None) -> RunPaths:
    paths = RunPaths(tmp_path / "runs" / "A-1" / "1")
    paths.folder.mkdir(parents=True)
    (tmp_path / "ws").mkdir()
    (tmp_path / "errand.py").write_text(ERRAND)
    runfolder.save(order(codex), paths.order)
    argv = (sys.executable, SERVER, mode)
    runfolder.save(brief(str(tmp_path / "ws"), argv), paths.brief)
    return paths


def errand(name: str, folder: Path) -> list[str]:
    return [sys.executable, str(folder.parents[2] / "errand.py"), name]


def broken_errand(name: str, folder: Path) -> list[str]:
    return [sys.executable, str(folder.parents[2] / "errand.py"), name.replace("tool", "crash")]


def lines(paths: RunPaths, *kinds: type[report.Line]) -> list[report.Line]:
    return [line for line in runfolder.report_lines(paths) if isinstance(line, kinds)]


def ending(closing: report.Closing) -> tuple[str, str]:
    return closing.outcome.value, closing.reason


def test_a_run_goes_from_launch_to_handing_over(tmp_path: Path, signals: Signals) -> None:
    paths = run_folder(tmp_path, "work")
    environ = {**os.environ, "TRACKER_KEY": "very-secret-value"}
    closing = loop.run(paths, (), signals, environ, errand)
    added = report.add_up(runfolder.report_lines(paths))
    assert ending(closing) == ("handed_over", "Done")
    assert (added.turns, added.last_message, added.meter.spent.total, list(added.killed or ())) == (
        1,
        "MARK=run_1",
        110,
        ["eof"],
    )


def test_a_tool_call_is_carried_out_by_an_errand(tmp_path: Path, signals: Signals) -> None:
    paths = run_folder(tmp_path, "tool")
    loop.run(paths, (), signals, os.environ, errand)
    assert [line.text for line in lines(paths, report.Said) if isinstance(line, report.Said)] == [
        "did issue_update"
    ]


def test_a_tool_errand_that_crashes_is_a_failed_call(tmp_path: Path, signals: Signals) -> None:
    paths = run_folder(tmp_path, "tool")
    closing = loop.run(paths, (), signals, os.environ, broken_errand)
    (called,) = lines(paths, report.ToolCalled)
    assert isinstance(called, report.ToolCalled)
    assert (called.success, "did not work" in called.detail) == (False, True)
    assert ending(closing) == ("handed_over", "Done")


def test_a_crash_is_told_with_codexs_last_words_and_without_the_key(
    tmp_path: Path, signals: Signals
) -> None:
    paths = run_folder(tmp_path, "crash")
    closing = loop.run(paths, ("very-secret-value",), signals, os.environ, errand)
    assert ending(closing) == ("environment", "launch")
    assert "status 101" in closing.detail and "key=[secret]" in closing.detail
    kept = b"".join(path.read_bytes() for path in paths.folder.iterdir())
    assert b"very-secret-value" not in kept


def test_a_program_that_is_not_codex_is_given_up(tmp_path: Path, signals: Signals) -> None:
    paths = run_folder(tmp_path, "noise", CodexSettings(start_timeout=0.5))
    closing = loop.run(paths, (), signals, os.environ, errand)
    assert ending(closing) == ("environment", "start_timeout")


def test_a_program_that_is_not_there_is_named(tmp_path: Path, signals: Signals) -> None:
    paths = run_folder(tmp_path, "work")
    runfolder.save(brief(str(tmp_path / "ws"), ("/no/such/codex",)), paths.brief)
    closing = loop.run(paths, (), signals, os.environ, errand)
    assert ending(closing) == ("environment", "launch")
    assert closing.detail.startswith("/no/such/codex cannot be started")


def test_a_workspace_that_is_gone_starts_nothing(tmp_path: Path, signals: Signals) -> None:
    paths = run_folder(tmp_path, "work")
    (tmp_path / "ws").rmdir()
    closing = loop.run(paths, (), signals, os.environ, errand)
    assert (ending(closing), lines(paths, report.ThreadBegan)) == (("environment", "launch"), [])


def test_a_stop_file_that_is_there_already_ends_the_run(tmp_path: Path, signals: Signals) -> None:
    paths = run_folder(tmp_path, "hang")
    runfolder.save(StopNote("label", "a stop label"), paths.stop)
    closing = loop.run(paths, (), signals, os.environ, errand)
    assert (ending(closing), closing.detail) == (("stopped", "label"), "a stop label")


def test_a_thread_whose_home_is_gone_is_not_resumed(tmp_path: Path) -> None:
    gone = ThreadRef("t", str(tmp_path / "gone"))
    here = replace(gone, home=str(tmp_path))
    assert loop.resumable(order(thread=here)) == (here, "")
    thread, why = loop.resumable(order(thread=gone))
    assert (thread, "is gone" in why) == (None, True)


def test_a_run_folder_without_a_brief_is_told_as_no_fault_of_the_issue(
    tmp_path: Path, signals: Signals
) -> None:
    paths = run_folder(tmp_path, "work")
    paths.brief.unlink()
    lead(paths, (), signals)
    (closing,) = lines(paths, report.Closing)
    assert isinstance(closing, report.Closing)
    assert (ending(closing), "brief.json is missing" in closing.detail) == (
        ("environment", "state"),
        True,
    )


# In a process of its own, because it is signalled.

DRIVER = """
import os, sys
from pathlib import Path
from symphony_cli.paths import RunPaths
from symphony_cli.supervisor import loop
from symphony_cli.supervisor.children import Signals

folder = Path(sys.argv[1])
for lock in sys.argv[2:]:
    os.set_inheritable(int(lock), False)
print(loop.run(RunPaths(folder), (), Signals(), os.environ).outcome)
"""


def drive(paths: RunPaths, locks: Sequence[int] = ()) -> subprocess.Popen[str]:
    argv = [sys.executable, "-P", "-c", DRIVER, str(paths.folder), *map(str, locks)]
    return subprocess.Popen(
        argv, stdout=subprocess.PIPE, text=True, start_new_session=True, pass_fds=locks
    )


def wait_for(condition: Callable[[], object]) -> None:
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it did not come true within a minute")


def wait_for_thread(paths: RunPaths) -> PidFile:
    wait_for(lambda: lines(paths, report.ThreadBegan) and runfolder.pid_file(paths))
    found = runfolder.pid_file(paths)
    assert found is not None
    return found


def open_files(pid: int) -> set[str]:
    folder = Path(f"/proc/{pid}/fd")
    return {str(entry.readlink()) for entry in folder.iterdir()}


def test_a_signal_ends_a_run_even_when_codex_is_deaf(tmp_path: Path) -> None:
    paths = run_folder(tmp_path, "deaf")
    supervisor = drive(paths)
    wait_for_thread(paths)
    supervisor.terminate()
    said, _ = supervisor.communicate(timeout=60)
    steps = [line.step for line in lines(paths, report.Ended) if isinstance(line, report.Ended)]
    assert (said.strip(), steps) == ("interrupted", ["kill"])


def test_a_stop_note_and_a_knock_end_a_run_with_its_reason(tmp_path: Path) -> None:
    paths = run_folder(tmp_path, "hang")
    supervisor = drive(paths)
    wait_for_thread(paths)
    runfolder.save(StopNote("operator", "by hand"), paths.stop)
    supervisor.terminate()
    said, _ = supervisor.communicate(timeout=60)
    steps = [line.step for line in lines(paths, report.Ended) if isinstance(line, report.Ended)]
    assert (said.strip(), steps) == ("stopped", ["eof"])


def test_codex_runs_in_a_group_of_its_own_that_the_pid_file_names(tmp_path: Path) -> None:
    paths = run_folder(tmp_path, "hang")
    supervisor = drive(paths)
    sign = wait_for_thread(paths)
    children = processes.descendants(supervisor.pid)
    supervisor.terminate()
    supervisor.communicate(timeout=60)
    assert (sign.process.pid, sign.groups) == (supervisor.pid, (supervisor.pid, *children))
    assert len(children) == 1


def test_codex_gets_no_lock_of_the_run(tmp_path: Path) -> None:
    paths = run_folder(tmp_path, "hang")
    lock = os.open(paths.lock, os.O_RDWR | os.O_CREAT)
    supervisor = drive(paths, (lock,))
    os.close(lock)
    wait_for_thread(paths)
    (codex,) = processes.descendants(supervisor.pid)
    held = [str(paths.lock) in open_files(pid) for pid in (supervisor.pid, codex)]
    supervisor.terminate()
    supervisor.communicate(timeout=60)
    assert held == [True, False]


def test_the_transcript_is_lines_of_json_in_both_directions(
    tmp_path: Path, signals: Signals
) -> None:
    paths = run_folder(tmp_path, "work")
    loop.run(paths, (), signals, os.environ, errand)
    kept = [json.loads(line) for line in paths.transcript.read_bytes().splitlines()]
    assert {line["dir"] for line in kept} == {"in", "out"}
    assert kept[0]["line"]["method"] == "initialize" and isinstance(kept[1]["line"], str)
