"""How the server begins and ends, and what it leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scripted.client import Client, Message, alive, eventually, write_script
from tests.scripted.conftest import Launcher

pytestmark = pytest.mark.real


def running_command(client: Client, work: Path) -> int:
    """Start a turn whose command tells its pid; that pid."""
    client.start_turn(client.begin(work))
    assert eventually(lambda: (work / "pid").exists() and (work / "pid").read_text().endswith("\n"))
    return int((work / "pid").read_text())


SLEEPS: list[Message] = [{"run": "echo $$ > pid; exec sleep 60"}]


def test_the_end_of_stdin_ends_server_and_command(
    start: Launcher, tmp_path: Path, work: Path
) -> None:
    client = start(write_script(tmp_path, SLEEPS))
    pid = running_command(client, work)
    code = client.end()
    assert (code, eventually(lambda: not alive(pid))) == (0, True)


def test_sigterm_ends_server_and_command_without_a_word(
    start: Launcher, tmp_path: Path, work: Path
) -> None:
    client = start(write_script(tmp_path, SLEEPS))
    pid = running_command(client, work)
    client.process.send_signal(signal.SIGTERM)
    code = client.process.wait(60)
    assert (code, eventually(lambda: not alive(pid))) == (0, True)
    assert "turn/completed" not in client.methods()


def test_a_daemon_survives_the_server(start: Launcher, tmp_path: Path, work: Path) -> None:
    client = start(write_script(tmp_path, [{"daemon": "echo $$ > pid; exec sleep 60"}]))
    client.turn(client.begin(work))
    assert eventually(lambda: (work / "pid").exists() and (work / "pid").read_text().endswith("\n"))
    pid = int((work / "pid").read_text())
    try:
        assert (client.end(), alive(pid)) == (0, True)
    finally:
        os.kill(pid, signal.SIGKILL)


def test_a_stubborn_server_ends_by_kill_only(start: Launcher, tmp_path: Path, work: Path) -> None:
    client = start(write_script(tmp_path, [{"ignore_term": True}, {"say": "no"}, {"silence": 600}]))
    thread = client.begin(work)
    client.start_turn(thread)
    client.notification("item/agentMessage/delta")
    client.process.send_signal(signal.SIGTERM)
    read = client.request("thread/read", threadId=thread)
    assert client.process.stdin is not None
    client.process.stdin.close()
    with pytest.raises(subprocess.TimeoutExpired):
        client.process.wait(0.5)
    client.kill()
    assert read["result"]["thread"]["status"]["type"] == "active"
    assert client.process.returncode == -signal.SIGKILL


def test_a_crash_is_on_record_as_played(start: Launcher, tmp_path: Path, work: Path) -> None:
    script = write_script(tmp_path, [{"exit": 7}, {"say": "after"}])
    first = start(script)
    thread = first.begin(work)
    first.start_turn(thread)
    code = first.process.wait(60)
    second = start(script)
    second.resume(thread)
    assert (code, second.turn(thread)["items"][0]["text"]) == (7, "after")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ({}, "it has neither `issues` nor `default`"),
        ({"issues": [{"turns": []}]}, "issues[0].match must be a text"),
        ({"default": {"turns": [[]]}}, "default.turns[0] has no steps"),
        ({"default": {"turns": [[{"sya": "x"}]]}}, "default.turns[0][0] does not know sya"),
        (
            {"default": {"turns": [[{"say": "x", "run": "y"}]]}},
            "default.turns[0][0] must have exactly one of",
        ),
        ({"default": {"turns": [[{"say": 3}]]}}, "default.turns[0][0].say: text: must be text"),
        (
            {"default": {"turns": [[{"edit": {"path": "a", "find": "b"}}]]}},
            "default.turns[0][0].edit: replace is missing",
        ),
        (
            {"default": {"turns": [[{"say": "x", "background": True}]]}},
            "default.turns[0][0].say cannot have background",
        ),
        (
            {"default": {"turns": [[{"silence": 1, "usage": {"input": 1}}]]}},
            "default.turns[0][0].usage: silence is no answer of the model",
        ),
        (
            {"default": {"turns": [[{"ask": {"kind": "riddle"}}]]}},
            "default.turns[0][0].ask: kind: 'riddle' is none of command_approval",
        ),
    ],
)
def test_a_bad_script_is_refused_with_its_place(tmp_path: Path, script: Message, said: str) -> None:
    path = tmp_path / "script.json"
    path.write_text(json.dumps(script))
    command = [sys.executable, "-m", "symphony_cli.scripted", "--script", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr.startswith(f"Error: The script {path} cannot be used: {said}")


def test_no_script_and_no_home_are_refused(tmp_path: Path) -> None:
    script, home = write_script(tmp_path, [{"say": "hi"}]), tmp_path / "none"
    environ = {**os.environ, "SYMPHONY_SCRIPT": "", "CODEX_HOME": str(home)}
    command = [sys.executable, "-m", "symphony_cli.scripted", "app-server"]
    said = [
        subprocess.run(
            [*command, *more], env=environ, capture_output=True, text=True, timeout=60, check=False
        ).stderr
        for more in ([], ["--script", str(script)], ["--script", str(tmp_path / "gone.json")])
    ]
    assert said == [
        "Error: There is no script: give --script FILE or set SYMPHONY_SCRIPT.\n",
        f'Error: CODEX_HOME points to "{home}", but that path does not exist\n',
        f"Error: The script {tmp_path / 'gone.json'} cannot be read (No such file or directory): "
        "check --script.\n",
    ]


def test_a_deaf_server_answers_no_interrupt_and_goes_on(
    start: Launcher, tmp_path: Path, work: Path
) -> None:
    client = start(write_script(tmp_path, [{"ignore_interrupt": True}, {"say": "no"}, {"wait": 1}]))
    thread = client.begin(work)
    turn = client.start_turn(thread)
    client.notification("item/agentMessage/delta")
    asked = {"id": 77, "method": "turn/interrupt", "params": {"threadId": thread, "turnId": turn}}
    client.send(asked)
    ended = client.notification("turn/completed")["turn"]
    assert (ended["status"], [m for m in client.seen if m.get("id") == 77]) == ("completed", [])


def test_a_command_can_hold_the_output_of_the_server_that_is_gone(
    start: Launcher, tmp_path: Path, work: Path
) -> None:
    steps: list[Message] = [{"hold": "echo $$ > pid; exec sleep 60"}, {"wait": 60}]
    client = start(write_script(tmp_path, steps))
    pid = running_command(client, work)
    targets = [os.readlink(f"/proc/{pid}/fd/{n}") for n in (1, 2)]
    assert client.process.stdout is not None
    ours = os.readlink(f"/proc/self/fd/{client.process.stdout.fileno()}")
    client.kill()
    try:
        assert (targets[0], alive(pid)) == (ours, True)
    finally:
        os.kill(pid, signal.SIGKILL)
