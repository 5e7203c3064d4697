"""One whole Symphony in a folder: a repository, issues, WORKFLOW.md, and the commands on it.

ROOT/origin.git     what workspaces are cloned from
ROOT/project/       the operator's checkout, with issues/, WORKFLOW.md and state/
ROOT/workspaces/    made by the runs
ROOT/home/          HOME of everything that is started here
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from symphony_cli import processes, runfolder
from symphony_cli.adapters.ledger import view_ledger
from symphony_cli.core.events import Event, from_json
from symphony_cli.core.history import History
from symphony_cli.core.record import Record
from symphony_cli.core.run import Brief, Verdict
from symphony_cli.ids import Key
from symphony_cli.paths import RunPaths, StatePaths
from tests.errands.world import acts, end

T = TypeVar("T")
Options = Mapping[str, Mapping[str, Any]]

PROMPT = "Issue {{ issue.identifier }}: {{ issue.title }}\n\n{{ issue.description }}\n"

WHO = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (("NAME", "Ada"), ("EMAIL", "ada@example.org"))
}

SECTIONS: Options = {
    "tracker": {"kind": "markdown", "terminal_states": ["Done", "Cancelled"]},
    "polling": {"interval_ms": 20_000},
    "workspace": {"root": "../workspaces", "keep_last_n": 20},
    "agent": {"max_concurrent_agents": 2, "max_retry_backoff_ms": 200},
}


@dataclass
class House:
    """Where things lie, and what a person or a timer would type."""

    root: Path
    said: list[str] = field(default_factory=list)

    @property
    def checkout(self) -> Path:
        return self.root / "project"

    @property
    def workflow(self) -> Path:
        return self.checkout / "WORKFLOW.md"

    @property
    def origin(self) -> Path:
        return self.root / "origin.git"

    @property
    def state(self) -> StatePaths:
        return StatePaths(self.checkout / "state")

    @property
    def environ(self) -> dict[str, str]:
        """Nothing of the machine but PATH: no proxies, no other Symphony, no other git."""
        home = self.root / "home"
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "XDG_STATE_HOME": str(home / "state"),
            "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
        }

    # Laying out.

    def git(self, place: Path, *words: str, check: bool = True) -> str:
        done = subprocess.run(
            ["git", "-C", str(place), *words],
            env=self.environ | WHO,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert not check or done.returncode == 0, f"git {' '.join(words)}: {done.stderr}"
        return done.stdout.strip()

    def write_issue(self, name: str, text: str = "Do it.", state: str = "Todo") -> None:
        path = self.checkout / "issues" / f"{name}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"---\ntitle: About {name}\nstate: {state}\nlabels: []\n---\n\n{text}\n")

    def issue(self, name: str) -> str:
        """The issue's file as it is now."""
        return (self.checkout / "issues" / f"{name}.md").read_text()

    # Commands.

    def command(self, *words: str) -> list[str]:
        python = [sys.executable, "-P", "-m", "symphony_cli"]
        return [*python, "--workflow", str(self.workflow), *words]

    def symphony(self, *words: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.command(*words),
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
        )
        self.said.append(f"$ symphony {' '.join(words)}: {done.returncode}\n{done.stderr}")
        return done

    def tick(self) -> dict[str, Any]:
        """One tick and what it says; {} when another one, started by a run's end, is at work."""
        done = self.symphony("tick", "--json")
        if done.returncode == 11:
            return {}
        assert done.returncode in (0, 3), (done.returncode, done.stdout, done.stderr)
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def until(
        self, question: Callable[[], T | None], what: str, seconds: float = 90.0, pause: float = 0.1
    ) -> T:
        """Tick until a question has an answer; fails with what was said when it gets none."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.tick()
            answer = question()
            if answer:
                return answer
            time.sleep(pause)
        raise AssertionError(f"{what}: not within {seconds} s\n{self.story()}")

    def finished(self, *names: str) -> bool:
        """Whether the ledger has all of these as finished."""
        records = [self.history().named(name) for name in names]
        return all(record is not None and record.finished_at is not None for record in records)

    # What is known.

    def history(self) -> History:
        return view_ledger(self.state, str(self.workflow)).history()

    def events(self) -> list[Event]:
        """Every fact of the ledger, in order."""
        lines = self.state.ledger.read_bytes().splitlines()[1:]
        return [event for line in lines if (event := from_json(json.loads(line))) is not None]

    def record(self, name: str) -> Record:
        found = self.history().named(name)
        assert found is not None, f"nothing is known of {name}\n{self.story()}"
        return found

    def runs(self, name: str) -> list[RunPaths]:
        """The run folders of an issue, oldest first."""
        return [self.state.run(Key(name), number) for number in self.state.numbers(name)]

    def brief(self, run: RunPaths) -> Brief:
        found = runfolder.brief(run)
        assert found is not None, f"{run.folder} has no brief"
        return found

    def verdicts(self, name: str) -> list[Verdict]:
        found = [runfolder.verdict(run) for run in self.runs(name)]
        return [verdict for verdict in found if verdict is not None]

    def lines(self, run: RunPaths, kind: type[T]) -> list[T]:
        """The lines of one kind in a run's report."""
        return [line for line in runfolder.report_lines(run) if isinstance(line, kind)]

    def transcript(self, run: RunPaths, way: str) -> list[dict[str, Any]]:
        """The messages to Codex (`out`) or from it (`in`)."""
        entries = [json.loads(line) for line in run.transcript.read_bytes().splitlines()]
        kept = [entry["line"] for entry in entries if entry["dir"] == way]
        return [line for line in kept if isinstance(line, dict)]

    def run_ids(self) -> set[str]:
        """Every run that ever had an order here."""
        orders = self.state.runs.glob("*/*/order.json")
        return {json.loads(order.read_text())["run"] for order in orders}

    def alive(self) -> list[int]:
        """Processes of our runs: acts, and whatever bears a run's mark."""
        bearers = {pid for run in self.run_ids() for pid in processes.bearers(run)}
        return sorted(bearers | set(acts(self.state.root)))

    def story(self) -> str:
        """For a failing test: what was said and what the runs left behind."""
        told = list(self.said[-4:])
        for log in sorted(self.state.runs.glob("*/*/agent.log")):
            told.append(f"{log}:\n{log.read_text(errors='replace')[-700:]}")
        for path in sorted(self.state.runs.glob("*/*/report.jsonl")):
            told.append(f"{path}:\n{path.read_text(errors='replace')[-700:]}")
        return "\n".join(told)

    def end(self) -> None:
        """Kill what a test left behind, by pid: commands and acts first, so nothing new starts."""
        for pid in _naming(str(self.workflow)):
            end(pid)
        for _ in range(3):
            for pid in self.alive():
                end(pid)


