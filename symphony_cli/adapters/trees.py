"""Removing a folder that somebody else has filled."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from symphony_cli.files import translated


def remove_tree(path: Path) -> None:
    """Remove a file, a link (never what it leads to) or a whole folder; absent is well.

    Folders that were made read-only (module caches are) are opened up on the way.

    Raises:
        StateError: something in it cannot be removed; what could be is gone.
    """
    with translated(path, "removed"):
        if path.is_symlink() or not path.is_dir():
            path.unlink(missing_ok=True)
        else:
            shutil.rmtree(path, onerror=_open_up)


def _open_up(function: Callable[..., Any], name: str, cause: Any) -> None:
    """Make a folder and the one above it writable, then try once more."""
    error = cause[1]
    if isinstance(error, FileNotFoundError):
        return
    if not isinstance(error, PermissionError):
        raise error
    above = os.path.dirname(name)
    if os.path.islink(above):
        raise error
    os.chmod(above, 0o700)
    if os.path.isdir(name) and not os.path.islink(name):
        os.chmod(name, 0o700)
        shutil.rmtree(name, onerror=_open_up)
    else:
        os.unlink(name)
