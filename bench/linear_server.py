"""Our own small Linear in a process of its own: `python -m bench.linear_server` is that process.

One JSON map a line on its stdin, one JSON value a line on its stdout. The first line on stdout is
where it listens. It counts the bytes that go over the wire, headers included.
"""

from __future__ import annotations

import json
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.measure import Failed
from tests.fakes.linear import FakeLinear
from tests.fakes.linear.truth import Truth
from tests.linear.twelve_ways import ELSEWHERE, LABEL, WAYS

ROOT = Path(__file__).resolve().parents[1]

ALLOWANCE = 3_600_000
"""Requests per hour: ticks that follow each other at once must not be put off."""

WRITTEN = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
"""Issues are old news: a look goes back some minutes, and would find new ones again and again."""

DESCRIPTION = "The second line of the report is empty when the first number is negative. " * 40
"""3 kB, as people write; a look does not ask for it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: its operation, its points by the documented rule, the status of its answer."""

    operation: str
    points: float
    status: int


@dataclass(frozen=True, slots=True)
class Told:
    """What arrived since the last time: requests, and bytes of the clients and of the server."""

    asked: tuple[Asked, ...]
    up: int
    down: int


class Server:
    """The process, as a scenario sees it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        told = self._answer()
        self.endpoint, self.key, self.project = told["endpoint"], told["key"], told["project"]

    def write(self, issues: Sequence[Mapping[str, Any]]) -> list[Truth]:
        """A person writes these issues, long ago; each as it is then."""
        made: list[Truth] = self._call(do="write", issues=issues)
        return made

    def change(self, way: int, issue: str, other: str) -> None:
        """A person changes an issue in one of the twelve ways."""
        self._call(do="change", way=way, issue=issue, other=other)

    def told(self) -> Told:
        """What arrived since the last time."""
        told = self._call(do="told")
        return Told(tuple(Asked(*one) for one in told["asked"]), told["up"], told["down"])

    def _call(self, **wish: Any) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(wish) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise Failed("the small Linear ended before its scenario did")
        return json.loads(line)


@contextmanager
def serving() -> Iterator[Server]:
    """A server with an empty project."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-m", "bench.linear_server"]
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT)
    try:
        yield Server(process)
    finally:
        process.communicate(timeout=20)


class Wire(socketserver.ThreadingTCPServer):
    """Hands everything on to a server, and counts it."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Line)
        self.port, self.up, self.down = port, 0, 0
        self._lock = threading.Lock()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def count_up(self, count: int) -> None:
        """A client sent so many bytes."""
        with self._lock:
            self.up += count

    def count_down(self, count: int) -> None:
        """The server sent so many bytes."""
        with self._lock:
            self.down += count

    def taken(self) -> tuple[int, int]:
        """Bytes up and down since the last time."""
        with self._lock:
            counts = self.up, self.down
            self.up = self.down = 0
        return counts


class _Line(socketserver.BaseRequestHandler):
    server: Wire

    def handle(self) -> None:
        with socket.create_connection(("127.0.0.1", self.server.port)) as behind:
            for side in (self.request, behind):
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            back = (behind, self.request, self.server.count_down)
            thread = threading.Thread(target=_hand_on, args=back, daemon=True)
            thread.start()
            _hand_on(self.request, behind, self.server.count_up)
            thread.join()


def _hand_on(source: socket.socket, sink: socket.socket, count: Callable[[int], None]) -> None:
    try:
        while data := source.recv(65536):
            count(len(data))
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return  # the other side is gone: a client that has its answer hangs up


def _serve() -> None:
    with FakeLinear() as linear:
        linear.limit(ALLOWANCE)
        linear.add_project("Elsewhere", ELSEWHERE)
        linear.add_label(LABEL)
        wire = Wire(urlsplit(linear.endpoint).port or 0)
        endpoint = f"http://127.0.0.1:{wire.server_address[1]}/graphql"
        _say({"endpoint": endpoint, "key": linear.key, "project": linear.project})
        heard = 0
        for line in sys.stdin:
            wish = json.loads(line)
            if wish["do"] == "told":
                asked = linear.asked()[heard:]
                heard += len(asked)
                up, down = wire.taken()
                rows = [(one.operation, one.points or 0.0, one.status) for one in asked]
                _say({"asked": rows, "up": up, "down": down})
            else:
                _say(_done(linear, wish))
        wire.shutdown()


def _done(linear: FakeLinear, wish: Mapping[str, Any]) -> Any:
    if wish["do"] == "write":
        usual: dict[str, Any] = {"description": DESCRIPTION, "created": WRITTEN}
        return [linear.person.create(**issue, **usual) for issue in wish["issues"]]
    WAYS[wish["way"]].change(linear.person, wish["issue"], wish["other"])
    return None


def _say(answer: Any) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    _serve()
