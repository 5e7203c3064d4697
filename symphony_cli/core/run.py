"""What tick and run say to each other through files: the order, the brief, the pid file.

    tick ─ order.json ─► prepare ─ brief.json ─► supervisor ─ report.jsonl ─► finish ─ exit.json ─►

`report` holds the lines of report.jsonl and how they add up to a verdict.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from symphony_cli.core.issue import Issue, norm
from symphony_cli.core.policy import Rules
from symphony_cli.core.reasons import Outcome, RetryKind
from symphony_cli.core.shape import Json
from symphony_cli.core.usage import Usage
from symphony_cli.ids import IssueId, Key, RunId

MARKER = "SYMPHONY_RUN"
"""Environment variable, with the run id, of every process that belongs to a run's agent."""

SHARED_MARKER = "SYMPHONY_SHARED"
"""A process with this variable set to 1 outlives the run on purpose (a build server, a cache)."""


@dataclass(frozen=True, slots=True)
class ThreadRef:
    """A Codex thread that can be resumed, with the home it was born in and its last totals."""

    id: str
    home: str = ""
    version: str = ""
    tools: tuple[str, ...] = ()
    total: Usage = Usage()


@dataclass(frozen=True, slots=True)
class Hooks:
    """Shell text of WORKFLOW.md's hooks, and their time limit in seconds."""

    after_create: str = ""
    before_run: str = ""
    after_run: str = ""
    before_remove: str = ""
    timeout: float = 60.0


@dataclass(frozen=True, slots=True)
class WorkspaceSettings:
    """Where an issue is worked. `path` and `branch` are fixed at an issue's first run."""

    root: str
    path: str = ""
    branch: str = ""
    repo: str = ""
    env: dict[str, str] = field(default_factory=dict)
    shared_dirs: tuple[str, ...] = ()
    rescue_max_bytes: int = 200_000_000
    mirror: str = ""
    """Bare mirror of `repo`, from which new workspaces borrow objects; "" for none."""
    hooks: Hooks = Hooks()


@dataclass(frozen=True, slots=True)
class CodexSettings:
    """How Codex is started and answered. Waits are in seconds; None means no limit."""

    command: str = "codex app-server"
    home: str = ""
    env_exclude: tuple[str, ...] = ()
    approval_policy: Json = "never"
    thread_sandbox: str = "workspace-write"
    turn_sandbox_policy: Json = None
    approval_answer: str = "accept"
    input_answer: str = "block"
    elicitation_policy: str = "decline"
    start_timeout: float = 60.0
    stall_timeout: float = 300.0
    turn_silence: float = 3600.0
    command_timeout: float = 1800.0
    turn_limit: float | None = None
    run_limit: float | None = 28800.0
    max_stall_recoveries: int = 3
    transcript_max_bytes: int = 50_000_000


@dataclass(frozen=True, slots=True)
class PromptSettings:
    """The prompt as WORKFLOW.md has it; `line` is where its body begins in that file."""

    template: str
    by_state: dict[str, str] = field(default_factory=dict)
    line: int = 1
    fresh_states: tuple[str, ...] = ()
    """States (normal form) whose runs have a thread of their own: see `core.lanes`."""

    def part(self, state: str) -> tuple[str, str]:
        """Which part an agent plays in this state: the state whose template it is given and the
        state whose thread it has; empty for those that all other states share."""
        name = norm(state)
        lane = name if name in self.fresh_states else ""
        return (name if name in self.by_state else "", lane)


@dataclass(frozen=True, slots=True)
class RunLimits:
    """What a run may use up; `tokens` is what is left of the issue's budget (spend)."""

    max_turns: int = 40
    tokens: int | None = None
    cached_weight: float = 0.0

    def words(self) -> str:
        """For a person."""
        tokens = "tokens without limit" if self.tokens is None else f"{self.tokens:,} tokens"
        turns = "1 turn" if self.max_turns == 1 else f"{self.max_turns} turns"
        return f"{turns} and {tokens}, from the start of the run"