def _naming(word: str) -> list[int]:
    """Processes with this word in their command line."""
    wanted, found = word.encode(), []
    for pid in processes.all_pids():
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if wanted in words:
            found.append(pid)
    return found


def furnish(root: Path, sections: Options, prompt: str = PROMPT) -> House:
    """Make the whole folder; `sections` go over those of SECTIONS, key by key."""
    house = House(root)
    (root / "home").mkdir(parents=True)
    house.checkout.mkdir()
    write_workflow(house, sections, prompt)
    (house.checkout / "README.md").write_text("A project.\n")
    (house.checkout / ".gitignore").write_text("state/\nissues/\n")
    house.git(root, "init", "-q", "--bare", "-b", "main", str(house.origin))
    house.git(root, "init", "-q", "-b", "main", str(house.checkout))
    house.git(house.checkout, "add", "-A")
    house.git(house.checkout, "commit", "-q", "-m", "A project")
    house.git(house.checkout, "remote", "add", "origin", str(house.origin))
    house.git(house.checkout, "push", "-q", "-u", "origin", "main")
    return house


def write_workflow(house: House, sections: Options, prompt: str = PROMPT) -> None:
    """WORKFLOW.md; JSON is YAML, so nobody has to quote."""
    names = dict.fromkeys([*SECTIONS, *sections])
    whole = {name: {**SECTIONS.get(name, {}), **sections.get(name, {})} for name in names}
    front = "\n".join(f"{name}: {json.dumps(value)}" for name, value in whole.items())
    house.workflow.write_text(f"---\n{front}\n---\n{prompt}")
