"""One look at the world: everything a plan may know, frozen, with one `now`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from symphony_cli.core.issue import Comment, Issue
from symphony_cli.core.removal import RemovalVerdict
from symphony_cli.core.run import PidFile, RunLimits, Verdict
from symphony_cli.ids import IssueId, RunId


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the folder of an issue's newest run shows. `alive` means: its lock is held."""

    alive: bool = False
    run: RunId | None = None
    number: int = 0
    pid: PidFile | None = None
    verdict: Verdict | None = None
    remains: Verdict | None = None
    """Of a dead run without a verdict: what its report adds up to, should finish never manage."""
    stop_there: bool = False
    granted: RunLimits | None = None
    """Limits that it was given since it began."""
    trouble: str = ""
    """A file of the run that is there but cannot be read."""


@dataclass(frozen=True, slots=True)
class RemovalSight:
    """What can be seen of a removal that was asked for. `alive` means: the issue's lock is held."""

    alive: bool = False
    verdict: RemovalVerdict | None = None
    trouble: str = ""
    """Its verdict is there and cannot be read."""


@dataclass(frozen=True, slots=True)
class Held:
    """An issue that we hold, as we know it; its absence from a read would mean something."""

    issue: Issue
    running: bool = False
    comments_since: datetime | None = None
    """What people wrote since then is wanted as well: one of them may answer a question of ours."""

    @property
    def id(self) -> IssueId:
        """The tracker's id."""
        return self.issue.id


@dataclass(frozen=True, slots=True)
class Read:
    """One answer of the tracker.

    `missing` are ids that a complete read did not have; `unknown` are ids that could not be read
    this time, with the reason, about which nothing may be concluded. `problems` are names in
    WORKFLOW.md that the tracker does not have; each begins with the key that has it. While
    `first_poll` goes on, there may be issues that we never heard of.
    """

    issues: tuple[Issue, ...] = ()
    missing: tuple[IssueId, ...] = ()
    unknown: dict[IssueId, str] = field(default_factory=dict)
    cursor: str = ""
    requests: int = 0
    problems: tuple[str, ...] = ()
    first_poll: bool = False
    partial: frozenset[IssueId] = frozenset()
    """Issues of which this answer does not tell the pull request: what we held of it stays. What
    blocks them it tells as a yes or no, without names."""
    pulls: dict[IssueId, tuple[str, datetime | None]] = field(default_factory=dict)
    """Pull requests that changed a short while ago, link and date of the merge, of issues that are
    `partial` or have no row in this answer."""
    comments: dict[IssueId, tuple[Comment, ...]] = field(default_factory=dict)
    """Of those held with `comments_since`: what was written since then, oldest first, dated by the
    tracker. Ours are `bot` and have the id of the write as theirs."""
    notes: tuple[str, ...] = ()
    """Sentences for people: what the tracker did not tell this time. No error."""


@dataclass(frozen=True, slots=True)
class TrackerView:
    """What the tracker said in this tick, or why it said nothing; `as_of` is of the facts used."""

    read: Read | None
    as_of: datetime | None
    error: str = ""
    reachable: bool = True
    """False when it failed just now: asking it for more in the same tick would fail again."""
    rejected: bool = False
    """It does not accept our key: one probe a tick, and none by a run."""
    wait: float = 0.0
    """Seconds before it is asked again: its limit or our budget says so, and runs ask as well."""


@dataclass(frozen=True, slots=True)
class Mirrored:
    """What is known of the mirror that workspaces borrow objects from."""

    path: str
    repo: str = ""
    """The remote's name, without user or password."""
    fetched_at: datetime | None = None
    """When it was last known to have all that the remote has."""
    tried_at: datetime | None = None
    error: str = ""
    """Why the last try failed, or why no workspace can borrow from it; nothing when all is well."""
    fetching: bool = False


@dataclass(frozen=True, slots=True)
class Disk:
    """Free room where workspaces are made."""

    free_bytes: int
    free_inodes: int
    path: str = ""
    has_inodes: bool = True
    """False where the file system makes inodes as it needs them, and counts none."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The world at `now`. `runs` has an entry for every issue that the ledger thinks is running."""

    now: datetime
    tracker: TrackerView
    runs: dict[IssueId, Sighting] = field(default_factory=dict)
    disk: Disk | None = None
    policy_error: str = ""
    misnamed: frozenset[str] = frozenset()
    """Keys of WORKFLOW.md with a name that the tracker does not have: nobody is refused by it."""
    first_poll: bool = False
    """Nobody has gone through everything yet: there may be issues that we never heard of."""
    looked_at: datetime | None = None
    """When the tick before this one looked."""
    doubts: dict[IssueId, str] = field(default_factory=dict)
    """Rows older than what we held that the tick before met, by what they said."""
    first: tuple[IssueId, ...] = ()
    """Issues passed over for lack of time in the tick before; they go first now."""
    removals: dict[IssueId, RemovalSight] = field(default_factory=dict)
    """An entry for every issue whose workspace is being removed, as far as the ledger knows."""
    tidied_at: datetime | None = None
    """When old run folders were last looked through; None where there are none."""
