"""A client of a few lines for tests: it starts a server and reads until something happens."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Message = dict[str, Any]
PATIENCE = 60.0
TOOL = {"type": "function", "name": "issue_update", "description": "", "inputSchema": {}}


def write_script(folder: Path, *turns: list[Message], match: str = "") -> Path:
    """A script whose every thread, or the one that matches, plays these turns."""
    issue: Message = {"turns": list(turns)}
    data = {"issues": [{"match": match, **issue}]} if match else {"default": issue}
    path = folder / "script.json"
    path.write_text(json.dumps(data))
    return path


@dataclass
class Client:
    """One server process, all that it said, and how its requests are answered."""

    process: subprocess.Popen[bytes]
    answer: Callable[[Message], Message | None] | None = None
    seen: list[Message] = field(default_factory=list)
    noise: list[bytes] = field(default_factory=list)
    rest: bytes = b""
    next_id: int = 1

    def send(self, message: Message) -> None:
        stream = self.process.stdin
        assert stream is not None
        stream.write(json.dumps(message).encode() + b"\n")
        stream.flush()

    def until(self, wanted: Callable[[Message], bool]) -> Message:
        """The next message that is wanted; requests of the server on the way are answered."""
        end = time.monotonic() + PATIENCE
        while True:
            *lines, self.rest = self.rest.split(b"\n")
            while lines:
                message = self._taken(lines.pop(0))
                if message is not None and wanted(message):
                    self.rest = b"\n".join([*lines, self.rest])
                    return message
            data = self._read(end - time.monotonic())
            assert data, f"the server ended, or said nothing wanted; last: {self.seen[-3:]}"
            self.rest += data

    def _read(self, seconds: float) -> bytes:
        stream = self.process.stdout
        assert stream is not None
        ready, _, _ = select.select([stream], [], [], max(0.0, seconds))
        return os.read(stream.fileno(), 1 << 20) if ready else b""

    def _taken(self, line: bytes) -> Message | None:
        try:
            message: Message = json.loads(line)
        except ValueError:
            self.noise.append(line)
            return None
        self.seen.append(message)
        if "id" in message and "method" in message and self.answer is not None:
            reply = self.answer(message)
            if reply is not None:
                self.send({"id": message["id"], **reply})
        return message

    def request(self, method: str, **params: Any) -> Message:
        """A request, and its whole reply."""
        number, self.next_id = self.next_id, self.next_id + 1
        self.send({"id": number, "method": method, "params": params})
        return self.until(lambda m: m.get("id") == number and "method" not in m)

    def notification(self, method: str) -> Message:
        """The parameters of the next notification or request of that name."""
        params: Message = self.until(lambda m: m.get("method") == method)["params"]
        return params

    def begin(self, cwd: Path) -> str:
        """A new thread there; its id."""
        reply = self.request("thread/start", cwd=str(cwd), dynamicTools=[TOOL])
        return str(reply["result"]["thread"]["id"])

    def turn(self, thread: str, text: str = "go on") -> Message:
        """A whole turn: the turn of `turn/completed`."""
        self.start_turn(thread, text)
        turn: Message = self.notification("turn/completed")["turn"]
        return turn

    def start_turn(self, thread: str, text: str = "go on") -> str:
        """Start a turn and see it started; its id."""
        reply = self.request("turn/start", threadId=thread, input=[{"type": "text", "text": text}])
        self.notification("turn/started")
        return str(reply["result"]["turn"]["id"])

    def resume(self, thread: str) -> Message:
        """Load a thread from disk; the reply."""
        return self.request("thread/resume", threadId=thread, excludeTurns=True)

    def items(self, thread: str) -> list[Message]:
        """All items on record."""
        data = self.request("thread/items/list", threadId=thread)["result"]["data"]
        return [entry["item"] for entry in data]

    def methods(self) -> list[str]:
        """The notifications and requests so far, by name."""
        return [message["method"] for message in self.seen if "method" in message]

    def completed(self) -> list[Message]:
        """The items that were told as complete so far."""
        return [m["params"]["item"] for m in self.seen if m.get("method") == "item/completed"]

    def totals(self) -> list[int]:
        """Each running total of tokens that was told, in order."""
        told = "thread/tokenUsage/updated"
        usages = [m["params"]["tokenUsage"] for m in self.seen if m.get("method") == told]
        return [usage["total"]["totalTokens"] for usage in usages]

    def end(self) -> int:
        """Close stdin and wait for the end; the exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """kill -9."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)


def launch(home: Path, script: Path, *, initialize: bool = True, **environ: str) -> Client:
    """A server with this CODEX_HOME and script."""
    home.mkdir(exist_ok=True)
    command = [sys.executable, "-P", "-m", "symphony_cli.scripted", "app-server"]
    client = Client(
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=home,
            env={
                **os.environ,
                "CODEX_HOME": str(home),
                "SYMPHONY_SCRIPT": str(script),
                **environ,
            },
        )
    )
    if initialize:
        info = {"name": "test", "title": "Test", "version": "1"}
        capabilities = {"experimentalApi": True}
        client.request("initialize", clientInfo=info, capabilities=capabilities)
        client.send({"method": "initialized"})
    return client


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether a condition comes true within the patience of the tests."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat[stat.rindex(")") + 2] not in "ZX"
