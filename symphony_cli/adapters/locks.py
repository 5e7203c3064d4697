"""The locks of this machine: one for the life of a run, one for whoever writes in `state/`.

**The run lock** is a bare descriptor with flock(2). The kernel ties the lock to the *open file
description*: every copy of the descriptor (fork, `pass_fds`, exec) is the same lock, and it ends
when the last copy is closed. Hence two rules. Whoever hands it on only ever *closes* its own copy:
one `LOCK_UN`, on any copy, would unlock the living run. And the file is never deleted or replaced:
a lock on a nameless file keeps nobody out, so a taker checks that the name still leads to what it
locked.

**Looking** takes a shared lock for an instant. That instant can make a taker's exclusive try fail,
so a taker that fails asks in turn for a *shared* lock. If it gets one, nobody holds the lock for
good, only looks stand in the way, and it tries again; if it does not, somebody does, and it gives
up at once without waiting. (`/proc/locks` is no way to look: it hides locks whose taker has exited
from a process in a container, and our taker, the tick, always exits.)

**The state lock** is filelock's, without its fallback to a lock file that a crash leaves behind.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from symphony_cli import clock, files
from symphony_cli.core.shape import Malformed, decode, encode
from symphony_cli.core.times import age, stamp
from symphony_cli.errors import LockHeld, StateError

TRIES = 500
"""How often a taker tries again when only looks stand in its way."""

PAUSE = 0.001
"""Seconds between two such tries."""


def refuse_network(folder: Path, mountinfo: str | None = None) -> None:
    """Raise `StateError` when locks in `folder` are not to be trusted; `mountinfo` is the system's
    when not given."""
    kind = files.network_file_system(folder, mountinfo)
    if kind is not None:
        raise StateError(
            f"{folder} lies on a network file system ({kind}), where locks are not to be trusted: "
            "move it to a local disk (`state.path`, or XDG_STATE_HOME for the locks of a user)."
        )


def take_run_lock(path: Path) -> int | None:
    """Take the lock without waiting; its descriptor, or None when a run holds it.

    The descriptor is closed on exec unless it is handed on by `pass_fds`. Letting go is
    `os.close`, nothing else.

    Raises:
        StateError: the file cannot be made, or lies on a network file system.
    """
    files.make_folder(path.parent)
    refuse_network(path.parent)
    for _ in range(TRIES):
        with files.translated(path, "locked"):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            try:
                if _try(descriptor, fcntl.LOCK_EX):
                    if leads_to(path, descriptor):
                        taken, descriptor = descriptor, -1
                        return taken
                elif not _try(descriptor, fcntl.LOCK_SH):
                    return None
            finally:
                if descriptor >= 0:
                    os.close(descriptor)
        clock.sleep(PAUSE)
    return None


def is_held(path: Path) -> bool:
    """Whether a run holds the lock now; never disturbs it, and makes no file.

    Raises:
        StateError: the file is there and cannot be looked at.
    """
    with files.translated(path, "looked at"):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except (FileNotFoundError, NotADirectoryError):
            return False
        try:
            return not _try(descriptor, fcntl.LOCK_SH)
        finally:
            os.close(descriptor)


def _try(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def leads_to(path: Path, descriptor: int) -> bool:
    """Whether a name still is the file that a descriptor has open."""
    try:
        named = path.stat(follow_symlinks=False)
    except FileNotFoundError:
        return False
    mine = os.fstat(descriptor)
    return (named.st_dev, named.st_ino) == (mine.st_dev, mine.st_ino)


@dataclass(frozen=True, slots=True)
class Holder:
    """What stands in the file of a state lock, for people; the lock itself is the kernel's."""

    pid: int
    started_at: datetime
    command: str


def holder(path: Path) -> Holder | None:
    """Who wrote its name into the file last; None when nobody did, or it cannot be read."""
    try:
        return decode(Holder, json.loads(files.read(path) or b"null"))
    except (ValueError, Malformed):
        return None


def who_holds(path: Path, now: datetime) -> str:
    """A sentence that names the holder of a state lock, and since when."""
    known = holder(path)
    if known is None:
        return f"Another process holds {path}."
    return (
        f"{path} is held by `{known.command}` (pid {known.pid}) since {stamp(known.started_at)}, "
        f"{age(now, known.started_at):.0f} s ago."
    )


@contextmanager
def state_lock(
    path: Path,
    *,
    wait: float = 0.0,
    on_wait: Callable[[str], None] | None = None,
    command: str | None = None,
) -> Iterator[None]:
    """Hold a lock of `state/` for a while.

    Args:
        wait: how many seconds to wait for it; 0 tries once.
        on_wait: told once who holds it, before the waiting begins.
        command: what to call this process in the file; its command line when not given.

    Raises:
        LockHeld: another process holds it; the text says which, and since when.
        StateError: the file cannot be written, or lies on a network file system.
    """
    files.make_folder(path.parent)
    refuse_network(path.parent)
    lock = FileLock(path, mode=0o600, fallback_to_soft=False)
    with files.translated(path, "locked"):
        _acquire(lock, path, wait, on_wait)
    try:
        _sign(path, Holder(os.getpid(), clock.now(), command or " ".join(sys.argv)))
        yield
    finally:
        lock.release()


def _acquire(
    lock: FileLock, path: Path, wait: float, on_wait: Callable[[str], None] | None
) -> None:
    try:
        lock.acquire(timeout=0)
        return
    except Timeout as error:
        if wait <= 0:
            raise LockHeld(_advice(path)) from error
    if on_wait is not None:
        on_wait(who_holds(path, clock.now()))
    try:
        lock.acquire(timeout=wait, poll_interval=0.1)
    except Timeout as error:
        raise LockHeld(_advice(path)) from error


def _advice(path: Path) -> str:
    return f"{who_holds(path, clock.now())} Wait for it to end, or end that process."


def _sign(path: Path, me: Holder) -> None:
    """Write into the locked file itself: a rename would put an unlocked file in its place."""
    text = json.dumps(encode(me), ensure_ascii=False).encode("utf-8", "replace") + b"\n"
    with files.translated(path, "written"):
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
        try:
            os.pwrite(descriptor, text, 0)
            os.ftruncate(descriptor, len(text))
        finally:
            os.close(descriptor)
