"""What we remember of one issue, and of what is owed and held back because of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from symphony_cli.core.issue import Issue
from symphony_cli.core.reasons import BlockReason, Outcome, Why
from symphony_cli.core.run import GitFacts, RunLimits, ThreadRef
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
    recovered_at: datetime | None = None
    entries: dict[str, int] = field(default_factory=dict)
    """How often each state had been entered, as far as we knew, when it was dispatched."""
    limits: RunLimits | None = None
    """What it may use up, as last decided."""
    granted: bool = False
    """The limits changed since it was dispatched."""
    lane: str = ""
    stay: datetime | None = None
    """Since when the issue was in its state at the dispatch."""


@dataclass(frozen=True, slots=True)
class Aside:
    """A thread that is used only while the issue stays in one state (`core.lanes`)."""

    state: str
    since: datetime
    thread: ThreadRef


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
    label_sent: bool = False
    """The tracker has confirmed the label of this block."""
    label_seen: bool = False
    """A later read had it."""


@dataclass(frozen=True, slots=True)
class Passed:
    """Why the issue was passed over last; nothing once it was started or blocked."""

    why: Why
    detail: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Removal:
    """The workspace is being removed; `run` names this attempt."""

    run: RunId
    at: datetime


@dataclass(frozen=True, slots=True)
class Stay:
    """The workspace of an issue that is over could not be removed, so often in a row."""

    why: str
    wait: Wait
    times: int = 1


@dataclass(frozen=True, slots=True)
class Pause:
    """A person wants nothing new to be started."""

    at: datetime
    by: str
    reason: str = ""


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
    reason: str = ""
    """The word for the last failure, as its verdict has it."""
    issues: tuple[IssueId, ...] = ()
    """Those that failed in this row."""


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
    provider_in_row: int = 0
    """Runs in a row, without progress between, that ended because of the provider's troubles."""
    fruitless: int = 0
    """Runs in a row that came to nothing because of what the tracker told them."""
    attempts_since_progress: int = 0
    first_dispatched_at: datetime | None = None
    last: LastRun | None = None
    turns: int = 0
    usage: Usage = Usage()
    cut_answers: int = 0
    """Answers that were cut off in any of its runs; see `Verdict.cut_answers`."""
    granted_at: Usage = Usage()
    """What was used at the last `unblock` of a budget; the next helping counts from there."""
    extra_tokens: int = 0
    """Spend since then that people gave on top of the limit; negative when they gave less."""
    extra_attempts: int = 0
    """Runs without progress that people gave on top of the cap, until there is progress."""
    extra_rework: int = 0
    """Rework cycles that people gave on top of the cap."""
    warned: int = 0
    """The budget of which people were told that most of it is used."""
    began: str = ""
    """The commit that its branch was at when its first run began."""
    tip: str = ""
    """The newest commit of its branch that the default branch did not have when a run ended. A tip
    that is in it, after a pull or a reset, would prove nothing about the work."""
    merged_told: str = ""
    """What people were told of its merged work; a bounce back and forth is not told again."""
    merged_tip: str = ""
    """The tip of which a run found out that it is merged: no further run has to."""
    accepted_tip: str = ""
    """A merged commit that a person lets be worked on."""
    thread: ThreadRef | None = None
    aside: Aside | None = None
    """The thread of the issue's stay in a state of `agent.fresh_thread_states`."""
    fresh_threads: int = 0
    """How often a thread could not go on, and another had to take over."""
    totals: dict[str, Usage] = field(default_factory=dict)
    """The last running total of each thread, the base of what its next run spends on it."""
    workspace: str = ""
    root: str = ""
    branch: str = ""
    workspace_bytes: int = 0
    """Disk that the workspace took when the newest run ended; 0 when that is unknown."""
    removal: Removal | None = None
    removed_at: datetime | None = None
    """Since when the workspace is gone; a later run makes it anew."""
    saved: str = ""
    """The rescue of what only that workspace had."""
    stay: Stay | None = None
    entries: dict[str, int] = field(default_factory=dict)
    """How often the issue was seen to enter each state (normal form)."""
    stalls: int = 0
    declines: int = 0
    blocks: int = 0
    fault: str = ""
    passed: Passed | None = None

    @property
    def id(self) -> IssueId:
        """The tracker's id."""
        return self.issue.id

    @property
    def has_workspace(self) -> bool:
        """Whether a workspace was made for it that nobody has removed since."""
        return bool(self.workspace) and self.removed_at is None
