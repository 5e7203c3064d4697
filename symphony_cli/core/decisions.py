"""What a plan may decide, and the facts that each decision writes down before it is carried out.

A decision is data: `facts` says what goes into the ledger, `perform` does what is left to do.
Because both the plan and the ledger go by `facts`, the plan can think its own decisions through to
the end: a slot that a settled run frees is used in the same tick.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from symphony_cli.core import events as e
from symphony_cli.core.helping import NOTHING, Helping
from symphony_cli.core.issue import Issue
from symphony_cli.core.reasons import BlockReason, Cause, RetryKind, Why
from symphony_cli.core.run import RunLimits, ThreadRef
from symphony_cli.ids import IssueId, Key, RunId


@dataclass(frozen=True, slots=True)
class TakeIn:
    """What the tracker told: one write for all sightings and the cursor that covers them."""

    sighted: tuple[tuple[Issue, Key], ...] = ()
    missed: tuple[IssueId, ...] = ()
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Settle:
    """A run is over; take in its verdict."""

    issue: IssueId
    ended: e.Ended


@dataclass(frozen=True, slots=True)
class Recover:
    """A run died without a verdict; start its last act."""

    issue: IssueId
    run: RunId


@dataclass(frozen=True, slots=True)
class Signal:
    """A run gives no sign of life; send it TERM, at the next look KILL."""

    issue: IssueId
    run: RunId
    name: str


@dataclass(frozen=True, slots=True)
class Grant:
    """Give a living run other limits. `again`: it is written down already, but is not there."""

    issue: IssueId
    run: RunId
    limits: RunLimits
    again: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """End a living run. `again`: it is written down already, but the run was not told yet."""

    issue: IssueId
    run: RunId
    reason: str
    detail: str
    again: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """The issue waits for a person from now on; `owed` tells that person in the tracker."""

    issue: IssueId
    reason: BlockReason
    detail: str
    owed: tuple[e.Owed, ...] = ()


@dataclass(frozen=True, slots=True)
class SeeLabel:
    """Our label was seen: its absence will mean something."""

    issue: IssueId


@dataclass(frozen=True, slots=True)
class Unblock:
    """The cause of a block is over. `by` is who or what ended it."""

    issue: IssueId
    cause: Cause
    by: str
    note: str = ""
    helping: Helping = NOTHING
    taken_back: tuple[e.Cancelled | e.Owed, ...] = ()


@dataclass(frozen=True, slots=True)
class Warn:
    """Tell people once that most of a budget is used."""

    issue: IssueId
    allowance: int
    detail: str
    owed: tuple[e.Owed, ...] = ()


@dataclass(frozen=True, slots=True)
class Enrol:
    """The issue takes its place in the queue."""

    issue: IssueId


@dataclass(frozen=True, slots=True)
class Release:
    """The issue leaves the queue."""

    issue: IssueId
    why: str
    detail: str


@dataclass(frozen=True, slots=True)
class Finish:
    """The issue is over; what was owed because of its block is taken back."""

    issue: IssueId
    state: str
    taken_back: tuple[e.Cancelled | e.Owed, ...] = ()


@dataclass(frozen=True, slots=True)
class Reopen:
    """A finished issue is active again but must still wait."""

    issue: IssueId


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Start a run."""

    issue: IssueId
    attempt: int
    state: str
    limits: RunLimits
    retry_kind: RetryKind | None = None
    thread: ThreadRef | None = None
    """What it goes on with; None begins a thread."""
    lane: str = ""


@dataclass(frozen=True, slots=True)
class Remove:
    """The workspace of an issue that is over goes, unless its work cannot be kept."""

    issue: IssueId
    why: str


@dataclass(frozen=True, slots=True)
class SettleRemoval:
    """A removal came to its end; take in what became of the workspace."""

    issue: IssueId
    became: e.Removed | e.Kept


@dataclass(frozen=True, slots=True)
class Tidy:
    """Look through old run folders and what killed errands left: see `core.removal.Tidying`."""

    roots: tuple[str, ...] = ()
    transcripts: tuple[Key, ...] = ()
    folders: tuple[Key, ...] = ()


@dataclass(frozen=True, slots=True)
class Deliver:
    """Give the tracker a write that we owe."""

    issue: IssueId
    write: str


