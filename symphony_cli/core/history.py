"""What the ledger adds up to: one record per issue, the outbox, and the holds.

`History.take` is the whole fold. It is the one value of the thinking room that changes in place
(a ledger may have a million lines); everybody else reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from symphony_cli.core import events as e
from symphony_cli.core.issue import Issue, norm
from symphony_cli.core.reasons import FAULT_OF_ISSUE, BlockReason, Outcome
from symphony_cli.core.run import GitFacts, ThreadRef, Verdict
from symphony_cli.core.times import Wait
from symphony_cli.core.usage import Usage
from symphony_cli.ids import IssueId, Key, RunId

GONE = "gone"
"""What `Released.why` says when the tracker does not have the issue any more."""


@dataclass(frozen=True, slots=True)
class Running:
    """A run that was dispatched and not settled."""

    run: RunId
    attempt: int
    since: datetime
    state: str
    stop: str = ""
    stop_detail: str = ""
    signalled: str = ""
    recoveries: int = 0


@dataclass(frozen=True, slots=True)
class Retry:
    """The next attempt is not before this wait is over."""

    wait: Wait
    error: str


@dataclass(frozen=True, slots=True)
class Block:
    """The issue waits for a person."""

    reason: BlockReason
    detail: str
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Write:
    """Something we owe the tracker."""

    id: str
    issue: IssueId
    kind: str
    body: str
    tries: int = 0
    wait: Wait | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Hold:
    """Failures in a row that are the machine's or the provider's; ends with the first success."""

    count: int
    wait: Wait
    error: str
    since: datetime


@dataclass(frozen=True, slots=True)
class LastRun:
    """How the newest settled run ended."""

    run: RunId
    outcome: Outcome
    reason: str
    detail: str
    at: datetime
    turns: int = 0
    message: str = ""
    git: GitFacts | None = None
    spent: Usage = Usage()


@dataclass(frozen=True, slots=True)
class Record:
    """All that we remember of one issue."""

    issue: Issue
    key: Key
    first_at: datetime
    state_since: datetime
    aliases: tuple[str, ...] = ()
    missed: int = 0
    place: int | None = None
    enrolled_at: datetime | None = None
    released: str = ""
    finished_at: datetime | None = None
    running: Running | None = None
    retry: Retry | None = None
    block: Block | None = None
    unanswered: BlockReason | None = None
    """The last run ended with a question, and the block that it calls for is not written yet."""
    runs: int = 0
    failures: int = 0
    failures_in_row: int = 0
    environment_in_row: int = 0
    attempts_since_progress: int = 0
    first_dispatched_at: datetime | None = None
    last: LastRun | None = None
    turns: int = 0
    usage: Usage = Usage()
    granted_at: Usage = Usage()
    """What was used at the last `unblock` of a budget; the next helping counts from there."""
    thread: ThreadRef | None = None
    fresh_threads: int = 0
    workspace: str = ""
    branch: str = ""
    entries: dict[str, int] = field(default_factory=dict)
    """How often the issue was seen to enter each state (normal form)."""
    stalls: int = 0
    declines: int = 0
    blocks: int = 0
    fault: str = ""

    @property
    def id(self) -> IssueId:
        """The tracker's id."""
        return self.issue.id


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
    cursor: str = ""
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
            case _:
                position = self.position
                self._change(event.issue, lambda r: _next(r, event, position))

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
            self._holds(event)
            self.records[event.issue] = _ended(record, event)

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
        self.records[event.issue.id] = _sighted(known, event)

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
        if isinstance(event, e.Undeliverable):
            self.undeliverable[write.id] = replace(write, error=event.error)

    def _holds(self, event: e.Ended) -> None:
        verdict = event.verdict
        if verdict.answered:
            self.holds.pop("environment", None)
        if verdict.answered and verdict.outcome is not Outcome.PROVIDER:
            self.holds.pop("provider", None)
        kind = {Outcome.ENVIRONMENT: "environment", Outcome.PROVIDER: "provider"}.get(
            verdict.outcome
        )
        if kind is not None and not (kind == "environment" and verdict.answered):
            old = self.holds.get(kind)
            self.holds[kind] = Hold(
                count=old.count + 1 if old else 1,
                wait=Wait(event.at, event.hold),
                error=verdict.detail or verdict.reason,
                since=old.since if old else event.at,
            )


def _sighted(record: Record, event: e.Sighted) -> Record:
    issue, old = event.issue, record.issue
    entered = norm(issue.state) != norm(old.state) or not record.entries
    names = record.aliases
    if issue.identifier not in names:
        names = (*names, issue.identifier)
    entries = record.entries
    if entered:
        state = norm(issue.state)
        entries = {**entries, state: entries.get(state, 0) + 1}
    return replace(
        record,
        issue=issue,
        aliases=names,
        missed=0,
        released="" if record.released == GONE else record.released,
        entries=entries,
        state_since=event.at if entered else record.state_since,
    )


