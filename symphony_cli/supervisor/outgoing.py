"""What a session wants done, gathered until `loop` fetches it; and our own request numbers."""

from __future__ import annotations

import itertools

from symphony_cli.core import report
from symphony_cli.core.shape import Json
from symphony_cli.supervisor import protocol
from symphony_cli.supervisor.actions import Action, Send, Tell
from symphony_cli.supervisor.protocol import Refusal, Reply, RequestId

CLEAN = "thread/backgroundTerminals/clean"
"""Ends the commands that outlived their turn; measured with Codex 0.163 and 0.169."""


class Outgoing:
    """Actions in order. Remembers which of our requests a reply belongs to."""

    def __init__(self) -> None:
        self._actions: list[Action] = []
        self._numbers = itertools.count(1)
        self._sent: dict[RequestId, str] = {}

    def do(self, action: Action) -> None:
        """Have this done."""
        self._actions.append(action)

    def tell(self, *lines: report.Line) -> None:
        """Add lines to the report."""
        self._actions.extend(map(Tell, lines))

    def request(self, method: str, params: Json) -> None:
        """Ask Codex for something, under a number of its own."""
        number = next(self._numbers)
        self._sent[number] = method
        self.do(Send(protocol.request(number, method, params)))

    def interrupt(self, thread: str, turn: str) -> None:
        """Ask Codex to end a turn."""
        self.request("turn/interrupt", {"threadId": thread, "turnId": turn})

    def clean(self, thread: str) -> None:
        """Ask Codex to end the commands that a thread keeps in the background."""
        self.request(CLEAN, {"threadId": thread})

    def answered(self, message: Reply | Refusal) -> str:
        """The method that this answers; empty when we asked for nothing under that number."""
        return self._sent.pop(message.id, "")

    def waits_for(self, method: str) -> bool:
        """Whether a request of ours by that name is still open."""
        return method in self._sent.values()

    def fetch(self) -> list[Action]:
        """Everything since the last time."""
        found, self._actions = self._actions, []
        return found
