"""What `tick.json` holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PassedOver:
    """An issue that was not acted on: the reason, the fact, and what would change it."""

    issue: str
    issue_identifier: str
    reason: str
    why: str


@dataclass(frozen=True, slots=True)
class TickFile:
    """The last tick and the last good one. A cache: losing it costs nothing but this display."""

    started_at: datetime | None = None
    ended_at: datetime | None = None
    exit_code: int = 0
    summary: str = ""
    requests: int = 0
    good_at: datetime | None = None
    """When a tick last ended with 0."""
    facts_as_of: datetime | None = None
    """When the tracker was last read completely."""
    bounces: int = 0
    """How many ticks in a row found the lock held."""
    ask_at: datetime | None = None
    """Before this the tracker is not asked: its limit or our budget says so."""
    first_poll: bool = False
    problems: tuple[str, ...] = ()
    """As the last answer of the tracker had them; a tick that gets none goes by these."""
    doubts: dict[str, str] = field(default_factory=dict)
    """Issues whose row was older than what we held, by what it said; believed when the next read
    says the same."""
    passed_over: tuple[PassedOver, ...] = ()
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = field(default=())
    format: int = 1

    def by_issue(self) -> dict[str, PassedOver]:
        """Who was passed over."""
        return {passed.issue: passed for passed in self.passed_over}
