"""One loaded thread: its rollout, its commands, the turn that runs."""

from __future__ import annotations

import asyncio
import functools
import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from symphony_cli import files
from symphony_cli.core.shape import Json
from symphony_cli.core.usage import Usage
from symphony_cli.scripted import shapes
from symphony_cli.scripted.record import Done, Record, Spent, Turn
from symphony_cli.scripted.rollout import Rollout
from symphony_cli.scripted.script import Script
from symphony_cli.scripted.terminals import Ended, Terminal
from symphony_cli.scripted.wire import Wire, now_ms

IDLE: Json = {"type": "idle"}
SYSTEM_ERROR: Json = {"type": "systemError"}


def new_id() -> str:
    """A fresh id for a thread, a turn or an item."""
    return shapes.uuid7(now_ms(), secrets.token_bytes(10))


@dataclass(slots=True)
class House:
    """What all threads of the process share."""

    wire: Wire
    script: Script
    home: Path
    log: Path | None = None
    ignores_term: bool = False
    ignores_interrupt: bool = False


@dataclass(slots=True)
class Live:
    """A thread in memory."""

    house: House
    rollout: Rollout
    status: Json = field(default_factory=lambda: IDLE)
    task: asyncio.Task[None] | None = None
    turn: str = ""
    """The turn that was started and has not ended."""
    started: bool = False
    """The client was told that it started, so it can be interrupted."""
    interrupts: list[Json] = field(default_factory=list)
    """Requests to interrupt that are answered when the turn is over."""
    steered: list[str] = field(default_factory=list)
    terminals: dict[str, Terminal] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The thread's id."""
        return self.record.meta.id

    @property
    def record(self) -> Record:
        """What is on record."""
        return self.rollout.record

    @property
    def cwd(self) -> Path:
        """Where the thread's commands run."""
        return Path(self.record.settings.cwd)

    def notify(self, method: str, params: dict[str, Json]) -> None:
        """Tell the client something about this thread."""
        self.house.wire.notify(method, {"threadId": self.id, **params})

    def change_status(self, status: Json) -> None:
        """Take another status and tell the client."""
        self.status = status
        self.notify("thread/status/changed", {"status": status})

    def tell_usage(self, turn: str, spent: Spent) -> None:
        """Send the running total."""
        counts = shapes.usage(spent.total, spent.last)
        self.notify("thread/tokenUsage/updated", {"turnId": turn, "tokenUsage": counts})

    def tell_limits(self, limits: dict[str, Json] | None = None) -> None:
        """Send the provider's limits; nothing is known unless `limits` says so."""
        params = {"rateLimits": shapes.rate_limits(limits or {})}
        self.house.wire.notify("account/rateLimits/updated", params)

    def spent_after(self, usage: Usage) -> Spent:
        """The total after one more answer."""
        return Spent(self.record.spent.total + usage, usage)

    def watch(self, terminal: Terminal) -> asyncio.Task[Ended]:
        """Know a command until it ends."""
        self.terminals[terminal.item_id] = terminal
        task = asyncio.create_task(terminal.ended())
        task.add_done_callback(lambda _: self.terminals.pop(terminal.item_id, None))
        return task

    def complete_later(self, task: asyncio.Task[Ended], turn: str, item: Json, began: int) -> None:
        """Complete a command's item whenever it ends, under the turn that began it."""
        task.add_done_callback(functools.partial(self._completed, turn, item, began))

    def _completed(self, turn: str, item: Json, began: int, task: asyncio.Task[Ended]) -> None:
        if not task.cancelled():
            at = now_ms()
            done = ended_item(item, task.result())
            self.rollout.write(Done(turn, done, began, at))
            params = {"item": done, "turnId": turn, "completedAtMs": at}
            self.notify("item/completed", params)

    def kill_terminals(self) -> None:
        """End every command that still runs."""
        for terminal in list(self.terminals.values()):
            terminal.kill()

    def log_request(self, step: str) -> None:
        """Write down what a model would have been sent (`SYMPHONY_SCRIPT_LOG`)."""
        if self.house.log is not None:
            line = {"thread": self.id, "turn": self.turn, "step": step, "input": self.record.input}
            data = json.dumps(line, ensure_ascii=False).encode() + b"\n"
            files.append(self.house.log, data, durable=False)


def ended_item(item: Json, ended: Ended) -> Json:
    """A command's item when it is over."""
    return {
        **item,
        "status": "completed" if ended.exit_code == 0 else "failed",
        "aggregatedOutput": ended.output,
        "exitCode": ended.exit_code,
        "durationMs": ended.duration_ms,
    }


def turn_view(turn: Turn, view: str) -> Json:
    """A turn on record: all its items (`full`), the ends of it (`summary`), or none."""
    items = tuple(done.item for done in turn.items)
    if view == "summary":
        said = [item for item in items if item["type"] == "agentMessage"]
        items = tuple(i for i in items if i["type"] == "userMessage") + tuple(said[-1:])
    ended = turn.ended
    return shapes.turn(
        turn.began.turn,
        "inProgress" if ended is None else ended.status,
        items=items if view != "notLoaded" else (),
        view=view,
        error=None if ended is None else ended.error,
        started=turn.began.at,
        completed=None if ended is None else ended.at,
    )


def thread_view(live: Live, *, turns: bool) -> Json:
    """Member `thread` of replies."""
    record, meta = live.record, live.record.meta
    prompts = [i["content"][0]["text"] for i in record.input if i.get("role") == "user"]
    changed = record.turns[-1].began.at if record.turns else meta.created
    return {
        "id": meta.id,
        "sessionId": meta.id,
        "preview": prompts[0] if prompts else "",
        "ephemeral": False,
        "modelProvider": "scripted",
        "model": "scripted",
        "createdAt": meta.created // 1000,
        "updatedAt": changed // 1000,
        "status": live.status,
        "path": str(live.rollout.path),
        "cwd": record.settings.cwd,
        "cliVersion": shapes.VERSION,
        "originator": meta.originator,
        "source": "vscode",
        "name": None,
        "gitInfo": None,
        "turns": [turn_view(turn, "full") for turn in record.turns] if turns else [],
    }
