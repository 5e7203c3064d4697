"""Eyes that see what a test tells them: a set-up in which all is well, until a test spoils it."""

from __future__ import annotations

from dataclasses import dataclass, field

from symphony_cli.core import examined
from symphony_cli.core.policy import Policy
from symphony_cli.core.prompt_order import Order
from symphony_cli.core.run import Settings
from symphony_cli.core.snapshot import Disk, Mirrored
from symphony_cli.core.tickfile import TickFile
from tests.fakes.world import SETTINGS, START

KEY = "lin_api_0123456789abcdef"
GB = 10**9

POLICY = Policy(
    interval=60.0,
    max_tokens_per_issue=2_000_000,
    max_dispatch_attempts=8,
    min_free_bytes=5 * GB,
    min_free_inodes=1000,
)


@dataclass
class FakeExaminer:
    """`ports.Examiner` from values."""

    rules: tuple[Policy, Settings] | None = (POLICY, SETTINGS)
    secrets: tuple[str, ...] = (KEY,)
    on: examined.Platform = examined.Platform("Linux", "3.11.7", "0.1.0")
    file: examined.Workflow = examined.Workflow("/p/WORKFLOW.md")
    env: examined.EnvFile = examined.EnvFile("/p/symphony.env", True, "", ("LINEAR_API_KEY",))
    git_there: examined.Program = examined.Program("/usr/bin/git", "git version 2.39.5")
    cron: examined.Bare | None = None
    starts: examined.Codex = examined.Codex(
        "codex app-server", examined.Program("/usr/bin/codex", "codex-cli 0.169.0")
    )
    logged_in: examined.Login | None = examined.Login("/h/.codex", there=True, auth=True)
    walls: examined.Sandbox = examined.Sandbox("workspace-write", "making namespaces of its own")
    held_key: examined.TrackerKey = examined.TrackerKey(True, "LINEAR_API_KEY", "file")
    told: examined.Tracker | None = examined.Tracker("linear", "project hello", 3)
    origin: examined.Remote | None = examined.Remote("git@example.org:a/b")
    written: tuple[examined.Folder, ...] = (examined.Folder("/p/state", True),)
    ledger: examined.Memory = examined.Memory(True, 3)
    room: tuple[examined.Room, ...] = (
        examined.Room("workspace.root", Disk(100 * GB, 10**6, "/w"), floored=True),
    )
    lasting: tuple[examined.Temporary, ...] = ()
    borrowed: Mirrored | None = None
    beats: examined.Rhythm = examined.Rhythm(
        (examined.Timer("your crontab", mine=True),),
        TickFile(started_at=START, summary="tick: idle", facts_as_of=START),
        20.0,
        60.0,
    )
    templates: tuple[examined.Prompt, ...] = (
        examined.Prompt("WORKFLOW.md", Order(80, 3000, 3000, 3100)),
    )
    places: examined.Reach = field(
        default_factory=lambda: examined.Reach(
            examined.TrackerKey(True, "LINEAR_API_KEY", "file"), "/p/symphony.env"
        )
    )

    def platform(self) -> examined.Platform:
        return self.on

    def workflow(self) -> examined.Workflow:
        return self.file

    def env_file(self) -> examined.EnvFile:
        return self.env

    def git(self) -> examined.Program:
        return self.git_there

    def bare(self) -> examined.Bare | None:
        return self.cron

    def codex(self) -> examined.Codex:
        return self.starts

    def login(self) -> examined.Login | None:
        return self.logged_in

    def sandbox(self) -> examined.Sandbox:
        return self.walls

    def key(self) -> examined.TrackerKey:
        return self.held_key

    def tracker(self) -> examined.Tracker | None:
        return self.told

    def remote(self) -> examined.Remote | None:
        return self.origin

    def folders(self) -> tuple[examined.Folder, ...]:
        return self.written

    def memory(self) -> examined.Memory:
        return self.ledger

    def rooms(self) -> tuple[examined.Room, ...]:
        return self.room

    def temporary(self) -> tuple[examined.Temporary, ...]:
        return self.lasting

    def mirror(self) -> Mirrored | None:
        return self.borrowed

    def rhythm(self) -> examined.Rhythm:
        return self.beats

    def prompts(self) -> tuple[examined.Prompt, ...]:
        return self.templates

    def reach(self) -> examined.Reach:
        return self.places
