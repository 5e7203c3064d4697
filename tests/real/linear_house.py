"""A whole Symphony whose issues are in a Linear, started as cron starts it.

ROOT/house/         as in `house`, but WORKFLOW.md names Linear and there is no folder of issues
ROOT/house/project/symphony.env     the key: cron's environment does not have it
ROOT/codex/         CODEX_HOME of the agents
ROOT/model/         what the scripted model was asked
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from symphony_cli.core.events import Dispatched, Ended
from tests.linear.standin import StandInWorld
from tests.linear.standin_process import StandInProcess
from tests.real import model as models
from tests.real.house import House, furnish
from tests.real.model import Entry, Model
from tests.real.watch import Watch

PLENTY = 36_000
"""Requests per hour. We space requests to what an allowance gives back; with a real key's 2,500
the same story takes minutes, and says nothing more."""

PROGRAM = Path(sys.executable).with_name("symphony")


@dataclass
class CronHouse(House):
    """A house in which cron types the commands; what its ticks tell is kept."""

    ticks: list[dict[str, Any]] = field(default_factory=list)

    @property
    def environ(self) -> dict[str, str]:
        """What crontab(5) sets, and no more."""
        home = str(self.root / "home")
        return {"PATH": "/usr/bin:/bin", "HOME": home, "LOGNAME": "ada", "SHELL": "/bin/sh"}

    def command(self, *words: str) -> list[str]:
        return [str(PROGRAM), "--workflow", str(self.workflow), *words]

    def symphony(self, *words: str) -> subprocess.CompletedProcess[str]:
        done = super().symphony(*words)
        self.said.append(done.stdout)
        return done

    def tick(self) -> dict[str, Any]:
        told = super().tick()
        self.ticks.append(told)
        return told

    def asking(self) -> int:
        """How many of these ticks asked Linear."""
        return sum(bool(told and told["requests"]) for told in self.ticks)


@dataclass
class Office:
    """A house, its agents' model, and the Linear that both look at."""

    root: Path
    house: CronHouse
    process: StandInProcess
    linear: StandInWorld
    watch: Watch
    model: Model | None = None
    most: int = 0
    """So many supervisors were seen at once."""
    leaks: list[str] = field(default_factory=list)
    """Processes of a run that had the key where others can read it."""

    @property
    def codex_home(self) -> Path:
        return self.root / "codex"

    def hire(self, entries: list[Entry]) -> None:
        """Start the model that the agents listen to."""
        self.model = models.start(self.root / "model", entries)
        models.stand_in("codex_home").make(self.codex_home, self.model.url)

    def states(self) -> Mapping[str, str]:
        """The ids of the states of the team, by name."""
        dump = self.process.call("/dump", method="GET")
        return {state["name"]: state["id"] for state in dump["states"]}

    def counters(self) -> Mapping[str, Any]:
        """What the stand-in counted."""
        found: Mapping[str, Any] = self.process.call("/counters", method="GET")
        return found

    def glance(self) -> None:
        """Look at the processes once."""
        seen = self.watch.look()
        at_work = {one.run for one in seen if one.kind == "supervisor"}
        self.most = max(self.most, len(at_work))
        for pid in self.house.alive():
            if self.linear.key in _shown(pid):
                self.leaks.append(_shown(pid))

    def holding_the_key(self) -> list[str]:
        """Files with the key in them, but for the operator's own."""
        mine = self.house.checkout / "symphony.env"
        files = (path for path in self.root.rglob("*") if path.is_file() and path != mine)
        return [str(path) for path in files if self.linear.key.encode() in path.read_bytes()]

    def end(self) -> None:
        """End what runs here, by pid."""
        self.house.end()
        if self.model is not None:
            self.model.end()
        self.process.end()


def _shown(pid: int) -> str:
    """What anybody can read of a process's beginnings."""
    told = b""
    for name in ("cmdline", "environ"):
        try:
            told += Path(f"/proc/{pid}/{name}").read_bytes()
        except OSError:
            continue  # it has ended, or does not let itself be read
    return told.decode(errors="replace")


def open_office(root: Path, codex: str, *, slots: int) -> Office:
    """Make all of it; nobody has written an issue yet, and the agents have no model."""
    process = StandInProcess(root)
    linear = StandInWorld(process)
    linear.limit(PLENTY)
    sections: dict[str, dict[str, Any]] = {
        "tracker": {
            "kind": "linear",
            "endpoint": linear.endpoint,
            "api_key": "$LINEAR_API_KEY",
            "project_slug": linear.project,
            "terminal_states": ["Done", "Canceled"],
        },
        "agent": {"max_concurrent_agents": slots, "max_turns": 2},
        "codex": {"command": f"{codex} app-server", "home": str(root / "codex")},
    }
    house = CronHouse(furnish(root / "house", sections).root)
    (house.checkout / ".gitignore").write_text("state/\nsymphony.env\n")
    house.git(house.checkout, "commit", "-qam", "Keep the key out of git")
    house.git(house.checkout, "push", "-q")
    secret = house.checkout / "symphony.env"
    secret.touch(mode=0o600)
    secret.write_text(f"LINEAR_API_KEY={linear.key}\n")
    return Office(root, house, process, linear, Watch(house))


def running_at_once(house: House) -> Iterator[int]:
    """How many runs the ledger has as running, after each of its facts."""
    running = 0
    for event in house.events():
        running += isinstance(event, Dispatched)
        running -= isinstance(event, Ended)
        yield running


def report(counters: Mapping[str, Any], ticks: int, asking: int) -> str:
    """The counters for a log."""
    operations = Counter(counters["by_operation"])
    lines = [f"  {count:4d}  {name}" for name, count in sorted(operations.items())]
    sums = {name: counters[name] for name in ("requests", "ratelimited", "complexity_documented")}
    sums |= {name: counters[name] for name in ("bytes_in", "bytes_out", "max_inflight")}
    told = ", ".join(f"{name} {value:g}" for name, value in sums.items())
    head = f"Linear was asked, by operation ({ticks} ticks of ours, {asking} of them asked):"
    return "\n".join(["", head, *lines, f"  {told}", f"  answers {counters['by_status']}"])
