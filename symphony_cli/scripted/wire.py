"""Lines in, lines out: one JSON object each, no `jsonrpc` member.

Reading and writing have a thread each, so that a client that stops reading never blocks a turn:
what it does not take is kept, as Codex does.
"""

from __future__ import annotations

import asyncio
import json
import os
import queue
import sys
import threading
from collections.abc import Callable
from typing import Any

from symphony_cli import clock
from symphony_cli.core.shape import Json

Message = dict[str, Any]


class Refused(Exception):
    """A request of the client that is answered with an error; `code` is JSON-RPC's."""

    def __init__(self, message: str, code: int = -32600) -> None:
        super().__init__(message)
        self.code = code


def now_ms() -> int:
    """The wall clock in ms since 1970, as the protocol has it."""
    return round(clock.now().timestamp() * 1000)


class Wire:
    """Both directions of one connection."""

    def __init__(self) -> None:
        self.muted: frozenset[str] = frozenset()
        self._out: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write, daemon=True)
        self._writer.start()
        self._next_request = 0
        self._asked: dict[int, asyncio.Future[Message]] = {}

    def listen(self, on_message: Callable[[Message], None], on_end: Callable[[], None]) -> None:
        """Hand over each message, and the end of stdin, in the running event loop."""
        loop = asyncio.get_running_loop()
        reader = threading.Thread(target=_read, args=(loop, on_message, on_end), daemon=True)
        reader.start()

    def reply(self, request: Json, result: Json) -> None:
        """Answer a request of the client."""
        self._send({"id": request, "result": result})

    def refuse(self, request: Json, refused: Refused) -> None:
        """Answer it with an error."""
        error = {"code": refused.code, "message": str(refused)}
        self._send({"error": error, "id": request})

    def notify(self, method: str, params: Json) -> None:
        """Tell the client, unless it opted out of this method."""
        if method not in self.muted:
            self._send({"method": method, "params": params, "emittedAtMs": now_ms()})

    def ask(self, method: str, params: Json) -> tuple[int, asyncio.Future[Message]]:
        """Send a request of the server's; its number, and the whole reply when it comes."""
        number = self._next_request
        self._next_request += 1
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._asked[number] = future
        self._send({"method": method, "id": number, "params": params})
        return number, future

    def answered(self, message: Message) -> None:
        """Take in a reply of the client; one to a dead request does no harm."""
        future = self._asked.pop(message["id"], None)
        if future is not None and not future.done():
            future.set_result(message)

    def raw(self, line: bytes) -> None:
        """Send one line as it is."""
        self._out.put(line + b"\n")

    def close(self, seconds: float) -> None:
        """Write what is left, for so long at most."""
        self._out.put(None)
        self._writer.join(seconds)

    def _send(self, message: Message) -> None:
        self.raw(json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode())

    def _write(self) -> None:
        while (data := self._out.get()) is not None:
            left = memoryview(data)
            while left:
                try:
                    left = left[os.write(1, left) :]
                except OSError:
                    return


def _read(
    loop: asyncio.AbstractEventLoop,
    on_message: Callable[[Message], None],
    on_end: Callable[[], None],
) -> None:
    rest = b""
    while data := os.read(0, 65536):
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            if line.strip() and (message := _message(line)) is not None:
                loop.call_soon_threadsafe(on_message, message)
    loop.call_soon_threadsafe(on_end)


def _message(line: bytes) -> Message | None:
    try:
        message = json.loads(line)
    except ValueError as error:
        print(f"scripted: a line on stdin is no JSON: {error}", file=sys.stderr)
        return None
    if not isinstance(message, dict):
        print("scripted: a line on stdin is no JSON object", file=sys.stderr)
        return None
    return message
