"""What a run has used and said so far: tokens, rate limits, the last message, signs of life."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from symphony_cli.core import report
from symphony_cli.core.run import Order
from symphony_cli.core.shape import Json
from symphony_cli.core.usage import Meter, Usage
from symphony_cli.supervisor.notices import LimitsTold, child, text

_LONGEST_MESSAGE = 4000


def known_totals(order: Order) -> dict[str, Usage]:
    """The total of each thread of the issue before this run, sub-agents' threads included."""
    thread = order.thread
    if thread is None:
        return order.totals
    main = order.totals.get(thread.id, Usage()).highest(thread.total)
    return {**order.totals, thread.id: main}


class Tally:
    """Grows with what the server tells; each method returns the report lines that are news."""

    def __init__(self, bases: Mapping[str, Usage]) -> None:
        """`bases` are the last known totals of threads from before this run."""
        self.meter = Meter()
        self._bases = bases
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
        """Take in a thread's running total; it is news only when it rose.

        Outside of a turn it is the replay of what earlier runs spent: no answer of the model.
        """
        self.based(thread, self._bases.get(thread, Usage()))
        before = self.meter.threads[thread]
        self.meter = self.meter.seen(thread, total)
        after = self.meter.threads[thread]
        if after == before:
            return []
        self.answered = self.answered or during_turn
        return [report.UsageSeen(at, thread, after.top, after.base)]

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
        before = self._limits.get(name, {})
        merged = {**before, **told.limits}
        if merged == before or merged.keys() == {"limitId"}:
            return []
        self._limits[name] = merged
        return [report.Limited(at, dict(merged))]

    def resets_at(self) -> datetime | None:
        """When the exhausted rate limit resets: the latest of those that are used up, else the
        fullest one's."""
        windows = [
            (child(limits, window)["usedPercent"], child(limits, window)["resetsAt"])
            for limits in self._limits.values()
            for window in ("primary", "secondary")
            if _is_window(child(limits, window))
        ]
        if not windows:
            return None
        used_up = [reset for used, reset in windows if used >= 100]
        return datetime.fromtimestamp(max(used_up) if used_up else max(windows)[1], UTC)


def _is_window(window: dict[str, Json]) -> bool:
    used, reset = window.get("usedPercent"), window.get("resetsAt")
    return type(used) in (int, float) and type(reset) is int and 0 < reset < 2**36
