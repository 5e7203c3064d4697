"""Requests of the client, and when the server ends.

Errors have the code and the text that Codex gives them (measured with 0.163 and 0.169).
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import symphony_cli
from symphony_cli import clock
from symphony_cli.core.shape import Json
from symphony_cli.core.times import stamp
from symphony_cli.errors import ExitCode
from symphony_cli.scripted import player, record, rollout, shapes
from symphony_cli.scripted.live import House, Live, new_id, thread_view, turn_view
from symphony_cli.scripted.params import changed, member, said
from symphony_cli.scripted.wire import Message, Refused, now_ms

FLUSH = 0.5
"""Seconds that the last lines may take when the server ends."""

STUBBORN = 300.0
"""Seconds that a server which ignores the end of stdin lives on without its client."""


STOPPING = ("turn/interrupt", "thread/backgroundTerminals/clean")
"""Requests that a step can make the server deaf to."""


class Server:
    """One connection: what was said at its start, and the threads that are loaded."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.threads: dict[str, Live] = {}
        self.client = ""
        self.experimental = False
        self.methods: dict[str, Callable[[Json, Message], None]] = {
            "thread/start": self.thread_start,
            "thread/resume": self.thread_resume,
            "thread/read": self.thread_read,
            "thread/turns/list": self.turns_list,
            "thread/items/list": self.items_list,
            "thread/compact/start": self.compact_start,
            "thread/backgroundTerminals/list": self.terminals_list,
            "thread/backgroundTerminals/clean": self.terminals_clean,
            "turn/start": self.turn_start,
            "turn/steer": self.turn_steer,
            "turn/interrupt": self.turn_interrupt,
        }

    async def serve(self) -> None:
        """Serve until stdin ends or SIGTERM comes; the process ends here."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.end)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        self.house.wire.listen(self.on_message, self.on_end_of_input)
        await asyncio.Event().wait()

    def on_end_of_input(self) -> None:
        """The client has closed stdin."""
        if self.house.ignores_term:
            asyncio.get_running_loop().call_later(STUBBORN, self.stop, 0)
        self.end()

    def end(self) -> None:
        """End as Codex does on SIGTERM, unless a step said to ignore it."""
        if not self.house.ignores_term:
            self.stop(0)

    def stop(self, code: int) -> None:
        """Kill the commands and leave; turns are cut off without a word."""
        for live in self.threads.values():
            live.kill_terminals()
        self.house.wire.close(FLUSH)
        os._exit(code)

    def on_message(self, message: Message) -> None:
        """One line of the client: a reply, a notification, or a request to answer."""
        if "method" not in message:
            if "id" in message:
                self.house.wire.answered(message)
            return
        if "id" not in message:
            return
        try:
            self.answer(message)
        except Refused as refused:
            self.house.wire.refuse(message["id"], refused)

    def answer(self, message: Message) -> None:
        """Answer a request, or start what will answer it.

        Raises:
            Refused: it makes no sense now.
        """
        request, method = message["id"], message["method"]
        params = message["params"] if isinstance(message.get("params"), dict) else {}
        if self.house.ignores_interrupt and method in STOPPING:
            return
        if method == "initialize":
            self.initialize(request, params)
        elif not self.client:
            raise Refused("Not initialized")
        elif method in self.methods:
            self.methods[method](request, params)
        else:
            known = ", ".join(f"`{name}`" for name in ("initialize", *self.methods))
            raise Refused(f"Invalid request: unknown variant `{method}`, expected one of {known}")

    def initialize(self, request: Json, params: Message) -> None:
        """Who the client is and what it wants to hear."""
        if self.client:
            raise Refused("Already initialized")
        self.client = member(member(params, "clientInfo", dict), "name", str)
        match params.get("capabilities"):
            case {"optOutNotificationMethods": list(muted), **rest}:
                self.house.wire.muted = frozenset(muted)
                self.experimental = rest.get("experimentalApi") is True
            case {"experimentalApi": True}:
                self.experimental = True
        agent = f"{self.client}/{shapes.VERSION} (scripted by Symphony {symphony_cli.__version__})"
        result = {"userAgent": agent, "codexHome": str(self.house.home), "platformFamily": "unix"}
        system = "macos" if sys.platform == "darwin" else "linux"
        self.house.wire.reply(request, {**result, "platformOs": system})
        status = {"status": "disabled", "serverName": "scripted", "environmentId": None}
        self.house.wire.notify("remoteControl/status/changed", status)

    def live(self, params: Message) -> Live:
        """The loaded thread that a request means."""
        thread = member(params, "threadId", str)
        if thread not in self.threads:
            raise Refused(f"thread not found: {thread}")
        return self.threads[thread]

    def thread_start(self, request: Json, params: Message) -> None:
        """A new thread. Nothing checks that its cwd exists; nor does Codex."""
        if params.get("dynamicTools") and not self.experimental:
            raise Refused("thread/start.dynamicTools requires experimentalApi capability")
        tools = member({"dynamicTools": [], **params}, "dynamicTools", list)
        settings = changed(
            record.Settings(member({"cwd": os.getcwd(), **params}, "cwd", str)), params
        )
        moment, thread = clock.now(), new_id()
        meta = record.Meta(thread, now_ms(), settings, tuple(tools), self.client)
        live = Live(self.house, rollout.begin(self.house.home, meta, stamp(moment)))
        self.threads[thread] = live
        result = self.thread_result(live, turns=False)
        self.house.wire.reply(request, result)
        self.house.wire.notify("thread/started", {"thread": result["thread"]})

    def thread_resume(self, request: Json, params: Message) -> None:
        """A thread from disk, or one that is loaded already."""
        thread, exclude = member(params, "threadId", str), params.get("excludeTurns") is True
        live = self.threads.get(thread)
        loaded = live is not None
        if live is None:
            live = Live(self.house, rollout.resume(self.house.home, thread, now_ms()))
            self.threads[thread] = live
        elif not live.rollout.on_disk:
            raise Refused(f"no rollout found for thread id {thread}")
        keep_settings(live, params)
        if not loaded:
            live.change_status(live.status)
        if not exclude:
            self.house.wire.notify(
                "deprecationNotice", {"summary": "use excludeTurns", "details": None}
            )
        self.house.wire.reply(request, self.thread_result(live, turns=not exclude))
        if live.record.turns and not (loaded and exclude):
            live.tell_usage(live.record.turns[-1].began.turn, live.record.spent)

    def thread_result(self, live: Live, *, turns: bool) -> dict[str, Any]:
        """The reply to thread/start and thread/resume."""
        settings = live.record.settings
        return {
            "thread": thread_view(live, turns=turns),
            "model": "scripted",
            "modelProvider": "scripted",
            "cwd": settings.cwd,
            "instructionSources": [],
            "approvalPolicy": settings.approval_policy,
            "approvalsReviewer": "user",
            "sandbox": settings.sandbox,
            "reasoningEffort": None,
        }

    def thread_read(self, request: Json, params: Message) -> None:
        """The thread, with all its turns when asked for."""
        turns = params.get("includeTurns") is True
        self.house.wire.reply(request, {"thread": thread_view(self.live(params), turns=turns)})

    def turns_list(self, request: Json, params: Message) -> None:
        """All turns in one page, the newest first."""
        turns = reversed(self.live(params).record.turns)
        data = [turn_view(turn, "summary") for turn in turns]
        self.house.wire.reply(request, {"data": data, "nextCursor": None})

    def items_list(self, request: Json, params: Message) -> None:
        """All items in one page, the oldest first."""
        data = [
            {
                "turnId": done.turn,
                "item": done.item,
                "startedAtMs": done.began,
                "completedAtMs": done.at,
            }
            for turn in self.live(params).record.turns
            for done in turn.items
        ]
        self.house.wire.reply(request, {"data": data, "nextCursor": None})

    def compact_start(self, request: Json, params: Message) -> None:
        """A turn that shortens the model's input."""
        live = self.live(params)
        if live.turn:
            raise Refused("cannot compact while a turn is running")
        self.house.wire.reply(request, {})
        live.turn = new_id()
        self.launch(live, player.compact(live, live.turn))

    def terminals_list(self, request: Json, params: Message) -> None:
        """Commands that still run."""
        running = self.live(params).terminals.values()
        data = [
            {
                "itemId": one.item_id,
                "processId": one.process_id,
                "command": one.command,
                "cwd": str(one.cwd),
                "osPid": None,
            }
            for one in running
        ]
        self.house.wire.reply(request, {"data": data, "nextCursor": None})

    def terminals_clean(self, request: Json, params: Message) -> None:
        """Kill them."""
        self.live(params).kill_terminals()
        self.house.wire.reply(request, {})

    def turn_start(self, request: Json, params: Message) -> None:
        """A new turn, or more input for the one that runs."""
        live, text = self.live(params), said(params)
        keep_settings(live, params)
        if live.turn:
            live.steered.append(text)
        else:
            live.turn = new_id()
            self.launch(live, player.play(live, live.turn, text))
        self.house.wire.reply(request, {"turn": shapes.turn(live.turn)})

    def turn_steer(self, request: Json, params: Message) -> None:
        """More input, if the turn that the client means still runs."""
        live, text = self.live(params), said(params)
        expected = member(params, "expectedTurnId", str)
        if not live.started:
            raise Refused("no active turn to steer")
        if live.turn != expected:
            raise Refused(f"expected active turn id `{expected}` but found `{live.turn}`")
        live.steered.append(text)
        self.house.wire.reply(request, {"turnId": live.turn})

    def turn_interrupt(self, request: Json, params: Message) -> None:
        """Cut the turn off; the reply comes when it is over.

        A second interrupt of a turn that was interrupted is never answered (measured with 0.163).
        """
        live, turn = self.live(params), member(params, "turnId", str)
        if not live.started or live.task is None:
            turns = live.record.turns
            last = turns[-1] if turns else None
            cut = last is not None and last.ended is not None and last.ended.status == "interrupted"
            if cut and last is not None and last.began.turn == turn and not live.turn:
                return
            raise Refused("no active turn to interrupt")
        if live.turn != turn:
            raise Refused(f"expected active turn id {turn} but found {live.turn}")
        live.interrupts.append(request)
        live.task.cancel()

    def launch(self, live: Live, turn: Any) -> None:
        """Play a turn beside the reading of messages; a bug in it ends the process loudly."""
        live.task = asyncio.create_task(turn)
        live.task.add_done_callback(self.on_turn_over)

    def on_turn_over(self, task: asyncio.Task[None]) -> None:
        """Nobody awaits a turn: look here for what went wrong in it."""
        if not task.cancelled() and (error := task.exception()) is not None:
            sys.excepthook(type(error), error, error.__traceback__)
            self.stop(ExitCode.BUG)


def keep_settings(live: Live, params: Message) -> None:
    """Put settings on record that a request has changed."""
    settings = changed(live.record.settings, params)
    if settings != live.record.settings and live.rollout.on_disk:
        live.rollout.write(record.Changed(settings))
    elif settings != live.record.settings:
        live.rollout.record = replace(live.record, settings=settings)
