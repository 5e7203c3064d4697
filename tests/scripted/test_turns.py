"""A turn of the scripted server, message by message."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.scripted.client import Message, write_script
from tests.scripted.conftest import Launcher

pytestmark = pytest.mark.real
NOTES = [
    "thread/tokenUsage/updated",
    "account/rateLimits/updated",
]
ITEM = ["item/started", "item/completed"]


def moved(message: Message) -> Message:
    content = [{"type": "inputText", "text": "moved"}]
    return {"result": {"success": True, "contentItems": content}}


def shown(items: list[Message], *members: str) -> list[dict[str, Any]]:
    return [{name: item[name] for name in members if name in item} for item in items]


def test_a_turn_tells_its_messages_in_the_order_of_codex(start: Launcher, tmp_path: Path) -> None:
    client = start(write_script(tmp_path, [{"run": "true"}, {"say": "two words"}]))
    client.turn(client.begin(tmp_path), "the prompt")
    delta = "item/agentMessage/delta"
    assert client.methods() == [
        "remoteControl/status/changed",
        "thread/started",
        "thread/status/changed",
        "turn/started",
        *ITEM,
        *ITEM,
        *NOTES,
        "item/started",
        delta,
        delta,
        "item/completed",
        *NOTES,
        "thread/readState/changed",
        "thread/status/changed",
        "turn/completed",
    ]


def test_a_turn_works_for_real_in_the_threads_folder(
    start: Launcher, tmp_path: Path, work: Path
) -> None:
    subprocess.run(["git", "init", "-q", str(work)], check=True)
    steps: list[Message] = [
        {"write": {"path": "src/a.txt", "content": "one\n"}},
        {"edit": {"path": "src/a.txt", "find": "one", "replace": "two"}},
        {"run": "cat src/a.txt; exit 3"},
        {"commit": "Say 'two'"},
        {"say": "done"},
    ]
    client = start(write_script(tmp_path, steps))
    turn = client.turn(client.begin(work))
    log = ["git", "-C", str(work), "log", "--stat", "--format=%s|%an"]
    told = subprocess.run(log, check=True, capture_output=True, text=True).stdout
    assert told.splitlines()[0] == "Say 'two'|Scripted agent"
    assert "src/a.txt" in told
    items = shown(client.completed()[1:], "type", "status", "aggregatedOutput", "exitCode")
    assert items == [
        {"type": "fileChange", "status": "completed"},
        {"type": "fileChange", "status": "completed"},
        {
            "type": "commandExecution",
            "status": "failed",
            "aggregatedOutput": "two\n",
            "exitCode": 3,
        },
        {
            "type": "commandExecution",
            "status": "completed",
            "aggregatedOutput": "",
            "exitCode": 0,
        },
        {"type": "agentMessage"},
    ]
    assert (turn["status"], turn["items"][0]["text"]) == ("completed", "done")


def test_an_edit_that_does_not_fit_is_told_to_the_model_only(
    start: Launcher, tmp_path: Path, work: Path
) -> None:
    edit = {"path": "none.txt", "find": "a", "replace": "b"}
    client = start(write_script(tmp_path, [{"edit": edit}, {"say": "hm"}]))
    turn = client.turn(client.begin(work))
    kinds = [item["type"] for item in client.completed()]
    assert (kinds, turn["status"], list(work.iterdir())) == (
        ["userMessage", "agentMessage"],
        "completed",
        [],
    )


def test_the_answer_to_a_tool_call_is_taken_in(start: Launcher, tmp_path: Path) -> None:
    arguments = {"state": "Done"}
    call = {"tool": {"name": "issue_update", "arguments": arguments}}
    client = start(write_script(tmp_path, [call]))
    client.answer = moved
    client.turn(client.begin(tmp_path))
    asked = next(m for m in client.seen if m.get("method") == "item/tool/call")
    assert (asked["id"], asked["params"]["tool"], asked["params"]["arguments"]) == (
        0,
        "issue_update",
        arguments,
    )
    assert shown(client.completed()[1:], "type", "status", "success", "contentItems") == [
        {
            "type": "dynamicToolCall",
            "status": "completed",
            "success": True,
            "contentItems": [{"type": "inputText", "text": "moved"}],
        }
    ]


@pytest.mark.parametrize(
    "reply",
    [
        {"error": {"code": -32601, "message": "no"}},
        {"result": {"output": "old form"}},
        {"result": {"success": False, "contentItems": [{"type": "inputText", "text": "no"}]}},
    ],
)
def test_a_tool_call_that_goes_wrong_does_not_end_the_turn(
    start: Launcher, tmp_path: Path, reply: Message
) -> None:
    client = start(write_script(tmp_path, [{"tool": {"name": "issue_update"}}, {"say": "on"}]))
    client.answer = lambda _: reply
    turn = client.turn(client.begin(tmp_path))
    items = shown(client.completed()[1:], "type", "status")
    assert (turn["status"], items) == (
        "completed",
        [{"type": "dynamicToolCall", "status": "failed"}, {"type": "agentMessage"}],
    )


def test_a_tool_that_nobody_offers_is_not_asked_for(start: Launcher, tmp_path: Path) -> None:
    client = start(write_script(tmp_path, [{"tool": {"name": "invented"}}]))
    turn = client.turn(client.begin(tmp_path))
    assert ("item/tool/call" in client.methods(), turn["status"]) == (False, "completed")


def test_totals_add_up_over_the_turns_of_a_thread(start: Launcher, tmp_path: Path) -> None:
    usage = {"input": 1000, "cached_input": 400, "output": 50, "reasoning": 5}
    script = write_script(
        tmp_path, [{"usage": usage}, {"say": "a", "usage": usage}], [{"usage": {"input": 7}}]
    )
    client = start(script)
    thread = client.begin(tmp_path)
    client.turn(thread)
    client.turn(thread)
    assert client.totals() == [1050, 2100, 2107]


def test_a_failed_turn_says_why_and_leaves_the_thread_usable(
    start: Launcher, tmp_path: Path
) -> None:
    failure = {"message": "no more", "info": "usageLimitExceeded"}
    limits = {"primary": {"usedPercent": 100, "windowDurationMins": 300, "resetsAt": 1900000000}}
    steps: list[Message] = [{"rate_limits": limits}, {"retry_error": "again"}, {"fail": failure}]
    client = start(write_script(tmp_path, [*steps, {"say": "on"}]))
    thread = client.begin(tmp_path)
    turn = client.turn(thread)
    errors = [m["params"] for m in client.seen if m.get("method") == "error"]
    told = [(error["error"]["message"], error["willRetry"]) for error in errors]
    assert (turn["status"], turn["error"]["codexErrorInfo"]) == ("failed", "usageLimitExceeded")
    assert told == [("again", True), ("no more", False)]
    assert client.methods()[-3:] == ["error", "thread/readState/changed", "turn/completed"]
    assert client.turn(thread)["items"][0]["text"] == "on"


def test_noise_and_long_lines_come_between_messages(start: Launcher, tmp_path: Path) -> None:
    client = start(write_script(tmp_path, [{"garbage": "motd"}, {"big_line": 2_000_000}]))
    turn = client.turn(client.begin(tmp_path))
    longest = max(len(str(m)) for m in client.seen)
    assert (client.noise, longest > 2_000_000, turn["status"]) == ([b"motd"], True, "completed")


def test_what_the_script_does_not_say_ends_in_nothing_left_to_do(
    start: Launcher, tmp_path: Path
) -> None:
    client = start(write_script(tmp_path, [{"say": "only this"}]))
    thread = client.begin(tmp_path)
    said = [client.turn(thread)["items"][0]["text"] for _ in range(3)]
    assert said == ["only this", *["There is nothing left to do."] * 2]


def test_a_thread_follows_the_issue_that_its_first_prompt_names(
    start: Launcher, tmp_path: Path
) -> None:
    script = write_script(tmp_path, [{"say_env": "FLAVOUR"}], [{"say": "two"}], match="DEMO-1")
    client = start(script, FLAVOUR="salt")
    ours, other = client.begin(tmp_path), client.begin(tmp_path)
    said = [
        client.turn(thread, prompt)["items"][0]["text"]
        for thread, prompt in ((ours, "Do DEMO-1."), (other, "Do X-9."), (ours, "go on"))
    ]
    assert said == ["FLAVOUR=salt", "There is nothing left to do.", "two"]
