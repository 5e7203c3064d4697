"""A whole world in memory: what outlives a crash, and a process that may die in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from symphony_cli.commands.tick import TickResult, tick
from symphony_cli.core.history import History
from symphony_cli.core.issue import Issue
from symphony_cli.core.policy import Policy, label_of
from symphony_cli.core.reasons import Outcome
from symphony_cli.core.record import Record
from symphony_cli.core.run import PromptSettings, Settings, TrackerRef, WorkspaceSettings
from symphony_cli.core.snapshot import Disk
from symphony_cli.core.tickfile import TickFile
from symphony_cli.ids import IssueId, RunId
from symphony_cli.ports import World
from tests.fakes.agents import FakeAgents, FakeRun
from tests.fakes.fuse import Fuse, PowerCut
from tests.fakes.ledger import FakeLedger
from tests.fakes.tracker import FakeTracker

START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)

SETTINGS = Settings(
    workspace=WorkspaceSettings(root="/workspaces"),
    tracker=TrackerRef("fake", "fake", "WORKFLOW.md"),
    prompt=PromptSettings("do it"),
)


class FakeBulletin:
    """`ports.Bulletin` in memory."""

    def __init__(self, fuse: Fuse) -> None:
        self._fuse = fuse
        self._tick = TickFile()

    def last(self) -> TickFile:
        return self._tick

    def post(self, tick_file: TickFile) -> None:
        self._fuse.spark("before tick.json")
        self._tick = tick_file
        self._fuse.spark("after tick.json")


@dataclass
class FakeWorld:
    """What is outside of a tick: it stays when a tick dies."""

    policy: Policy = field(default_factory=lambda: Policy(interval=30.0, slots=2))
    time: datetime = START
    fuse: Fuse = field(default_factory=Fuse)
    disk: Disk | None = None
    policy_error: str = ""
    runs_made: int = 0

    def __post_init__(self) -> None:
        self.caps = self.policy
        """The policy with the highest caps that were ever in force."""
        self.shown: dict[tuple[IssueId, int], int] = {}
        """How many ticks ended with the label of this block of an issue in the tracker, for all
        to see."""
        self.ledger = FakeLedger(self.fuse)
        self.tracker = FakeTracker(self.fuse)
        self.agents = FakeAgents(self.fuse)
        self.bulletin = FakeBulletin(self.fuse)

    def issue(self, name: str, state: str = "Todo", **more: object) -> Issue:
        """Somebody writes an issue (or changes one)."""
        issue = Issue(IssueId(name), name, f"Title of {name}", state, **more)  # type: ignore[arg-type]
        self.tracker.issues[issue.id] = issue
        return issue

    def edit(self, name: str, **more: object) -> None:
        """Somebody edits an issue."""
        known = self.tracker.issues[IssueId(name)]
        self.tracker.issues[known.id] = replace(known, **more)  # type: ignore[arg-type]

    def configure(self, **more: object) -> None:
        """Somebody edits WORKFLOW.md."""
        self.policy = replace(self.policy, **more)  # type: ignore[arg-type]
        caps = (self.caps.max_dispatch_attempts, self.policy.max_dispatch_attempts)
        known = [cap for cap in caps if cap is not None]
        highest = max(known) if len(known) == len(caps) else None
        self.caps = replace(self.policy, max_dispatch_attempts=highest)

    def later(self, **more: float) -> None:
        """Time goes by, and living runs give signs of life."""
        self.time += timedelta(**more)
        self.agents.beat(self.time)

    def new_run(self) -> RunId:
        self.runs_made += 1
        return RunId(f"run_{self.runs_made}")

    def sockets(self) -> World:
        """What a process sees that starts now: nothing but what is on disk."""
        self.ledger = self.ledger.reopened()
        self.agents.claimed.clear()
        self.tracker.now = self.time
        return World(
            ledger=self.ledger,
            tracker=self.tracker,
            agents=self.agents,
            bulletin=self.bulletin,
            clock=lambda: self.time,
            new_run=self.new_run,
            disk=lambda: self.disk,
            policy=self.policy,
            settings=SETTINGS,
            state_dir="state",
            policy_error=self.policy_error,
        )

    def tick(
        self, elapsed: Callable[[], float] = lambda: 0.0, *, dry_run: bool = False
    ) -> TickResult:
        """One whole tick of a new process."""
        result = tick(self.sockets(), deadline=45.0, elapsed=elapsed, dry_run=dry_run)
        self._note_labels()
        return result

    def _note_labels(self) -> None:
        for record in self.history.records.values():
            told, block = self.tracker.issues.get(record.id), record.block
            hidden = self.tracker.down or record.id in self.tracker.unreadable
            if told is None or block is None or not block.label_sent or hidden:
                continue
            if told.has_label(label_of(block.reason)):
                name = (record.id, record.blocks)
                self.shown[name] = self.shown.get(name, 0) + 1

    def tick_until_power_cut(self, spark: int) -> bool:
        """A tick that dies at that spark; False when it came to its end before."""
        self.fuse.sparks, self.fuse.at = 0, spark
        try:
            self.tick()
        except PowerCut:
            return True
        finally:
            self.fuse.at = None
        return False

    @property
    def history(self) -> History:
        return self.ledger.history()

    def record(self, name: str) -> Record:
        found = self.history.find(IssueId(name))
        assert found is not None, f"{name} has no record"
        return found

    def run_of(self, name: str) -> FakeRun:
        """The living run of an issue."""
        return next(run for run in self.agents.living() if run.order.issue.id == name)

    def end(self, name: str, outcome: Outcome = Outcome.ROLLED_OVER, **more: object) -> None:
        """The run of an issue ends with a verdict."""
        self.agents.end(self.run_of(name), outcome, self.time, **more)

    def lose(self, name: str) -> None:
        """The run of an issue dies without a word."""
        self.run_of(name).alive = False

    def let_finishes_end(self) -> None:
        """Every `finish` that a tick has started leaves its verdict."""
        for run in self.agents.living():
            if run.finishing:
                self.agents.end(run, Outcome.LOST, self.time)
