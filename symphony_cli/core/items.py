"""Items of Codex's protocol (a command, a patch, a call of a tool ...) as entries of a log.

The raw members are looked at here and nowhere else on this side: one that is missing or has
another type becomes an empty one. Shapes: the binary's own schema, Codex 0.163 and 0.169.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from datetime import datetime

from symphony_cli.core.said import Edited, Entry, FileEdit, Worked
from symphony_cli.core.shape import Json
from symphony_cli.core.shorten import left_out

_SHELLS = ("bash", "sh", "zsh")
_KINDS = {
    "commandExecution": "command",
    "dynamicToolCall": "tool",
    "mcpToolCall": "mcp",
    "webSearch": "search",
    "sleep": "sleep",
    "subAgentActivity": "agent",
    "collabAgentToolCall": "agent",
    "contextCompaction": "compaction",
    "imageView": "image",
    "imageGeneration": "image",
}
_SILENT = (
    "userMessage",
    "hookPrompt",
    "agentMessage",
    "plan",
    "reasoning",
    "functionCallOutput",
    "fileChange",
)


def child(parent: Json, name: str) -> dict[str, Json]:
    """A member that is a map, or an empty one."""
    value = parent.get(name)
    return value if isinstance(value, dict) else {}


def text(parent: dict[str, Json], name: str) -> str:
    """A member that is text, or an empty one."""
    value = parent.get(name)
    return value if isinstance(value, str) else ""


def items(parent: dict[str, Json], name: str) -> list[dict[str, Json]]:
    """The maps in a member that is a list."""
    value = parent.get(name)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def work(item: dict[str, Json], at: datetime, agent: str, *, began: bool) -> Iterator[Entry]:
    """What the beginning or the end of an item tells; nothing for what only repeats us."""
    word = text(item, "type")
    if not word or word in _SILENT:
        return
    code = item.get("exitCode")
    yield Worked(
        at=at,
        item=text(item, "id"),
        kind=_KINDS.get(word, word),
        title=_title(word, item),
        state="began" if began else _state(item),
        exit_code=code if type(code) is int and not began else None,
        seconds=None if began else _seconds(item),
        output="" if began else _output(word, item),
        agent=agent,
    )


def edited(item: dict[str, Json], at: datetime, agent: str, folder: str) -> Edited:
    """A patch that came to its end; paths below `folder`, the workspace, are shown without it."""
    files = tuple(_edit(change, folder) for change in items(item, "changes"))
    return Edited(at, text(item, "id"), _state(item), files, agent)


def _state(item: dict[str, Json]) -> str:
    status = text(item, "status")
    code = item.get("exitCode")
    if status == "declined":
        return "declined"
    if status == "failed" or item.get("success") is False or (type(code) is int and code != 0):
        return "failed"
    return "done"


def _seconds(item: dict[str, Json]) -> float | None:
    """How long it took. `durationMs` leaves out what came before the first output, so that a
    short command has 0 there; the two times, where they are told, are better."""
    began, ended = item.get("startedAtMs"), item.get("completedAtMs")
    measured = None if item.get("type") == "sleep" else item.get("durationMs")
    if type(began) is int and type(ended) is int:
        told = measured if type(measured) is int else 0
        return max(0, ended - began, told) / 1000
    return max(0, measured) / 1000 if type(measured) is int else None


def _title(word: str, item: dict[str, Json]) -> str:
    match word:
        case "commandExecution":
            return bare_command(text(item, "command"))
        case "dynamicToolCall":
            return f"{text(item, 'tool')} {_arguments(item)}".rstrip()
        case "mcpToolCall":
            return f"{text(item, 'server')}.{text(item, 'tool')} {_arguments(item)}".rstrip()
        case "webSearch":
            return text(item, "query")
        case "sleep":
            wait = item.get("durationMs")
            return f"for {wait / 1000:g} s" if type(wait) is int else ""
        case "subAgentActivity":
            return f"{text(item, 'kind')} {text(item, 'agentPath')}".strip()
        case "collabAgentToolCall":
            return f"{text(item, 'tool')} {text(item, 'prompt')}".strip()
        case "imageView":
            return text(item, "path")
    return ""


def _arguments(item: dict[str, Json]) -> str:
    arguments = item.get("arguments")
    if isinstance(arguments, dict):
        pairs = arguments.items()
        return " ".join(f"{name}={json.dumps(v, ensure_ascii=False)}" for name, v in pairs)
    return "" if arguments is None else json.dumps(arguments, ensure_ascii=False)


def bare_command(command: str) -> str:
    """What is run, without the login shell that Codex puts around everything."""
    head, _, rest = command.partition(" ")
    if head.rpartition("/")[2] not in _SHELLS or rest[:4] not in ("-lc ", "-c '", '-c "'):
        return command
    try:
        words = shlex.split(rest)
    except ValueError:
        return command
    return words[1] if len(words) == 2 else command


def _output(word: str, item: dict[str, Json]) -> str:
    match word:
        case "commandExecution":
            return text(item, "aggregatedOutput")
        case "dynamicToolCall":
            return "\n".join(text(part, "text") for part in items(item, "contentItems"))
        case "mcpToolCall":
            error = text(child(item, "error"), "message")
            told = (text(part, "text") for part in items(child(item, "result"), "content"))
            return error or "\n".join(told)
    return ""


def _edit(change: dict[str, Json], folder: str) -> FileEdit:
    kind, below = child(change, "kind"), f"{folder}/" if folder else ""
    diff, word = text(change, "diff"), text(kind, "type")
    path, moved = (text(m, n) for m, n in ((change, "path"), (kind, "move_path")))
    path = " to ".join(one.removeprefix(below) for one in (path, moved) if one)
    lines = diff.splitlines()
    if word in ("add", "delete"):  # the file's own text, without marks
        count = len(lines)
        added, removed = (count, 0) if word == "add" else (0, count)
    else:
        added = sum(line[:1] == "+" for line in lines)
        removed = sum(line[:1] == "-" for line in lines)
    return FileEdit(path, word or "update", added, removed, left_out(diff))
