"""What we keep for people to look at: the raw protocol, and what Codex writes to its error output.

Neither is waited for by the disk, and neither may end a run: what cannot be written is lost. Both
have a size that they never grow over.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from symphony_cli.core.secrets import redact_bytes
from symphony_cli.core.shorten import beginning, shorten
from symphony_cli.core.times import stamp
from symphony_cli.paths import RunPaths

LOG_MAX_BYTES = 10_000_000
"""Size at which agent.log takes no more."""

_LONGEST_LINE = 64 * 1024
_SHOWN = 4096
_HEAD = 100
_FULL = b"[agent.log is full: the rest is not kept]\n"
_TAIL = 2000


class File:
    """A file that is only appended to, by whole lines, and knows its size."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open(0)

    def _open(self, flags: int) -> None:
        self._descriptor = -1
        self.size = 0
        with contextlib.suppress(OSError):
            wanted = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | flags
            self._descriptor = os.open(self._path, wanted, 0o600)
            self.size = os.fstat(self._descriptor).st_size

    def write(self, lines: bytes) -> None:
        """Add whole lines, or nothing where the disk does not take them all."""
        if self._descriptor < 0:
            self._open(0)
        with contextlib.suppress(OSError):
            written = os.write(self._descriptor, lines)
            if written == len(lines):
                self.size += written
            else:
                os.ftruncate(self._descriptor, os.fstat(self._descriptor).st_size - written)

    def rename(self, path: Path) -> bool:
        """Give what is there another name, and begin anew; False: it has kept its name."""
        self.close()
        done = False
        with contextlib.suppress(OSError):
            self._path.rename(path)
            done = True
        self._open(0)
        return done

    def restart(self) -> None:
        """Begin anew in another file of this name: who reads the old one reads it to its end."""
        self.close()
        with contextlib.suppress(OSError):
            self._path.unlink()
        self._open(os.O_TRUNC)

    def close(self) -> None:
        """Let go of it."""
        with contextlib.suppress(OSError):
            os.close(self._descriptor)
        self._descriptor = -1


class Transcript:
    """`transcript.jsonl`: a map with at, dir (in, out) and line, for each line of the protocol.

    Half of the allowed size goes to the first part, kept as transcript.1.jsonl; the other half to
    the newest part, which begins anew when it is full, with a line of its own (dir "part") that
    has its number: a reader knows by it whether anything is missing. A very long line is kept
    shortened, with its method, its ids and how it ended.
    """

    def __init__(self, paths: RunPaths, max_bytes: int, secrets: Sequence[str]) -> None:
        self._first = paths.first_transcript
        self._half = max_bytes // 2
        self._longest = min(_LONGEST_LINE, max(0, self._half // 2 - _HEAD))
        self._secrets = tuple(secrets)
        self._part = 1
        self._file = File(paths.transcript)

    def add(self, direction: str, line: bytes, at: datetime, *, is_json: bool = True) -> None:
        """Keep one line, given without its end; what is no JSON is kept as text."""
        line = redact_bytes(line, self._secrets)
        if not is_json:
            line = beginning(line, min(_SHOWN, self._longest))
        elif len(line) > self._longest:
            line = shorten(line, self._longest)
        data = _entry(direction, line, at)
        if self._file.size + len(data) > self._half:
            self._turn_over(at)
        self._put(data)

    def _turn_over(self, at: datetime) -> None:
        if self._first.exists() or not self._file.rename(self._first):
            self._file.restart()
        self._part += 1
        self._put(_entry("part", b"%d" % self._part, at))

    def _put(self, data: bytes) -> None:
        if self._file.size + len(data) <= self._half:
            self._file.write(data)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _entry(direction: str, line: bytes, at: datetime) -> bytes:
    return f'{{"at":"{stamp(at)}","dir":"{direction}","line":'.encode() + line + b"}\n"


class AgentLog:
    """`agent.log`: the error output of Codex and of errands, without secrets, up to a size."""

    def __init__(
        self, paths: RunPaths, secrets: Sequence[str], max_bytes: int = LOG_MAX_BYTES
    ) -> None:
        self._secrets = tuple(secrets)
        self._most = max_bytes
        self._file = File(paths.log)
        self._kept = b""
        self._full = False
        self.tail = ""

    def add(self, data: bytes) -> None:
        """Take in bytes as they come; whole lines are written, so that no secret is cut in two."""
        self._kept += data
        whole, end, rest = self._kept.rpartition(b"\n")
        if end:
            self._kept = rest
            self._write(whole + end)
        elif len(self._kept) > _LONGEST_LINE:
            # The beginning of a secret may be at its end.
            kept = redact_bytes(self._kept, self._secrets)
            longest = max(map(len, map(os.fsencode, self._secrets)), default=0)
            self._kept = kept[len(kept) - 2 * longest :] if longest else b""
            self._write(kept[: len(kept) - len(self._kept)])

    def flush(self) -> None:
        """Write what is left, as a line of its own."""
        if self._kept:
            data, self._kept = self._kept, b""
            self._write(data + b"\n")

    def _write(self, data: bytes) -> None:
        data = redact_bytes(data, self._secrets)
        self.tail = (self.tail + data[-_TAIL:].decode("utf-8", "replace"))[-_TAIL:]
        if self._full:
            return
        room = self._most - self._file.size - len(_FULL)
        if len(data) > room:
            self._full = True
            if room < 0:
                return
            data = data[: data.rfind(b"\n", 0, room) + 1] + _FULL
        self._file.write(data)

    def close(self) -> None:
        """Write what is left and let go of the file."""
        self.flush()
        self._file.close()
