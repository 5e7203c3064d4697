"""A session played by hand: what the server says is written out, time is a number."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from symphony_cli.core import report
from symphony_cli.core.issue import Issue
from symphony_cli.core.run import (
    Brief,
    CodexSettings,
    Order,
    PromptSettings,
    RunLimits,
    Settings,
    ThreadRef,
    TrackerRef,
    WorkspaceSettings,
)
from symphony_cli.core.usage import Usage
from symphony_cli.ids import IssueId, Key, RunId
from symphony_cli.supervisor.actions import Action, Moment, Refreshed, Send, Tell
from symphony_cli.supervisor.protocol import parse
from symphony_cli.supervisor.session import Session

START = datetime(2026, 1, 1, tzinfo=UTC)
THREAD = "thread-1"
PID = 4711


def moment(seconds: float) -> Moment:
    return Moment(START + timedelta(seconds=seconds), 1000.0 + seconds)


def order(
    codex: CodexSettings | None = None,
    limits: RunLimits | None = None,
    thread: ThreadRef | None = None,
    totals: dict[str, Usage] | None = None,
    tracker_wait: float = 1800.0,
) -> Order:
    settings = Settings(
        workspace=WorkspaceSettings("/root-of-workspaces", shared_dirs=("/shared",)),
        tracker=TrackerRef("markdown", "scope", "WORKFLOW.md", ("TRACKER_KEY",)),
        prompt=PromptSettings("template"),
        codex=codex or CodexSettings(),
        limits=limits or RunLimits(),
        tracker_wait=tracker_wait,
    )
    return Order(
        run=RunId("run_1"),
        issue=Issue(IssueId("1"), "A-1", "A title", "Todo"),
        key=Key("A-1"),
        number=1,
        attempt=1,
        settings=settings,
        state_dir="/state",
        ordered_at=START,
        thread=thread,
        totals=totals or {},
    )


def brief(workspace: str = "/ws", argv: Sequence[str] = ()) -> Brief:
    return Brief(
        workspace=workspace,
        argv=tuple(argv),
        prompt="Do it.",
        continuation="Go on, turn {turn} of {max_turns}.",
        writable=("/cache",),
        tools=("issue_update", "symphony_block"),
    )


class Play:
    """One session, everything it said, and a clock that only `wait` moves."""

    def __init__(
        self,
        codex: CodexSettings | None = None,
        limits: RunLimits | None = None,
        thread: ThreadRef | None = None,
        fresh_because: str = "",
        totals: dict[str, Usage] | None = None,
        tracker_wait: float = 1800.0,
        told: Brief | None = None,
        environment_in_row: int = 0,
    ) -> None:
        given = order(codex, limits, thread, totals, tracker_wait)
        given = replace(given, environment_in_row=environment_in_row)
        self.session = Session(given, told or brief(), thread, fresh_because)
        self.seconds = 0.0
        self.actions: list[Action] = []
        self.turns = 0
        self._answered: set[int] = set()
        self.take(self.session.begin(PID, self.now))

    @property
    def now(self) -> Moment:
        return moment(self.seconds)

    def take(self, actions: list[Action]) -> None:
        self.actions += actions

    # What the server says.

    def say(self, method: str, number: int | None = None, **params: Any) -> None:
        """A notice, or a request when it has a number."""
        message: dict[str, Any] = {"method": method, "params": params}
        if number is not None:
            message["id"] = number
        self._receive(message)

    def reply(self, method: str, **result: Any) -> None:
        """Answer our oldest open request of that method."""
        self._receive({"id": self._open(method), "result": result})

    def refuse(self, method: str, message: str, **data: Any) -> None:
        """Answer it with an error."""
        error = {"code": -32600, "message": message, "data": data}
        self._receive({"id": self._open(method), "error": error})

    def _receive(self, message: dict[str, Any]) -> None:
        line = json.dumps(message).encode()
        self.take(self.session.receive(parse(line), self.now))

    def _open(self, method: str) -> int:
        number = next(
            message["id"]
            for message in self.sent
            if message.get("method") == method and message["id"] not in self._answered
        )
        self._answered.add(number)
        return int(number)

    # Longer stretches of a conversation.

    def open(self) -> None:
        """Get to the first turn on a new thread."""
        self.initialized()
        self.reply("thread/start", thread={"id": THREAD})
        self.turn_starts()

    def initialized(self) -> None:
        self.reply("initialize", userAgent="symphony/0.169.0 (Debian)", codexHome="/home/me/.codex")

    def turn_starts(self) -> None:
        """The turn that we asked for runs, and the user's message is on record."""
        self.turns += 1
        self.reply("turn/start", turn={"id": self.turn})
        self.say("turn/started", threadId=THREAD, turn={"id": self.turn})
        self.item_ends("userMessage")

    @property
    def turn(self) -> str:
        return f"turn-{self.turns}"

    def item_starts(self, kind: str, item: str = "item", thread: str = THREAD) -> None:
        self.say("item/started", threadId=thread, item={"type": kind, "id": item})

    def item_ends(self, kind: str, item: str = "item", said: str = "") -> None:
        self.say("item/completed", threadId=THREAD, item={"type": kind, "id": item, "text": said})

    def tokens(self, given: int, output: int, cached: int = 0, thread: str = THREAD) -> None:
        total = {"inputTokens": given, "cachedInputTokens": cached, "outputTokens": output}
        self.say("thread/tokenUsage/updated", threadId=thread, tokenUsage={"total": total})

    def turn_ends(self, status: str = "completed", kind: Any = None, message: str = "no") -> None:
        error = None if status != "failed" else {"message": message, "codexErrorInfo": kind}
        turn = {"id": self.turn, "status": status, "error": error}
        self.say("turn/completed", threadId=THREAD, turn=turn)

    def tracker(self, standing: str, **more: str) -> None:
        self.take(self.session.refreshed(Refreshed(standing, **more), self.now))

    def wait(self, seconds: float) -> None:
        """Let time go by, stopping at each date that the session names."""
        until = self.seconds + seconds
        for _ in range(1000):
            date = self.session.deadline()
            if date is None or date - 1000.0 > until:
                break
            self.seconds = max(self.seconds, date - 1000.0)
            self.take(self.session.tick(self.now))
        self.seconds = until

    def exits(self, code: int = 0, last_words: str = "") -> None:
        self.take(self.session.gone(code, last_words, self.now))

    # What the session did.

    @property
    def sent(self) -> list[dict[str, Any]]:
        """Every message to the server."""
        return [json.loads(action.line) for action in self.actions if isinstance(action, Send)]

    @property
    def methods(self) -> list[str]:
        """The methods of our requests, in order."""
        return [message["method"] for message in self.sent if "method" in message]

    @property
    def answers(self) -> dict[int, Any]:
        """What we answered to the server's requests: result or error by their number."""
        return {
            message["id"]: message.get("result", message.get("error"))
            for message in self.sent
            if "method" not in message
        }

    def lines(self, *kinds: type[report.Line]) -> list[report.Line]:
        """The lines of the report, of these kinds."""
        told = [action.line for action in self.actions if isinstance(action, Tell)]
        return [line for line in told if not kinds or isinstance(line, kinds)]

    def ending(self) -> tuple[str, str]:
        """Outcome and reason, or two empty texts while the run goes on."""
        closing = self.session.closing
        return ("", "") if closing is None else (closing.outcome.value, closing.reason)

    def prompts(self) -> list[str]:
        """The text of each turn that we asked for."""
        return [
            message["params"]["input"][0]["text"]
            for message in self.sent
            if message.get("method") == "turn/start"
        ]
