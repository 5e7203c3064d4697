"""Agents that ask: what the model is made to wish, and what became of each wish."""

from __future__ import annotations

from typing import Any

from symphony_cli.core.report import Asked
from tests.real import model as models
from tests.real.conftest import Open, Studio
from tests.real.model import Entry, call, command

GRANULAR = ("sandbox_approval", "rules", "mcp_elicitations", "request_permissions")
ASK_NOTHING = {"granular": dict.fromkeys(GRANULAR, False)}
READ_ONLY = {"thread_sandbox": "read-only", "turn_sandbox_policy": {"type": "readOnly"}}
DECLINE = {"approval_answer": "decline", "input_answer": "decline", "elicitation_policy": "decline"}
BLOCK = {"approval_answer": "block", "input_answer": "block", "elicitation_policy": "block"}

SERVER = f"""
[mcp_servers.lab]
command = "python3"
args = ["{models.STAND_INS / "mcp_server.py"}"]
"""
FEATURES = "features.request_permissions_tool=true", "features.default_mode_request_user_input=true"

PLAIN = command("touch made.txt")
ESCALATED = call(
    "exec_command",
    {
        "cmd": "touch made.txt",
        "sandbox_permissions": "require_escalated",
        "justification": "It must lie here.",
    },
)
PATCH: Entry = {
    "custom": {
        "name": "apply_patch",
        "input": "*** Begin Patch\n*** Add File: made.txt\n+Made.\n*** End Patch\n",
    }
}
FILES = "/made.txt"
"""The end of what people read of a patch."""

NETWORK = {"network": {"enabled": True}}
MORE = call("request_permissions", {"permissions": NETWORK, "reason": "I need it."})
CHOICES = [{"label": name, "description": name.lower()} for name in ("Red", "Blue")]
INPUT = call(
    "request_user_input",
    {"questions": [{"id": "q1", "header": "C", "question": "Which colour?", "options": CHOICES}]},
)


def lab(tool: str) -> Entry:
    """The model calls a tool of the MCP server."""
    return {"call": {"namespace": "mcp__lab", "name": tool, "arguments": {}}}


def opened(studio: Open, codex: str, entries: list[Entry], **settings: Any) -> Studio:
    """A studio whose agents have the MCP server and the two tools that ask."""
    words = " ".join(f"-c {feature}" for feature in FEATURES)
    started = {"command": f"{codex} app-server {words}", **settings}
    place = studio(entries, extra=SERVER, codex=started)
    place.house.write_issue("ASK-1")
    return place


def done(place: Studio) -> None:
    place.house.until(lambda: place.house.finished("ASK-1"), "ASK-1 is done")


def asked(place: Studio) -> list[tuple[str, str, str]]:
    """What the report has of the questions."""
    lines = [line for run in place.house.runs("ASK-1") for line in place.house.lines(run, Asked)]
    return [(line.question, line.answer, line.text) for line in lines]


def told(place: Studio) -> list[str]:
    """What the model was told of its calls, in order; of a list the last text."""
    items = place.model.requests()[-1]["input"]
    outputs = [item["output"] for item in items if item["type"].endswith("call_output")]
    return [text if isinstance(text, str) else text[-1]["text"] for text in outputs]


def comments(place: Studio) -> str:
    """What people read below the issue, without the signs that quote it."""
    text = place.house.issue("ASK-1").partition("## Comments")[2]
    return "\n".join(line.removeprefix(">").removeprefix(" ") for line in text.splitlines())


def blocked(place: Studio) -> None:
    """Until the block is told on the issue."""
    house = place.house
    house.until(lambda: "symphony-stuck" in house.issue("ASK-1"), "the label is set")
    house.until(lambda: not house.history().outbox, "the comment is delivered")


def made(place: Studio) -> bool:
    return (place.house.root / "workspaces" / "ASK-1" / "made.txt").exists()


def ends(texts: list[str], wanted: list[str]) -> list[str]:
    """The texts, each cut to the end that is wanted of it."""
    assert len(texts) == len(wanted), texts
    return [text[-len(end) :] for text, end in zip(texts, wanted, strict=True)]


def is_end(line: dict[str, Any]) -> bool:
    return line.get("method") == "turn/completed"
