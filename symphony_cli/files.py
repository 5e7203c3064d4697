"""The few file operations that survive a crash, a full disk and a power cut.

Folders are made 0700 and files 0600. Every function translates `OSError` into `StateError`.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from symphony_cli.errors import StateError

NETWORK_FILE_SYSTEMS = frozenset(
    "nfs nfs4 cifs smb3 smbfs 9p afs ceph glusterfs fuse.sshfs fuse.glusterfs lustre ncpfs".split()
)
"""File systems on which a kernel lock is not to be trusted."""


@contextmanager
def translated(path: Path, doing: str) -> Iterator[None]:
    """Turn an `OSError` inside into a `StateError` that says what could not be done, and why."""
    try:
        yield
    except OSError as error:
        advice = {
            errno.ENOSPC: "the disk is full: free some space",
            errno.EDQUOT: "the disk quota is used up: free some space",
            errno.EROFS: "the file system is read-only: remount it or move `state.path`",
            errno.EACCES: "permission denied: check who owns it",
        }.get(error.errno or 0, error.strerror or str(error))
        raise StateError(f"{path} cannot be {doing}: {advice}.") from error


def make_folder(path: Path) -> None:
    """Make a private folder, and private ones on the way to it; the entries are durable."""
    with translated(path, "created"):
        missing = [path, *path.parents]
        while missing and missing[-1].is_dir():
            missing.pop()
        for folder in reversed(missing):
            folder.mkdir(mode=0o700, exist_ok=True)
            sync_folder(folder.parent)


def make_new_folder(path: Path) -> bool:
    """Make one folder that must not exist yet; False when it does."""
    with translated(path, "created"):
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            return False
        sync_folder(path.parent)
        return True


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def append(path: Path, data: bytes, *, at: int | None = None, durable: bool = True) -> None:
    """Add whole lines at the end in one go.

    A write that fails half-way is cut back to what was there before, so that a full disk leaves
    whole lines. `durable` waits for the disk. With `at`, nothing is written unless the file ends
    at that byte: somebody who forgot the lock is met before the two are mixed.
    """
    with translated(path, "written"):
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            before = os.fstat(descriptor).st_size
            if at is not None and before != at:
                raise StateError(
                    f"{path} ends at byte {before}, not at {at}: somebody else wrote to it while "
                    "this command held the lock. Nothing was written; find out who it was."
                )
            try:
                _write_all(descriptor, data)
                if durable:
                    os.fsync(descriptor)
            except OSError:
                os.ftruncate(descriptor, before)
                raise
        finally:
            os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def cut(path: Path, size: int) -> None:
    """Shorten a file to `size` bytes, durably."""
    with translated(path, "repaired"):
        descriptor = os.open(path, os.O_WRONLY)
        try:
            os.ftruncate(descriptor, size)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def replace(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Publish a whole file: readers see the old content or the new, never a half.

    What a writer of this file left behind when it was killed is removed.
    """
    with translated(path, "written"):
        _remove_droppings(path)
        hidden = path.parent / f".{path.name}.{os.getpid()}.{os.urandom(6).hex()}"
        descriptor = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            try:
                _write_all(descriptor, data)
                if durable:
                    os.fsync(descriptor)
            finally:
                os.close(descriptor)
            os.replace(hidden, path)
        except BaseException:
            hidden.unlink(missing_ok=True)
            raise
        if durable:
            sync_folder(path.parent)


def _remove_droppings(path: Path) -> None:
    hidden = re.compile(rf"\.{re.escape(path.name)}\.([0-9]{{1,9}})\.[0-9a-f]{{12}}")
    for name in os.listdir(path.parent):
        found = hidden.fullmatch(name)
        if found is not None and not _lives(int(found[1])):
            (path.parent / name).unlink(missing_ok=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def read(path: Path) -> bytes | None:
    """The content of a file, or None when there is none."""
    with translated(path, "read"):
        try:
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None


def lines(path: Path, offset: int = 0) -> Iterator[bytes]:
    """The lines of a file from a byte on, each with its end; a torn last one has none.

    A file that is not there has no lines. Only one line is in memory at a time.
    """
    with translated(path, "read"):
        try:
            stream = path.open("rb")
        except (FileNotFoundError, NotADirectoryError):
            return
        with stream:
            stream.seek(offset)
            yield from stream


def whole_lines(data: bytes) -> tuple[list[bytes], bytes]:
    """Lines that were written to their end (without it), and the torn rest."""
    *lines, rest = data.split(b"\n")
    return lines, rest


def network_file_system(path: Path, mountinfo: str | None = None) -> str | None:
    """The type of the network file system that `path` lies on, or None when it is a local one.

    Read from ``/proc/self/mountinfo`` (proc_pid_mountinfo(5)): field 5 is the mount point, the
    type follows the lone ``-``. On a system without it the answer is None.
    """
    if mountinfo is None:
        try:
            mountinfo = os.fsdecode(Path("/proc/self/mountinfo").read_bytes())
        except OSError:
            return None
    wanted = os.path.realpath(path)
    best, kind = "", ""
    for line in filter(None, mountinfo.split("\n")):
        left, _, right = line.partition(" - ")
        point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), left.split(" ")[4])
        inside = wanted == point or wanted.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, right.split(" ")[0]
    return kind if kind in NETWORK_FILE_SYSTEMS else None
