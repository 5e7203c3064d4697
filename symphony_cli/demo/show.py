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
from dataclasses import dataclass
from pathlib import Path

from symphony_cli import clock, processes
from symphony_cli.commands.happenings import happened
from symphony_cli.core.events import Dispatched, Ended, Finished, Recovered, from_json
from symphony_cli.core.report import Sum, add_up
from symphony_cli.core.run import MARKER
from symphony_cli.core.shape import Json
from symphony_cli.demo import agents, material
from symphony_cli.errors import ExitCode, StateError, UsageError
from symphony_cli.files import read, whole_lines
from symphony_cli.paths import RunPaths, StatePaths
from symphony_cli.runfolder import pid_file, report_lines

SCRIPTED_LIMIT = 90.0
"""Seconds; on an idle machine the demo takes about a fifth of it."""

CODEX_LIMIT = 1200.0
PAUSE = 0.4
TICK_EVERY = 2.0

WORDS = {
    Dispatched: "started",
    Recovered: "died without a word; a tick starts its last act",
    Ended: "ended",
    Finished: "closed",
}


@dataclass(slots=True)
class Stage:
    """The demo while it plays."""

    demo: material.Demo
    began: float
    killed_thread: str = ""
    told: int = 0

    @property
    def state(self) -> StatePaths:
        """The demo's `state/`."""
        return StatePaths(self.demo.checkout / "state")

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
            stage.symphony("tick")
            next_tick = clock.monotonic() + TICK_EVERY
        _tell_news(stage)
        if kill and not stage.killed_thread:
            _kill_one_supervisor(stage)
        if _all_done(stage):
            _tell_news(stage)
            return True
        clock.sleep(PAUSE)
    return False


def _tell_news(stage: Stage) -> None:
    """What the ledger says since we last looked: anybody may read it, any tick may write it."""
    lines, _ = whole_lines(read(stage.state.ledger) or b"")
    for line in lines[max(1, stage.told) :]:
        event = from_json(json.loads(line))
        word = WORDS.get(type(event))
        if event is not None and word is not None:
            detail = happened(event).detail
            stage.say(f"{getattr(event, 'issue', '')} {word}{f': {detail}' if detail else ''}")
    stage.told = len(lines)


def _kill_one_supervisor(stage: Stage) -> None:
    """Kill -9 the supervisor of the slow issue once its agent is at work."""
    run = _newest_run(stage, agents.SLOW)
    seen = add_up(report_lines(run)) if run is not None else Sum()
    if run is None or seen.thread is None or not seen.answered or seen.closing is not None:
        return
    beat = pid_file(run)
    if beat is not None and processes.signal_if_same(beat.process, signal.SIGKILL):
        stage.killed_thread = seen.thread.id
        stage.say(f"{agents.SLOW}: we kill -9 its supervisor (pid {beat.process.pid}) in mid-work.")
        stage.say(f"{agents.SLOW}: its thread is {seen.thread.id}; watch whether it goes on.")


def _newest_run(stage: Stage, key: str) -> RunPaths | None:
    numbers = stage.state.numbers(key)
    return stage.state.run(key, numbers[-1]) if numbers else None


def _all_done(stage: Stage) -> bool:
    """All issues say Done in the tracker, and the ledger knows."""
    texts = [(stage.demo.issues / f"{name}.md").read_text() for name in material.ISSUES]
    if not all("\nstate: Done" in text for text in texts):
        return False
    counts = stage.status()["counts"]
    return bool(counts["finished"] == len(material.ISSUES))


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
    run = _newest_run(stage, agents.SLOW)
    thread = add_up(report_lines(run)).thread if run is not None else None
    if stage.killed_thread and thread is not None:
        same = thread.id == stage.killed_thread
        word = "the same thread went on after the kill" if same else "ANOTHER thread took over"
        stage.say(f"{agents.SLOW}: {word}: {thread.id}")


def _log(origin: Path) -> str:
    command = ["git", "-C", str(origin), "log", "--all", "--graph", "--oneline", "--no-color"]
    environ = material.without_git(os.environ)
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False).stdout


def _block(title: str, text: str) -> None:
    body: Sequence[str] = text.rstrip().splitlines()
    print(f"\n$ {title}" if title.startswith(("symphony", "git")) else f"\n{title}")
    print("\n".join(f"  {line}" for line in body))
