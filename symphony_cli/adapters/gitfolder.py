"""Reading an agent's `.git` without starting git in it: plain files, opened with suspicion.

An agent may have made anything of this folder: links to elsewhere, pipes that block, huge files.
So every file is opened without following a link and without waiting, must be a regular one, and
has a largest size. What cannot be read in this way counts as absent. The formats are those of
gitrepository-layout(5).
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from symphony_cli.errors import WorkspaceError

_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_SHA256_FORMAT = re.compile(r"objectformat\s*=\s*\"?sha256", re.IGNORECASE)
_NO_LINKS = ("objects", "objects/info", "objects/pack", "refs", "logs", "worktrees", "info")
_SMALL = 4096
_LARGE = 64 * 2**20
LARGEST_INDEX = 2**30
"""Bytes; the index of a million files has about a tenth of that."""
_DEEPEST = 5
_MAKING = ("commit", "cherry-pick", "revert", "am")
_PICKING = ("(pick)", "(continue)", "(reword)", "(edit)", "(squash)", "(fixup)")
_MOST_REFS = 200_000

HALF_DONE = {
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "sequencer": "cherry-pick",
}
"""What lies in `.git` while a command waits to be continued, and the name of that command."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where a workspace stands: the branch ("" when detached), its commit ("" before the first)."""

    branch: str
    commit: str


def git_folder(workspace: Path) -> Path:
    """The `.git` of a workspace.

    Raises:
        WorkspaceError: there is none, or none that we would look into; the text is a reason that
            a verdict may carry.
    """
    folder = workspace / ".git"
    try:
        mode = folder.lstat().st_mode
    except OSError as error:
        raise WorkspaceError("it has no git repository") from error
    if not stat.S_ISDIR(mode):
        raise WorkspaceError(
            "its .git is a link or a file that leads elsewhere, and Symphony does not follow it"
        )
    for name in _NO_LINKS:
        if (folder / name).is_symlink():
            raise WorkspaceError(f"its .git/{name} is a link, and Symphony does not follow it")
    for part in (folder / "objects/info/alternates", *(folder / "objects/pack").glob("*")):
        if os.path.lexists(part) and not stat.S_ISREG(part.lstat().st_mode):
            inside = part.relative_to(folder)
            raise WorkspaceError(f"its .git/{inside} is no plain file, and git would wait for it")
    if (folder / "reftable").exists():
        raise WorkspaceError("its refs are kept in a reftable, which Symphony cannot read")
    if _SHA256_FORMAT.search(_text(folder / "config", _LARGE)):
        raise WorkspaceError("its objects are named by SHA-256, those of the rescue store by SHA-1")
    if read(folder / "HEAD") is None:
        raise WorkspaceError("its .git has no HEAD that can be read")
    return folder


def read(path: Path, most: int = _SMALL) -> bytes | None:
    """The content of a regular file of at most `most` bytes; None for anything else."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as stream:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > most:
            return None
        data = stream.read(most + 1)
    return data if len(data) <= most else None


def _text(path: Path, most: int = _SMALL) -> str:
    return (read(path, most) or b"").decode("utf-8", "surrogateescape")


def commit_in(path: Path) -> str:
    """The commit that a file names in its first line, or nothing."""
    line = _text(path).partition("\n")[0].strip()
    return line if _ID.fullmatch(line) else ""


def refs(folder: Path) -> dict[str, str]:
    """Every ref and its object; a symbolic one (`origin/HEAD`) has that of the ref it names."""
    found: dict[str, str] = {}
    for line in _text(folder / "packed-refs", _LARGE).splitlines():
        name, _, ref = line.partition(" ")
        if _ID.fullmatch(name) and ref.startswith("refs/"):
            found[ref] = name
    symbolic: dict[str, str] = {}
    for ref, text in _loose(folder).items():
        if text.startswith("ref: "):
            symbolic[ref] = text[5:]
        elif _ID.fullmatch(text):
            found[ref] = text
    for ref, target in symbolic.items():
        for _ in range(_DEEPEST):
            target = symbolic.get(target, target)
        if target in found:
            found[ref] = found[target]
    return found


def _loose(folder: Path) -> dict[str, str]:
    found = {}
    for place, _, names in os.walk(folder / "refs"):
        for name in names:
            path = Path(place, name)
            if not name.endswith(".lock"):
                found[path.relative_to(folder).as_posix()] = _text(path).strip()
        if len(found) > _MOST_REFS:
            raise WorkspaceError(f"it has more than {_MOST_REFS} refs")
    return found


def symbolic_target(folder: Path, ref: str) -> str:
    """The ref that `ref` (HEAD, refs/remotes/origin/HEAD ...) stands for, or nothing."""
    text = _text(folder / ref).strip()
    return text[5:].strip() if text.startswith("ref: ") else ""


def head(folder: Path, known: dict[str, str]) -> Head:
    """Where HEAD leads; `known` is what `refs` found.

    Raises:
        WorkspaceError: HEAD says nothing that we understand.
    """
    target = symbolic_target(folder, "HEAD")
    if target.startswith("refs/heads/"):
        return Head(target.removeprefix("refs/heads/"), known.get(target, ""))
    commit = commit_in(folder / "HEAD")
    if not commit:
        raise WorkspaceError("its .git/HEAD names neither a branch nor a commit")
    return Head("", commit)


def tips(folder: Path, known: dict[str, str]) -> dict[str, str]:
    """Every commit that holds somebody's work, by where it is named.

    Branches, stashes (all of them: older ones stand only in the reflog), what a half-done command
    has put aside, and the heads of worktrees that the agent made.
    """
    found = {ref: commit for ref, commit in known.items() if ref.startswith("refs/heads/")}
    head_commit = commit_in(folder / "HEAD")
    if head_commit:
        found["HEAD"] = head_commit
    if "refs/stash" in known:
        found["refs/stash"] = known["refs/stash"]
    for line in _text(folder / "logs/refs/stash", _LARGE).splitlines():
        commit = line[41:81]
        if _ID.fullmatch(commit):
            found.setdefault(f"stash {commit[:12]}", commit)
    for name in ("rebase-merge/autostash", "rebase-apply/autostash", "MERGE_AUTOSTASH"):
        if commit := commit_in(folder / name):
            found[name] = commit
    for place in sorted((folder / "worktrees").glob("*/HEAD")):
        if commit := commit_in(place):
            found[place.relative_to(folder).as_posix()] = commit
    return found


def made_here(folder: Path) -> frozenset[str]:
    """Commits that the reflog of HEAD says were made in this repository, and not fetched."""
    found = set()
    for line in _text(folder / "logs/HEAD", _LARGE).splitlines():
        commit, action = line[41:81], line.partition("\t")[2].partition(":")[0]
        if _ID.fullmatch(commit) and (action.startswith(_MAKING) or action.endswith(_PICKING)):
            found.add(commit)
    return frozenset(found)


def shallow(folder: Path) -> tuple[str, ...]:
    """Commits below which this repository has no history."""
    lines = _text(folder / "shallow", _LARGE).split()
    return tuple(line for line in lines if _ID.fullmatch(line))


def half_done(folder: Path) -> str:
    """The command that was stopped half-way (rebase, merge, cherry-pick, revert), or nothing."""
    return next((name for entry, name in HALF_DONE.items() if os.path.lexists(folder / entry)), "")
