"""Interrupting a turn, steering it, and requests that come at the wrong time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scripted.client import Client, Message, alive, eventually, write_script
from tests.scripted.conftest import Launcher

pytestmark = pytest.mark.real
COMMAND: list[Message] = [{"run": "echo $$ > pid; sleep 60"}, {"say": "next"}]


def command_started(message: Message) -> bool:
    if message.get("method") != "item/started":
        return False
    return bool(message["params"]["item"]["type"] == "commandExecution")


def pid_of(work: Path) -> int:
    """The shell's; a loaded machine may tell of a command before it has begun."""
    path = work / "pid"
    assert eventually(lambda: path.exists() and path.read_text().endswith("\n"))
    return int(path.read_text())


def interrupted(client: Client, thread: str, work: Path | None = None) -> tuple[str, Message]:
    turn = client.start_turn(thread)
    client.until(command_started)
    if work is not None:
        pid_of(work)
    client.request("turn/interrupt", threadId=thread, turnId=turn)
    ended: Message = client.notification("turn/completed")["turn"]
    return turn, ended


def test_an_interrupt_ends_the_turn_but_not_its_command(
    start: Launcher, tmp_path: Path, work: Path
) -> None:
    client = start(write_script(tmp_path, COMMAND))
    thread = client.begin(work)
    _, ended = interrupted(client, thread, work)
    pid = pid_of(work)
    listed = client.request("thread/backgroundTerminals/list", threadId=thread)["result"]["data"]
    assert (ended["status"], ended["items"], alive(pid)) == ("interrupted", [], True)
    assert [one["command"] for one in listed] == ["echo $$ > pid; sleep 60"]


def test_cleaning_ends_the_command_that_an_interrupt_left(
    start: Launcher, tmp_path: Path, work: Path
) -> None:
    client = start(write_script(tmp_path, COMMAND))
    thread = client.begin(work)
    turn, _ = interrupted(client, thread, work)
    pid = pid_of(work)
    client.request("thread/backgroundTerminals/clean", threadId=thread)
    done = client.notification("item/completed")
    assert (done["turnId"], done["item"]["status"], done["item"]["exitCode"]) == (
        turn,
        "failed",
        -1,
    )
    assert eventually(lambda: not alive(pid))


def test_after_an_interrupt_the_thread_goes_on_behind_the_step_that_was_cut_off(
    start: Launcher, tmp_path: Path, work: Path
) -> None:
    client = start(write_script(tmp_path, COMMAND))
    thread = client.begin(work)
    interrupted(client, thread)
    assert client.turn(thread)["items"][0]["text"] == "next"


def test_an_interrupt_gives_the_totals_again(start: Launcher, tmp_path: Path, work: Path) -> None:
    steps: list[Message] = [{"usage": {"input": 5}}, {"run": "sleep 60", "usage": {"input": 3}}]
    client = start(write_script(tmp_path, steps))
    interrupted(client, client.begin(work))
    assert client.totals() == [5, 8]


@pytest.mark.parametrize(
    "step", [{"silence": 60}, {"wait": 60}, {"tool": {"name": "issue_update"}}]
)
def test_silence_thinking_and_an_open_tool_call_can_be_interrupted(
    start: Launcher, tmp_path: Path, step: Message
) -> None:
    client = start(write_script(tmp_path, [step]))
    thread = client.begin(tmp_path)
    turn = client.start_turn(thread)
    reply = client.request("turn/interrupt", threadId=thread, turnId=turn)
    ended = client.notification("turn/completed")["turn"]["status"]
    assert (reply["result"], ended) == ({}, "interrupted")


def test_a_second_interrupt_of_the_same_turn_is_never_answered(
    start: Launcher, tmp_path: Path, work: Path
) -> None:
    client = start(write_script(tmp_path, COMMAND))
    thread = client.begin(work)
    turn, _ = interrupted(client, thread)
    params = {"threadId": thread, "turnId": turn}
    client.send({"id": "again", "method": "turn/interrupt", "params": params})
    client.request("thread/read", threadId=thread)
    assert "again" not in [message.get("id") for message in client.seen]