def _next(record: Record, event: e.Event, position: int) -> Record:
    match event:
        case e.Missed():
            return replace(record, missed=record.missed + 1)
        case e.Enrolled():
            return replace(
                record, place=position, enrolled_at=event.at, released="", finished_at=None
            )
        case e.Released():
            return replace(record, place=None, released=event.why, retry=None)
        case e.Finished():
            return replace(
                record,
                place=None,
                released="",
                retry=None,
                block=None,
                unanswered=None,
                finished_at=event.at,
            )
        case e.Dispatched():
            return _dispatched(record, event)
        case e.Blocked():
            block = Block(event.reason, event.detail, event.at, event.by)
            return replace(record, block=block, unanswered=None, blocks=record.blocks + 1)
        case e.Unblocked():
            return _unblocked(record)
        case _:
            return _of_run(record, event)


def _of_run(record: Record, event: e.Event) -> Record:
    running = record.running
    if running is None or getattr(event, "run", None) != running.run:
        return record
    match event:
        case e.StopAsked():
            return replace(
                record, running=replace(running, stop=event.reason, stop_detail=event.detail)
            )
        case e.Signalled():
            return replace(record, running=replace(running, signalled=event.signal))
        case e.Recovered():
            return replace(record, running=replace(running, recoveries=running.recoveries + 1))
        case _:
            return record


def _dispatched(record: Record, event: e.Dispatched) -> Record:
    return replace(
        record,
        running=Running(event.run, event.attempt, event.at, event.state),
        retry=None,
        unanswered=None,
        fault="",
        runs=record.runs + 1,
        attempts_since_progress=record.attempts_since_progress + 1,
        first_dispatched_at=record.first_dispatched_at or event.at,
    )


def _unblocked(record: Record) -> Record:
    """One more helping of whatever ran out, so that the next tick does not restore the block."""
    return replace(
        record,
        block=None,
        unanswered=None,
        retry=None,
        failures_in_row=0,
        attempts_since_progress=0,
        granted_at=record.usage
        if record.block and record.block.reason is BlockReason.BUDGET
        else record.granted_at,
    )


def _ended(record: Record, event: e.Ended) -> Record:
    verdict = event.verdict
    failed = verdict.outcome in FAULT_OF_ISSUE
    before = 0 if event.progress else record.failures_in_row
    unfit = verdict.outcome is Outcome.ENVIRONMENT
    error = verdict.detail or verdict.reason or verdict.outcome
    return replace(
        record,
        running=None,
        retry=Retry(Wait(event.at, event.wait), error) if event.wait > 0 else None,
        unanswered=_question(verdict),
        failures=record.failures + failed,
        failures_in_row=before + failed,
        environment_in_row=record.environment_in_row + 1 if unfit else 0,
        attempts_since_progress=_attempts(record, event),
        turns=record.turns + verdict.turns,
        usage=record.usage + verdict.spent,
        thread=None if verdict.reason == CONTEXT else verdict.thread or record.thread,
        fresh_threads=record.fresh_threads + verdict.fresh_thread,
        workspace=record.workspace or verdict.workspace,
        branch=record.branch or verdict.branch,
        stalls=record.stalls + verdict.stalls,
        declines=record.declines + verdict.declines,
        last=LastRun(
            run=event.run,
            outcome=verdict.outcome,
            reason=verdict.reason,
            detail=_detail(verdict),
            at=event.at,
            turns=verdict.turns,
            message=verdict.last_message,
            git=verdict.git or (record.last.git if record.last else None),
            spent=verdict.spent,
        ),
    )


def _detail(verdict: Verdict) -> str:
    if not verdict.survivors:
        return verdict.detail
    pids = ", ".join(map(str, verdict.survivors))
    return f"processes of its run could not be ended: pid {pids}; end them, then unblock"


def _question(verdict: Verdict) -> BlockReason | None:
    """The block that a verdict calls for."""
    if verdict.survivors:
        return BlockReason.AGENT
    if verdict.outcome is not Outcome.ASKED:
        return None
    known = {reason.value: reason for reason in BlockReason}
    return known.get(verdict.reason, BlockReason.AGENT)


CONTEXT = "context"
"""A run failed because its thread is full and compacting did not help: the next has a new one."""

NO_ATTEMPT = frozenset(
    {Outcome.INTERRUPTED, Outcome.STOPPED, Outcome.NOT_ELIGIBLE, Outcome.TRACKER}
    | {Outcome.ENVIRONMENT, Outcome.PROVIDER}
)
"""Outcomes that say nothing about the issue: they use up none of its attempts."""


def _attempts(record: Record, event: e.Ended) -> int:
    if event.progress:
        return 0
    return max(0, record.attempts_since_progress - (event.verdict.outcome in NO_ATTEMPT))
