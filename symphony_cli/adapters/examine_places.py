"""What kind of places our folders are: writable, local, private, lasting."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from symphony_cli import files
from symphony_cli.adapters.workflow_git import is_ignored
from symphony_cli.core.examined import Folder, Temporary
from symphony_cli.errors import SymphonyError

TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm", "/run")


def folder(path: Path, environ: Mapping[str, str], *, in_git: str = "") -> Folder:
    """A folder that we write in; `in_git` is a file of it that git must leave out."""
    there = os.path.isdir(path)  # False where we may not look
    return Folder(
        str(path),
        there,
        unwritable=unwritable(path),
        network=files.network_file_system(path) or "",
        open_to_others=there and bool(stat.S_IMODE(path.stat().st_mode) & 0o022),
        tracked=bool(in_git) and there and not _left_out(path / in_git, environ),
    )


def unwritable(path: Path) -> str:
    """Why nothing can be made in a folder, or in the nearest one above that is there."""
    while not os.path.lexists(path) and path != path.parent:
        path = path.parent
    if not os.path.isdir(path):
        return f"{path} is no folder"
    try:
        if os.statvfs(path).f_flag & os.ST_RDONLY:
            return "its file system is read-only"
    except OSError as error:
        return f"{path}: {error.strerror}"
    return "" if os.access(path, os.W_OK | os.X_OK) else f"{path} is not yours to write"


def _left_out(path: Path, environ: Mapping[str, str]) -> bool:
    """Where git cannot be asked, that has its own finding."""
    try:
        return is_ignored(path, environ)
    except SymphonyError:
        return True


def temporary(
    named: Iterable[tuple[str, str]], environ: Mapping[str, str]
) -> tuple[Temporary, ...]:
    """Which of our places (key of WORKFLOW.md, path) lie below folders for temporary files."""
    folders = {*TEMPORARY, tempfile.gettempdir(), environ.get("TMPDIR", "")}
    real = sorted({os.path.realpath(one) for one in folders if os.path.isabs(one)}, key=len)
    return tuple(
        Temporary(key, path, below)
        for key, path in named
        if (below := next((one for one in real if _is_below(path, one)), ""))
    )


def _is_below(path: str, folder: str) -> bool:
    return os.path.realpath(path).startswith(folder.rstrip("/") + "/")
