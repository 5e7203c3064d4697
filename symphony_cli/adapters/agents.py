"""Runs as processes of this machine: start an order, sight it, stop it.

A run is alive exactly as long as it holds its locks (`adapters.locks`). They are taken here, before
the intent is written down, and handed to the first act as open descriptors; from then on this
process only closes its own copies. There are two: one in the run folder of this workflow, one in
the user's own state folder under the issue's id, so that another workflow, or another person's
checkout of this one, cannot start the same issue.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from signal import SIG_BLOCK, SIG_SETMASK, SIGTERM, Signals, pthread_sigmask

from symphony_cli import clock, files, processes, runfolder
from symphony_cli.adapters import locks
from symphony_cli.core.removal import RemovalVerdict, Tidying
from symphony_cli.core.run import (
    MARKER,
    SHARED_MARKER,
    Brief,
    Order,
    PidFile,
    RunLimits,
    StopNote,
    Verdict,
)
from symphony_cli.core.snapshot import RemovalSight, Sighting
from symphony_cli.core.verdict import compose
from symphony_cli.errors import IssueTrouble, RunLocked, StateError
from symphony_cli.ids import IssueId, Key, RunId, digest
from symphony_cli.paths import RunPaths, StatePaths, user_state
from symphony_cli.ports import Claim

PREPARE = "symphony_cli.errands.prepare"
FINISH = "symphony_cli.errands.finish"
REMOVE = "symphony_cli.errands.remove"
TIDY = "symphony_cli.errands.tidy"

_NEVER = datetime.fromtimestamp(0, UTC)


@dataclass(slots=True)
class LocalClaim:
    """Both locks of one issue, as descriptors of this process."""

    descriptors: tuple[int, ...]

    def drop(self) -> None:
        """Close our copies; a run that was started under them keeps its own."""
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.descriptors = ()


def shared_lock(environ: Mapping[str, str], scope: str, issue: IssueId) -> Path:
    """The lock of an issue that all workflows of this user meet at."""
    name = digest("\x1f".join((scope, issue)), 32)
    return user_state(environ) / "locks" / f"{name}.lock"


def _take_shared(path: Path) -> int | None:
    """Timers and containers often have a HOME that is none; that is for the operator to mend."""
    try:
        files.make_folder(path.parent)
    except StateError as error:
        advice = "set HOME or XDG_STATE_HOME (in symphony.env)"
        raise StateError(f"{str(error).rstrip('.')}; {advice}.") from error
    return locks.take_run_lock(path)


@dataclass(frozen=True, slots=True)
class LocalAgents:
    """The launcher whose runs are processes of this machine (`ports.Agents`).

    Args:
        state: the `state/` folder of the workflow.
        environ: the environment that runs get, but for Python's own variables and the key.
        secrets: values that go to a run by pipe and are hidden in every file.
        scope: where issue ids are unique (`ports.Tracker.scope`).
        secret_names: variables that hold secrets and are taken out of `environ`.
    """

    state: StatePaths
    environ: Mapping[str, str]
    secrets: Sequence[str]
    scope: str
    secret_names: Sequence[str]
    _children: list[subprocess.Popen[bytes]] = field(default_factory=list, repr=False)

    def claim(self, issue: IssueId, key: Key) -> LocalClaim:
        """Take both locks, without waiting.

        Raises:
            RunLocked: something of this issue is alive, here or in another workflow.
            StateError: a lock file cannot be made.
        """
        own = locks.take_run_lock(self.state.issue_lock(key))
        if own is None:
            raise RunLocked(f"A run of {key} is alive and holds its lock: wait, or stop it.")
        try:
            common = _take_shared(shared_lock(self.environ, self.scope, issue))
        except StateError:
            os.close(own)
            raise
        if common is None:
            os.close(own)
            raise RunLocked(
                f"{key} is being worked by a run of another workflow on this machine: "
                "wait until it ends, or stop it there."
            )
        return LocalClaim((own, common))

    def start(self, claim: Claim, order: Order) -> int:
        """Make the run's folder, write the order down, start `prepare`; the folder's number.

        Raises:
            StateError: the folder or the process cannot be made; the claim is still held.
        """
        files.make_folder(self.state.issue(order.key))
        number = order.number
        while not files.make_new_folder(self.state.run(order.key, number).folder):
            number += 1
        paths = self.state.run(order.key, number)
        runfolder.save(replace(order, number=number), paths.order, self.secrets)
        self._launch(PREPARE, paths, claim)
        return number

    def finish(self, claim: Claim, key: Key, run: RunId) -> None:
        """Start the last act for a run that died without a verdict.

        Raises:
            IssueTrouble: no folder of this issue has an order with that run id.
            StateError: the process cannot be started.
        """
        paths = self._find(key, run)[0]
        if paths is None:
            raise IssueTrouble(
                f"{self.state.issue(key)} has no run {run}: it died before its order was written."
            )
        self._launch(FINISH, paths, claim)

    def sight(self, key: Key, run: RunId) -> Sighting:
        """What can be seen of this run. The lock is looked at first: a run writes its verdict
        before it lets go, so that unlocked and no verdict means lost."""
        try:
            alive = locks.is_held(self.state.issue_lock(key))
        except StateError as error:
            # What cannot be looked at may be alive.
            return Sighting(alive=True, trouble=str(error))
        paths, trouble = self._find(key, run)
        if paths is None:
            return Sighting(alive=alive, trouble=trouble)
        sighting = Sighting(alive, run, paths.number, stop_there=paths.stop.exists())
        try:
            sighting = replace(sighting, granted=_granted(paths))
            sighting = replace(sighting, verdict=_verdict(paths, run))
            if not alive and sighting.verdict is None:
                sighting = replace(sighting, remains=_remains(paths))
            return replace(sighting, pid=_pid_file(paths, run))
        except StateError as error:
            return replace(sighting, trouble=str(error))

    def stop(self, key: Key, run: RunId, note: StopNote) -> None:
        """Leave the reason, then knock. The first reason stays; a run that is over is left alone.

        Raises:
            StateError: the stop file cannot be written.
        """
        paths = self._find(key, run)[0]
        if paths is None or paths.verdict.exists():
            return
        if not paths.stop.exists():
            runfolder.save(note, paths.stop, self.secrets)
        self._send(paths, run, SIGTERM)

    def grant(self, key: Key, run: RunId, limits: RunLimits) -> None:
        """Leave the new limits where the run looks for them every few seconds.

        Raises:
            StateError: the file cannot be written.
        """
        paths = self._find(key, run)[0]
        if paths is not None and not paths.verdict.exists():
            runfolder.save(limits, paths.grant, self.secrets)

    def signal(self, key: Key, run: RunId, name: str) -> bool:
        """Send TERM or KILL to exactly the process of this run; False when it is gone."""
        paths = self._find(key, run)[0]
        return paths is not None and self._send(paths, run, Signals[f"SIG{name}"])

    def remove(self, claim: Claim, order: Order) -> None:
        """Write the order of a removal down and start its errand.

        Raises:
            StateError: its folder or process cannot be made; the claim is still held.
        """
        paths = self.state.removal(order.key)
        files.make_folder(paths.folder)
        with files.translated(paths.verdict, "removed"):
            paths.verdict.unlink(missing_ok=True)
        runfolder.save(order, paths.order, self.secrets)
        self._launch(REMOVE, paths, claim)

    def removal(self, key: Key, run: RunId) -> RemovalSight:
        """What can be seen of this removal. The lock is looked at first, as in `sight`."""
        try:
            alive = locks.is_held(self.state.issue_lock(key))
        except StateError as error:
            return RemovalSight(alive=True, trouble=str(error))
        try:
            found = runfolder.load(RemovalVerdict, self.state.removal(key).verdict)
        except StateError as error:
            return RemovalSight(alive, trouble=str(error))
        return RemovalSight(alive, found if found is not None and found.run == run else None)

    def tidied_at(self) -> datetime | None:
        """When old run folders were last looked through; None where there are none."""
        if not self.state.runs.is_dir():
            return None
        try:
            return datetime.fromtimestamp(self.state.tidy.stat().st_mtime, UTC)
        except OSError:
            return _NEVER

    def tidy(self, what: Tidying) -> None:
        """Publish what may go, and start the errand where there may be something to remove.

        Raises:
            StateError: neither can be done.
        """
        from symphony_cli.adapters.burial import has_trash  # once a day; no other tick pays for it

        runfolder.save(what, self.state.tidy, durable=False)
        if what.transcripts or what.folders or any(map(has_trash, what.roots)):
            self._begin(self._errand(TIDY, self.state.root))

    def _errand(self, module: str, *words: object) -> list[str]:
        return [sys.executable, "-P", "-m", module, *map(str, words)]

    def _begin(self, command: Sequence[str]) -> None:
        """Start an errand that belongs to no run; nobody waits for it."""
        environ = run_environment(self.environ, self.secret_names)
        with files.translated(self.state.root, "tidied"):
            process = subprocess.Popen(
                command,
                cwd=self.state.root,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._children.append(process)

    def _send(self, paths: RunPaths, run: RunId, number: Signals) -> bool:
        known = _pid_file(paths, run)
        return known is not None and processes.signal_if_same(known.process, number)

    def _find(self, key: Key, run: RunId) -> tuple[RunPaths | None, str]:
        """The folder of a run, newest first; else the first order that could not be read."""
        trouble = ""
        for number in reversed(self.state.numbers(key)):
            paths = self.state.run(key, number)
            try:
                if _run_of(paths) == run:
                    return paths, ""
            except StateError as error:
                trouble = trouble or str(error)
        return None, trouble

    def _launch(self, module: str, paths: RunPaths, claim: Claim) -> None:
        if not isinstance(claim, LocalClaim):
            raise TypeError("a run of this machine starts under a claim of this machine")
        for child in [child for child in self._children if child.poll() is not None]:
            self._children.remove(child)
        pipe = processes.secret_pipe(self.secrets) if self.secrets else None
        handed = [*claim.descriptors, *([] if pipe is None else [pipe])]
        command = processes.act_command(module, paths.folder, claim.descriptors, pipe)
        try:
            with files.translated(paths.folder, "started as a run"), _log(paths) as log:
                self._children.append(
                    _popen(command, paths, log, handed, self.environ, self.secret_names)
                )
        finally:
            if pipe is not None:
                os.close(pipe)


def run_environment(environ: Mapping[str, str], secret_names: Sequence[str]) -> dict[str, str]:
    """What a run is started with: no key, nothing that bends our Python, no other run's mark."""
    left_out = {*secret_names, MARKER, SHARED_MARKER}
    return {
        name: value
        for name, value in environ.items()
        if name not in left_out and not name.startswith("PYTHON")
    }


