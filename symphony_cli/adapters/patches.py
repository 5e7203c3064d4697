"""What commits change, and whether two change the same.

The print of a patch is what git-patch-id(1) calls its id, made here because the git of some systems
leaves the content of binary files out: file names, modes and changed lines with three lines around
them count, line numbers do not. White space counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha1

from symphony_cli.adapters.scratch import Scratch

Files = frozenset[bytes]
"""Names of files, as git prints them."""

_ID = re.compile(rb"[0-9a-f]{40}")
_HOW = ("-r", "--root", "--no-renames", "--ignore-submodules=none", "--no-ext-diff")
_PATCH = (*_HOW, "-p", "--unified=3", "--full-index", "--no-textconv", "--no-color")
_AT_ONCE = 50
"""So many patches are held in memory together."""


def files_of(place: Scratch, commits: Sequence[str]) -> dict[str, Files]:
    """The files that each of these commits changes; merges are left out."""
    out = _tree_diffs(place, commits, *_HOW, "--raw")
    return {name: _named(lines) for name, lines in _by_commit(out)}


def files_between(place: Scratch, base: str, tip: str) -> Files:
    """The files that differ between two commits."""
    return _named(place.git("diff-tree", *_HOW, "--raw", base, tip).split(b"\n"))


def prints_of(place: Scratch, commits: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each of these commits with the print of its patch; merges are left out."""
    for start in range(0, len(commits), _AT_ONCE):
        out = _tree_diffs(place, commits[start : start + _AT_ONCE], *_PATCH)
        yield from ((name, _print(lines)) for name, lines in _by_commit(out))


def print_between(place: Scratch, base: str, tip: str) -> str:
    """The print of all changes between two commits taken together."""
    return _print(place.git("diff-tree", *_PATCH, base, tip).split(b"\n"))


def merges_add(place: Scratch, merges: Sequence[str]) -> bool:
    """Whether one of these merges has lines that none of its parents has, as a conflict leaves."""
    return b"diff --" in _tree_diffs(place, merges, *_HOW, "--cc", "-p", "--no-commit-id")


def _tree_diffs(place: Scratch, commits: Iterable[str], *options: str) -> bytes:
    data = "".join(f"{commit}\n" for commit in commits).encode()
    return place.git("diff-tree", "--stdin", *options, data=data)


def _by_commit(out: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """What git-diff-tree(1) says after the line of each commit. No other line looks like that one:
    those of a file begin with a sign."""
    name, lines = "", list[bytes]()
    for line in out.split(b"\n"):
        if _ID.fullmatch(line):
            if name:
                yield name, lines
            name, lines = line.decode(), []
        else:
            lines.append(line)
    if name:
        yield name, lines


def _named(lines: Iterable[bytes]) -> Files:
    return frozenset(line.partition(b"\t")[2] for line in lines if line.startswith(b":"))


def _print(lines: Iterable[bytes]) -> str:
    found, objects = sha1(usedforsecurity=False), b""
    for line in lines:
        if line.startswith(b"index "):
            objects = line
        elif line.startswith(b"@@ "):
            found.update(b"@@\n")
        else:
            found.update(objects if line.startswith(b"Binary files ") else b"")
            found.update(line + b"\n")
    return found.hexdigest()
