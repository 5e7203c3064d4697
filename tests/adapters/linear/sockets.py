"""A server on 127.0.0.1 that does to each connection what a test tells it to, byte by byte."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
    """What arrived, and on which connection (they are counted from 1)."""

    connection: int
    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Answer = Callable[[socket.socket, threading.Event], bool]
"""Answers on a connection; True when the connection goes on. The event ends what would last."""


def bytes_(data: bytes, *, goes_on: bool = False) -> Answer:
    """Exactly these bytes, then the end of the connection."""

    def answer(connection: socket.socket, over: threading.Event) -> bool:
        connection.sendall(data)
        return goes_on

    return answer


def says(status: int, body: Any, **headers: str) -> Answer:
    """A whole answer; the connection goes on."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(content)}"]
    lines += [f"{name.replace('_', '-')}: {said}" for name, said in headers.items()]
    return bytes_("\r\n".join(lines).encode() + b"\r\n\r\n" + content, goes_on=True)


def data(**more: str) -> Answer:
    """The answer that most tests want."""
    return says(200, {"data": {"viewer": {"id": "1"}}}, **more)


def drips(head: bytes, drop: bytes) -> Answer:
    """First bytes, then a few more every 50 ms for as long as the client listens."""

    def answer(connection: socket.socket, over: threading.Event) -> bool:
        connection.sendall(head)
        while not over.wait(0.05):
            connection.sendall(drop)
        return False

    return answer


def hangs(connection: socket.socket, over: threading.Event) -> bool:
    """No answer at all."""
    over.wait(30)
    return False


@dataclass
class Server:
    """Gives its answers in turn, the last one again and again."""

    answers: list[Answer]
    requests: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections = 0
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/graphql"

    def close(self) -> None:
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections += 1
            thread = threading.Thread(
                target=self._serve, args=(connection, self._connections), daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with connection, connection.makefile("rb") as stream:
            connection.settimeout(10)
            try:
                while self._one(connection, stream, number):
                    continue
            except OSError:
                return

    def _one(self, connection: socket.socket, stream: Any, number: int) -> bool:
        line = stream.readline().decode().strip()
        if not line:
            return False
        headers: dict[str, str] = {}
        while header := stream.readline().decode().strip():
            name, _, said = header.partition(": ")
            headers[name.lower()] = said
        body = stream.read(int(headers.get("content-length", "0")))
        self.requests.append(Request(number, line, headers, body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer(connection, self._over)
