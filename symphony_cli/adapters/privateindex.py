"""Our copy of an agent's index: believed as far as that is safe.

The agent's own index is copied because it remembers what each file looked like when git last read
it; so a large work tree is not read again, and files that a filter or a line end setting changed
on their way out are not taken for changes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from symphony_cli.adapters.scratch import Scratch
from symphony_cli.errors import WorkspaceError

_UNSAFE = frozenset((b"", b".", b"..", b".git"))


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the index: `tag` as in git-ls-files(1), -v; `stage` above 0 is a conflict."""

    path: bytes
    tag: bytes
    mode: bytes
    stage: bytes


def usable_index(place: Scratch, commit: str) -> tuple[Entry, ...]:
    """What is in our copy of the index. One that we cannot use is replaced by HEAD's content.

    An index can be split over two files, damaged, or name places outside of the workspace.
    """
    entries = _entries(place)
    if entries is None or not all(_is_safe(entry.path) for entry in entries):
        place.index.unlink(missing_ok=True)
        place.git("read-tree", commit or "--empty")
        entries = _entries(place)
    return entries or ()


def _entries(place: Scratch) -> tuple[Entry, ...] | None:
    if not place.index.exists():
        return None
    try:
        out = place.git("ls-files", "-v", "--stage", "-z")
    except WorkspaceError:
        return None
    found = []
    for line in out.split(b"\0")[:-1]:
        start, _, path = line.partition(b"\t")
        tag, mode, _, stage = start.split(b" ")
        found.append(Entry(path, tag, mode, stage))
    return tuple(found)


def _is_safe(path: bytes) -> bool:
    return _UNSAFE.isdisjoint(path.lower().split(b"/"))


def unhide(place: Scratch, entries: Iterable[Entry]) -> None:
    """Forget what makes git pass over a changed file.

    `assume-unchanged` is never believed; `skip-worktree` (a sparse checkout) only where the file
    is really absent.
    """
    assumed = [entry.path for entry in entries if entry.tag.islower()]
    skipped = [entry.path for entry in entries if entry.tag in b"Ss"]
    there = [path for path in skipped if os.path.lexists(place.at(path))]
    for option, paths in (("--no-assume-unchanged", assumed), ("--no-skip-worktree", there)):
        if paths:
            place.git("update-index", option, "-z", "--stdin", data=lines_of(paths), on_files=True)


def lines_of(paths: Iterable[bytes]) -> bytes:
    """Paths as git reads them with `-z --stdin`."""
    return b"".join(path + b"\0" for path in sorted(paths))
