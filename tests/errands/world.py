"""A place where real runs live: a folder of issues, a state folder, a launcher, and patience."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from symphony_cli import processes, runfolder
from symphony_cli.adapters.agents import LocalAgents, LocalClaim
from symphony_cli.core.issue import Issue
from symphony_cli.core.run import (
    CodexSettings,
    Hooks,
    Order,
    PromptSettings,
    Settings,
    TrackerRef,
    Verdict,
    WorkspaceSettings,
)
from symphony_cli.ids import IssueId, Key, new_run_id
from symphony_cli.paths import RunPaths, StatePaths

T = TypeVar("T")

ORDERED_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)

SECRET = "lin_api_0123456789abcdefghij"
SECRET_NAME = "LINEAR_API_KEY"


def until(question: Callable[[], T | None], seconds: float = 60.0, what: str = "it") -> T:
    """The first answer that is not None and not False; fails after a while."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = question()
        if answer:
            return answer
        time.sleep(0.02)
    raise AssertionError(f"{what} did not happen within {seconds} s")


@dataclass
class World:
    """Everything lies below `root`; runs that are alive at the end are ended by their pid."""

    root: Path
    hooks: Hooks = Hooks()
    codex: CodexSettings = CodexSettings()
    prompt: str = "Work on {{ issue.identifier }}: {{ issue.description }}"
    secrets: tuple[str, ...] = (SECRET,)
    path: str = ""
    ticks: bool = False
    """A run starts a tick at its end, as it does in earnest."""
    orders: list[Order] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.issues = self.root / "issues"
        self.issues.mkdir(exist_ok=True)
        (self.root / "home").mkdir(exist_ok=True)
        (self.root / "WORKFLOW.md").write_text("---\ntracker: {kind: markdown}\n---\n")
        self.state = StatePaths(self.root / "state")

    @property
    def environ(self) -> dict[str, str]:
        """What the tick that starts runs has; the key is in it."""
        return {
            "PATH": self.path or os.environ["PATH"],
            "HOME": str(self.root / "home"),
            "XDG_STATE_HOME": str(self.root / "home" / "state"),
            "PYTHONPATH": "/nowhere",
            SECRET_NAME: SECRET,
            "SYMPHONY_NO_TICK": "0" if self.ticks else "1",
        }

    @property
    def scope(self) -> str:
        return f"markdown:{self.issues}"

    def agents(self, state: StatePaths | None = None) -> LocalAgents:
        return LocalAgents(
            state or self.state, self.environ, self.secrets, self.scope, (SECRET_NAME,)
        )

    def write_issue(self, name: str = "ABC-1", state: str = "Todo", text: str = "Do it.") -> None:
        (self.issues / f"{name}.md").write_text(
            f"---\ntitle: About {name}\nstate: {state}\n---\n{text}\n"
        )

    def order(self, name: str = "ABC-1", **more: Any) -> Order:
        settings = Settings(
            workspace=WorkspaceSettings(root=str(self.root / "workspaces"), hooks=self.hooks),
            tracker=TrackerRef(
                "markdown", self.scope, str(self.root / "WORKFLOW.md"), (SECRET_NAME,)
            ),
            prompt=PromptSettings(self.prompt),
            codex=self.codex,
        )
        order = Order(
            run=new_run_id(),
            issue=Issue(IssueId(name), name, f"About {name}", "Todo"),
            key=Key(name),
            number=1,
            attempt=1,
            settings=settings,
            state_dir=str(self.state.root),
            ordered_at=ORDERED_AT,
        )
        self.orders.append(replace(order, **more))
        return self.orders[-1]

    def start(self, order: Order) -> RunPaths:
        """Start a run as a tick does, and let go of the claim."""
        agents = self.agents()
        claim = agents.claim(order.issue.id, order.key)
        try:
            return self.state.run(order.key, agents.start(claim, order))
        finally:
            claim.drop()

    def finish(self, order: Order) -> None:
        """Start the last act for a run that is not alive, as a tick does."""
        agents = self.agents()
        claim = until(lambda: self.claim(order), what="the end of the run")
        try:
            agents.finish(claim, order.key, order.run)
        finally:
            claim.drop()

    def claim(self, order: Order) -> LocalClaim | None:
        """The locks of an issue, when nobody has them."""
        if self.agents().sight(order.key, order.run).alive:
            return None
        return self.agents().claim(order.issue.id, order.key)

    def verdict(self, paths: RunPaths, seconds: float = 30.0) -> Verdict:
        """The verdict, once the run has let go of its lock."""
        from symphony_cli.adapters.locks import is_held

        found = until(
            lambda: not is_held(paths.lock) and runfolder.verdict(paths), seconds, "the verdict"
        )
        assert isinstance(found, Verdict), (paths.log.read_text(), "no verdict")
        return found

    def end(self) -> None:
        """Kill whatever a test left behind: acts first, so that nothing new is started."""
        for pid in acts(self.state.root):
            end(pid)
        for order in self.orders:
            for pid in processes.bearers(order.run):
                end(pid)


def acts(below: Path) -> list[int]:
    """Processes that were started with a run folder below this folder in their command line."""
    wanted, found = f"{below}/".encode(), []
    for pid in processes.all_pids():
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(word.startswith(wanted) for word in words):
            found.append(pid)
    return found


LONG = Hooks(before_run="sleep 300 & echo $! > child; wait", timeout=300.0)
"""A before_run hook that does not come to its end, so that the run stays in its first act."""


def in_hook(paths: RunPaths) -> int | None:
    """The pid of the hook's child, once `LONG` has come that far."""
    brief = runfolder.brief(paths)
    child = None if brief is None else Path(brief.workspace) / "child"
    text = child.read_text().strip() if child is not None and child.exists() else ""
    return int(text) if text else None


def end(pid: int) -> None:
    """Kill one process that a test started, if it is still there."""
    identity = processes.identify(pid)
    if identity is not None:
        processes.signal_if_same(identity, signal.SIGKILL)


def files_with(root: Path, text: str) -> list[Path]:
    """Files below `root` that have `text` in them."""
    return [
        path
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink() and text.encode() in path.read_bytes()
    ]


def holders(path: Path) -> set[int]:
    """Processes that have this file open, found by walking /proc/*/fd."""
    wanted, found = (path.stat().st_dev, path.stat().st_ino), set()
    for pid in processes.all_pids():
        try:
            for name in os.listdir(f"/proc/{pid}/fd"):
                stat = os.stat(f"/proc/{pid}/fd/{name}")
                if (stat.st_dev, stat.st_ino) == wanted:
                    found.add(pid)
        except OSError:
            continue
    return found
