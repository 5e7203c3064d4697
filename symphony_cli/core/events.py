"""The facts that the ledger keeps: past tense, one per line, never changed.

Each class is one kind of line; docs/ledger.md shows them all. A line is a map with `e` (the kind),
`at` (when it was written, for people; order is position in the file) and the members below.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from symphony_cli.core.helping import Helping
from symphony_cli.core.issue import Issue
from symphony_cli.core.reasons import BlockReason, Cause, RetryKind, Why
from symphony_cli.core.run import RunLimits, Verdict
from symphony_cli.core.shape import Json, Malformed, decode, encode
from symphony_cli.ids import IssueId, Key, RunId

FORMAT = 1
"""The number in the ledger's first line; a higher one is refused."""


@dataclass(frozen=True, slots=True)
class Sighted:
    """The tracker told us this about an issue. The first sighting fixes its key."""

    at: datetime
    issue: Issue
    key: Key


@dataclass(frozen=True, slots=True)
class Missed:
    """A complete read did not have this issue. Twice in a row means it is gone."""

    at: datetime
    issue: IssueId


@dataclass(frozen=True, slots=True)
class Polled:
    """A read was taken in completely, up to `cursor`; in the same write as its sightings."""

    at: datetime
    cursor: str


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The issue may be worked; this line's position is its place in the queue."""

    at: datetime
    issue: IssueId


@dataclass(frozen=True, slots=True)
class Released:
    """The issue left the queue; it is not over."""

    at: datetime
    issue: IssueId
    why: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Finished:
    """The issue reached a terminal state, or is gone for good."""

    at: datetime
    issue: IssueId
    state: str


@dataclass(frozen=True, slots=True)
class Reopened:
    """A finished issue is active again, though something still keeps it from the queue."""

    at: datetime
    issue: IssueId


@dataclass(frozen=True, slots=True)
class Dispatched:
    """The intent to start a run; the run itself may never have come to life."""

    at: datetime
    issue: IssueId
    run: RunId
    attempt: int
    state: str
    retry_kind: RetryKind | None = None
    thread: str = ""
    workflow_commit: str = ""
    workflow_blob: str = ""
    limits: RunLimits | None = None
    """What the run may use up; None in ledgers from before this was written down."""
    lane: str = ""
    """The state whose runs have a thread of their own, when this is one of those."""


@dataclass(frozen=True, slots=True)
class Granted:
    """A living run gets other limits: WORKFLOW.md was edited, or a person gave it more."""

    at: datetime
    issue: IssueId
    run: RunId
    limits: RunLimits


@dataclass(frozen=True, slots=True)
class StopAsked:
    """Somebody wants this run to end."""

    at: datetime
    issue: IssueId
    run: RunId
    reason: str
    detail: str = ""
    by: str = "tick"


@dataclass(frozen=True, slots=True)
class Signalled:
    """A run that gave no sign of life was sent this signal: TERM, then KILL."""

    at: datetime
    issue: IssueId
    run: RunId
    signal: str


@dataclass(frozen=True, slots=True)
class Recovered:
    """The intent to start `finish` for a run that died without a verdict."""

    at: datetime
    issue: IssueId
    run: RunId


@dataclass(frozen=True, slots=True)
class Ended:
    """A run is over: its verdict, and what it means for the next one."""

    at: datetime
    issue: IssueId
    run: RunId
    verdict: Verdict
    progress: bool = False
    """A new commit, a changed work tree, or another state in the tracker."""
    wait: float = 0.0
    """Seconds before the next attempt at this issue, from `at`."""
    hold: float = 0.0
    """Seconds before the next attempt at any issue: the machine or the provider is not fit."""
    row: int = 0
    """The how manieth failure in a row of that kind; 0 when it is none."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """The issue waits for a person."""

    at: datetime
    issue: IssueId
    reason: BlockReason
    detail: str = ""
    by: str = "tick"


@dataclass(frozen=True, slots=True)
class LabelSeen:
    """A read that was made after our label was confirmed has it: from now on its absence means
    that a person took it off."""

    at: datetime
    issue: IssueId


@dataclass(frozen=True, slots=True)
class Unblocked:
    """The block is cleared; `cause` says by what, `by` by whom."""

    at: datetime
    issue: IssueId
    cause: Cause
    by: str
    note: str = ""
    helping: Helping | None = None
    """What may be used up from now on; None in ledgers from before this was written down."""


@dataclass(frozen=True, slots=True)
class ToppedUp:
    """A person gave a running issue more tokens."""

    at: datetime
    issue: IssueId
    tokens: int
    by: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Retried:
    """A person wants the next attempt now: no wait after a failure, and no hold by a person."""

    at: datetime
    issue: IssueId
    by: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Warned:
    """People were told that most of the issue's budget is used; `allowance` is that budget."""

    at: datetime
    issue: IssueId
    allowance: int


