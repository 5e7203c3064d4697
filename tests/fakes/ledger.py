"""A ledger in memory that keeps lines as the real one does, and can tear its last write."""

from __future__ import annotations

import json
from functools import lru_cache

from symphony_cli.core.events import Event, from_json, to_json
from symphony_cli.core.history import History
from tests.fakes.fuse import Fuse


class FakeLedger:
    """`ports.Ledger` whose disk is a list of lines."""

    def __init__(self, fuse: Fuse, lines: list[str] | None = None) -> None:
        self.lines = [] if lines is None else lines
        self._fuse = fuse
        self._history = fold(self.lines)

    def history(self) -> History:
        return self._history

    def append(self, *events: Event) -> None:
        if not events:
            return
        new = [json.dumps(to_json(event)) for event in events]
        name = type(events[-1]).__name__
        self._fuse.spark(f"before writing {name}")
        for line in new:
            self.lines.append(line)
            self._fuse.spark(f"in the middle of writing {name}")
        self._history.take_all(events)
        self._fuse.spark(f"after writing {name}")

    def events(self) -> list[Event | None]:
        """What the lines say."""
        return [_event(line) for line in self.lines]

    def reopened(self) -> FakeLedger:
        """What the next process reads."""
        return FakeLedger(self._fuse, self.lines)


def fold(lines: list[str]) -> History:
    """The fold of lines as they lie on disk (the first line of a real one is its header)."""
    history = History(id="ledger_test", workflow="WORKFLOW.md")
    history.take(None)
    return history.take_all(map(_event, lines))


@lru_cache(maxsize=20_000)
def _event(line: str) -> Event | None:
    """Random worlds fold the same lines again and again."""
    return from_json(json.loads(line))
