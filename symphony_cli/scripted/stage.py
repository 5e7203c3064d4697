"""Where the steps of one turn are played: what they start, complete and leave on record.

An item that is complete and all that belongs to its step are kept here until `settle` writes them
in one go; only then is the client told. A kill at any moment leaves a step done or not done.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from symphony_cli.core.shape import Json
from symphony_cli.core.usage import Usage
from symphony_cli.scripted import shapes
from symphony_cli.scripted.edits import Change
from symphony_cli.scripted.live import Live, new_id
from symphony_cli.scripted.record import Done, Input, Line, Place
from symphony_cli.scripted.wire import Message, now_ms


class TurnFailed(Exception):
    """The turn ends `failed`; `info` is Codex's `codexErrorInfo`."""

    def __init__(self, message: str, info: Json) -> None:
        super().__init__(message)
        self.info = info


class TurnCancelled(Exception):
    """The client answered `cancel`: the turn ends `interrupted`."""


@dataclass(slots=True)
class Stage:
    """One turn while it is played."""

    live: Live
    turn: str
    began: int
    place: Place
    """How far the script is played once the present step is over."""
    usage: Usage | None = None
    """The tokens of the present step, when it is an answer and not yet counted."""
    said: Json = None
    """The last message of the model in this turn."""
    changes: list[Change] = field(default_factory=list)
    asked: set[int] = field(default_factory=set)
    """Questions that the client has not answered."""
    _lines: list[Line] = field(default_factory=list)
    _notes: list[tuple[str, dict[str, Json]]] = field(default_factory=list)

    def note(self, method: str, **params: Json) -> None:
        """Tell the client something about this turn, now."""
        self.live.notify(method, {"turnId": self.turn, **params})

    def item_started(self, item: Json) -> int:
        """Tell that an item began; when that was, as a Unix time in ms."""
        at = now_ms()
        self.note("item/started", item=item, startedAtMs=at)
        return at

    def item_completed(self, item: Json, began: int) -> None:
        """Put an item on record with this step, and tell it then."""
        at = now_ms()
        self._lines.append(Done(self.turn, item, began, at))
        self._notes.append(("item/completed", {"item": item, "completedAtMs": at}))

    def then(self, method: str, **params: Json) -> None:
        """Tell something once this step is on record."""
        self._notes.append((method, params))

    def heard(self, *items: Json) -> None:
        """Add to the model's input with this step."""
        self._lines.append(Input(items))

    def call(self, name: str, arguments: str) -> str:
        """Put a call of the model on record, before it is carried out; its id."""
        call = f"call_{new_id()}"
        self.live.rollout.write(Input((shapes.function_call(call, name, arguments),)))
        return call

    def output(self, call: str, text: str) -> None:
        """Put on record, with this step, what came of a call."""
        self.heard(shapes.function_output(call, text))

    def take_steered(self) -> None:
        """Let the model hear what the client said during the turn."""
        while self.live.steered:
            self.hear_user(self.live.steered.pop(0))

    def hear_user(self, text: str, *before: Line) -> None:
        """Put a message of the client on record, after lines that come before, and tell it."""
        item, at = shapes.user_message(new_id(), text), now_ms()
        heard = Input((shapes.said_by("user", text),))
        self.live.rollout.write(*before, Done(self.turn, item, at, at), heard)
        self.note("item/started", item=item, startedAtMs=at)
        self.note("item/completed", item=item, completedAtMs=at)

    def settle(self) -> None:
        """Put the present step on record, then tell what it completed and what it cost."""
        usage, self.usage = self.usage, None
        if usage is not None:
            self._lines.append(self.live.spent_after(usage))
        self.live.rollout.write(*self._lines, self.place)
        notes = list(self._notes)
        self._lines.clear()
        self._notes.clear()
        for method, params in notes:
            self.note(method, **params)
        if usage is not None:
            self.live.tell_usage(self.turn, self.live.record.spent)
            self.live.tell_limits()

    def drop(self) -> None:
        """Forget what the present step would have completed: it was cut off."""
        self._lines.clear()
        self._notes.clear()

    async def ask(self, method: str, params: dict[str, Json], flag: str | None = None) -> Message:
        """Ask the client and wait for its whole reply, as long as it takes.

        With a `flag` the thread shows meanwhile what it waits for, and the end of the question is
        told, as it is for every request but tool calls.
        """
        if flag is not None:
            self.live.change_status({"type": "active", "activeFlags": [flag]})
        whole = {"threadId": self.live.id, "turnId": self.turn, **params}
        number, reply = self.live.house.wire.ask(method, whole)
        if flag is not None:
            self.asked.add(number)
        message: Message = await asyncio.shield(reply)
        if flag is not None:
            self.asked.discard(number)
            self.live.notify("serverRequest/resolved", {"requestId": number})
            self.live.change_status({"type": "active", "activeFlags": []})
        return message
