"""One run's two files, report and transcript, as one story."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple, Protocol

from symphony_cli.core import report
from symphony_cli.core.said import Entry, Note, PartBegan, TurnOver
from symphony_cli.core.transcript import Listener
from symphony_cli.core.usage import Meter, ThreadUsage, Usage
from symphony_cli.following import Tail
from symphony_cli.paths import RunPaths


class RawLine(NamedTuple):
    """A line of the transcript as it is, with its end."""

    line: bytes


class Source(Protocol):
    """What a run has told."""

    @property
    def has_transcript(self) -> bool:
        """Whether there is one, or was when we began to read."""

    def all(self) -> Iterator[Entry | RawLine]:
        """Everything that is there now and was not given yet."""

    def new(self) -> Iterator[Entry | RawLine]:
        """The same while the run lives; what is very new may be kept for the next time."""

    def close(self) -> None:
        """Let go of the files."""


class Raw:
    """The transcript, line by line."""

    def __init__(self, paths: RunPaths) -> None:
        self._transcript = Tail(paths.transcript, paths.first_transcript)

    @property
    def has_transcript(self) -> bool:
        """See `Source`."""
        return self._transcript.found

    def all(self) -> Iterator[RawLine]:
        """See `Source`."""
        return map(RawLine, self._transcript.lines())

    new = all

    def close(self) -> None:
        """See `Source`."""
        self._transcript.close()


class Telling:
    """What an agent does, from both files, in the order in which it happened.

    Each file is in order; the two are merged by their dates. While they grow, one may be seen
    before the other: so what is new waits for one more look before it is given.
    """

    def __init__(self, paths: RunPaths) -> None:
        self._report = Tail(paths.report)
        self._transcript = Tail(paths.transcript, paths.first_transcript)
        self._listener = Listener()
        self._parts = 1
        self._meter = Meter()
        self._before = Usage()
        self._turn_at: datetime | None = None
        self._kept: tuple[list[Entry], list[Entry]] = ([], [])

    @property
    def has_transcript(self) -> bool:
        """See `Source`."""
        return self._transcript.found

    def all(self) -> Iterator[Entry]:
        """See `Source`."""
        kept, self._kept = self._kept, ([], [])
        yield from heapq.merge(
            (*kept[0], *self._told()) if kept[0] else self._told(),
            (*kept[1], *self._heard()) if kept[1] else self._heard(),
            key=_rank,
        )

    def new(self) -> Iterator[Entry]:
        """See `Source`."""
        # The report first: what the transcript gets meanwhile is newer.
        fresh = (list(self._told()), list(self._heard()))
        marked = [
            [*((entry, source, True) for entry in old), *((entry, source, False) for entry in new)]
            for source, (old, new) in enumerate(zip(self._kept, fresh, strict=True))
        ]
        merged = list(heapq.merge(*marked, key=lambda mark: _rank(mark[0])))
        due = max((n + 1 for n, mark in enumerate(merged) if mark[2]), default=0)
        self._kept = (
            [entry for entry, source, _ in merged[due:] if source == 0],
            [entry for entry, source, _ in merged[due:] if source == 1],
        )
        return iter([entry for entry, _, _ in merged[:due]])

    def close(self) -> None:
        """See `Source`."""
        self._report.close()
        self._transcript.close()

    def _heard(self) -> Iterator[Entry]:
        for line in self._transcript.lines():
            for entry in self._listener.hear(line):
                yield from self._checked(entry) if isinstance(entry, PartBegan) else (entry,)

    def _checked(self, part: PartBegan) -> Iterator[Entry]:
        if part.number != self._parts + 1:
            yield Note(part.at, "Something is missing here: the transcript had reached its size.")
        self._parts = part.number

    def _told(self) -> Iterator[Entry]:
        for data in self._report.lines():
            for line in report.from_bytes(data):
                yield from self._reported(line)

    def _reported(self, line: report.Line) -> Iterator[Entry]:
        match line:
            case report.ThreadBegan():
                self._meter = self._meter.based(line.thread.id, line.base)
                yield line
            case report.UsageSeen():
                used = ThreadUsage(line.base, line.total, line.before)
                self._meter = self._meter.told(line.thread, used)
            case report.TurnBegan():
                self._turn_at, self._before = line.at, self._meter.spent
                yield line
            case report.TurnEnded():
                yield self._turn_over(line)
            case report.Said() | report.ToolCalled() if self.has_transcript:
                return  # it has more of them
            case report.IssueRead() | report.Limited():
                return
            case _:
                yield line

    def _turn_over(self, line: report.TurnEnded) -> TurnOver:
        spent = self._meter.spent
        began = self._turn_at or line.at
        seconds = max(0.0, (line.at - began).total_seconds())
        used = spent.above(self._before)
        return TurnOver(line.at, line.number, line.status, line.error, seconds, used, spent)


def _rank(entry: Entry) -> tuple[datetime, int]:
    """When it happened. What arrives at once bears one date: then the beginning of a turn comes
    before what the agent did in it, and the end after that."""
    match entry:
        case report.ThreadBegan() | report.TurnBegan():
            return entry.at, 0
        case TurnOver() | report.Phase() | report.Closing() | report.Ended():
            return entry.at, 2
    return entry.at, 1
