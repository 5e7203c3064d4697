"""A house for black-box tests: one workflow in a folder, and `symphony` as people type it.

    root/project/     WORKFLOW.md, issues/, later state/
    root/workspaces/  made by the runs
    root/agents/      what the scripted agents do, and their CODEX_HOME
    root/home/        HOME and XDG_STATE_HOME of everything that is started here

Nothing of the caller's environment is handed on but PATH.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from symphony_cli import processes
from symphony_cli.demo.material import scripted_command

T = TypeVar("T")

SYMPHONY = (sys.executable, "-P", "-m", "symphony_cli")

EXEC = "os.execv(sys.argv[1], sys.argv[1:])"
"""The end of a Python text that changes something of itself and becomes another program."""

AS_ANYBODY = (
    sys.executable,
    "-c",
    "import ctypes, os, sys\n"
    "for right in range(64):\n"
    "    ctypes.CDLL(None).prctl(24, right, 0, 0, 0)  # PR_CAPBSET_DROP\n" + EXEC,
)
"""Starts a command that may do what anybody may, also when root runs the tests."""

DONE: list[dict[str, Any]] = [
    {"say": "I do it.", "usage": {"input": 100, "cached_input": 0, "output": 20}},
    {"tool": {"name": "issue_update", "arguments": {"state": "Done"}}},
    {"say": "It is done."},
]
"""The steps of an agent that moves its issue to Done."""


@dataclass(frozen=True)
class Told:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        """Standard output by lines."""
        return self.out.splitlines()


def front(path: Path) -> str:
    """The front matter of an issue file; below it comments may name labels."""
    return path.read_text().split("---\n")[1]


def until(question: Callable[[], T | None], what: str, seconds: float = 60.0) -> T:
    """The first answer that is true (an empty list is none); an error after a while."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = question()
        if answer:
            return answer
        time.sleep(0.02)
    raise AssertionError(f"{what} did not happen within {seconds:.0f} s")


