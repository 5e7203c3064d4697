"""Between turns: what the tracker's word means for a run, and how long a run waits for it."""

from __future__ import annotations

from symphony_cli.core.reasons import Outcome
from symphony_cli.core.run import PromptSettings
from symphony_cli.supervisor.actions import Refreshed
from symphony_cli.supervisor.faults import Fault

KEY = "key"
"""The reason for not knowing when the tracker refuses the run's key."""

WAITS = (5.0, 10.0, 20.0, 40.0, 60.0)
"""Seconds between questions while the tracker cannot be reached; the last one repeats."""


def moved(began: str, found: Refreshed, prompts: PromptSettings) -> str:
    """What the move of an issue means for a run that began in the state `began`: empty while the
    same template and the same thread are meant, else a sentence."""
    if not began or not found.state or prompts.part(began) == prompts.part(found.state):
        return ""
    return f"The issue went from {began} to {found.state}, which has a part of its own."


def end_of(found: Refreshed, turns: int, most: int, moved: str = "") -> Fault | None:
    """How a run ends after so many turns of at most so many; None when the tracker lets it go on,
    or told nothing. A key that is refused is for ever the key of this run: the next has a new one.
    `moved` says that the next turn needs another prompt.
    """
    match found.standing:
        case "go_on" if moved:
            return Fault(Outcome.ROLLED_OVER, "prompt", moved, found.state)
        case "go_on" if turns >= most:
            sentence = f"{turns} turns are used up; the next run goes on."
            return Fault(Outcome.ROLLED_OVER, "max_turns", sentence)
        case "handed_over":
            return Fault(Outcome.HANDED_OVER, found.state, found.detail)
        case "stop":
            return Fault(Outcome.STOPPED, found.reason, found.detail)
        case "unknown" if found.reason == KEY:
            return silence(found)
    return None


def silence(found: Refreshed) -> Fault:
    """How a run ends to which the tracker will not tell anything: nobody's failure."""
    return Fault(Outcome.TRACKER, found.reason or "unreachable", found.detail)


class Patience:
    """How long a run has waited for a tracker that does not answer. Times are monotonic seconds.

    What it waited counts towards no limit of the run: a tracker that is down is no fault of the
    issue, and `codex.run_limit_ms` would make it one.
    """

    def __init__(self, most: float) -> None:
        """`most` seconds in a row; with 0 the first question that is not answered is the last."""
        self._most = most
        self._since: float | None = None
        self._asked = 0
        self.waited = 0.0
        """Seconds of all waits that an answer has ended."""

    def unanswered(self, mono: float) -> float | None:
        """When to ask again, the last time at the very end; None when patience is used up."""
        if self._since is None:
            self._since = mono
        left = self._since + self._most - mono
        if left <= 0:
            return None
        self._asked += 1
        return mono + min(left, WAITS[min(self._asked, len(WAITS)) - 1])

    def answered(self, mono: float) -> None:
        """The tracker answers; the next silence is a new one."""
        if self._since is not None:
            self.waited += mono - self._since
        self._since, self._asked = None, 0
