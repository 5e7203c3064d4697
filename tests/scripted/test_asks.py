"""Questions of the server, and what each answer leads to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.scripted.client import Client, Message, write_script
from tests.scripted.conftest import Launcher

pytestmark = pytest.mark.real
ERROR: Message = {"error": {"code": -32601, "message": "no"}}


def result(**members: Any) -> Message:
    return {"result": members}


def asked(client: Client, cwd: Path, reply: Message | None) -> tuple[str, Message]:
    """Play one turn; the method of the question, and how the turn ended."""
    client.answer = lambda _: reply
    turn = client.turn(client.begin(cwd))
    question = next(m for m in client.seen if "id" in m and "method" in m)
    return question["method"], turn


def flags(client: Client) -> list[str]:
    told = [
        m["params"]["status"] for m in client.seen if m.get("method") == "thread/status/changed"
    ]
    return [flag for status in told for flag in status.get("activeFlags", [])]


@pytest.mark.parametrize(
    ("reply", "status", "ran", "turn_status"),
    [
        (result(decision="accept"), "completed", True, "completed"),
        (result(decision="acceptForSession"), "completed", True, "completed"),
        (result(decision="decline"), "declined", False, "completed"),
        (ERROR, "declined", False, "completed"),
        (result(decision="cancel"), None, False, "interrupted"),
    ],
)
def test_a_command_runs_when_it_is_approved(
    start: Launcher,
    tmp_path: Path,
    work: Path,
    reply: Message,
    status: str | None,
    ran: bool,
    turn_status: str,
) -> None:
    ask = {"ask": {"kind": "command_approval", "command": "touch ran"}}
    client = start(write_script(tmp_path, [ask, {"say": "on"}]))
    method, turn = asked(client, work, reply)
    found = [i["status"] for i in client.completed() if i["type"] == "commandExecution"]
    assert (method, found) == (
        "item/commandExecution/requestApproval",
        [] if status is None else [status],
    )
    assert ((work / "ran").exists(), turn["status"]) == (ran, turn_status)
    assert (flags(client), "serverRequest/resolved" in client.methods()) == (
        ["waitingOnApproval"],
        True,
    )


@pytest.mark.parametrize(("decision", "written"), [("accept", True), ("decline", False)])
def test_a_file_is_written_when_it_is_approved(
    start: Launcher, tmp_path: Path, work: Path, decision: str, written: bool
) -> None:
    ask = {"ask": {"kind": "file_approval", "path": "new.txt", "content": "text\n"}}
    client = start(write_script(tmp_path, [ask]))
    method, turn = asked(client, work, result(decision=decision))
    assert (method, turn["status"]) == ("item/fileChange/requestApproval", "completed")
    assert (work / "new.txt").exists() is written


@pytest.mark.parametrize(
    ("kind", "method", "reply"),
    [
        ("permissions", "item/permissions/requestApproval", result(permissions={}, scope="turn")),
        ("permissions", "item/permissions/requestApproval", ERROR),
        ("user_input", "item/tool/requestUserInput", result(answers={"q1": {"answers": ["A"]}})),
        ("user_input", "item/tool/requestUserInput", ERROR),
        ("elicitation", "mcpServer/elicitation/request", result(action="decline")),
        ("elicitation", "mcpServer/elicitation/request", ERROR),
        ("unknown", "item/unheardOf/request", ERROR),
    ],
)
def test_any_answer_to_the_other_questions_lets_the_turn_go_on(
    start: Launcher, tmp_path: Path, kind: str, method: str, reply: Message
) -> None:
    client = start(write_script(tmp_path, [{"ask": {"kind": kind}}, {"say": "on"}]))
    told, turn = asked(client, tmp_path, reply)
    waiting = "waitingOnUserInput" if kind == "user_input" else "waitingOnApproval"
    assert (told, turn["status"], turn["items"][0]["text"]) == (method, "completed", "on")
    assert flags(client) == [waiting]


def test_a_question_without_an_answer_waits_until_the_turn_is_interrupted(
    start: Launcher, tmp_path: Path
) -> None:
    client = start(write_script(tmp_path, [{"ask": {"kind": "elicitation"}}]))
    thread = client.begin(tmp_path)
    turn = client.start_turn(thread)
    client.notification("mcpServer/elicitation/request")
    client.request("turn/interrupt", threadId=thread, turnId=turn)
    ended = client.notification("turn/completed")["turn"]["status"]
    resolved = client.notification("serverRequest/resolved")
    client.send({"id": 0, "result": {"action": "accept", "content": {}}})
    assert (ended, resolved["requestId"]) == ("interrupted", 0)
    assert client.turn(thread)["status"] == "completed"
