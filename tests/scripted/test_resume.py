"""What a thread keeps when its server is killed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.scripted.client import TOOL, Client, Message, write_script
from tests.scripted.conftest import Launcher

pytestmark = pytest.mark.real
SLOW: list[Message] = [
    {"say": "I begin", "usage": {"input": 100, "output": 10}},
    {"run": "echo once >> log.txt", "usage": {"input": 120, "output": 10}},
    {"run": "echo begun >> log.txt; sleep 60", "usage": {"input": 900, "output": 90}},
    {"say": "done", "usage": {"input": 150, "output": 5}},
]


def killed_in_the_slow_step(client: Client, work: Path) -> str:
    thread = client.begin(work)
    client.start_turn(thread, "the prompt")
    client.until(
        lambda m: (
            m.get("method") == "item/started" and "sleep" in m["params"]["item"].get("command", "")
        )
    )
    client.kill()
    return thread


def faster(script: Path) -> None:
    script.write_text(script.read_text().replace("sleep 60", "true"))


def test_after_a_kill_the_next_server_goes_on_with_the_step_that_was_cut_off(
    start: Launcher, tmp_path: Path, work: Path
) -> None:
    script = write_script(tmp_path, SLOW)
    first = start(script)
    thread = killed_in_the_slow_step(first, work)
    faster(script)
    second = start(script)
    second.resume(thread)
    turn = second.turn(thread, "continue")
    assert (turn["status"], turn["items"][0]["text"]) == ("completed", "done")
    assert (work / "log.txt").read_text() == "once\nbegun\nbegun\n"


def test_after_a_kill_the_items_on_record_are_those_that_were_told(
    start: Launcher, tmp_path: Path, work: Path
) -> None:
    script = write_script(tmp_path, SLOW)
    first = start(script)
    thread = killed_in_the_slow_step(first, work)
    second = start(script)
    second.resume(thread)
    turns = second.request("thread/turns/list", threadId=thread)["result"]["data"]
    assert second.items(thread) == first.completed()
    assert len(first.completed()) == 3
    assert [turn["status"] for turn in turns] == ["interrupted"]


def test_after_a_kill_the_models_input_begins_with_the_same_bytes(
    start: Launcher, tmp_path: Path, work: Path
) -> None:
    script, log = write_script(tmp_path, SLOW), tmp_path / "requests.jsonl"
    thread = killed_in_the_slow_step(start(script, SYMPHONY_SCRIPT_LOG=str(log)), work)
    before = json.loads(log.read_text().splitlines()[-1])
    faster(script)
    second = start(script, SYMPHONY_SCRIPT_LOG=str(log))
    second.resume(thread)
    second.turn(thread, "continue")
    after = json.loads(log.read_text().splitlines()[3])
    old, new = json.dumps(before["input"]), json.dumps(after["input"])
    assert new.startswith(old[:-1])
    assert [item["type"] for item in after["input"][len(before["input"]) :]] == [
        "function_call",
        "function_call_output",
        "message",
    ]


def test_totals_are_replayed_on_resume_and_carry_on(
    start: Launcher, tmp_path: Path, work: Path
) -> None:
    script = write_script(tmp_path, SLOW)
    first = start(script)
    thread = killed_in_the_slow_step(first, work)
    faster(script)
    second = start(script)
    second.resume(thread)
    second.turn(thread, "continue")
    assert first.totals() == [110, 240]
    assert second.totals() == [240, 1230, 1385]


def test_a_thread_has_one_writer_and_a_kill_frees_it(
    start: Launcher, tmp_path: Path, work: Path
) -> None:
    script = write_script(tmp_path, [{"say": "hi"}])
    first, second = start(script), start(script)
    thread = first.begin(work)
    first.turn(thread)
    refused = second.resume(thread)
    first.kill()
    taken = second.resume(thread)
    assert refused["error"]["message"] == f"thread {thread} already has an active writer"
    assert taken["result"]["thread"]["preview"] == "go on"


def test_a_thread_without_a_turn_cannot_be_resumed(
    start: Launcher, tmp_path: Path, work: Path
) -> None:
    script = write_script(tmp_path, [{"say": "hi"}])
    first = start(script)
    thread = first.begin(work)
    here = first.resume(thread)
    first.kill()
    there = start(script).resume(thread)
    text = f"no rollout found for thread id {thread}"
    assert [reply["error"]["message"] for reply in (here, there)] == [text, text]


def test_a_torn_last_line_does_not_matter(start: Launcher, tmp_path: Path, work: Path) -> None:
    script = write_script(tmp_path, [{"say": "hi"}], [{"say": "again"}])
    first = start(script)
    thread = first.begin(work)
    first.turn(thread)
    first.end()
    (path,) = (tmp_path / "home" / "sessions").rglob("*.jsonl")
    path.write_bytes(path.read_bytes() + b'{"type": "turn_beg')
    second = start(script)
    second.resume(thread)
    assert second.turn(thread)["items"][0]["text"] == "again"
    assert path.read_bytes().count(b"turn_beg") == 2


def test_settings_and_tools_come_back_with_the_thread(
    start: Launcher, tmp_path: Path, work: Path
) -> None:
    script = write_script(tmp_path, [{"say": "hi"}], [{"tool": {"name": "issue_update"}}])
    first = start(script)
    policy = {"granular": {"sandbox_approval": True, "rules": True, "mcp_elicitations": False}}
    thread = first.request(
        "thread/start",
        cwd=str(work),
        approvalPolicy=policy,
        sandbox="danger-full-access",
        dynamicTools=[TOOL],
    )["result"]["thread"]["id"]
    first.turn(thread)
    first.end()
    second = start(script)
    second.answer = lambda _: {"result": {"success": True, "contentItems": []}}
    result = second.resume(thread)["result"]
    second.turn(thread)
    assert [result[name] for name in ("cwd", "approvalPolicy", "sandbox")] == [
        str(work),
        policy,
        {"type": "dangerFullAccess"},
    ]
    assert "item/tool/call" in second.methods()


def test_compaction_is_a_turn_of_its_own_and_costs_nothing(
    start: Launcher, tmp_path: Path, work: Path
) -> None:
    log = tmp_path / "requests.jsonl"
    script = write_script(tmp_path, *[[{"say": "hi", "usage": {"input": 9}}]] * 2)
    client = start(script, SYMPHONY_SCRIPT_LOG=str(log))
    thread = client.begin(work)
    client.turn(thread, "the prompt")
    reply = client.request("thread/compact/start", threadId=thread)
    status = client.notification("turn/completed")["turn"]["status"]
    client.turn(thread, "more")
    said = [
        item["content"][0]["text"] for item in json.loads(log.read_text().splitlines()[1])["input"]
    ]
    assert (reply["result"], status, client.totals()) == ({}, "completed", [9, 9, 18])
    assert said == ["the prompt", "Summary: 2 items came before.", "more"]
