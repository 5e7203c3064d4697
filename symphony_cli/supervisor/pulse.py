"""Since when things last: the run, its turn, the silence. `clocks` says what of it is too long."""

from __future__ import annotations

from symphony_cli.core.run import CodexSettings
from symphony_cli.supervisor import clocks
from symphony_cli.supervisor.notices import TurnError
from symphony_cli.supervisor.states import State

_QUESTIONED = frozenset({State.STARTING, State.RELAUNCHING, State.OPENING})
_WORKING = frozenset({State.TURN, State.COMPACTING})
_NO_CLOCK = frozenset({State.LEFT, State.ENDING, State.OVER})


class Pulse:
    """The moments that the clocks go by, as monotonic seconds, and how often silence was met."""

    def __init__(self, codex: CodexSettings) -> None:
        self._limits = clocks.limits_of(codex)
        self._most_stalls = codex.max_stall_recoveries
        self.began = self.asked = self.turn_began = self.heard = 0.0
        self.stalls = 0
        self.silent = 0.0
        """Seconds that the last stall took to be seen."""
        self.retried: TurnError | None = None
        """The model error that Codex retries, while nothing else was heard since."""

    def listen(self, mono: float) -> None:
        """Codex, or something it waits for, gave a sign of life."""
        self.heard, self.retried = mono, None

    def turn_starts(self, mono: float) -> None:
        """A turn is asked for."""
        self.turn_began = mono
        self.listen(mono)

    def stall(self, mono: float) -> bool:
        """Silence has reached its limit; whether the run may go on after it."""
        self.stalls += 1
        self.silent = mono - self.heard
        return self.stalls <= self._most_stalls

    def due(
        self, state: State, *, quiet: float, waits_for_us: bool, waited: float
    ) -> clocks.Due | None:
        """Which limit is reached first if nothing happens, and when.

        `quiet`: seconds for which it is normal to hear nothing; `waits_for_us`: the agent waits
        for a tool of ours; `waited`: seconds that the run has waited for its tracker.
        """
        if state in _NO_CLOCK:
            return None
        listening = state in _WORKING and not waits_for_us
        readings = clocks.Readings(
            run=None if state is State.AWAITING else self.began + waited,
            start=self.asked if state in _QUESTIONED else None,
            turn=self.turn_began if state is State.TURN else None,
            heard=self.heard if listening else None,
            busy=quiet,
        )
        return clocks.next_due(self._limits, readings)
