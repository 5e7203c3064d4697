"""A fuse that blows at the n-th spark: how a crash between any two effects is simulated."""

from __future__ import annotations


class PowerCut(BaseException):
    """The machine died here. No `except Exception` may swallow it."""


class Fuse:
    """Counts effects; at the chosen one the power goes out. The half of an effect counts too."""

    def __init__(self) -> None:
        self.sparks = 0
        self.at: int | None = None
        self.log: list[str] = []

    def spark(self, what: str) -> None:
        """Call before, in the middle of, and after every effect."""
        self.sparks += 1
        self.log.append(what)
        if self.at is not None and self.sparks >= self.at:
            self.at = None
            raise PowerCut(what)
