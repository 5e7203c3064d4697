"""Failures that a test schedules: which request they meet, and how often."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "status", "html", "cut", "cut_after_apply", "ratelimited", "hang", "partial", "graphql_error"
]
"""
status           an answer with another HTTP status and an error that Linear means internally
html             a page of the network in front of Linear
cut              the connection ends without an answer, and nothing was done
cut_after_apply  the same, but it was done
ratelimited      "too often"
hang             no answer
partial          an answer in which one root field is null, with an error beside it
graphql_error    HTTP 200 with an internal error and no data
"""

ENDLESS = -1


@dataclass(slots=True)
class Fault:
    """One rule. `operation` is a regular expression that must be found in the operation's name."""

    kind: Kind
    times: int = 1
    operation: str = ""
    status: int | None = None
    seconds: float = 3600.0
    headers: bool = True
    """Rate headers stand on a `ratelimited` answer."""

    def meets(self, operation: str) -> bool:
        """Whether it strikes this request; it then has one time less."""
        if self.times == 0 or not re.search(self.operation, operation):
            return False
        if self.times != ENDLESS:
            self.times -= 1
        return True


def first_of(faults: list[Fault], operation: str) -> Fault | None:
    """The first rule that strikes."""
    return next((fault for fault in faults if fault.meets(operation)), None)
