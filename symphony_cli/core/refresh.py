"""One answer of the tracker for all runs that ask: which question an answer serves, and until when
a run that has just changed its issue must mistrust it.

Moments are seconds of the clock that all processes of one boot share and that never steps
(CLOCK_MONOTONIC); `boot` says of which boot they are. Dates are there for people only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from symphony_cli.core.issue import Issue
from symphony_cli.ids import IssueId

FORMAT = 1
"""Of both files."""

GATHER = 1.0
"""Seconds after its question that an asker waits for those of other runs before it asks for all."""

SETTLES = 5.0
"""Seconds after a write in which a read may still miss it: the tracker reads from replicas, and a
lag of a second and more is routine, as people measured on the live service."""


@dataclass(frozen=True, slots=True)
class Question:
    """A run wants to know how its issue stands, no earlier than at `asked`.

    `source` is a fingerprint of the tracker and the key: runs of an older WORKFLOW.md may have
    others, and an answer from elsewhere is none.
    """

    issue: IssueId
    source: str
    boot: str
    asked: float


@dataclass(frozen=True, slots=True)
class Refresh:
    """`refresh.json`: what one request, sent at `sent`, told of every issue that had a run."""

    source: str
    boot: str
    sent: float
    at: datetime
    issues: tuple[Issue, ...] = ()
    missing: tuple[IssueId, ...] = ()
    unknown: dict[IssueId, str] = field(default_factory=dict)
    format: int = FORMAT

    def covers(self, issue: IssueId) -> bool:
        """Whether it says anything about this issue."""
        told = (*(one.id for one in self.issues), *self.missing, *self.unknown)
        return issue in told


@dataclass(frozen=True, slots=True)
class Mutation:
    """`mutated.json` of a run: when its agent last changed something in the tracker."""

    boot: str
    mono: float
    at: datetime
    format: int = FORMAT


def serves(refresh: Refresh, question: Question, now: float) -> bool:
    """Whether an answer is one to this question at the moment `now`.

    Its request must have been sent after the question was asked: what was true before a turn ended
    says nothing about what the turn did. A moment in the future, or of another boot or of one that
    has no name, is from a file that somebody brought here.
    """
    return (
        refresh.format == FORMAT
        and refresh.boot == question.boot != ""
        and refresh.source == question.source
        and question.asked <= refresh.sent <= now
        and refresh.covers(question.issue)
    )


def settled_at(mutation: Mutation | None, boot: str, now: float) -> float:
    """From which moment on a read is sure to show a run's own last write; 0 when there is nothing
    to wait for.

    The moment counts, not the date of the row that was read: the tracker's clock is not ours, a
    comment may leave that date alone, and a write just before this one leaves a date that looks
    new enough.
    """
    if mutation is None or mutation.boot != boot:
        return 0.0
    return min(mutation.mono, now) + SETTLES