@dataclass(frozen=True, slots=True)
class PassedOver:
    """The issue was not acted on, for another reason than in the tick before."""

    at: datetime
    issue: IssueId
    why: Why
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Paused:
    """Nothing new is started until `Resumed`."""

    at: datetime
    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Resumed:
    """Dispatch goes on."""

    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class RemovalAsked:
    """The intent to remove the workspace of an issue that is over; `run` names this attempt."""

    at: datetime
    issue: IssueId
    run: RunId
    why: str = ""


@dataclass(frozen=True, slots=True)
class Removed:
    """The workspace is gone; what only it had is in the rescue store under `rescue`."""

    at: datetime
    issue: IssueId
    run: RunId
    rescue: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """The workspace could not be removed and stays as it is; nobody tries again before `wait`
    seconds."""

    at: datetime
    issue: IssueId
    run: RunId
    why: str
    wait: float


@dataclass(frozen=True, slots=True)
class Owed:
    """A write to the tracker that we owe: kind is comment, add_label or remove_label."""

    at: datetime
    issue: IssueId
    write: str
    kind: str
    body: str


@dataclass(frozen=True, slots=True)
class Tried:
    """A write did not go through; the next try is not before `wait` seconds."""

    at: datetime
    write: str
    error: str
    wait: float


@dataclass(frozen=True, slots=True)
class Delivered:
    """The tracker has this write."""

    at: datetime
    write: str


@dataclass(frozen=True, slots=True)
class Undeliverable:
    """The tracker will never take this write; it is shown and not repeated."""

    at: datetime
    write: str
    error: str


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A write that was not tried yet is no longer wanted."""

    at: datetime
    write: str


@dataclass(frozen=True, slots=True)
class Faulted:
    """A bug of ours met this issue; the others went on."""

    at: datetime
    issue: IssueId
    doing: str
    error: str
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class Repaired:
    """A torn last line was cut off and kept elsewhere."""

    at: datetime
    bytes: int
    kept_in: str


Event = (
    Sighted
    | Missed
    | Polled
    | Enrolled
    | Released
    | Finished
    | Reopened
    | Dispatched
    | Granted
    | StopAsked
    | Signalled
    | Recovered
    | Ended
    | Blocked
    | LabelSeen
    | Unblocked
    | ToppedUp
    | Retried
    | Warned
    | PassedOver
    | Paused
    | Resumed
    | RemovalAsked
    | Removed
    | Kept
    | Owed
    | Tried
    | Delivered
    | Undeliverable
    | Cancelled
    | Faulted
    | Repaired
)

KINDS: dict[str, type[Event]] = {
    kind.__name__.lower(): kind
    for kind in (
        Sighted,
        Missed,
        Polled,
        Enrolled,
        Released,
        Finished,
        Reopened,
        Dispatched,
        Granted,
        Signalled,
        Recovered,
        Ended,
        Blocked,
        Unblocked,
        Retried,
        Warned,
        Paused,
        Resumed,
        Removed,
        Kept,
        Owed,
        Tried,
        Delivered,
        Undeliverable,
        Cancelled,
        Faulted,
        Repaired,
    )
} | {
    "stop_asked": StopAsked,
    "label_seen": LabelSeen,
    "topped_up": ToppedUp,
    "passed_over": PassedOver,
    "removal_asked": RemovalAsked,
}
_NAMES = {kind: name for name, kind in KINDS.items()}


def name_of(event: Event) -> str:
    """What the ledger calls this kind of fact."""
    return _NAMES[type(event)]


def to_json(event: Event) -> dict[str, Json]:
    """The map that one line of the ledger holds."""
    return {"e": name_of(event), **encode(event)}


def from_json(data: Json) -> Event | None:
    """The event that a line holds, or None for a kind this version does not know.

    Raises:
        Malformed: it is no event at all, or a known one with members that make no sense.
    """
    if not isinstance(data, dict) or not isinstance(data.get("e"), str):
        raise Malformed("it is no map with a member `e`")
    kind = KINDS.get(data["e"])
    return None if kind is None else decode(kind, data)
