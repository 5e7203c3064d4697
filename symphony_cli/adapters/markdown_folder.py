"""The folder of issue files: which files are issues, and what they hold."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from symphony_cli.adapters.markdown_file import IssueFile, Unreadable, decode, parse
from symphony_cli.errors import TrackerError
from symphony_cli.ids import IssueId

LARGEST = 8_000_000
"""Bytes beyond which a file is not read: no issue is that long."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The names in the folder: files that may be issues, and names that cannot be."""

    files: dict[IssueId, Path]
    unknown: dict[IssueId, str]

    def find(self, name: str) -> IssueId | None:
        """The issue that somebody calls `name`: its stem, or its stem in another case."""
        if name in self.files:
            return IssueId(name)
        folded = name.casefold()
        return next((issue for issue in self.files if issue.casefold() == folded), None)


@dataclass(frozen=True, slots=True)
class Saved:
    """An issue file as it was read."""

    file: IssueFile
    data: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class Contents:
    """The files of a listing that were read, and why others were not; `digest` covers both."""

    found: dict[IssueId, Saved] = field(default_factory=dict)
    unknown: dict[IssueId, str] = field(default_factory=dict)
    digest: str = ""


def listing(folder: Path) -> Listing:
    """The `*.md` in a folder but hidden ones and README.md.

    Raises:
        TrackerError: the folder is not there or cannot be listed; nothing follows about issues.
    """
    try:
        names = sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise TrackerError(
            f"The issue folder {folder} is not there: create it, or correct `tracker.path` "
            "in WORKFLOW.md."
        ) from error
    except OSError as error:
        raise TrackerError(
            f"The issue folder {folder} cannot be listed ({error.strerror}): check who may read it."
        ) from error
    found: dict[IssueId, Path] = {}
    unknown: dict[IssueId, str] = {}
    for name in names:
        if not name.endswith(".md") or name.startswith(".") or name.casefold() == "readme.md":
            continue
        issue = IssueId(name.removesuffix(".md"))
        if issue.isprintable():
            found[issue] = folder / name
        else:
            shown = os.fsencode(issue).decode("ascii", "backslashreplace")
            unknown[IssueId(shown)] = "its file name has characters that cannot be shown: rename it"
    for twins in _twins(found):
        for issue in twins:
            del found[issue]
            unknown[issue] = f"{' and '.join(twins)} differ only in case: rename one"
    return Listing(found, unknown)


def _twins(found: Collection[IssueId]) -> list[list[IssueId]]:
    groups: dict[str, list[IssueId]] = {}
    for issue in found:
        groups.setdefault(issue.casefold(), []).append(issue)
    return [group for group in groups.values() if len(group) > 1]


def load(folder: Path, names: Listing, only: Collection[IssueId] | None = None) -> Contents:
    """Read the listed files, all or `only` some; one that vanished meanwhile is in neither map."""
    found: dict[IssueId, Saved] = {}
    unknown = dict(names.unknown)
    total = hashlib.sha256(repr(sorted(unknown.items())).encode())
    for issue, path in names.files.items():
        if only is not None and issue not in only:
            continue
        try:
            saved = read_issue(path, folder)
            found[issue] = saved
            content = saved.data
        except FileNotFoundError:
            continue
        except Unreadable as error:
            unknown[issue] = f"{path.name}: {error}"
            content = unknown[issue].encode()
        total.update(f"{issue}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return Contents(found, unknown, total.hexdigest())


def read_issue(path: Path, folder: Path) -> Saved:
    """One issue file.

    Raises:
        FileNotFoundError: nothing has this name (any more).
        Unreadable: it is there and is no issue file, or none that we may read.
    """
    data, at = _read(path, folder)
    return Saved(parse(decode(data)), data, at)


def _read(path: Path, folder: Path) -> tuple[bytes, datetime]:
    try:
        if path.is_symlink() and not _inside(path, folder):
            raise Unreadable(0, "it is a link out of the folder, which is not followed")
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise Unreadable(0, "it is no regular file")
        if facts.st_size > LARGEST:
            raise Unreadable(0, f"it is larger than {LARGEST} bytes")
        # O_NONBLOCK: a pipe that took the name meanwhile must not hold up a tick.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            saved_at = datetime.fromtimestamp(os.fstat(descriptor).st_mtime, UTC)
            return stream.read(), saved_at
    except FileNotFoundError:
        if path.is_symlink():
            raise Unreadable(0, "it is a link that leads nowhere") from None
        raise
    except OSError as error:
        raise Unreadable(0, f"it cannot be read: {error.strerror}") from error


def _inside(path: Path, folder: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))