def _popen(
    command: Sequence[str],
    paths: RunPaths,
    log: int,
    handed: Sequence[int],
    environ: Mapping[str, str],
    secret_names: Sequence[str],
) -> subprocess.Popen[bytes]:
    """A process that belongs to nobody: own session, nothing of ours open but what it needs."""
    with held_back({SIGTERM}):
        return subprocess.Popen(
            command,
            cwd=paths.folder,
            env=run_environment(environ, secret_names),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=handed,
            start_new_session=True,
        )


@contextlib.contextmanager
def held_back(signals: set[Signals]) -> Iterator[None]:
    """Start processes with these signals blocked, so that none arrives before they listen."""
    before = pthread_sigmask(SIG_BLOCK, signals)
    try:
        yield
    finally:
        pthread_sigmask(SIG_SETMASK, before)


@contextlib.contextmanager
def _log(paths: RunPaths) -> Iterator[int]:
    descriptor = os.open(paths.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _run_of(paths: RunPaths) -> str | None:
    """The run id of a folder, without building the whole order."""
    data = files.read(paths.order)
    if data is None:
        return None
    try:
        return str(json.loads(data)["run"])
    except (ValueError, KeyError, TypeError) as error:
        raise StateError(f"{paths.order} cannot be understood: move the folder away.") from error


def _remains(paths: RunPaths) -> Verdict:
    """What a run that died has told; it costs a read only while nobody has written its verdict."""
    brief = runfolder.brief(paths) or Brief(workspace="")
    lines = runfolder.report_lines(paths)
    return compose(runfolder.order(paths), brief, lines, clock.now())


def _verdict(paths: RunPaths, run: RunId) -> Verdict | None:
    found = runfolder.verdict(paths)
    if found is not None and found.run != run:
        raise StateError(f"{paths.verdict} is the verdict of another run ({found.run}).")
    return found


def _granted(paths: RunPaths) -> RunLimits | None:
    """The grant, when there is one. One that cannot be read is written anew."""
    try:
        return runfolder.load(RunLimits, paths.grant)
    except StateError:
        return None


def _pid_file(paths: RunPaths, run: RunId) -> PidFile | None:
    found = runfolder.pid_file(paths)
    return found if found is not None and found.run == run else None