@dataclass(frozen=True, slots=True)
class TrackerRef:
    """Which tracker the errands of a run must open, without any secret."""

    kind: str
    scope: str
    workflow: str
    secret_names: tuple[str, ...] = ()
    """Environment variables that hold the tracker's key and must not reach an agent."""
    key_name: str = ""
    """The variable that WORKFLOW.md takes the key from; empty when the key is written there."""
    commit: bool = False
    """The Markdown tracker commits what it writes."""
    endpoint: str = ""
    """Address of Linear's API."""
    project: str = ""
    """As in `tracker.project_slug`."""
    tool_writes: str = "issue"
    """How far an agent's own changes may reach: issue, project or off."""
    full_every: float = 3600.0
    """Seconds between two complete polls."""
    named: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Names that the tracker must have, as written, by the key of WORKFLOW.md that has them."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All that a run takes from WORKFLOW.md; the same for every issue until it is edited."""

    workspace: WorkspaceSettings
    tracker: TrackerRef
    prompt: PromptSettings
    rules: Rules = field(default_factory=Rules)
    codex: CodexSettings = CodexSettings()
    limits: RunLimits = RunLimits()
    handoff_grace: float = 600.0
    tracker_wait: float = 1800.0
    """Seconds that a run waits between turns for a tracker that cannot be reached."""
    workflow_commit: str = ""
    workflow_blob: str = ""


@dataclass(frozen=True, slots=True)
class PreviousAttempt:
    """What the prompt may say about the run before this one (row W4)."""

    outcome: str
    reason: str = ""
    last_agent_message: str = ""
    dirty_files: tuple[str, ...] = ()
    commits_ahead: int = 0
    diffstat: str = ""
    turns_used: int = 0
    token_total: int = 0


@dataclass(frozen=True, slots=True)
class Merged:
    """What is known of an issue's branch, to tell whether its work is merged already (row T8)."""

    began: str = ""
    """The commit that the branch was at when the issue's first run began."""
    tip: str = ""
    """The commit that it was at when the newest run ended."""
    accepted: str = ""
    """A tip that a person lets be worked on though it is merged."""


@dataclass(frozen=True, slots=True)
class ReworkCap:
    """How often an issue may have come to a rework state (normal form), by the tracker."""

    states: tuple[str, ...]
    allowed: int


@dataclass(frozen=True, slots=True)
class Order:
    """`order.json`: everything a run needs to know, written once by the tick."""

    run: RunId
    issue: Issue
    key: Key
    number: int
    attempt: int
    settings: Settings
    state_dir: str
    ordered_at: datetime
    retry_kind: RetryKind | None = None
    thread: ThreadRef | None = None
    totals: dict[str, Usage] = field(default_factory=dict)
    """The last known running total of every thread this issue ever had, sub-agents' too."""
    previous: PreviousAttempt | None = None
    environment_in_row: int = 0
    """Runs of this issue in a row that ended before the model's first answer."""
    merged: Merged = Merged()
    rework: ReworkCap | None = None
    format: int = 1


@dataclass(frozen=True, slots=True)
class Brief:
    """`brief.json`: what prepare found out, for the supervisor and finish."""

    workspace: str
    branch: str = ""
    base: str = ""
    """The commit the branch was at when this run began; finish counts new commits from it, and
    none when it is not known. An empty repository has git's empty tree here."""
    argv: tuple[str, ...] = ()
    prompt: str = ""
    fresh_prompt: str = ""
    """The prompt for a thread that begins anew, when the order's cannot be resumed: with all that
    people said, not only with what is new to the old thread. Empty when both are the same."""
    continuation: str = ""
    writable: tuple[str, ...] = ()
    """Folders besides the workspace that the sandbox must leave writable."""
    tools: tuple[str, ...] = ()
    state: str = ""
    """The issue's state when this run began."""
    format: int = 1


