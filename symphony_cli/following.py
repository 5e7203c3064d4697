"""Reading a file that another process still writes: each line once, none before it is whole.

A file that grows over its size is replaced by its writer (supervisor/records.py): under its name
lies another one then. Who has the old one open reads it to its end first, so nothing that is on
disk is missed and nothing comes twice.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from symphony_cli import files

_LONGEST = 64 * 1024 * 1024


class Tail:
    """The lines of a file, as it gets them; with `older`, what was in that file comes first.

    Nothing here waits, takes a lock or changes anything. A file that is not there has no lines yet.
    """

    def __init__(self, path: Path, older: Path | None = None) -> None:
        self._path, self._older = path, older
        self._streams: deque[BinaryIO] = deque()
        self._torn = b""
        self._found = False

    def lines(self) -> Iterator[bytes]:
        """The whole lines, with their ends, that were not given yet.

        Raises:
            StateError: the file is there and cannot be read.
        """
        with files.translated(self._path, "read"):
            self._begin()
            while self._streams:
                yield from self._rest(self._streams[0])
                if len(self._streams) == 1 and not self._replaced(self._streams[0]):
                    return
                # Between the last read and the look it may have got its last lines.
                yield from self._rest(self._streams[0])
                self._streams.popleft().close()
                self._torn = b""

    @property
    def found(self) -> bool:
        """Whether the file was ever there."""
        with files.translated(self._path, "read"):
            self._begin()
        return self._found

    def _begin(self) -> None:
        """Open what is there, once there is anything. The newest first: what is renamed in between
        is had twice then, and known to be the same."""
        if self._streams:
            return
        newest = _open(self._path)
        older = _open(self._older) if self._older is not None and not self._found else None
        if newest is not None and older is not None and _same(newest, older):
            newest.close()
            newest = None
        self._streams.extend(stream for stream in (older, newest) if stream is not None)
        self._found = self._found or bool(self._streams)

    def _rest(self, stream: BinaryIO) -> Iterator[bytes]:
        if os.fstat(stream.fileno()).st_size < stream.tell():  # somebody emptied it
            stream.seek(0)
            self._torn = b""
        while line := stream.readline(_LONGEST):
            if not line.endswith(b"\n"):
                self._torn += line
                continue
            line, self._torn = self._torn + line, b""
            yield line

    def _replaced(self, stream: BinaryIO) -> bool:
        """Whether another file has the name now; it is opened then."""
        newest = _open(self._path)
        if newest is None:
            return False
        if _same(newest, stream):
            newest.close()
            return False
        self._streams.append(newest)
        return True

    def close(self) -> None:
        """Let go of the file."""
        while self._streams:
            self._streams.popleft().close()


def _open(path: Path) -> BinaryIO | None:
    try:
        return path.open("rb")
    except (FileNotFoundError, NotADirectoryError):
        return None


def _same(one: BinaryIO, other: BinaryIO) -> bool:
    return os.path.sameopenfile(one.fileno(), other.fileno())
