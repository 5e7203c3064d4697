"""Processes that a supervisor starts, the pipes to them, and the signals about them."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType

from symphony_cli import processes

LISTENED_TO = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
KNOCKS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
"""Signals that make a run look for its stop file."""

_READ = 64 * 1024


class Signals:
    """Signals as bytes in a pipe, so that the loop meets them where it waits anyway."""

    def __init__(self) -> None:
        self.reader, self._writer = os.pipe()
        os.set_blocking(self.reader, False)
        os.set_blocking(self._writer, False)
        self._before = {number: signal.signal(number, _noted) for number in LISTENED_TO}
        self._wakeup = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        # The act before us held SIGTERM back so that none is lost during exec.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, KNOCKS)

    def arrived(self) -> frozenset[int]:
        """The signals since the last look."""
        return frozenset(read_some(self.reader) or b"")

    def close(self) -> None:
        """Give the signals back to whoever had them."""
        signal.set_wakeup_fd(self._wakeup)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self.reader)
        os.close(self._writer)


def _noted(number: int, frame: FrameType | None) -> None:
    """The wakeup pipe has it already; without a handler the default would act."""


def read_some(descriptor: int) -> bytes | None:
    """What can be read now: empty when nothing can, None at the end of the stream."""
    try:
        return os.read(descriptor, _READ) or None
    except BlockingIOError:
        return b""
    except OSError:
        return None


class Outbox:
    """The writing end of a pipe; keeps what its reader does not take yet."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self.descriptor = descriptor
        self._left = bytearray()
        self._closing = False

    @property
    def waiting(self) -> bool:
        """There is something to write when the pipe has room."""
        return bool(self._left)

    def send(self, data: bytes) -> None:
        """Write, now as far as the pipe takes it."""
        if self.descriptor >= 0:
            self._left += data
            self.flush()

    def flush(self) -> None:
        """Write what is left, as far as the pipe takes it. A reader that is gone ends it."""
        try:
            while self._left:
                del self._left[: os.write(self.descriptor, self._left)]
        except BlockingIOError:
            return
        except OSError:
            self._left.clear()
        if self._closing:
            self.close()

    def close(self, *, after_all: bool = False) -> None:
        """Close the pipe, at once or once everything is written."""
        if after_all and self._left:
            self._closing = True
            return
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
        self._left.clear()


class Process:
    """A child of ours with three pipes; our ends of them that are read do not block."""

    def __init__(self, pid: int, stdin: int, stdout: int, stderr: int) -> None:
        self.pid = pid
        self.stdin, self.stdout, self.stderr = stdin, stdout, stderr
        self.returncode: int | None = None
        """As `subprocess` has it: the exit status, or minus the signal that ended it."""

    def poll(self) -> int | None:
        """Collect it if it has ended."""
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                pid, status = self.pid, 0
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def kill(self) -> None:
        """End it at once."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)


def start(argv: Sequence[str], env: Mapping[str, str], *, own_session: bool = False) -> Process:
    """Start a program in our current folder.

    It gets the three pipes and those descriptors that are inheritable: the locks of the run are
    not, and `subprocess`, which could close more, would cost a supervisor 0.7 MB.

    Raises:
        OSError: it cannot be started.
    """
    pipes = [os.pipe() for _ in range(3)]
    (stdin, our_stdin), (our_stdout, stdout), (our_stderr, stderr) = pipes
    actions = [(os.POSIX_SPAWN_DUP2, theirs, n) for n, theirs in enumerate((stdin, stdout, stderr))]
    ours, theirs = (our_stdin, our_stdout, our_stderr), (stdin, stdout, stderr)
    try:
        pid = os.posix_spawnp(
            argv[0],
            list(argv),
            env,
            file_actions=actions,
            setsid=own_session,
            setsigdef=(signal.SIGPIPE, signal.SIGXFSZ),
        )
    except OSError:
        for descriptor in ours:
            os.close(descriptor)
        raise
    finally:
        for descriptor in theirs:
            os.close(descriptor)
    os.set_blocking(our_stdout, False)
    os.set_blocking(our_stderr, False)
    return Process(pid, *ours)


ErrandCommand = Callable[[str, Path], list[str]]


def errand_command(name: str, folder: Path) -> list[str]:
    """The command line of an errand of a run (`-P`: never import from the current folder)."""
    return [sys.executable, "-P", "-m", f"symphony_cli.errands.{name}", str(folder)]


def start_errand(argv: Sequence[str], secrets: Sequence[str]) -> Process:
    """Start an errand; secrets travel by a pipe that it reads once (`--secrets FD`).

    Raises:
        OSError: it cannot be started.
    """
    if not secrets:
        return start(argv, os.environ)
    pipe = processes.secret_pipe(secrets)
    try:
        return start([*argv, "--secrets", str(pipe)], os.environ)
    finally:
        os.close(pipe)


def signal_group(leader: Process, name: str) -> None:
    """Send TERM or KILL to the process group that a child of ours leads."""
    number = signal.SIGTERM if name == "term" else signal.SIGKILL
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader.pid, number)


def reap(own: Mapping[int, Process]) -> None:
    """Collect children that have ended: ours by their own handle, adopted orphans for good."""
    for process in own.values():
        process.poll()
    if not hasattr(os, "waitid"):
        return
    with contextlib.suppress(ChildProcessError):
        while True:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is None:
                return
            if ended.si_pid in own:
                own[ended.si_pid].poll()
            else:
                os.waitpid(ended.si_pid, os.WNOHANG)