@dataclass(frozen=True, slots=True)
class Identity:
    """A process on this machine: pid alone is recycled, the four together are not."""

    pid: int
    start: int
    boot: str
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class PidFile:
    """`pid.json`: who the run is; rewritten every 20 s as a sign of life."""

    run: RunId
    process: Identity
    phase: str
    beat_at: datetime
    groups: tuple[int, ...] = ()
    """Process groups and sessions that belong to the run: its own, Codex's, hooks'."""
    answered: bool = False
    """The model has answered at least once in this run: the machine is fit to work."""
    turns: int = 0
    thread: str = ""
    last_event: str = ""
    last_event_at: datetime | None = None
    last_message: str = ""
    spent: Usage = Usage()
    limits: dict[str, object] = field(default_factory=dict)
    """Rate limits of the model's provider, by their id, as Codex tells them."""
    began: int = 0
    """Start time of the run's first process (as in `Identity`): nothing older belongs to it."""
    format: int = 1


BEAT_EVERY = 20.0
"""Seconds between signs of life."""

SILENT_AFTER = 180.0
"""Seconds without one after which the tick knocks, and at its next look kills."""


@dataclass(frozen=True, slots=True)
class StopNote:
    """The `stop` file: why the run shall end. Its reason is what counts; SIGTERM only knocks."""

    reason: str
    detail: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class GitFacts:
    """What finish found in the workspace."""

    branch: str = ""
    head: str = ""
    commits: int = 0
    """New commits on the branch since this run began."""
    commits_ahead: int = 0
    dirty_files: tuple[str, ...] = ()
    diffstat: str = ""
    tree: str = ""
    """Id of the tree with all uncommitted work; changes when the work does."""
    rescue: str = ""
    """The ref in the rescue store that keeps what is uncommitted or unpushed."""
    kept_because: str = ""
    """Why the work could not be rescued, so that the workspace must stay."""
    ignored: tuple[str, ...] = ()
    """Ignored files and folders (`name/`), which no rescue keeps; the last entry may say how many
    more."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`exit.json`: how a run ended, written once by finish."""

    run: RunId
    issue: IssueId
    outcome: Outcome
    reason: str = ""
    detail: str = ""
    answered: bool = False
    turns: int = 0
    cut_answers: int = 0
    """Answers of the model that were cut off: what they cost may be missing from `usage`. At most
    so many, for a later run on the same thread may be told after all."""
    thread: ThreadRef | None = None
    usage: dict[str, Usage] = field(default_factory=dict)
    """What this run spent, thread by thread."""
    totals: dict[str, Usage] = field(default_factory=dict)
    """Each thread's running total at the end, the base of the next run."""
    fresh_thread: bool = False
    """The order named a thread that could not be resumed; a new one was started."""
    last_message: str = ""
    stalls: int = 0
    declines: int = 0
    hold_until: datetime | None = None
    """The provider said when its limit resets."""
    limits: dict[str, object] = field(default_factory=dict)
    """Rate limits of the model's provider, as this run saw them last."""
    workspace: str = ""
    root: str = ""
    """The `workspace.root` that the workspace lies in; it stays the issue's whatever is edited."""
    branch: str = ""
    base: str = ""
    """The commit that the branch was at when this run began, as in `Brief`."""
    git: GitFacts | None = None
    workspace_bytes: int = 0
    """Disk that the workspace takes, without what it borrows; 0 when nobody measured it."""
    state: str = ""
    """The state that the issue was in when the run ended, when it ended for that."""
    told: Issue | None = None
    """The issue as prepare read it: its history of states and its pull request, no long texts."""
    killed: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Which step ended which processes: eof, term, kill, sweep."""
    survivors: tuple[int, ...] = ()
    """Processes of the run that nothing could end."""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    format: int = 1

    @property
    def spent(self) -> Usage:
        """What this run spent on all its threads."""
        return sum(self.usage.values(), Usage())
