"""Knowing that another process has read a file, without guessing how long that takes."""

from __future__ import annotations

import ctypes
import os
import select
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CLOSE_NOWRITE = 0x10
"""IN_CLOSE_NOWRITE of <sys/inotify.h>: a reader has closed the file."""


class NotRead(AssertionError):
    """Nobody read the file."""


@contextmanager
def read_by_another(path: Path, seconds: float = 30.0) -> Iterator[None]:
    """Does what is in the block, then waits until somebody has read and closed `path`, which is
    there before. The caller sees to it that only the reader that is meant can be at it."""
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init1(os.O_CLOEXEC)
    assert watch >= 0, os.strerror(ctypes.get_errno())
    try:
        added = libc.inotify_add_watch(watch, os.fsencode(path), CLOSE_NOWRITE)
        assert added >= 0, os.strerror(ctypes.get_errno())
        yield
        ready, _, _ = select.select([watch], [], [], seconds)
        if not ready:
            raise NotRead(f"nobody read {path} within {seconds} s")
    finally:
        os.close(watch)
