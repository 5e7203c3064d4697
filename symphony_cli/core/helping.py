"""What a person lets an issue use up on top of WORKFLOW.md, and how that is said."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Helping:
    """One helping of what ran out. None: nothing of that kind was given.

    Each number is a difference to the limit of WORKFLOW.md, so that raising the limit later still
    gives more; it is negative when a person gave less than the limit.
    """

    tokens: int | None = None
    """Spend on top of `agent.max_tokens_per_issue`; what was spent before no longer counts."""
    attempts: int | None = None
    """Runs without progress on top of `agent.max_dispatch_attempts`, until there is progress."""
    rework: int | None = None
    """Entries into a rework state on top of `agent.max_rework_cycles`, for the issue's life."""
    tip: str = ""
    """A merged commit that may be worked on."""


NOTHING = Helping()
