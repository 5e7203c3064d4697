"""Lines of the transcript, as what a person wants to know of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symphony_cli.core.items import bare_command
from symphony_cli.core.said import (
    Edited,
    Entry,
    FileEdit,
    PartBegan,
    Planned,
    Prompted,
    Retried,
    Spoke,
    Thought,
    Warned,
    Worked,
    to_json,
)
from symphony_cli.core.shorten import shorten
from symphony_cli.core.transcript import Listener
from tests.builders import NOW

AT = "2025-11-20T09:00:00.000Z"


def line(message: Any, way: str = "in") -> bytes:
    return json.dumps({"at": AT, "dir": way, "line": message}, separators=(",", ":")).encode()


def notice(method: str, thread: str = "t1", **params: Any) -> bytes:
    return line({"method": method, "params": {"threadId": thread, **params}})


def item(method: str, kind: str, thread: str = "t1", /, **members: Any) -> bytes:
    return notice(f"item/{method}", thread, item={"type": kind, "id": "i1", **members})


def heard(*lines: bytes) -> list[Entry]:
    """What these lines tell, after a turn was started on thread t1 in /ws."""
    listener = Listener()
    params = {"threadId": "t1", "cwd": "/ws", "input": []}
    listener.hear(line({"id": 1, "method": "turn/start", "params": params}, "out"))
    return [entry for one in lines for entry in listener.hear(one)]


COMMAND = {"command": "/bin/bash -lc 'make test'", "durationMs": 0}
TIMES = {"startedAtMs": 1_000, "completedAtMs": 3_500}
CHANGES = [
    {"path": "/ws/a.py", "kind": {"type": "update"}, "diff": "@@ -1 +1,2 @@\n-a\n+b\n+c\n"},
    {"path": "/ws/b.py", "kind": {"type": "add"}, "diff": "one\ntwo\n"},
    {"path": "/other", "kind": {"type": "delete"}, "diff": "one\n"},
    {"path": "/ws/c", "kind": {"type": "update", "move_path": "/ws/d"}, "diff": ""},
]
EDITS = (
    FileEdit("a.py", "update", 2, 1),
    FileEdit("b.py", "add", 2, 0),
    FileEdit("/other", "delete", 0, 1),
    FileEdit("c to d", "update"),
)
TEXT_PARTS = [{"type": "inputText", "text": "one"}, {"type": "inputText", "text": "two"}]


def worked(kind: str, title: str, state: str = "done", **more: Any) -> Worked:
    return Worked(NOW, "i1", kind, title, state, **more)


@pytest.mark.parametrize(
    ("told", "entry"),
    [
        (item("completed", "agentMessage", text="Hello.\nYou."), Spoke(NOW, "Hello.\nYou.")),
        (item("completed", "agentMessage", "t2", text="Sub."), Spoke(NOW, "Sub.", "t2")),
        (item("completed", "plan", text="1. Look"), Spoke(NOW, "1. Look")),
        (item("completed", "reasoning", summary=["Why", "so"]), Thought(NOW, "Why\n\nso")),
        (
            item("started", "commandExecution", **COMMAND, status="inProgress", exitCode=None),
            worked("command", "make test", "began"),
        ),
        (
            item(
                "completed",
                "commandExecution",
                **COMMAND,
                **TIMES,
                status="failed",
                exitCode=2,
                aggregatedOutput="bad\n",
            ),
            worked("command", "make test", "failed", exit_code=2, seconds=2.5, output="bad\n"),
        ),
        (
            item("completed", "commandExecution", command="ls", status="declined", exitCode=None),
            worked("command", "ls", "declined"),
        ),
        (
            item(
                "completed",
                "dynamicToolCall",
                tool="issue_update",
                arguments={"state": "Done", "n": 1},
                status="completed",
                success=True,
                contentItems=TEXT_PARTS,
                durationMs=449,
            ),
            worked("tool", 'issue_update state="Done" n=1', seconds=0.449, output="one\ntwo"),
        ),
        (
            item("completed", "dynamicToolCall", tool="x", status="completed", success=False),
            worked("tool", "x", "failed"),
        ),
        (
            item(
                "completed",
                "mcpToolCall",
                server="lab",
                tool="ask",
                arguments=None,
                status="failed",
                error={"message": "no"},
            ),
            worked("mcp", "lab.ask", "failed", output="no"),
        ),
        (
            item(
                "completed",
                "mcpToolCall",
                server="lab",
                tool="ask",
                status="completed",
                result={"content": [{"type": "text", "text": "yes"}]},
            ),
            worked("mcp", "lab.ask", output="yes"),
        ),
        (
            item("completed", "fileChange", status="completed", changes=CHANGES),
            Edited(NOW, "i1", "done", EDITS),
        ),
        (item("started", "sleep", durationMs=90_000), worked("sleep", "for 90 s", "began")),
        (item("completed", "sleep", durationMs=90_000), worked("sleep", "for 90 s")),
        (item("completed", "webSearch", query="how"), worked("search", "how")),
        (item("completed", "contextCompaction"), worked("compaction", "")),
        (
            item("completed", "subAgentActivity", kind="started", agentPath="/main/a"),
            worked("agent", "started /main/a"),
        ),
        (item("completed", "somethingNew", status="failed"), worked("somethingNew", "", "failed")),
        (
            notice("turn/plan/updated", plan=[{"step": "Look", "status": "completed"}]),
            Planned(NOW, ("completed: Look",)),
        ),
        (
            notice(
                "error", willRetry=True, error={"message": "Again 1/5", "additionalDetails": "x"}
            ),
            Retried(NOW, "Again 1/5: x"),
        ),
        (notice("warning", message="Careful"), Warned(NOW, "Careful")),
        (
            notice("model/rerouted", fromModel="a", toModel="b"),
            Warned(NOW, "the model was changed from a to b"),
        ),
        (line(3, "part"), PartBegan(NOW, 3)),
    ],
)
def test_what_a_line_tells(told: bytes, entry: Entry) -> None:
    assert heard(told) == [entry]
    assert heard(told + b"\n") == [entry]
    assert json.dumps(to_json(entry))


def test_what_we_ask_is_told_with_the_words_of_the_turn() -> None:
    params = {"threadId": "t1", "input": [{"type": "text", "text": "Do it."}]}
    said = line({"id": 3, "method": "turn/start", "params": params}, "out")
    assert heard(said) == [Prompted(NOW, "Do it.")]


@pytest.mark.parametrize(
    "told",
    [
        notice("item/agentMessage/delta", itemId="i1", delta="x"),
        notice("error", willRetry=False, error={"message": "It failed."}),
        notice("turn/completed", turn={"id": "u", "status": "completed"}),
        notice("thread/tokenUsage/updated", tokenUsage={}),
        notice("never/heard/of", item={"type": "agentMessage", "text": "no"}),
        item("completed", "userMessage", content=[]),
        item("started", "agentMessage", text=""),
        item("completed", "agentMessage", text=""),
        item("completed", "reasoning", summary=[]),
        item("started", "fileChange", changes=CHANGES),
        line({"id": 1, "result": {}}),
        line("a banner of the shell"),
        line("three", "part"),
        b"",
        b"{",
        b"null",
        b'{"at":"yesterday","dir":"in","line":{}}',
        b'{"at":5,"dir":"in","line":{}}',
        b"\xff\xfe",
    ],
)
def test_what_nobody_wants_to_know_is_passed_over(told: bytes) -> None:
    assert heard(told) == []


KINDS = [
    "agentMessage",
    "reasoning",
    "commandExecution",
    "fileChange",
    "mcpToolCall",
    "dynamicToolCall",
    "sleep",
    "webSearch",
    "collabAgentToolCall",
    "imageView",
]
MEMBERS = [
    "text",
    "summary",
    "command",
    "changes",
    "status",
    "exitCode",
    "durationMs",
    "contentItems",
    "result",
    "error",
    "arguments",
    "startedAtMs",
    "completedAtMs",
    "query",
]
STRANGE = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS), inner),
    max_leaves=6,
)


@given(st.sampled_from(KINDS), st.dictionaries(st.sampled_from(MEMBERS), STRANGE))
def test_members_of_any_shape_break_nothing(kind: str, members: dict[str, Any]) -> None:
    for method in ("started", "completed"):
        for entry in heard(item(method, kind, **members)):
            json.dumps(to_json(entry))


def test_of_a_shortened_line_the_log_knows_how_the_command_ended() -> None:
    message = {
        "method": "item/completed",
        "params": {
            "item": {
                "type": "commandExecution",
                "id": "i1",
                "command": "make",
                "aggregatedOutput": "first\n" + "x" * 3_000_000 + "\nlast",
                "exitCode": 2,
            },
            "threadId": "t1",
        },
    }
    short = json.loads(shorten(json.dumps(message).encode(), 65_536))
    (entry,) = heard(line(short))
    assert isinstance(entry, Worked)
    assert (entry.title, entry.state, entry.exit_code) == ("make", "failed", 2)
    assert (entry.output[:6], entry.output[-5:]) == ("first\n", "\nlast")


def test_of_a_huge_patch_the_file_is_named_and_what_is_not_counted() -> None:
    change = {"path": "/ws/big", "kind": {"type": "add"}, "diff": "x\n" * 500_000}
    params = {"threadId": "t1", "item": {"type": "fileChange", "id": "i1", "changes": [change]}}
    message = {"method": "item/completed", "params": params}
    (entry,) = heard(line(json.loads(shorten(json.dumps(message).encode(), 65_536))))
    assert isinstance(entry, Edited)
    (file,) = entry.files
    assert (file.path, file.change, file.left_out > 900_000) == ("big", "add", True)


@pytest.mark.parametrize(
    ("told", "bare"),
    [
        ("/bin/bash -lc 'echo hi'", "echo hi"),
        ('bash -lc "echo \\"hi\\""', 'echo "hi"'),
        ("/usr/bin/zsh -c 'ls'", "ls"),
        ("/bin/bash -lc ls", "ls"),
        ("bash script.sh", "bash script.sh"),
        ("bash -lc 'a' b", "bash -lc 'a' b"),
        ("bash -lc 'torn", "bash -lc 'torn"),
        ("", ""),
    ],
)
def test_a_command_is_shown_without_the_shell_around_it(told: str, bare: str) -> None:
    assert bare_command(told) == bare
