"""Reading an operator's file without ever waiting for it."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def read_regular(path: Path) -> tuple[bytes, int]:
    """The content of a regular file, and its permission bits.

    Opening a pipe waits until somebody writes into it, unless O_NONBLOCK says not to (open(2)).

    Raises:
        OSError: it cannot be opened or read, or is something else than a regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            return stream.read(), stat.S_IMODE(mode)
    finally:
        os.close(descriptor)
