"""Sockets: what the stories need from outside, and the frozen bundle of it.

Each Protocol has a real user (`wiring`) and an honest fake (`tests/fakes`); a contract test runs
both through the same cases.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from symphony_cli.core.budget import Gauge
from symphony_cli.core.events import Event
from symphony_cli.core.history import History
from symphony_cli.core.policy import Policy
from symphony_cli.core.removal import Tidying
from symphony_cli.core.run import Order, RunLimits, Settings, StopNote
from symphony_cli.core.snapshot import Disk, Held, Mirrored, Read, RemovalSight, Sighting
from symphony_cli.core.tickfile import TickFile
from symphony_cli.ids import IssueId, Key, RunId

if TYPE_CHECKING:  # only the commands of a person need them, and a tick has no time for them
    from symphony_cli.core import examined
    from symphony_cli.core.holdings import Found, Inventory, Wanted
    from symphony_cli.core.rescues import Contents, Rescue, Shelf


class Ledger(Protocol):
    """The only memory."""

    def history(self) -> History:
        """Everything that ever happened, folded.

        Raises:
            LedgerError: it is damaged or of a newer format.
        """

    def append(self, *events: Event) -> None:
        """Write events down, durably, as one write of whole lines.

        Raises:
            StateError: nothing was written; the ledger is as before.
        """


class Tracker(Protocol):
    """An issue tracker: two reads, few writes. Every call may raise `TrackerError`."""

    @property
    def kind(self) -> str:
        """linear, markdown ..."""

    @property
    def scope(self) -> str:
        """Where issue ids are unique: the same issue has the same (scope, id) in any workflow."""

    @property
    def requests(self) -> int:
        """How many requests it has sent since it was opened."""

    def look(self, since: str, held: Sequence[Held], *, full: bool = False) -> Read:
        """What changed since a cursor, and the issues that we hold: one request when nothing much
        happened. No descriptions. `full` asks for everything anew.

        Raises:
            PutOff: our own budget says: not yet.
            ConfigError: the tracker does not have the project.
        """

    def read(
        self, ids: Sequence[IssueId], *, texts: bool = True, held: Sequence[Held] = ()
    ) -> Read:
        """These issues by id; with `texts` also description, comments, history of states.

        `held` is what looks found of them, for a tracker of which a single read cannot tell that a
        blocker is gone.
        """

    def gauge(self) -> Gauge | None:
        """What is left of the tracker's allowance, from files; None for one without limits."""

    def comment(self, issue: IssueId, body: str, write: str) -> bool:
        """Post a comment, once for each `write` id however often it is called.

        True when the tracker is known to have kept it. False when it was written but somebody
        may still write over it (a file in an editor): the same call must be made again later.
        """

    def add_label(self, issue: IssueId, label: str) -> None:
        """Set a label; other labels stay."""

    def remove_label(self, issue: IssueId, label: str) -> None:
        """Take a label off; other labels stay."""

    def set_state(self, issue: IssueId, state: str) -> None:
        """Move an issue; only ever done for an agent that asks for it."""


class Claim(Protocol):
    """The lock of one issue, held by this process until it is handed on or dropped."""

    def drop(self) -> None:
        """Let go; a run that was started under it keeps it."""


class Agents(Protocol):
    """A launcher of runs. Nothing above may assume that a run is a process here."""

    def claim(self, issue: IssueId, key: Key) -> Claim:
        """Take the issue's lock, without waiting.

        Raises:
            RunLocked: something of this issue is alive.
        """

    def start(self, claim: Claim, order: Order) -> int:
        """Start a run under its claim; the number of the folder it got (`order.number` or a later
        one)."""

    def finish(self, claim: Claim, key: Key, run: RunId) -> None:
        """Start the last act for a run that died without a verdict, under its claim."""

    def sight(self, key: Key, run: RunId) -> Sighting:
        """What can be seen of this run of an issue. Never disturbs it."""

    def stop(self, key: Key, run: RunId, note: StopNote) -> None:
        """Leave the reason, then knock. Nothing happens to a run that is over."""

    def grant(self, key: Key, run: RunId, limits: RunLimits) -> None:
        """Give a living run other limits. Nothing happens to a run that is over."""

    def signal(self, key: Key, run: RunId, name: str) -> bool:
        """Send TERM or KILL to a run that gives no sign of life; False when it is gone."""

    def remove(self, claim: Claim, order: Order) -> None:
        """Start the removal of an issue's workspace under its claim; `order.run` names it."""

    def removal(self, key: Key, run: RunId) -> RemovalSight:
        """What can be seen of this removal."""

    def tidied_at(self) -> datetime | None:
        """When old run folders were last looked through; None: there are none here."""

    def tidy(self, what: Tidying) -> None:
        """Write down what may go of run folders, and start the errand that removes it when there
        is anything to remove."""


class Bulletin(Protocol):
    """`tick.json`: how the last tick went. For people, and for how old our facts are."""

    def last(self) -> TickFile:
        """The last tick; an empty one before the first."""

    def post(self, tick: TickFile) -> None:
        """Replace it."""


