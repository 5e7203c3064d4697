"""What is open in Codex right now: turns of our thread and of sub-agents, commands, sleeps."""

from __future__ import annotations

from symphony_cli.supervisor.notices import ItemCompleted, ItemStarted, TurnCompleted, TurnStarted

COMMAND = "commandExecution"

QUIET_KINDS = frozenset({COMMAND, "sleep", "mcpToolCall"})
"""Items during which nothing may be heard for long: Codex passes on no progress of a foreign
tool, and a command prints when it likes."""


class OpenWork:
    """Grows and shrinks with what the server tells; an item's end may never be told."""

    def __init__(self) -> None:
        self.turns: dict[str, str] = {}
        self.asked_for_turn = False
        """A turn was asked for and has not started: Codex would not find it to interrupt."""
        self._items: dict[tuple[str, str], str] = {}

    @property
    def turning(self) -> bool:
        """A turn runs, or will in a moment."""
        return bool(self.turns) or self.asked_for_turn

    @property
    def quiet(self) -> bool:
        """Something is open that may be silent."""
        return bool(self._items)

    def take(self, event: TurnStarted | TurnCompleted | ItemStarted | ItemCompleted) -> None:
        """Take in a beginning or an end."""
        match event:
            case TurnStarted(thread=thread, turn=turn):
                self.turns[thread] = turn
            case TurnCompleted(thread=thread, turn=turn, status=status):
                if self.turns.get(thread) == turn:
                    del self.turns[thread]
                self._forget(thread, keep_commands=status == "completed")
            case ItemStarted(thread=thread, item=item, kind=kind):
                if kind in QUIET_KINDS:
                    self._items[thread, item] = kind
            case ItemCompleted(thread=thread, item=item):
                self._items.pop((thread, item), None)

    def _forget(self, thread: str, keep_commands: bool) -> None:
        """After a turn only a command can still run, as a background terminal."""
        self._items = {
            (owner, item): kind
            for (owner, item), kind in self._items.items()
            if owner != thread or (keep_commands and kind == COMMAND)
        }
