"""Where everything lies: one place that knows the names of our files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RunPaths:
    """The folder of one run, `state/runs/KEY/N`."""

    folder: Path

    @property
    def order(self) -> Path:
        """What to do; written once by the tick."""
        return self.folder / "order.json"

    @property
    def brief(self) -> Path:
        """What prepare found out for the supervisor: prompt, workspace, command line."""
        return self.folder / "brief.json"

    @property
    def pid(self) -> Path:
        """Who the run is and when it last gave a sign of life."""
        return self.folder / "pid.json"

    @property
    def report(self) -> Path:
        """What happened, one small line each."""
        return self.folder / "report.jsonl"

    @property
    def transcript(self) -> Path:
        """The raw protocol, both ways, capped in size."""
        return self.folder / "transcript.jsonl"

    @property
    def first_transcript(self) -> Path:
        """Its first part, once it has reached half of its size."""
        return self.folder / "transcript.1.jsonl"

    @property
    def log(self) -> Path:
        """What Codex, git and hooks wrote to their error output."""
        return self.folder / "agent.log"

    @property
    def stop(self) -> Path:
        """Why the run shall stop; there only when it shall."""
        return self.folder / "stop"

    @property
    def grant(self) -> Path:
        """New limits for a living run."""
        return self.folder / "grant"

    @property
    def mutated(self) -> Path:
        """When the agent last changed something in the tracker."""
        return self.folder / "mutated.json"

    @property
    def verdict(self) -> Path:
        """How the run ended; written once, by finish."""
        return self.folder / "exit.json"

    @property
    def number(self) -> int:
        """N of `runs/KEY/N`."""
        return int(self.folder.name)

    @property
    def lock(self) -> Path:
        """The lock of the issue that this run belongs to."""
        return self.folder.parent / "lock"


@dataclass(frozen=True, slots=True)
class StatePaths:
    """The `state/` folder of one workflow."""

    root: Path

    @property
    def lock(self) -> Path:
        """Held by the one process that may write here."""
        return self.root / "lock"

    @property
    def ledger(self) -> Path:
        """The only memory."""
        return self.root / "ledger.jsonl"

    @property
    def torn(self) -> Path:
        """Where the torn tails of the ledger are kept for people to look at."""
        return self.root / "ledger.torn"

    @property
    def view(self) -> Path:
        """Cache: the fold of unfinished issues."""
        return self.root / "view.json"

    @property
    def finished(self) -> Path:
        """Cache: one line per finished issue."""
        return self.root / "finished.jsonl"

    @property
    def tick(self) -> Path:
        """The last tick and the last good one."""
        return self.root / "tick.json"

    @property
    def bounces(self) -> Path:
        """One byte for each tick in a row that found the lock held."""
        return self.root / "bounces"

    @property
    def markdown_lock(self) -> Path:
        """Lets writers of issue files come one after the other."""
        return self.root / "markdown.lock"

    @property
    def tracker(self) -> Path:
        """Cache: what the tracker adapter wants to remember."""
        return self.root / "tracker.json"

    @property
    def refresh(self) -> Path:
        """The tracker's last answer about every issue that has a run."""
        return self.root / "refresh.json"

    @property
    def refresh_lock(self) -> Path:
        """Held by the one errand that asks the tracker for all runs."""
        return self.root / "refresh.lock"

    @property
    def tidy(self) -> Path:
        """What may go of the run folders, as the last tick decided that looked through them."""
        return self.root / "tidy.json"

    @property
    def tidy_lock(self) -> Path:
        """Held by the one errand that removes it."""
        return self.root / "tidy.lock"

    @property
    def workflow(self) -> Path:
        """The last good WORKFLOW.md."""
        return self.root / "workflow.json"

    @property
    def runs(self) -> Path:
        """One folder per issue."""
        return self.root / "runs"

    def issue(self, key: str) -> Path:
        """All runs of one issue."""
        return self.runs / key

    def run(self, key: str, number: int) -> RunPaths:
        """One run of one issue."""
        return RunPaths(self.runs / key / str(number))

    def removal(self, key: str) -> RunPaths:
        """The newest removal of an issue's workspace: order, log and verdict."""
        return RunPaths(self.runs / key / "removal")

    def issue_lock(self, key: str) -> Path:
        """The lock that a run of this issue holds for its whole life."""
        return self.runs / key / "lock"

    def numbers(self, key: str) -> list[int]:
        """The runs of an issue that have a folder, oldest first."""
        try:
            names = os.listdir(self.issue(key))
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(int(name) for name in names if name.isdigit())


def user_state(environ: Mapping[str, str]) -> Path:
    """The user's own state folder (XDG base directories): `~/.local/state/symphony`.

    The locks across workflows live here and not in `$XDG_RUNTIME_DIR`: cron does not set that
    one, and two ticks that disagree about the place would not see each other.
    """
    base = environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(base):
        base = os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".local", "state")
    return Path(base) / "symphony"


def absolute_only(path: str) -> str:
    """The value of PATH without `.` and empty entries: whoever looks a program up in the folder
    of a repository would run what that repository put there."""
    entries = [entry for entry in path.split(os.pathsep) if os.path.isabs(entry)]
    return os.pathsep.join(entries) or os.defpath
