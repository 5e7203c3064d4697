"""What a run has used and said so far: tokens, rate limits, the last message, signs of life."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from symphony_cli.core import report
from symphony_cli.core.run import Order
from symphony_cli.core.shape import Json
from symphony_cli.core.usage import Meter, Usage
from symphony_cli.supervisor import resets
from symphony_cli.supervisor.faults import is_refusal
from symphony_cli.supervisor.notices import LimitsTold, TurnCompleted, TurnStarted, text

_LONGEST_MESSAGE = 4000


def known_totals(order: Order) -> dict[str, Usage]:
    """The total of each thread of the issue before this run, sub-agents' threads included."""
    thread = order.thread
    if thread is None:
        return order.totals
    return {thread.id: thread.total, **order.totals}


REFUSED = frozenset(
    {
        "badRequest",
        "contextWindowExceeded",
        "httpConnectionFailed",
        "internalServerError",
        "modelNotFound",
        "policyCapacityUnavailable",
        "rateLimitExceeded",
        "responseStreamConnectionFailed",
        "responseTooManyFailedAttempts",
        "serverOverloaded",
        "unauthorized",
        "usageLimitExceeded",
    }
)
"""Codex's words for a provider that refused before it answered; that costs nothing. Measured with
Codex 0.163 and 0.169."""


def is_cut(event: TurnCompleted) -> bool:
    """Whether a turn ended in the middle of an answer, or may have."""
    error = event.error
    refused = error is not None and (
        error.kind in REFUSED or error.status is not None or is_refusal(error.message)
    )
    return event.status != "completed" and not refused


class Tally:
    """Grows with what the server tells; each method returns the report lines that are news."""

    def __init__(self, bases: Mapping[str, Usage]) -> None:
        """`bases` are the last known totals of threads from before this run."""
        self.meter = Meter()
        self._bases = bases
        self._met: set[str] = set()
        self.answered = False
        self.last_message = ""
        self.last_event = ""
        self.last_event_at: datetime | None = None
        self._limits: dict[str, dict[str, Json]] = {}

    def heard(self, event: str, at: datetime) -> None:
        """Codex gave a sign of life."""
        self.last_event, self.last_event_at = event, at

    def based(self, thread: str, base: Usage) -> None:
        """Fix where a thread began in this run."""
        self.meter = self.meter.based(thread, base)

    def counted(
        self, thread: str, total: Usage, at: datetime, during_turn: bool
    ) -> list[report.Line]:
        """Take in a thread's running total; it is news only when it changes a figure.

        Outside of a turn it is the replay of what earlier runs spent: no answer of the model. A
        total without any figure tells nothing; one that is a sum without parts says that Codex
        counts anew (see `notices.usage`).
        """
        if total == Usage():
            return []
        self.based(thread, self._bases.get(thread, Usage()))
        before = self.meter.threads[thread]
        self.meter = self._taken_in(thread, total)
        after = self.meter.threads[thread]
        if after == before:
            return []
        self.answered = self.answered or (during_turn and after.spent != before.spent)
        return [report.UsageSeen(at, thread, after.top, after.base, after.before)]

    def _taken_in(self, thread: str, total: Usage) -> Meter:
        first = thread not in self._met
        self._met.add(thread)
        if not total.input and not total.output:
            return self.meter.restarted(thread)
        meter = self.meter.rebased(thread, total) if first else self.meter
        return meter.seen(thread, total)

    def turned(self, event: TurnStarted | TurnCompleted, at: datetime) -> list[report.Line]:
        """A turn of any thread began or ended."""
        if isinstance(event, TurnStarted):
            return [report.ThreadBusy(at, event.thread)]
        return [report.ThreadIdle(at, event.thread, is_cut(event))]

    def worked(self, kind: str, at: datetime) -> list[report.Line]:
        """An item of a turn began or ended; what the user said is the only one that needs no
        model. The cost of an answer is told only when the tools that it called have ended."""
        if self.answered or kind == "userMessage":
            return []
        self.answered = True
        return [report.Answered(at)]

    def said(self, message: str, at: datetime) -> list[report.Line]:
        """The agent said something."""
        if not message:
            return []
        self.answered = True
        self.last_message = message[:_LONGEST_MESSAGE]
        return [report.Said(at, self.last_message)]

    def limited(self, told: LimitsTold, at: datetime) -> list[report.Line]:
        """Merge rate limits: Codex leaves out what the last response did not tell."""
        name = text(told.limits, "limitId")
        before = self._limits.pop(name, {})
        merged = _merged(before, told.limits)
        if merged.keys() <= {"limitId"}:
            return []
        self._limits[name] = merged  # the one told last is the last in the map
        return [] if merged == before else [report.Limited(at, dict(merged))]

    @property
    def limits(self) -> dict[str, object]:
        """The rate limits by their id, as they were told last."""
        return dict(self._limits)

    def resets_at(self) -> datetime | None:
        """When a usage limit that was just met is over, if the rate limits tell it."""
        return resets.of_windows(reversed(self._limits.values()))


def _merged(before: dict[str, Json], told: dict[str, Json]) -> dict[str, Json]:
    """What was known, under what is told now, window by window; nothing tells null."""
    merged = dict(before)
    for name, value in told.items():
        old = before.get(name)
        if isinstance(value, dict) and isinstance(old, dict):
            merged[name] = {**old, **{key: one for key, one in value.items() if one is not None}}
        elif value is not None:
            merged[name] = value
    return merged