class Rescues(Protocol):
    """What was kept of agents' work. `WorkspaceError`: a rescue is damaged."""

    def look(self, roots: Sequence[str]) -> Shelf:
        """All rescues in the stores of these workspace roots; never raises for a damaged one."""

    def contents(self, rescue: Rescue) -> Contents:
        """What a rescue holds, after making sure that all of it is there."""

    def restore(self, rescue: Rescue, into: str) -> None:
        """Bring a rescue back as a repository of its own in the folder `into`.

        Raises:
            UsageError: `into` is there already and not empty.
        """

    def make_branch(self, rescue: Rescue, name: str, repo: str) -> None:
        """Make a new branch at the rescue in the repository of the folder `repo`, and nothing else.

        Raises:
            UsageError: no repository, no name for a branch, one that is there already, or a
                repository that lacks the commits which the rescue builds on.
        """


class Holdings(Protocol):
    """What lies on disk because of this workflow: a person's look at it, and hands to clean up."""

    def look(self, wanted: Wanted) -> Inventory:
        """Find and measure what is there; never raises for what cannot be looked at."""

    def is_there(self, found: Found) -> bool:
        """Whether a piece is still where it was found."""

    def remove(self, found: Found) -> str:
        """Delete a leftover or the file of a thread, under the claim of its issue; why it could
        not be, or nothing."""

    def tidy(self, what: Tidying) -> Sequence[str]:
        """Remove old transcripts and run folders and empty the trash, now; troubles in
        sentences."""


class Examiner(Protocol):
    """The eyes of `doctor`. Nothing that is missing or broken makes them raise, and each look has a
    time limit; what they see are facts, without any judgement."""

    @property
    def rules(self) -> tuple[Policy, Settings] | None:
        """What WORKFLOW.md or its last good copy says; None: there is nothing to go by."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be told."""

    def platform(self) -> examined.Platform:
        """What we run on."""

    def workflow(self) -> examined.Workflow:
        """Whether WORKFLOW.md can be used."""

    def env_file(self) -> examined.EnvFile:
        """Whether symphony.env can be used."""

    def git(self) -> examined.Program:
        """Git as ticks find it."""

    def bare(self) -> examined.Bare | None:
        """What cron lacks; None when its environment is not played."""

    def codex(self) -> examined.Codex:
        """What `codex.command` starts."""

    def login(self) -> examined.Login | None:
        """What the files of CODEX_HOME tell; None when the program is not Codex."""

    def sandbox(self) -> examined.Sandbox:
        """What agents are walled in with, tried out."""

    def key(self) -> examined.TrackerKey:
        """Where the tracker's key comes from."""

    def tracker(self) -> examined.Tracker | None:
        """One look at the tracker; None: it cannot be asked, for there is no key."""

    def remote(self) -> examined.Remote | None:
        """Whether the repository answers; None when there is none."""

    def folders(self) -> tuple[examined.Folder, ...]:
        """The places that Symphony writes in."""

    def memory(self) -> examined.Memory:
        """The ledger, read to its end."""

    def rooms(self) -> tuple[examined.Room, ...]:
        """Free room, by place."""

    def temporary(self) -> tuple[examined.Temporary, ...]:
        """Our places below folders for temporary files."""

    def mirror(self) -> Mirrored | None:
        """The mirror, when one is named."""

    def rhythm(self) -> examined.Rhythm:
        """Timers, and the last tick."""

    def prompts(self) -> tuple[examined.Prompt, ...]:
        """Each template, rendered for invented issues."""

    def reach(self) -> examined.Reach:
        """Where an agent could read secrets."""


class Machine(Protocol):
    """What starts ticks on this machine. `MissingProgram`: a program is not there, or refuses."""

    def need(self, program: str) -> str:
        """Where a program lies."""

    def crontab(self) -> str:
        """The user's crontab; nothing when there is none."""

    def set_crontab(self, text: str) -> None:
        """Replace it."""

    def ask(self, argv: Sequence[str]) -> str:
        """Run a program; why it failed, or nothing."""

    def unit_folder(self, *, system: bool) -> str:
        """Where systemd looks for units."""

    def agent_folder(self) -> str:
        """Where launchd looks for a user's agents."""

    def write(self, path: str, text: str) -> None:
        """Publish a file."""

    def remove(self, path: str) -> None:
        """Delete a file; one that is gone is as good."""

    def lingers(self) -> bool:
        """Whether the user's services go on without a session."""

    def keep_places(self) -> tuple[str, ...]:
        """Write down what a timer would lack (PATH, SSH_AUTH_SOCK); what was done."""


@dataclass(frozen=True, slots=True)
class World:
    """All sockets of one tick, the policy it goes by, and the settings it gives to runs."""

    ledger: Ledger
    tracker: Tracker
    agents: Agents
    bulletin: Bulletin
    clock: Callable[[], datetime]
    new_run: Callable[[], RunId]
    disk: Callable[[], Disk | None]
    policy: Policy
    settings: Settings
    state_dir: str
    policy_error: str = ""
    mirror: Callable[[], Mirrored | None] = lambda: None
    """What is known of the mirror; None when WORKFLOW.md names none."""