@dataclass(frozen=True, slots=True)
class PassOver:
    """Do nothing about an issue, and say why."""

    issue: IssueId
    why: Why
    detail: str


@dataclass(frozen=True, slots=True)
class Fault:
    """Deciding about this issue ran into a bug of ours."""

    issue: IssueId
    doing: str
    error: str
    traceback: str = ""


Decision = (
    TakeIn
    | Settle
    | Recover
    | Signal
    | Grant
    | Stop
    | Block
    | SeeLabel
    | Unblock
    | Warn
    | Enrol
    | Release
    | Finish
    | Reopen
    | Dispatch
    | Remove
    | SettleRemoval
    | Tidy
    | Deliver
    | PassOver
    | Fault
)


NO_RUN = RunId("")


def facts(decision: Decision, now: datetime, run: RunId = NO_RUN) -> tuple[e.Event, ...]:
    """What goes into the ledger before `decision` is carried out; `run` is for a dispatch or a
    removal.

    A crash may leave only the first lines of a write. So the fact that closes a matter (the block,
    the cursor) comes last: without it the next plan decides the same again, with the same ids.
    """
    match decision:
        case TakeIn():
            return _take_in(decision, now)
        case Settle(ended=ended):
            return (ended,)
        case Recover() | Signal() | Grant() | Stop():
            return _to_a_run(decision, now)
        case Remove(issue=issue, why=why):
            return (e.RemovalAsked(now, issue, run, why),)
        case SettleRemoval(became=became):
            return (became,)
        case Deliver() | PassOver() | Tidy():
            return ()
        case Block() | SeeLabel() | Unblock() | Warn():
            return _about_limits(decision, now)
        case Enrol(issue=issue):
            return (e.Enrolled(now, issue),)
        case Release():
            return (e.Released(now, decision.issue, decision.why, decision.detail),)
        case Finish():
            return (*decision.taken_back, e.Finished(now, decision.issue, decision.state))
        case Reopen(issue=issue):
            return (e.Reopened(now, issue),)
        case Dispatch():
            return (_dispatched(decision, now, run),)
        case Fault():
            fault = e.Faulted(
                now, decision.issue, decision.doing, decision.error, decision.traceback
            )
            return (fault,)


def _about_limits(
    decision: Block | SeeLabel | Unblock | Warn, now: datetime
) -> tuple[e.Event, ...]:
    issue = decision.issue
    match decision:
        case Block():
            return (*decision.owed, e.Blocked(now, issue, decision.reason, decision.detail))
        case SeeLabel():
            return (e.LabelSeen(now, issue),)
        case Unblock():
            cleared = e.Unblocked(
                now, issue, decision.cause, decision.by, decision.note, decision.helping
            )
            return (*decision.taken_back, cleared)
        case Warn(allowance=allowance):
            return (*decision.owed, e.Warned(now, issue, allowance))


def _to_a_run(decision: Recover | Signal | Grant | Stop, now: datetime) -> tuple[e.Event, ...]:
    issue, run = decision.issue, decision.run
    match decision:
        case Stop(again=True) | Grant(again=True):
            return ()
        case Recover():
            return (e.Recovered(now, issue, run),)
        case Signal(name=name):
            return (e.Signalled(now, issue, run, name),)
        case Grant(limits=limits):
            return (e.Granted(now, issue, run, limits),)
        case Stop(reason=reason, detail=detail):
            return (e.StopAsked(now, issue, run, reason, detail),)


def _take_in(decision: TakeIn, now: datetime) -> tuple[e.Event, ...]:
    told = [e.Sighted(now, issue, key) for issue, key in decision.sighted]
    missed = [e.Missed(now, issue) for issue in decision.missed]
    polled = [] if decision.cursor is None else [e.Polled(now, decision.cursor)]
    return (*told, *missed, *polled)


def _dispatched(decision: Dispatch, now: datetime, run: RunId) -> e.Dispatched:
    return e.Dispatched(
        at=now,
        issue=decision.issue,
        run=run,
        attempt=decision.attempt,
        state=decision.state,
        retry_kind=decision.retry_kind,
        thread=decision.thread.id if decision.thread is not None else "",
        limits=decision.limits,
        lane=decision.lane,
    )
