"""Lines of `transcript.jsonl` as what a person wants to know of them.

A line is a map with `at`, `dir` and `line`, the message (docs/run-folder.md). Most messages are of
no interest to anybody who follows an agent, and the protocol grows every week: what is unknown,
unreadable, or of another shape than expected is passed over. Names of messages and items: Codex
app-server protocol v2, measured with Codex 0.163 and 0.169.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime

from symphony_cli.core.items import child, edited, items, text, work
from symphony_cli.core.said import (
    Entry,
    PartBegan,
    Planned,
    Prompted,
    Retried,
    Spoke,
    Thought,
    Warned,
)
from symphony_cli.core.shape import Json
from symphony_cli.core.times import parse_stamp

_DELTA = re.compile(rb'\{"at":"[^"]*","dir":"in","line":\{"method":"[^"]*[dD]elta"')
_WARNINGS = ("warning", "guardianWarning", "deprecationNotice", "model/rerouted")


class Listener:
    """Understands the lines of one run, in order: it learns which thread and which folder is the
    run's own."""

    def __init__(self) -> None:
        self._thread = self._folder = ""

    def hear(self, line: bytes) -> tuple[Entry, ...]:
        """What a line, given with or without its end, has to tell; nothing for most."""
        if _DELTA.match(line):
            return ()
        try:
            data = json.loads(line)
            at = parse_stamp(data["at"])
            way, message = data["dir"], data["line"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return ()
        if way == "part":
            return (PartBegan(at, message),) if type(message) is int else ()
        if not isinstance(message, dict):
            return ()
        told = self._out(message, at) if way == "out" else self._in(message, at)
        return tuple(told)

    def _out(self, message: dict[str, Json], at: datetime) -> Iterator[Entry]:
        if message.get("method") == "turn/start":
            params = child(message, "params")
            self._thread = text(params, "threadId") or self._thread
            self._folder = text(params, "cwd") or self._folder
            said = "\n".join(text(part, "text") for part in items(params, "input"))
            if said:
                yield Prompted(at, said)

    def _in(self, message: dict[str, Json], at: datetime) -> Iterator[Entry]:
        params = child(message, "params")
        thread = text(params, "threadId")
        agent = thread if self._thread and thread != self._thread else ""
        match message.get("method"):
            case "item/started":
                yield from work(child(params, "item"), at, agent, began=True)
            case "item/completed":
                yield from _completed(child(params, "item"), at, agent, self._folder)
            case "turn/plan/updated":
                steps = (
                    f"{text(step, 'status')}: {text(step, 'step')}"
                    for step in items(params, "plan")
                )
                yield Planned(at, tuple(steps), agent)
            case "error" if params.get("willRetry") is True:
                error = child(params, "error")
                parts = (text(error, "message"), text(error, "additionalDetails"))
                yield Retried(at, ": ".join(part for part in parts if part), agent)
            case method if method in _WARNINGS:
                yield from _warning(str(method), params, at)


def _completed(item: dict[str, Json], at: datetime, agent: str, folder: str) -> Iterator[Entry]:
    match item.get("type"):
        case "agentMessage" | "plan":
            if text(item, "text"):
                yield Spoke(at, text(item, "text"), agent)
        case "reasoning":
            summary = item.get("summary")
            listed = summary if isinstance(summary, list) else []
            parts = [part for part in listed if isinstance(part, str)]
            if parts:
                yield Thought(at, "\n\n".join(parts), agent)
        case "fileChange":
            yield edited(item, at, agent, folder)
        case _:
            yield from work(item, at, agent, began=False)


def _warning(method: str, params: dict[str, Json], at: datetime) -> Iterator[Entry]:
    if method == "model/rerouted":
        models = f"{text(params, 'fromModel')} to {text(params, 'toModel')}"
        yield Warned(at, f"the model was changed from {models}")
        return
    said = text(params, "message") or text(params, "summary")
    if said:
        yield Warned(at, said)
