"""What the ledger adds up to: one record per issue, the outbox, and the holds.

`History.take` is the whole fold. It is the one value of the thinking room that changes in place
(a ledger may have a million lines); everybody else reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from symphony_cli.core import day, holds, transitions
from symphony_cli.core import events as e
from symphony_cli.core.issue import norm
from symphony_cli.core.record import Hold, Pause, Record, Write
from symphony_cli.core.times import Wait
from symphony_cli.core.usage import Usage
from symphony_cli.ids import IssueId


@dataclass(slots=True)
class History:
    """The fold of a ledger up to `position` lines. `finished` are records that left the cache."""

    id: str = ""
    workflow: str = ""
    position: int = 0
    records: dict[IssueId, Record] = field(default_factory=dict)
    outbox: dict[str, Write] = field(default_factory=dict)
    undeliverable: dict[str, Write] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    pause: Pause | None = None
    day: dict[str, Usage] = field(default_factory=dict)
    """What was spent lately, all issues together: see `core.day`."""
    cursor: str = ""
    limits: dict[str, object] = field(default_factory=dict)
    """Rate limits of the model's provider, as the newest run that ended saw them."""
    repairs: int = 0
    finished: Mapping[IssueId, Record] = field(default_factory=dict, compare=False, repr=False)

    def find(self, issue: IssueId) -> Record | None:
        """The record of an issue, finished ones included."""
        return self.records.get(issue) or self.finished.get(issue)

    def named(self, name: str) -> Record | None:
        """The record of the issue with this id, key, identifier or former identifier."""
        wanted = norm(name)
        for record in (*self.records.values(), *self.finished.values()):
            if wanted in {norm(n) for n in (record.id, record.key, *record.aliases)}:
                return self.find(record.id)
        return None

    def keys(self) -> frozenset[str]:
        """All keys ever given, in lower case."""
        everybody = (*self.records.values(), *self.finished.values())
        return frozenset(record.key.lower() for record in everybody)

    def take(self, event: e.Event | None) -> None:
        """Take in the next line; None is one of a kind that this version does not know."""
        self.position += 1
        match event:
            case None | e.Faulted() | e.Repaired():
                self._note(event)
            case e.Sighted():
                self._sighted(event)
            case e.Polled(cursor=cursor):
                self.cursor = cursor
            case e.Owed() | e.Tried() | e.Delivered() | e.Undeliverable() | e.Cancelled():
                self._outbox(event)
            case e.Ended():
                self._ended(event)
            case e.Paused():
                self.pause = Pause(event.at, event.by, event.reason)
            case e.Resumed():
                self.pause = None
            case _:
                position = self.position
                self._change(event.issue, lambda r: transitions.changed(r, event, position))

    def take_all(self, events: Iterable[e.Event | None]) -> History:
        """Take in several lines, in order; returns itself."""
        for event in events:
            self.take(event)
        return self

    def copy(self) -> History:
        """One that can be changed without changing this one."""
        return replace(
            self,
            records=dict(self.records),
            outbox=dict(self.outbox),
            undeliverable=dict(self.undeliverable),
            holds=dict(self.holds),
            day=dict(self.day),
        )

    def _change(self, issue: IssueId, change: object) -> None:
        """Replace a record. One that nobody sighted is no issue of ours: the line has no effect."""
        record = self.find(issue)
        if record is not None:
            assert callable(change)
            self.records[issue] = change(record)

    def _ended(self, event: e.Ended) -> None:
        """Settle the run that is running; news of any other has been taken in already."""
        record = self.find(event.issue)
        if record is not None and record.running and record.running.run == event.run:
            self.holds = holds.after(self.holds, event, record.running.since)
            self.limits = event.verdict.limits or self.limits
            self.day = day.with_more(self.day, event.at, event.verdict.spent)
            self.records[event.issue] = transitions.ended(record, event)

    def _note(self, event: e.Event | None) -> None:
        if isinstance(event, e.Repaired):
            self.repairs += 1
        elif isinstance(event, e.Faulted):
            text = f"{event.doing}: {event.error}"
            self._change(event.issue, lambda r: replace(r, fault=text))

    def _sighted(self, event: e.Sighted) -> None:
        known = self.find(event.issue.id)
        if known is None:
            known = Record(event.issue, event.key, event.at, event.at, entries={})
        self.records[event.issue.id] = transitions.sighted(known, event)

    def _outbox(
        self, event: e.Owed | e.Tried | e.Delivered | e.Undeliverable | e.Cancelled
    ) -> None:
        if isinstance(event, e.Owed):
            if self.find(event.issue) is not None:
                self.outbox[event.write] = Write(event.write, event.issue, event.kind, event.body)
            return
        write = self.outbox.get(event.write)
        if write is None:
            return
        if isinstance(event, e.Tried):
            wait = Wait(event.at, event.wait)
            self.outbox[write.id] = replace(
                write, tries=write.tries + 1, wait=wait, error=event.error
            )
            return
        del self.outbox[write.id]
        if isinstance(event, e.Delivered) and write.kind == "add_label":
            self._change(write.issue, lambda r: transitions.delivered(r, write.body))
        if isinstance(event, e.Undeliverable):
            self.undeliverable[write.id] = replace(write, error=event.error)
