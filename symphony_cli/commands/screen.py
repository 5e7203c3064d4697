"""What is on the status screen: one value, of which text and JSON are renderings."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from symphony_cli.core.record import Pause
from symphony_cli.core.snapshot import Disk
from symphony_cli.errors import ExitCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Lifetime tokens of an issue; `spend` is what counts against a budget."""

    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    spend: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The issue's token budget: `limit` from WORKFLOW.md, `granted` by people on top of it, `left`
    of both."""

    limit: int | None = None
    granted: int = 0
    left: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What every issue on the screen has."""

    issue_id: str
    issue_identifier: str
    issue_url: str
    title: str
    state: str
    tokens: Tokens
    budget: Budget
    dispatch_count: int
    retry_count: int
    rework_count: int
    stall_events: int
    declined_elicitations: int
    thread_id: str
    workspace_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningRow(Row):
    """An issue with a run."""

    run: str
    attempt: int
    phase: str
    pid: int | None
    turn_count: int
    started_at: datetime
    last_event: str
    last_event_at: datetime | None
    last_message: str
    alive: bool
    note: str = ""
    """What is odd about it: silent, lost, told to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedRow(Row):
    """An issue that may start as soon as there is room."""

    since: datetime | None
    position: int
    reason: str
    """Why it does not run yet, as one of the reasons to pass over; empty before a tick said so."""
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryingRow(Row):
    """An issue whose next attempt has a date."""

    attempt: int
    due_at: datetime
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedRow(Row):
    """An issue that waits for a person."""

    reason: str
    detail: str
    blocked_at: datetime
    clear_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRow(Row):
    """An issue that is ours but not eligible."""

    reason: str
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """How many runs may go on at once, and how many do."""

    total: int
    used: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """Spend of all issues in 24 hours, living runs included, and `agent.max_tokens_per_day`."""

    used: int
    limit: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Whether ticks happen and end well; `sentence` is for people."""

    ok: bool
    sentence: str
    last_at: datetime | None
    good_at: datetime | None
    exit_code: int
    summary: str
    lock_held_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerLine:
    """How fresh the facts are, and what is left of the tracker's allowance (per hour)."""

    kind: str
    project: str
    as_of: datetime | None
    requests: int
    """Of the last tick."""
    ask_at: datetime | None
    """Before this the tracker is not asked again."""
    limit: int | None = None
    remaining: int | None = None
    wait_s: float = 0.0
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorLine:
    """The mirror that workspaces borrow from: how old it is, and what is wrong with it."""

    path: str
    fetched_at: datetime | None
    """None: it is not there yet."""
    age_s: float | None
    """Seconds since then."""
    tried_at: datetime | None
    fetching: bool
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusResult:
    """Everything on the status screen."""

    generated_at: datetime
    counts: dict[str, int]
    running: tuple[RunningRow, ...]
    queued: tuple[QueuedRow, ...]
    retrying: tuple[RetryingRow, ...]
    blocked: tuple[BlockedRow, ...]
    waiting: tuple[WaitingRow, ...]
    codex_totals: Tokens
    day: Day
    rate_limits: dict[str, object]
    tracker: TrackerLine
    tick: Health
    slots: Slots
    disk: Disk | None
    mirror: MirrorLine | None = None
    paused: bool = False
    pause: Pause | None = None
    """Who paused dispatch, when and why."""
    holds: dict[str, str] = field(default_factory=dict)
    undeliverable: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    exit_code: ExitCode = ExitCode.DONE
