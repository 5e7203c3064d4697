"""How a run is taken apart: step by step, each with its time, until Codex is gone.

    interrupt   ask Codex to end the turns that run
    clean       ask it to end the commands it keeps in the background
    eof         close its input
    term, kill  signal its process group

Order matters: SIGKILL first would leave behind the commands that run outside the sandbox (measured
with Codex 0.163 and 0.169). What still lives after the last step is left to finish, which sweeps.

The verdict names the step in which Codex was gone, from `eof` on: the two before it end turns and
commands, and a Codex that goes during them goes by itself.
"""

from __future__ import annotations

from typing import NamedTuple

from symphony_cli.supervisor.actions import CloseStdin, SignalCodex
from symphony_cli.supervisor.outgoing import Outgoing
from symphony_cli.supervisor.work import OpenWork


class Step(NamedTuple):
    """One step, and the seconds it gets."""

    name: str
    seconds: float


GENTLE = (
    Step("interrupt", 2.0),
    Step("clean", 1.0),
    Step("eof", 2.0),
    Step("term", 2.0),
    Step("kill", 2.0),
)

QUICK = (Step("eof", 0.7), Step("term", 0.7), Step("kill", 0.6))
"""When the machine goes down, there are five seconds for everything, the verdict included."""

POLITE = frozenset({"interrupt", "clean"})
"""The steps that only ask; the others end processes and are told as such."""


class Ending:
    """Where the taking apart is. `over` before the first step and after the last one."""

    def __init__(self, work: OpenWork, out: Outgoing) -> None:
        self._work, self._out = work, out
        self._steps: tuple[Step, ...] = ()
        self._thread = ""
        self.step = ""
        self.until: float | None = None

    def begin(self, steps: tuple[Step, ...], thread: str, mono: float) -> None:
        """Take the first step that has something to do; `thread` is empty when none ran."""
        self._steps, self._thread = steps, thread
        self.next(mono)

    def hurry(self, mono: float) -> None:
        """Skip what only asks."""
        if self.step in POLITE:
            self._steps = QUICK
            self.next(mono)

    def stop(self) -> None:
        """There is nothing left to take apart."""
        self._steps, self.step, self.until = (), "", None

    @property
    def over(self) -> bool:
        """No step is being taken."""
        return not self.step

    def turns_changed(self, mono: float) -> None:
        """Go on once no turn is left."""
        if self.step == "interrupt" and not self._work.turning:
            self.next(mono)

    def cleaned(self, mono: float) -> None:
        """Codex has ended the commands in the background, or says that it cannot."""
        if self.step == "clean":
            self.next(mono)

    def next(self, mono: float) -> None:
        """Go on to the next step that has something to do."""
        while self._steps:
            first, *rest = self._steps
            self._steps = tuple(rest)
            if self._take(first.name):
                self.step, self.until = first.name, mono + first.seconds
                return
        self.stop()

    def _take(self, name: str) -> bool:
        if name == "interrupt":
            for thread, turn in self._work.turns.items():
                self._out.interrupt(thread, turn)
            return self._work.turning
        if name == "clean":
            if self._thread:
                self._out.clean(self._thread)
            return bool(self._thread)
        self._out.do(CloseStdin() if name == "eof" else SignalCodex(name))
        return True
