"""One errand under way: what it is told, what it says, and until when."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

from symphony_cli.core.shape import Malformed, decode
from symphony_cli.supervisor.actions import Refreshed
from symphony_cli.supervisor.children import Outbox, Process, read_some

TIME_LIMIT = 60.0
"""Seconds after which an errand is killed and counts as failed."""

_LONGEST_OUTPUT = 8 * 1024 * 1024


class Errand:
    """A child that reads one JSON value, writes one, and ends."""

    def __init__(
        self, process: Process, told: bytes, until: float, done: Callable[[bytes], None]
    ) -> None:
        self.process, self.until, self.done = process, until, done
        self.stdout = process.stdout
        self.stdin = Outbox(process.stdin)
        self.stdin.send(told)
        self.stdin.close(after_all=True)
        self._said = bytearray()

    def read(self) -> bool:
        """Take in what it says; True at its end."""
        data = read_some(self.stdout)
        if data is None or len(self._said) > _LONGEST_OUTPUT:
            return True
        self._said += data
        return False

    def finish(self) -> None:
        """Hand over what it said; it has nothing more to say."""
        self.stdin.close()
        os.close(self.stdout)
        self.done(bytes(self._said))

    def kill(self) -> None:
        """End it: it took too long, or the run is over."""
        self.process.kill()


def tool_answer(tool: str, said: bytes) -> tuple[bool, str]:
    """What a tool errand says: success, and the text for the agent. A crash is a failure."""
    try:
        found = json.loads(said)
        success, text = found["success"], found["text"]
    except (ValueError, KeyError, TypeError):
        success, text = False, ""
    if isinstance(success, bool) and isinstance(text, str) and (success or text):
        return success, text
    return False, (
        f"The tool {tool} did not work: Symphony's helper for it failed or took longer than "
        f"{TIME_LIMIT:.0f} seconds. Nothing is known about its effect; look before you repeat it."
    )


def refresh_answer(said: bytes) -> Refreshed:
    """What a refresh errand says. Anything that is no answer means: unknown."""
    try:
        return decode(Refreshed, json.loads(said))
    except (ValueError, Malformed):
        return Refreshed("unknown", "unreachable", "The errand that asks the tracker failed.")
