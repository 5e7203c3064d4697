"""What is open in Codex right now, and how long it may be silent for.

Turns of our thread and of sub-agents, and within them what says nothing until it ends:

    a command            prints when it likes, so for ever as far as we can know
    a foreign tool       for ever, too: Codex passes on no progress of it
    a sleep              as long as Codex says that it takes
    a wait for agents    as long as they are: while one of them works, its own work counts; when all
                         that can be seen are waiting, for ever (a wait has a limit of its own)

That holds during the turn that began it. A command may outlive its turn, as a server does that was
started for tests; later turns of its thread may look after it, which is silent for `POLL` at most.
Without that distinction one forgotten server would cost each hung model the time of a command.
What exactly is told when: measured with Codex 0.163 and 0.169.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from symphony_cli.supervisor.notices import ItemCompleted, ItemStarted, TurnCompleted, TurnStarted

COMMAND = "commandExecution"
SLEEP = "sleep"
FOREIGN_TOOL = "mcpToolCall"
WAIT_FOR_AGENTS = "collabAgentToolCall"

QUIET_KINDS = frozenset({COMMAND, SLEEP, FOREIGN_TOOL, WAIT_FOR_AGENTS})
"""Items during which nothing may be heard for long."""

POLL = 300.0
"""Seconds; so long may an agent wait for a command that runs in the background before it looks at
it again, and Codex tells of the wait only when it is over."""


class _Item(NamedTuple):
    kind: str
    turn: str
    seconds: float


class OpenWork:
    """Grows and shrinks with what the server tells; an item's end may never be told."""

    def __init__(self) -> None:
        self.turns: dict[str, str] = {}
        """The turn that runs, by its thread."""
        self.asked_for_turn = False
        """A turn was asked for and has not started: Codex would not find it to interrupt."""
        self._items: dict[tuple[str, str], _Item] = {}
        self._worked: dict[str, None] = {}

    @property
    def threads(self) -> tuple[str, ...]:
        """Each thread that ever had a turn, the first one first. All of them may have commands in
        the background: those of a sub-agent are ended only under the sub-agent's own name."""
        return tuple(self._worked)

    @property
    def turning(self) -> bool:
        """A turn runs, or will in a moment."""
        return bool(self.turns) or self.asked_for_turn

    @property
    def quiet(self) -> float:
        """For how many seconds it is normal to hear nothing; 0 when only the model is at work."""
        allowed = (self._allowed(thread, item) for (thread, _), item in self._items.items())
        return max(allowed, default=0.0)

    def is_current(self, turn: str) -> bool:
        """Whether a message that belongs to this turn tells of work that is being done now.

        A turn that is over may still be heard of, through a command that it left behind.
        """
        return not turn or turn in self.turns.values()

    def take(self, event: TurnStarted | TurnCompleted | ItemStarted | ItemCompleted) -> None:
        """Take in a beginning or an end."""
        match event:
            case TurnStarted(thread=thread, turn=turn):
                self.turns[thread] = turn
                self._worked[thread] = None
            case TurnCompleted(thread=thread, turn=turn, status=status):
                if self.turns.get(thread) == turn:
                    del self.turns[thread]
                    self._forget(thread, keep_commands=status != "interrupted")
            case ItemStarted(thread=thread, item=item, kind=kind) if kind in QUIET_KINDS:
                turn = event.turn or self.turns.get(thread, "")
                seconds = event.seconds if kind == SLEEP else None
                self._items[thread, item] = _Item(
                    kind, turn, math.inf if seconds is None else seconds
                )
            case ItemCompleted(thread=thread, item=item):
                self._items.pop((thread, item), None)

    def _allowed(self, thread: str, item: _Item) -> float:
        running = self.turns.get(thread)
        if running is None:
            return 0.0
        if running != item.turn:
            return POLL if item.kind == COMMAND else 0.0
        if item.kind == WAIT_FOR_AGENTS and self._somebody_works:
            return 0.0
        return item.seconds

    @property
    def _somebody_works(self) -> bool:
        """A turn runs that does not wait for another one."""
        waiting = {
            thread
            for (thread, _), item in self._items.items()
            if item.kind == WAIT_FOR_AGENTS and item.turn == self.turns.get(thread)
        }
        return not waiting.issuperset(self.turns)

    def _forget(self, thread: str, keep_commands: bool) -> None:
        """After a turn only a command can still run; one that was cut is not waited for."""
        self._items = {
            (owner, name): item
            for (owner, name), item in self._items.items()
            if owner != thread or (keep_commands and item.kind == COMMAND)
        }
