"""`symphony demo`: lay the material out, tick until it is done, kill a supervisor on the way.

Everything is real but the model: `symphony tick` runs as a subprocess each time, agents speak the
real protocol, edit files, run tests, commit and push.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from symphony_cli import clock, processes
from symphony_cli.core.run import MARKER, PidFile
from symphony_cli.core.shape import Json
from symphony_cli.demo import agents, material
from symphony_cli.errors import ExitCode, StateError, UsageError
from symphony_cli.paths import StatePaths
from symphony_cli.runfolder import load

SCRIPTED_LIMIT = 90.0
"""Seconds; on an idle machine the demo takes about a fifth of it."""

CODEX_LIMIT = 1200.0
PAUSE = 0.4
TICK_EVERY = 2.0


@dataclass(slots=True)
class Stage:
    """The demo while it plays."""

    demo: material.Demo
    began: float
    killed_thread: str = ""
    seen: set[str] = field(default_factory=set)

    def say(self, text: str) -> None:
        """One line of progress, with the seconds since the beginning."""
        print(f"[{clock.monotonic() - self.began:5.1f}s] {text}", flush=True)

    def symphony(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of ours as a person would."""
        command = [
            sys.executable,
            "-P",
            "-m",
            "symphony_cli",
            "--workflow",
            str(self.demo.workflow),
        ]
        return subprocess.run(
            [*command, *arguments], env=self.environ(), capture_output=True, text=True, check=False
        )

    def environ(self) -> dict[str, str]:
        """The demo's own state home, and nothing of an agent around us."""
        mine = {k: v for k, v in os.environ.items() if k != MARKER and k != "SYMPHONY_WORKFLOW"}
        return {**mine, "XDG_STATE_HOME": str(self.demo.folder / "home")}

    def status(self) -> dict[str, Json]:
        """What `symphony status --json` says."""
        done = self.symphony("status", "--json")
        try:
            shown: dict[str, Json] = json.loads(done.stdout)
        except ValueError as error:
            raise StateError(
                f"`symphony status` failed in the demo: {done.stderr.strip()}"
            ) from error
        return shown


def run(keep: Path | None, *, use_codex: bool) -> int:
    """Play the demo; its exit code.

    Raises:
        UsageError: the folder to keep it in is not empty.
        MissingProgram, StateError: it cannot be laid out.
    """
    folder = _folder(keep)
    try:
        return int(_play(folder, use_codex, kept=keep is not None))
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def _folder(keep: Path | None) -> Path:
    if keep is None:
        return Path(tempfile.mkdtemp(prefix="symphony-demo-"))
    if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise UsageError(f"{keep} is not an empty folder: name one that does not exist yet.")
    return keep


def _play(folder: Path, use_codex: bool, *, kept: bool) -> ExitCode:
    command = "codex app-server" if use_codex else None
    stage = Stage(material.lay_out(folder, sys.executable, command), clock.monotonic())
    stage.say(f"A small project with a bug, and three issues: {stage.demo.checkout}")
    stage.say("Now `symphony tick`, as a timer would type it, until all are done.")
    limit = CODEX_LIMIT if use_codex else SCRIPTED_LIMIT
    done = _until_done(stage, limit, kill=not use_codex)
    _curtain(stage, kept=kept)
    if not done:
        stage.say(f"Not everything was done within {limit:.0f} s: see above for what is missing.")
    return ExitCode.DONE if done else ExitCode.PARTIAL


def _until_done(stage: Stage, limit: float, *, kill: bool) -> bool:
    next_tick = 0.0
    while clock.monotonic() - stage.began < limit:
        if clock.monotonic() >= next_tick:
            _tell(stage, stage.symphony("tick", "--log-json").stdout)
            next_tick = clock.monotonic() + TICK_EVERY
        if kill and not stage.killed_thread:
            _kill_one_supervisor(stage)
        elif _all_done(stage):
            return True
        clock.sleep(PAUSE)
    return False


def _tell(stage: Stage, lines: str) -> None:
    """The news of a tick: what was started, settled, enrolled; each sentence once."""
    words = {"dispatch": "started", "settle": "ended", "recover": "recovered", "finish": "closed"}
    for line in lines.splitlines():
        event = json.loads(line)
        if event["event"] not in words:
            continue
        stage.say(f"{event['issue_identifier']} {words[event['event']]}: {event['detail']}")


def _kill_one_supervisor(stage: Stage) -> None:
    """Kill -9 the supervisor of the slow issue once its agent is at work."""
    beat = _beat(stage, agents.SLOW)
    if beat is None or not beat.thread or not beat.answered or beat.phase != "turn":
        return
    if processes.signal_if_same(beat.process, signal.SIGKILL):
        stage.killed_thread = beat.thread
        stage.say(f"{agents.SLOW}: we kill -9 its supervisor (pid {beat.process.pid}) in mid-work.")
        stage.say(f"{agents.SLOW}: its thread is {beat.thread}; watch whether it goes on.")


def _beat(stage: Stage, key: str) -> PidFile | None:
    paths = StatePaths(stage.demo.checkout / "state")
    numbers = paths.numbers(key)
    return load(PidFile, paths.run(key, numbers[-1]).pid) if numbers else None


def _all_done(stage: Stage) -> bool:
    """All issues say Done in the tracker, and the ledger knows."""
    texts = [(stage.demo.issues / f"{name}.md").read_text() for name in material.ISSUES]
    if not all("\nstate: Done" in text for text in texts):
        return False
    counts = stage.status()["counts"]
    return not any(counts[kind] for kind in counts)


def _curtain(stage: Stage, *, kept: bool) -> None:
    """The end: the thread that went on, status, metrics, git log, where everything lies."""
    _the_thread(stage)
    for title, arguments in (
        ("symphony status", ["status"]),
        (f"symphony status {agents.SLOW}", ["status", agents.SLOW]),
        ("symphony metrics --csv", ["metrics", "--csv"]),
    ):
        _block(title, stage.symphony(*arguments).stdout)
    _block("git log --all --graph --oneline (of the remote)", _log(stage.demo.origin))
    lies = [f"{name:<14} {path}" for name, path in material.summary(stage.demo).items()]
    _block("Where everything lies", "\n".join(lies))
    if not kept:
        print("\nThis folder is removed now; `symphony demo --keep DIR` leaves it to look around.")


def _the_thread(stage: Stage) -> None:
    beat = _beat(stage, agents.SLOW)
    if stage.killed_thread and beat is not None:
        same = beat.thread == stage.killed_thread
        word = "the same thread went on after the kill" if same else "ANOTHER thread took over"
        stage.say(f"{agents.SLOW}: {word}: {beat.thread}")


def _log(origin: Path) -> str:
    command = ["git", "-C", str(origin), "log", "--all", "--graph", "--oneline", "--no-color"]
    environ = material.without_git(os.environ)
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False).stdout


def _block(title: str, text: str) -> None:
    body: Sequence[str] = text.rstrip().splitlines()
    print(f"\n$ {title}" if title.startswith(("symphony", "git")) else f"\n{title}")
    print("\n".join(f"  {line}" for line in body))
