"""The members of protocol messages, as Codex 0.163 and 0.169 send them (measured).

Everything here is pure: values in, JSON out.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from symphony_cli.core.shape import Json
from symphony_cli.core.usage import Usage

VERSION = "0.169.0"
"""The version of Codex whose messages these are; clients read it from `userAgent`."""

CONTEXT_WINDOW = 258400
SANDBOXES = {
    "read-only": {"type": "readOnly", "networkAccess": False},
    "workspace-write": {
        "type": "workspaceWrite",
        "writableRoots": [],
        "networkAccess": False,
        "excludeTmpdirEnvVar": False,
        "excludeSlashTmp": False,
    },
    "danger-full-access": {"type": "dangerFullAccess"},
}


def uuid7(milliseconds: int, noise: bytes) -> str:
    """A UUID of version 7 (RFC 9562) from a Unix time in ms and ten random bytes."""
    number = (milliseconds << 80) | int.from_bytes(noise[:10], "big")
    number = number & ~(0xF << 76) | (0x7 << 76)
    number = number & ~(0x3 << 62) | (0x2 << 62)
    text = f"{number:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def usage(total: Usage, last: Usage) -> Json:
    """Member `tokenUsage` of `thread/tokenUsage/updated`."""
    return {
        "total": _counts(total),
        "last": _counts(last),
        "modelContextWindow": CONTEXT_WINDOW,
    }


def _counts(counts: Usage) -> Json:
    return {
        "totalTokens": counts.total,
        "inputTokens": counts.input,
        "cachedInputTokens": counts.cached_input,
        "cacheWriteInputTokens": 0,
        "outputTokens": counts.output,
        "reasoningOutputTokens": counts.reasoning,
    }


def rate_limits(limits: Mapping[str, Json]) -> Json:
    """Member `rateLimits`: nothing known but what `limits` says."""
    nothing: dict[str, Json] = {"limitId": "codex", "limitName": None, "primary": None}
    nothing |= {"secondary": None, "credits": None, "planType": None}
    return {**nothing, "rateLimitReachedType": None, **limits}


def turn(
    turn_id: str,
    status: str = "inProgress",
    *,
    items: tuple[Json, ...] = (),
    view: str = "notLoaded",
    error: Json = None,
    started: int | None = None,
    completed: int | None = None,
) -> Json:
    """A turn; `started` and `completed` are Unix times in ms, sent in whole seconds."""
    both = started is not None and completed is not None
    return {
        "id": turn_id,
        "rootTurnId": turn_id,
        "items": list(items),
        "itemsView": view,
        "status": status,
        "error": error,
        "startedAt": None if started is None else started // 1000,
        "completedAt": None if completed is None else completed // 1000,
        "durationMs": (completed or 0) - (started or 0) if both else None,
    }


def turn_error(message: str, info: Json, details: str | None = None) -> Json:
    """Member `error` of a failed turn and of an `error` notification."""
    return {
        "message": message,
        "codexErrorInfo": info,
        "additionalDetails": details,
        "misalignment": None,
    }


def user_message(item_id: str, text: str) -> Json:
    """What the client said."""
    content = [{"type": "text", "text": text, "text_elements": []}]
    return {"type": "userMessage", "id": item_id, "clientId": None, "content": content}


def agent_message(item_id: str, text: str) -> Json:
    """What the model said."""
    return {
        "type": "agentMessage",
        "id": item_id,
        "text": text,
        "phase": None,
        "memoryCitation": None,
        "delivery": None,
        "questions": None,
    }


def shell_text(command: str) -> str:
    """How an item names a shell command: `/bin/bash -lc '...'`."""
    return "/bin/bash -lc '" + command.replace("'", "'\"'\"'") + "'"


def command_execution(item_id: str, command: str, cwd: Path, process: str | None) -> Json:
    """A command that has begun, or waits for approval when `process` is None."""
    return {
        "type": "commandExecution",
        "id": item_id,
        "pluginId": None,
        "scriptPath": None,
        "command": shell_text(command),
        "cwd": str(cwd),
        "processId": process,
        "source": "agent" if process is None else "unifiedExecStartup",
        "status": "inProgress",
        "commandActions": [{"type": "unknown", "command": command}],
        "aggregatedOutput": None,
        "exitCode": None,
        "durationMs": None,
    }


def file_change(item_id: str, changes: tuple[Json, ...], status: str = "inProgress") -> Json:
    """Files that the model changes."""
    return {"type": "fileChange", "id": item_id, "changes": list(changes), "status": status}


def tool_call(item_id: str, tool: str, arguments: Json) -> Json:
    """A call of one of the client's tools."""
    return {
        "type": "dynamicToolCall",
        "id": item_id,
        "namespace": None,
        "tool": tool,
        "arguments": arguments,
        "status": "inProgress",
        "contentItems": None,
        "success": None,
        "durationMs": None,
    }


def said_by(role: str, text: str) -> Json:
    """A message in the model's input; the model's own have another content type."""
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


def function_call(call_id: str, name: str, arguments: str) -> Json:
    """A call in the model's input."""
    return {"type": "function_call", "name": name, "arguments": arguments, "call_id": call_id}


def function_output(call_id: str, output: str) -> Json:
    """What came of a call, in the model's input."""
    return {"type": "function_call_output", "call_id": call_id, "output": output}
