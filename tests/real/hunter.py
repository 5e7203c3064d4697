"""A program that looks for keys wherever a process of the same user can look.

    python -I hunter.py FINDS PLEDGE SPARED FOLDER...

Started by an agent without a sandbox. It knows only what keys look like, so it cannot find what it
was told. Each find is one JSON line in FINDS: where, in which process, and a digest of the key, so
that FINDS itself holds none. It reads nothing away: pipes are looked into with tee(2), which leaves
what is in them. It ends when FINDS is gone, or after two minutes. SPARED are processes and files
that are not ours: the test itself, which plays Linear and the operator, and the operator's file.
PLEDGE is written again and again: what this process may do, what it has read, and what it can open
of the supervisor, which adopts what leaves an agent's session.

Standard library only and run as a script, so that an agent can start it by itself.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator

KEY = re.compile(rb"lin_api_[0-9a-f]{40}")
LIFE = 120.0
FOLDERS_EVERY = 40
"""Rounds between two looks at files: processes come and go faster than files."""

_LARGEST = 4 * 1024 * 1024
_NONBLOCK = 2  # SPLICE_F_NONBLOCK of fcntl.h
_LIBC = ctypes.CDLL(None, use_errno=True)


class Hunt:
    """What was looked at, and what was found."""

    def __init__(self, finds: str, spared: set[str], folders: list[str]) -> None:
        self.finds, self.spared, self.folders = finds, spared | {finds}, folders
        self.told: set[str] = set()
        self.read: Counter[str] = Counter()

    def check(self, data: bytes, where: str, pid: str = "") -> None:
        """Tell of a key in this, once for each place."""
        self.read[where.partition(" ")[0]] += 1
        for key in set(KEY.findall(data)):
            words = _read(f"/proc/{pid}/cmdline").replace(b"\0", b" ") if pid else b""
            find = {
                "where": KEY.sub(b"KEY", where.encode()).decode(),
                "command": KEY.sub(b"KEY", words).decode(errors="replace"),
                "digest": hashlib.sha256(key).hexdigest(),
            }
            line = json.dumps(find)
            if line not in self.told:
                self.told.add(line)
                descriptor = os.open(self.finds, os.O_WRONLY | os.O_APPEND)
                os.write(descriptor, line.encode() + b"\n")
                os.close(descriptor)

    def processes(self) -> None:
        """Every process, but for those that are spared."""
        for pid in os.listdir("/proc"):
            if pid.isdigit() and pid not in self.spared:
                for name in ("environ", "cmdline"):
                    self.check(_read(f"/proc/{pid}/{name}"), name, pid)
                for name, data in _descriptors(pid):
                    self.check(data, name, pid)

    def files(self) -> None:
        """Every file below the folders: its name, and what is in it."""
        for folder in self.folders:
            for place, _, names in os.walk(folder):
                for name in names:
                    path = os.path.join(place, name)
                    if path not in self.spared and not os.path.islink(path):
                        self.check(path.encode() + b"\0" + _read(path), f"file {path}")


def _read(path: str) -> bytes:
    """The beginning of a file; nothing where it cannot be read, and never waiting."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return b""
    try:
        return os.read(descriptor, _LARGEST)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _descriptors(pid: str) -> Iterator[tuple[str, bytes]]:
    """What the descriptors of a process lead to, and what is in its pipes."""
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        try:
            target = os.readlink(f"{folder}/{name}")
        except OSError:
            continue
        yield "fd", target.encode()
        if target.startswith("pipe:"):
            yield "pipe", _peek(f"{folder}/{name}")


def _peek(path: str) -> bytes:
    """What is in a pipe; it stays there."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return b""
    reader, writer = os.pipe()
    try:
        copied = _LIBC.tee(descriptor, writer, 65536, _NONBLOCK)
        return os.read(reader, copied) if copied > 0 else b""
    finally:
        for one in (descriptor, reader, writer):
            os.close(one)


def open_to_us(pid: int) -> list[str]:
    """What can be opened of a process that others must not look into."""
    found = []
    for name in ("environ", "mem", "maps", "fd/0"):
        try:
            if name.startswith("fd"):
                os.readlink(f"/proc/{pid}/{name}")
            else:
                os.close(os.open(f"/proc/{pid}/{name}", os.O_RDONLY))
        except OSError:
            continue
        found.append(name)
    return found


def hunt(finds: str, pledge: str, spared: set[str], folders: list[str]) -> None:
    """Look round and round."""
    mine, until, rounds = Hunt(finds, spared, folders), time.monotonic() + LIFE, 0
    me: dict[str, object] = {"uid": os.getuid(), "rights": _rights(), "pid": os.getpid()}
    me["of_supervisor"] = open_to_us(os.getppid())
    mine.spared.update({pledge, str(os.getpid())})
    while os.path.exists(finds) and time.monotonic() < until:
        mine.processes()
        if rounds % FOLDERS_EVERY == 0:
            mine.files()
            with open(f"{pledge}.new", "w") as stream:
                json.dump({**me, "rounds": rounds, "read": mine.read}, stream)
            os.rename(f"{pledge}.new", pledge)
        rounds += 1


def _rights() -> int:
    """The capabilities of this process; an ordinary user's has none."""
    with open("/proc/self/status") as stream:
        (line,) = (one for one in stream if one.startswith("CapEff"))
    return int(line.split()[1], 16)


if __name__ == "__main__":
    hunt(sys.argv[1], sys.argv[2], set(sys.argv[3].split(",")), sys.argv[4:])
