"""A thread on disk: `$CODEX_HOME/sessions/YYYY/MM/DD/rollout-TIME-ID.jsonl`, one fact per line.

What belongs together is one write of whole lines, so that a kill -9 leaves a step either done and
counted or neither. The file is made at the first turn: a thread without one cannot be resumed.
A thread has one writer, which holds a kernel lock on `$CODEX_HOME/thread-writer-locks/ID`.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path

from symphony_cli import files
from symphony_cli.core.shape import Malformed, decode, encode
from symphony_cli.scripted import shapes
from symphony_cli.scripted.record import (
    KINDS,
    NAMES,
    Ended,
    Input,
    Line,
    Meta,
    Record,
    add,
    open_calls,
)
from symphony_cli.scripted.wire import Refused

_THREAD_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Rollout:
    """A thread's file, and its record in memory. Only the holder of the lock makes one."""

    def __init__(self, path: Path, record: Record, lock: int, *, on_disk: bool) -> None:
        self.path = path
        self.record = record
        self.on_disk = on_disk
        self._lock = lock

    def write(self, *lines: Line) -> None:
        """Add facts, all of them or none.

        Raises:
            StateError: the disk says no.
        """
        if not self.on_disk:
            files.make_folder(self.path.parent)
            lines = (self.record.meta, *lines)
        files.append(self.path, b"".join(map(_to_bytes, lines)), durable=False)
        self.on_disk = True
        for line in lines:
            self.record = add(self.record, line)

    def close(self) -> None:
        """Let another writer have the thread."""
        os.close(self._lock)


def _to_bytes(line: Line) -> bytes:
    data = {"type": NAMES[type(line)], **encode(line)}
    return json.dumps(data, ensure_ascii=False).encode() + b"\n"


def begin(home: Path, meta: Meta, moment: str) -> Rollout:
    """A new thread; nothing is on disk yet. `moment` is ISO 8601 and names folder and file."""
    day, _, time = moment[:19].partition("T")
    name = f"rollout-{day}T{time.replace(':', '-')}-{meta.id}.jsonl"
    path = home.joinpath("sessions", *day.split("-"), name)
    return Rollout(path, Record(meta, meta.settings), _lock(home, meta.id), on_disk=False)


def resume(home: Path, thread: str, now_ms: int) -> Rollout:
    """A thread from disk. A turn that was cut off is `interrupted` from now on.

    Raises:
        Refused: there is no such thread, it cannot be read, or another process has it.
    """
    path = _find(home, thread)
    lock = _lock(home, thread)
    try:
        lines = list(_lines(path))
        if not lines or not isinstance(lines[0], Meta):
            raise Malformed("its first line is no session_meta")
    except (ValueError, KeyError, TypeError) as error:
        os.close(lock)
        raise Refused(f"failed to read thread: {path}: {error!r}") from error
    record = Record(lines[0], lines[0].settings)
    for line in lines:
        record = add(record, line)
    rollout = Rollout(path, record, lock, on_disk=True)
    _settle(rollout, now_ms)
    return rollout


def _settle(rollout: Rollout, now_ms: int) -> None:
    aborted = [shapes.function_output(call, "aborted") for call in open_calls(rollout.record)]
    cut = [turn.began.turn for turn in rollout.record.turns if turn.ended is None]
    lines: list[Line] = [Ended(turn, "interrupted", now_ms) for turn in cut]
    if aborted:
        lines.append(Input(tuple(aborted)))
    if lines:
        rollout.write(*lines)


def _find(home: Path, thread: str) -> Path:
    if not _THREAD_ID.fullmatch(thread):
        raise Refused(f"invalid thread id: {thread}")
    found = sorted(home.glob(f"sessions/*/*/*/rollout-*-{thread}.jsonl"))
    if not found:
        raise Refused(f"no rollout found for thread id {thread}")
    return found[0]


def _lock(home: Path, thread: str) -> int:
    folder = home / "thread-writer-locks"
    files.make_folder(folder)
    descriptor = os.open(folder / thread, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise Refused(f"thread {thread} already has an active writer") from error
    return descriptor


def _lines(path: Path) -> Iterable[Line]:
    data = files.read(path) or b""
    lines, torn = files.whole_lines(data)
    if torn:
        files.cut(path, len(data) - len(torn))
    for text in lines:
        members = json.loads(text)
        yield decode(KINDS[members["type"]], members)
