"""What the acts of a run have in common: taking over, signs of life, time limits, the knock."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from types import FrameType, TracebackType

from symphony_cli import clock, processes, runfolder
from symphony_cli.core.run import BEAT_EVERY, PidFile
from symphony_cli.core.secrets import redact
from symphony_cli.errors import IssueTrouble, StateError
from symphony_cli.ids import RunId
from symphony_cli.paths import RunPaths


@dataclass(frozen=True, slots=True)
class Act:
    """What an act is started with."""

    paths: RunPaths
    locks: tuple[int, ...]
    secrets: tuple[str, ...]


def take_over(arguments: Sequence[str] | None = None) -> Act:
    """Read the secrets and the command line `RUN_DIR --locks a,b [--secrets FD]`.

    The locks came through exec and are therefore inheritable; no program of this act may get them.
    """
    parser = argparse.ArgumentParser(description="One act of a run; started by Symphony only.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--locks", required=True)
    parser.add_argument("--secrets", type=int)
    options = parser.parse_args(arguments)
    secrets = processes.read_secrets(options.secrets)
    locks = tuple(int(part) for part in options.locks.split(","))
    for lock in locks:
        os.set_inheritable(lock, False)
    sys.excepthook = partial(tell_bug, secrets)
    return Act(RunPaths(options.folder), locks, secrets)


def let_go(locks: Sequence[int]) -> None:
    """Close the run's locks. Only ever closed: see `adapters.locks`."""
    for lock in locks:
        os.close(lock)


def tell_bug(
    secrets: Sequence[str],
    kind: type[BaseException],
    error: BaseException,
    trace: TracebackType | None,
) -> None:
    """Write a traceback to agent.log, without the secrets that it may quote."""
    text = "".join(traceback.format_exception(kind, error, trace))
    print(redact(text, secrets), file=sys.stderr, end="", flush=True)


class TimeIsUp(BaseException):
    """The time limit of a step; no `except Exception` on the way may swallow it."""


class Knocked(BaseException):
    """SIGTERM: look why, and end."""


@contextlib.contextmanager
def within(seconds: float, what: str) -> Iterator[None]:
    """Give up the body after a time. Only for the main thread, and not nested.

    Raises:
        IssueTrouble: it took longer.
    """

    def ring(number: int, frame: FrameType | None) -> None:
        raise TimeIsUp

    before = signal.signal(signal.SIGALRM, ring)
    # It rings again, for a clean-up on the way out may hang as well.
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001), 5.0)
    try:
        yield
    except TimeIsUp as error:
        raise IssueTrouble(f"{what} took longer than {seconds:.0f} s and was given up.") from error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def listen(on_term: Callable[[int, FrameType | None], None]) -> None:
    """From now on SIGTERM does this; one that came during exec was held back until here."""
    signal.signal(signal.SIGTERM, on_term)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def knock(number: int, frame: FrameType | None) -> None:
    """Handler that ends what is going on, once; a second knock must not break the clean-up."""
    signal.signal(signal.SIGTERM, unmoved)
    raise Knocked


def unmoved(number: int, frame: FrameType | None) -> None:
    """Handler that does nothing. Unlike SIG_IGN it is not passed on to programs we start."""


class Heart:
    """Keeps pid.json: a sign of life every 20 s from a thread of its own, and at each change."""

    def __init__(self, paths: RunPaths, run: RunId, phase: str) -> None:
        self._path = paths.pid
        known = _known(paths, run)
        self._file = first_beat(known, run, phase, clock.now())
        self.rebooted = known is not None and known.process.boot != self._file.process.boot
        self._guard = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="heart", daemon=True)

    @property
    def file(self) -> PidFile:
        """What pid.json says."""
        return self._file

    def start(self) -> None:
        """Write the first sign of life and go on by itself.

        Raises:
            StateError: pid.json cannot be written.
        """
        self._write()
        self._thread.start()

    def stop(self) -> None:
        """The last sign of life is written; nothing more comes."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def phase(self, name: str) -> None:
        """The run does something else now."""
        with self._guard:
            self._beat(replace(self._file, phase=name))

    def group(self, number: int) -> None:
        """A process group or session that belongs to the run; written before more happens."""
        with self._guard:
            groups = tuple(sorted({*self._file.groups, number}))
            self._beat(replace(self._file, groups=groups))

    def _go_on(self) -> None:
        while not self._over.wait(BEAT_EVERY):
            with self._guard:
                self._beat(self._file)

    def _beat(self, file: PidFile) -> None:
        self._file = replace(file, beat_at=clock.now())
        # A full disk must not end a run: the tick will notice the silence.
        with contextlib.suppress(StateError):
            self._write()

    def _write(self) -> None:
        runfolder.save(self._file, self._path, durable=False)


def _known(paths: RunPaths, run: RunId) -> PidFile | None:
    try:
        known = runfolder.pid_file(paths)
    except StateError:
        return None
    return known if known is not None and known.run == run else None


def first_beat(known: PidFile | None, run: RunId, phase: str, now: datetime) -> PidFile:
    """The first sign of life of an act, with what the acts before it left in pid.json.

    Groups of another boot are forgotten: their numbers belong to others now.
    """
    me = processes.myself()
    own = {os.getpgid(0), os.getsid(0)}
    if known is None or known.process.boot != me.boot:
        fresh = known or PidFile(run, me, phase, now)
        groups = tuple(sorted(own))
        return replace(fresh, process=me, phase=phase, beat_at=now, groups=groups, began=me.start)
    return replace(
        known,
        process=me,
        phase=phase,
        beat_at=now,
        groups=tuple(sorted(own.union(known.groups))),
        began=known.began or known.process.start,
    )