@dataclass
class House:
    """One workflow and what belongs to it. `begin` writes it; `end` leaves no process behind."""

    root: Path
    extra: dict[str, str] = field(default_factory=dict)
    """More variables for every command, as SYMPHONY_NO_TICK."""

    @property
    def project(self) -> Path:
        return self.root / "project"

    @property
    def workflow(self) -> Path:
        return self.project / "WORKFLOW.md"

    @property
    def issues(self) -> Path:
        return self.project / "issues"

    @property
    def state(self) -> Path:
        return self.project / "state"

    @property
    def ledger(self) -> Path:
        return self.state / "ledger.jsonl"

    @property
    def environ(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root / "home"),
            "XDG_STATE_HOME": str(self.root / "home" / "state"),
            "SYMPHONY_NO_TICK": "1",
            **self.extra,
        }

    def begin(self, front: str = "", prompt: str = "Issue {{ issue.identifier }}.") -> House:
        """Write folders, an idle script and WORKFLOW.md; `front` is more of its front matter."""
        for name in ("home", "agents/codex-home", "project/issues"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        self.script(default=DONE)
        self.configure(front, prompt)
        return self

    def configure(self, front: str = "", prompt: str = "Issue {{ issue.identifier }}.") -> None:
        """Write WORKFLOW.md; a top-level key of `front` replaces the section of that name."""
        command = scripted_command(sys.executable, self.root / "agents" / "script.json")
        sections = {
            "tracker": "tracker: {kind: markdown, terminal_states: [Done, Cancelled]}",
            "polling": "polling: {interval_ms: 600000}",
            "workspace": "workspace: {root: ../workspaces}",
            "codex": f"codex:\n  command: {json.dumps(command)}\n"
            f"  home: {self.root / 'agents' / 'codex-home'}",
        }
        named = {line.partition(":")[0] for line in front.splitlines() if line[:1].isalpha()}
        kept = [text for name, text in sections.items() if name not in named]
        body = "\n".join([*kept, front.strip("\n")]).strip("\n")
        self.workflow.write_text(f"---\n{body}\n---\n{prompt}\n")

    def script(self, default: Sequence[Any] = (), **issues: Sequence[Any]) -> None:
        """What agents do in their first turn, by issue (`A_1` for A-1); later turns are idle."""
        idle = [{"say": "Nothing more."}]
        named = [
            {"match": f"Issue {name.replace('_', '-')}.", "turns": [list(steps), idle]}
            for name, steps in issues.items()
        ]
        rest = {"default": {"turns": [list(default)]}} if default else {}
        script = {"issues": named, **rest}
        (self.root / "agents" / "script.json").write_text(json.dumps(script))

    def issue(self, name: str, state: str = "Todo", body: str = "Do it.", **front: str) -> Path:
        """Write an issue file."""
        front = {"title": f"About {name}", **front}
        more = "".join(f"{key}: {value}\n" for key, value in front.items())
        path = self.issues / f"{name}.md"
        path.write_text(f"---\nstate: {state}\n{more}---\n{body}\n")
        return path

    def run(
        self,
        *arguments: str,
        cwd: Path | None = None,
        environ: Mapping[str, str] | None = None,
        wrap: Sequence[str] = (),
    ) -> Told:
        """Run `symphony` to its end and hear what it says. `wrap` is a command around it."""
        done = subprocess.run(
            [*wrap, *SYMPHONY, *arguments],
            cwd=cwd or self.project,
            env=self.environ if environ is None else dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Told(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str, **more: Any) -> subprocess.Popen[str]:
        """Start `symphony` and do not wait for it."""
        return subprocess.Popen(
            [*SYMPHONY, *arguments],
            cwd=self.project,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **more,
        )

    def status(self) -> Any:
        """What `status --json` shows."""
        return self.run("status", "--json").json

    def folder(self, key: str, number: int = 1) -> Path:
        """The folder of a run."""
        return self.state / "runs" / key / str(number)

    def verdict(self, key: str, number: int = 1, seconds: float = 25.0) -> Any:
        """exit.json of a run, once the run has let go of its lock."""
        path, lock = self.folder(key, number) / "exit.json", self.state / "runs" / key / "lock"
        until(lambda: path.exists() and not is_locked(lock), f"the end of {key}/{number}", seconds)
        return json.loads(path.read_text())

    def work(self, *keys: str) -> dict[str, Any]:
        """Tick, wait for the first run of these issues, tick again; the verdicts."""
        first = self.run("tick")
        assert first.code == 0, first
        verdicts = {key: self.verdict(key) for key in keys}
        self.run("tick")
        return verdicts

    def would_start(self) -> list[str]:
        """The issues that the next tick would start."""
        decided = self.run("tick", "--dry-run", "--json").json["decisions"]
        return [d["issue_identifier"] for d in decided if d["kind"] == "dispatch"]

    def sign_lock(self, since: str) -> None:
        """Make the file of the lock say that its holder took it at this time."""
        path = self.state / "lock"
        path.write_text(json.dumps({**json.loads(path.read_text()), "started_at": since}))

    def events(self, kind: str = "") -> list[Any]:
        """The ledger's events, all or of one kind; every line must be whole."""
        data = self.ledger.read_bytes()
        assert data.endswith(b"\n"), "the ledger ends with a whole line"
        events = [json.loads(line) for line in data.splitlines()[1:]]
        return [event for event in events if not kind or event["e"] == kind]

    def processes(self) -> list[int]:
        """Living processes of this house: started with a path of it, or marked by one of its runs.

        Agents carry the mark; acts and ticks have the folder in their command line.
        """
        runs = {run for path in self.state.glob("runs/*/*/order.json") if (run := _run_of(path))}
        marked = {pid for run in runs for pid in processes.bearers(run)}
        return sorted(marked.union(_named_by(str(self.root))))

    def is_empty(self) -> bool:
        """Whether everything of the house comes to its end by itself, soon; an act that let go of
        its lock may need another moment."""
        return until(lambda: not self.processes(), "the end of the last process", 30.0)

    def end(self) -> None:
        """Kill what is left, acts first; several rounds, as an act may start another process."""
        for _ in range(50):
            left = self.processes()
            for pid in left:
                identity = processes.identify(pid)
                if identity is not None:
                    processes.signal_if_same(identity, signal.SIGKILL)
            if not left:
                return
            time.sleep(0.05)


def _run_of(order: Path) -> str:
    try:
        return str(json.loads(order.read_bytes())["run"])
    except (OSError, ValueError, KeyError):
        return ""


def _named_by(text: str) -> set[int]:
    found = set()
    for pid in processes.all_pids():
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if f"{text}/".encode() in command and pid != os.getpid() and processes.identify(pid):
            found.add(pid)
    return found


def planted(house: House, code: str) -> dict[str, str]:
    """An environment in which every Python runs `code` first: how a bug or a slow disk gets in."""
    site = house.root / "planted"
    site.mkdir(exist_ok=True)
    (site / "sitecustomize.py").write_text(code)
    return {**house.environ, "PYTHONPATH": str(site)}


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold a lock, as another process of ours would."""
    with path.open("r+b") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def is_locked(path: Path) -> bool:
    """Whether somebody holds this lock; looks for an instant, as a tick does."""
    with path.open("rb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def fingerprint(folder: Path) -> str:
    """A hash of every name, kind and byte below a folder; of one that is not there, of nothing."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        total.update(f"{path.relative_to(folder)}\0{path.lstat().st_mode}\0".encode())
        total.update(path.read_bytes() if path.is_file() else b"")
    return total.hexdigest()
