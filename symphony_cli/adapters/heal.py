"""Making a workspace fit for the next run after the last one was killed (row G6).

Nothing here runs git with the agent's `.git` as its git dir: `git rebase --abort` and its like
would start hooks, filters and whatever else the agent's configuration names. Instead the work is
rescued first; then a scratch repository of ours brings index and files back to the commit that
the abort would bring them to; then the files by which git remembers the half-done command are
removed. Where that is not safe (the work cannot be kept, somebody is at work) the workspace stays
as it is, and a note says so to the prompt and the report.

One difference to git remains: filters are off, so a file that an abort has to rewrite and that
passes through a filter (LFS) is left as the repository stores it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from symphony_cli import processes
from symphony_cli.adapters import gitfolder
from symphony_cli.adapters.gitenv import is_branch_name
from symphony_cli.adapters.gitfolder import HALF_DONE
from symphony_cli.adapters.gitstore import Site, rescue
from symphony_cli.adapters.privateindex import usable_index
from symphony_cli.adapters.scratch import EMPTY_TREE, Scratch, scratch
from symphony_cli.adapters.trees import remove_tree
from symphony_cli.errors import WorkspaceError
from symphony_cli.files import translated

OLD_ENOUGH = 1.0
"""Seconds after which a lock of git that nobody holds open is a leftover. Not longer: a run that
was interrupted is followed by the next at once, and its agent could not commit."""

_REMEMBERED = (
    *HALF_DONE,
    "MERGE_MODE",
    "MERGE_MSG",
    "MERGE_AUTOSTASH",
    "AUTO_MERGE",
    "REBASE_HEAD",
)


def heal(where: Site, branch: str, now: datetime) -> tuple[str, ...]:
    """Make a workspace usable again; what was done, and what is odd about it, in sentences.

    `branch` is the one that the issue is worked on.
    """
    try:
        folder = gitfolder.git_folder(where.workspace)
    except WorkspaceError as error:
        return (f"The workspace was left as it is: {error}.",)
    if git_at_work(where.workspace):
        return ("Somebody runs git in the workspace, so it was left as it is.",)
    notes = [*_stale_locks(folder, now)]
    half = gitfolder.half_done(folder)
    if half:
        notes.append(_abort(where, folder, half, now))
    notes += _attach(folder, branch)
    return (*notes, *_oddities(folder, branch))


def git_at_work(workspace: Path) -> bool:
    """Whether a living git has its current folder in the workspace (Linux; elsewhere unknown).

    Git closes index.lock before it starts an editor, so open files do not tell.
    """
    top = os.path.realpath(workspace)
    for pid in processes.all_pids():
        try:
            name = Path(f"/proc/{pid}/comm").read_text()
            place = str(Path(f"/proc/{pid}/cwd").readlink())
        except OSError:
            continue
        if name.startswith("git") and (place + "/").startswith(top + "/"):
            return True
    return False


def _stale_locks(folder: Path, now: datetime) -> Iterator[str]:
    for lock in (*folder.glob("*.lock"), *_locks_of_refs(folder)):
        try:
            seen = lock.lstat()
        except OSError:
            continue
        age = now.timestamp() - seen.st_mtime
        if stat.S_ISDIR(seen.st_mode) or age < OLD_ENOUGH or _is_open(lock):
            continue
        with translated(lock, "removed"):
            lock.unlink(missing_ok=True)
        yield f"Removed .git/{lock.relative_to(folder)}, left by a git that was killed."


def _locks_of_refs(folder: Path) -> list[Path]:
    return [
        Path(place, name)
        for place, _, names in os.walk(folder / "refs")
        for name in names
        if name.endswith(".lock")
    ]


def _is_open(path: Path) -> bool:
    """Whether a process has the file open (of other users' processes this cannot be seen)."""
    wanted = os.path.realpath(path)
    for pid in processes.all_pids():
        try:
            if any(os.readlink(entry.path) == wanted for entry in os.scandir(f"/proc/{pid}/fd")):
                return True
        except OSError:
            continue
    return False


def _abort(where: Site, folder: Path, half: str, now: datetime) -> str:
    kept = rescue(where, now)
    if kept.kept_because:
        return f"A half-done {half} was left as it is, because {kept.kept_because}."
    known = gitfolder.refs(folder)
    branch, target = _before(folder, known)
    with scratch(where.root, where.key, where.workspace, folder) as place:
        _reset(place, folder, target)
    with translated(folder, "healed"):
        if branch:
            _write(folder / "HEAD", f"ref: {branch}\n".encode())
        for name in _REMEMBERED:
            remove_tree(folder / name)
    saved = f"; its work is kept as {kept.rescue}" if kept.rescue else ""
    return f"Aborted a half-done {half}{saved}."


def _attach(folder: Path, branch: str) -> Iterator[str]:
    """Put a detached HEAD on the issue's branch where that moves neither: the branch is at the same
    commit, or is gone. Commits that are made on a detached HEAD are easily lost and never pushed.
    """
    known, ref = gitfolder.refs(folder), f"refs/heads/{branch}"
    try:
        head = gitfolder.head(folder, known)
    except WorkspaceError:
        return  # told with the oddities
    if head.branch or not branch or not head.commit or known.get(ref, head.commit) != head.commit:
        return
    is_gone = ref not in known
    if is_gone and not _make_ref(folder, ref, head.commit):
        return
    with translated(folder, "healed"):
        _write(folder / "HEAD", f"ref: {ref}\n".encode())
    was = "was gone and was made anew there" if is_gone else "was at the same commit"
    yield (
        f"HEAD was detached at {head.commit[:12]} and is on the branch {branch} again, which {was}."
    )


def _make_ref(folder: Path, ref: str, commit: str) -> bool:
    """Make a branch that is not there; False when something else is in its place."""
    path = folder / ref
    parents = [folder / "refs", *(p for p in path.parents if folder / "refs" in p.parents)]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(path) or any(parent.is_symlink() for parent in parents):
            return False
        _write(path, f"{commit}\n".encode())
    except OSError:
        return False
    return True


def _before(folder: Path, known: dict[str, str]) -> tuple[str, str]:
    """The branch to go back to ("": stay), and the commit that files shall be at.

    A rebase moves a detached HEAD; `head-name` says which branch it was begun on.
    """
    for name in ("rebase-merge", "rebase-apply"):
        text = (gitfolder.read(folder / name / "head-name") or b"").decode("utf-8", "replace")
        branch = text.strip()
        if is_branch_name(branch.removeprefix("refs/heads/")) and branch in known:
            return branch, known[branch]
    return "", gitfolder.head(folder, known).commit


def _reset(place: Scratch, folder: Path, target: str) -> None:
    """Bring index and files to `target`; new files that nothing tracks stay."""
    usable_index(place, target)
    tree = target or EMPTY_TREE
    place.git("read-tree", "--reset", "-u", tree, on_files=True)
    with translated(folder, "healed"):
        _write(folder / "index", place.index.read_bytes())


def _write(path: Path, data: bytes) -> None:
    """Replace a file of the agent's `.git`, whatever it was, without following a link."""
    hidden = path.with_name(f"{path.name}.symphony")
    hidden.unlink(missing_ok=True)
    descriptor = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(descriptor)
    hidden.replace(path)


def _oddities(folder: Path, branch: str) -> Iterator[str]:
    known = gitfolder.refs(folder)
    try:
        head = gitfolder.head(folder, known)
    except WorkspaceError as error:
        yield f"The workspace is odd: {error}."
        return
    if not head.branch:
        yield f"HEAD is detached at {head.commit[:12]}."
    elif not head.commit:
        yield f"The branch {head.branch} has no commit."
    if branch and branch != head.branch and f"refs/heads/{branch}" not in known:
        yield f"The branch {branch} is gone."
