from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from symphony_cli.supervisor import children
from symphony_cli.supervisor.__main__ import Arguments, arguments
from symphony_cli.supervisor.actions import Refreshed
from symphony_cli.supervisor.errand import refresh_answer, tool_answer

pytestmark = pytest.mark.real


def until(true: Callable[[], bool]) -> None:
    for _ in range(3000):
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come true")


def test_reaping_collects_orphans_and_steals_nobodys_status() -> None:
    ours = children.start(("sh", "-c", "exit 3"), os.environ)
    orphan = children.start(("sh", "-c", "exit 4"), os.environ)

    def both_gone() -> bool:
        children.reap({ours.pid: ours})
        return ours.returncode is not None and not Path(f"/proc/{orphan.pid}").exists()

    until(both_gone)
    assert ours.returncode == 3


def test_a_child_killed_by_a_signal_says_which() -> None:
    child = children.start(("sleep", "60"), os.environ, own_session=True)
    children.signal_group(child, "term")
    until(lambda: child.poll() is not None)
    assert child.returncode == -15


def test_a_reader_that_is_slow_gets_everything_in_the_end() -> None:
    reader, writer = os.pipe()
    box = children.Outbox(writer)
    box.send(b"x" * 300_000)
    box.close(after_all=True)
    got = 0
    while data := os.read(reader, 65536):
        got += len(data)
        box.flush()
    os.close(reader)
    assert (got, box.waiting, box.descriptor) == (300_000, False, -1)


def test_a_reader_that_is_gone_does_no_harm() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    box = children.Outbox(writer)
    box.send(b"x")
    box.close()
    assert (box.waiting, box.descriptor) == (False, -1)


def test_an_errand_gets_the_secrets_through_a_pipe_and_not_in_its_command_line() -> None:
    script = "import os,sys; print(os.read(int(sys.argv[-1]), 99).decode().split(chr(0)))"
    child = children.start_errand((sys.executable, "-c", script), ("first-secret", "second-one"))
    until(lambda: child.poll() is not None)
    said = os.read(child.stdout, 1000)
    assert (said, child.returncode) == (b"['first-secret', 'second-one']\n", 0)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (b'{"success": true, "text": "yes"}', (True, "yes")),
        (b'{"success": true, "text": ""}', (True, "")),
        (b'{"success": false, "text": "no"}', (False, "no")),
    ],
)
def test_what_a_tool_errand_says_is_taken_as_it_is(said: bytes, answer: tuple[bool, str]) -> None:
    assert tool_answer("t", said) == answer


@pytest.mark.parametrize("said", [b"", b"Traceback", b"[]", b'{"success": 1, "text": "x"}'])
def test_a_tool_errand_that_says_nothing_sensible_failed(said: bytes) -> None:
    success, text = tool_answer("issue_update", said)
    assert (success, text.startswith("The tool issue_update did not work")) == (False, True)


def test_what_a_refresh_errand_says_is_parsed_and_nonsense_is_unknown() -> None:
    assert refresh_answer(b'{"standing": "go_on", "new": 1}') == Refreshed("go_on")
    assert [refresh_answer(said).standing for said in (b"", b"{}", b"[]")] == ["unknown"] * 3


def test_the_command_line_of_an_act_is_understood() -> None:
    assert [
        arguments(["/run", "--locks", "7,8", "--secrets", "9"]),
        arguments(["/run", "--locks", ""]),
    ] == [Arguments(Path("/run"), (7, 8), 9), Arguments(Path("/run"))]