def test_a_command_in_the_background_is_completed_under_the_turn_that_began_it(
    start: Launcher, tmp_path: Path, work: Path
) -> None:
    waits = {"run": "until [ -e go ]; do sleep 0.01; done; echo went", "background": True}
    client = start(write_script(tmp_path, [waits, {"say": "on"}]))
    thread = client.begin(work)
    turn = client.turn(thread)
    (work / "go").touch()
    done = client.notification("item/completed")
    assert (turn["status"], done["turnId"], done["item"]["aggregatedOutput"]) == (
        "completed",
        turn["id"],
        "went\n",
    )


def test_output_of_a_running_command_is_told_as_it_comes(
    start: Launcher, tmp_path: Path, work: Path
) -> None:
    command = "until [ -e go ]; do sleep 0.01; done; echo late"
    client = start(write_script(tmp_path, [{"run": command}]))
    client.start_turn(client.begin(work))
    client.until(command_started)
    (work / "go").touch()
    assert client.notification("item/commandExecution/outputDelta")["delta"] == "late\n"


def test_more_input_during_a_turn_goes_into_that_turn(
    start: Launcher, tmp_path: Path, work: Path
) -> None:
    wait = {"run": "until [ -e go ]; do sleep 0.01; done"}
    client = start(write_script(tmp_path, [wait, {"say": "heard"}]))
    thread = client.begin(work)
    turn = client.start_turn(thread, "first")
    text = [{"type": "text", "text": "second"}]
    again = client.request("turn/start", threadId=thread, input=text)["result"]["turn"]["id"]
    steered = client.request("turn/steer", threadId=thread, expectedTurnId=turn, input=text)
    (work / "go").touch()
    client.notification("turn/completed")
    users = [i["content"][0]["text"] for i in client.items(thread) if i["type"] == "userMessage"]
    assert (again, steered["result"], users) == (
        turn,
        {"turnId": turn},
        ["first", "second", "second"],
    )


def test_requests_at_the_wrong_time_are_refused_in_the_words_of_codex(
    start: Launcher, tmp_path: Path
) -> None:
    client = start(write_script(tmp_path, [{"say": "hi"}]), initialize=False)
    early = client.request("thread/start")
    hello = {"clientInfo": {"name": "test"}}
    client.request("initialize", **hello)
    twice = client.request("initialize", **hello)
    tools = client.request("thread/start", dynamicTools=[{"name": "a"}])
    thread = client.request("thread/start", cwd=str(tmp_path))["result"]["thread"]["id"]
    text = [{"type": "text", "text": "x"}]
    replies = [
        early,
        twice,
        tools,
        client.request("turn/interrupt", threadId=thread, turnId="t"),
        client.request("turn/steer", threadId=thread, expectedTurnId="t", input=text),
        client.request("turn/start", threadId="nobody", input=text),
        client.request("turn/start", threadId=thread),
        client.request("thread/start", approvalPolicy="on-failure"),
    ]
    assert [reply["error"]["message"] for reply in replies] == [
        "Not initialized",
        "Already initialized",
        "thread/start.dynamicTools requires experimentalApi capability",
        "no active turn to interrupt",
        "no active turn to steer",
        "thread not found: nobody",
        "Invalid request: missing field `input`",
        "Invalid request: unknown variant `on-failure`, expected one of `untrusted`, "
        "`on-request`, `granular`, `never`",
    ]


def test_notifications_that_the_client_opts_out_of_are_not_sent(
    start: Launcher, tmp_path: Path
) -> None:
    muted = ["item/agentMessage/delta", "thread/started"]
    client = start(write_script(tmp_path, [{"say": "hi"}]), initialize=False)
    capabilities = {"experimentalApi": True, "optOutNotificationMethods": muted}
    client.request("initialize", clientInfo={"name": "test"}, capabilities=capabilities)
    client.turn(client.begin(tmp_path))
    assert not set(muted) & set(client.methods())
    assert "turn/completed" in client.methods()
