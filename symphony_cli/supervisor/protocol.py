"""Bytes of `codex app-server` into messages, and messages into bytes. No pipe, no clock.

One JSON object per line, without a `jsonrpc` member. Both sides number their own requests: a
message with a `method` and an `id` is a request of the server, whose ids begin at 0; one with an
`id` alone answers a request of ours. Measured with Codex 0.163 and 0.169:

* lines of several megabytes are normal (a patch, a command's output);
* a login shell may put a banner on the same stream, which is noise and no reason to die;
* deltas are most of the traffic and only tell that a turn is alive, so they are recognised by the
  method at the beginning of their line and never decoded; thread, turn and item come before the
  text, in which each quote is escaped.
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from symphony_cli.core.shape import Json

LONGEST_LINE = 32 * 1024 * 1024
"""Bytes; a longer line is dropped while it arrives, so that it never fills the memory."""

METHOD_NOT_FOUND = -32601

RequestId = int | str

_METHOD = re.compile(rb'\s*\{\s*"method"\s*:\s*"([^"\\]{1,200})"')
_TURN = re.compile(rb'"turnId"\s*:\s*"([^"\\]{1,200})"')
_HEAD = 600
_SHOWN = 200


class Request(NamedTuple):
    """The server wants an answer."""

    id: RequestId
    method: str
    params: dict[str, Json]


class Reply(NamedTuple):
    """The server did what we asked for."""

    id: RequestId
    result: dict[str, Json]


class Refusal(NamedTuple):
    """The server did not do what we asked for. The code is nearly always -32600."""

    id: RequestId
    code: int
    message: str
    input_error: str = ""


class Notice(NamedTuple):
    """The server tells something."""

    method: str
    params: dict[str, Json]


class Delta(NamedTuple):
    """A piece of a message, a thought or a command's output; its content is not looked at.

    `turn` is the one that it belongs to: a command that outlived its turn goes on printing under
    the turn that started it.
    """

    method: str
    turn: str = ""


class Noise(NamedTuple):
    """A line that is no message; `text` is its beginning, `size` its length in bytes."""

    text: str
    size: int


Message = Request | Reply | Refusal | Notice | Delta | Noise


class Overlong(NamedTuple):
    """A line that was dropped because nothing sensible is that long."""

    size: int


class Lines:
    """Cuts a stream into lines, however its bytes arrive."""

    def __init__(self, longest: int = LONGEST_LINE) -> None:
        self._longest = longest
        self._kept = bytearray()
        self._dropped = 0

    def feed(self, data: bytes) -> list[bytes | Overlong]:
        """The lines that `data` completes, without their ends. Empty lines are passed over."""
        found: list[bytes | Overlong] = []
        *ends, rest = data.split(b"\n")
        for part in ends:
            self._add(part)
            if self._dropped:
                found.append(Overlong(self._dropped))
            elif self._kept:
                found.append(bytes(self._kept))
            self._kept, self._dropped = bytearray(), 0
        self._add(rest)
        return found

    def _add(self, part: bytes) -> None:
        if self._dropped:
            self._dropped += len(part)
        elif len(self._kept) + len(part) > self._longest:
            self._dropped, self._kept = len(self._kept) + len(part), bytearray()
        else:
            self._kept += part


def parse(line: bytes | Overlong) -> Message:
    """The message that a line holds; a line that holds none is `Noise`."""
    if isinstance(line, Overlong):
        return Noise("", line.size)
    start = _METHOD.match(line)
    if start is not None and start[1].lower().endswith(b"delta"):
        turn = _TURN.search(line, start.end(), _HEAD)
        return Delta(_decoded(start[1]), _decoded(turn[1]) if turn is not None else "")
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        data = None
    message = _message(data) if isinstance(data, dict) else None
    return message or Noise(line[:_SHOWN].decode("utf-8", "replace"), len(line))


def _decoded(name: bytes) -> str:
    return name.decode("utf-8", "replace")


def _message(data: dict[str, Json]) -> Message | None:
    method: Json = data.get("method")
    number: Json = data.get("id")
    numbered = isinstance(number, int | str)
    if isinstance(method, str):
        params = _map(data.get("params"))
        return Request(number, method, params) if numbered else Notice(method, params)
    if numbered and "error" in data:
        error = _map(data["error"])
        code, text = error.get("code"), error.get("message")
        kind = _map(error.get("data")).get("input_error_code")
        return Refusal(number, code if type(code) is int else 0, str(text), str(kind or ""))
    if numbered and "result" in data:
        return Reply(number, _map(data["result"]))
    return None


def _map(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def request(number: RequestId, method: str, params: Json) -> bytes:
    """A request of ours, as a line with its end."""
    return _line({"id": number, "method": method, "params": params})


def notification(method: str) -> bytes:
    """Something we tell, as a line with its end."""
    return _line({"method": method})


def reply(number: RequestId, result: Json) -> bytes:
    """Our answer to a request of the server."""
    return _line({"id": number, "result": result})


def refusal(number: RequestId, code: int, message: str) -> bytes:
    """Our answer to a request that we do not know."""
    return _line({"id": number, "error": {"code": code, "message": message}})


def _line(message: Json) -> bytes:
    text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace") + b"\n"
