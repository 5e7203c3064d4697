"""Codex is gone though nobody asked it to go: bad luck at its start, the machine's end, a crash?"""

from __future__ import annotations

from symphony_cli.core.reasons import Outcome
from symphony_cli.supervisor import faults
from symphony_cli.supervisor.faults import Fault
from symphony_cli.supervisor.states import State

EARLY_EXIT = 5.0
"""Seconds after its launch in which a Codex that fails before it answers may have met a neighbour:
two that start at once on a fresh CODEX_HOME both make its databases, and one of them fails
("failed to initialize sqlite state runtime", measured with Codex 0.169). It is started once more.
"""

RELAUNCH_WAIT = 1.0
"""Seconds before that second start; the neighbour is done by then."""

LEFT_WAIT = 3.0
"""Seconds in which a signal to us still explains why Codex left politely."""

POLITE_EXITS = frozenset({0, -15, 143})
"""How Codex ends on SIGTERM: with 0; by the signal, or as a shell tells it, before it is ready."""

FINAL_EXITS = POLITE_EXITS | {126, 127}
"""How it does not end by bad luck: told to, or not to be found by its shell."""


class Leaving:
    """Whether there is a Codex, and what it means that there is none any more."""

    def __init__(self) -> None:
        self.pid = 0
        self.gone = self._again = False
        self.fault = Fault(Outcome.FAILED, "codex_exit", "")
        """Why the run ends, unless somebody turns up who explains it better."""

    def came(self, pid: int) -> None:
        """Codex was started; the second time is the last."""
        self._again = bool(self.pid)
        self.pid, self.gone = pid, False

    def may_come_back(self, state: State, age: float, code: int | None) -> bool:
        """Whether it is started once more; `age` is how many seconds the run is old."""
        early = state is State.STARTING and age < EARLY_EXIT
        return early and not self._again and code not in FINAL_EXITS

    def left(self, code: int | None, last_words: str, *, answered: bool) -> float:
        """Take in how it ended; seconds to wait for a better explanation than its exit status."""
        self.fault = faults.of_exit(code, last_words, answered)
        return LEFT_WAIT if code in POLITE_EXITS else 0.0
