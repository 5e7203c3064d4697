"""What a workspace holds that its remote does not: looked at in a scratch repository."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from symphony_cli.adapters import gitfolder
from symphony_cli.adapters.gitfolder import Head
from symphony_cli.adapters.privateindex import Entry, lines_of, unhide, usable_index
from symphony_cli.adapters.scratch import EMPTY_TREE, Scratch

_GITLINK = b"160000"


@dataclass(frozen=True, slots=True)
class History:
    """The commits of a workspace."""

    head: Head
    refs: dict[str, str]
    tips: dict[str, str]
    """Commits that hold somebody's work, by the name under which they were found."""
    remotes: tuple[str, ...]
    """Commits that the workspace knows its remote to have."""
    unpushed: frozenset[str]
    """Commits that lead to `tips` and that the remote does not have."""


@dataclass(frozen=True, slots=True)
class Files:
    """The uncommitted files of a workspace. Trees are ids of objects in the scratch repository."""

    dirty: tuple[bytes, ...]
    size: int
    """Bytes of the files that are changed or new."""
    nested: tuple[bytes, ...]
    """Folders that are repositories themselves; git would keep no more than a number of them."""
    head_tree: str
    index_tree: str
    """Nothing while a conflict is not resolved: such an index is no tree."""
    tree: str
    """HEAD with everything changed, deleted and new in the work tree."""
    stored: bool
    """False when the files were too large: `tree` is known, and what it holds was not written."""

    @property
    def are_clean(self) -> bool:
        """Whether HEAD holds all of it."""
        staged = self.index_tree not in ("", self.head_tree)
        return not self.dirty and not staged and self.tree == self.head_tree


def history(place: Scratch, folder: Path) -> History:
    """The commits of the workspace whose `.git` is `folder`.

    Raises:
        WorkspaceError: it cannot be understood; the text is a reason.
    """
    refs = gitfolder.refs(folder)
    named = gitfolder.tips(folder, refs)
    there = _commits(place, {*named.values(), *refs.values()})
    tips = {name: commit for name, commit in named.items() if commit in there}
    remotes = {c for ref, c in refs.items() if ref.startswith("refs/remotes/") and c in there}
    return History(
        head=gitfolder.head(folder, refs),
        refs=refs,
        tips=tips,
        remotes=tuple(sorted(remotes)),
        unpushed=reachable(place, tips.values(), remotes),
    )


def uncommitted(place: Scratch, commit: str, most: int) -> Files:
    """The files of the workspace of `place`, compared with `commit` ("": with nothing).

    Files of more than `most` bytes together are named and hashed, and not copied.

    Raises:
        WorkspaceError: something cannot be read; the text is a reason.
    """
    head_tree = place.line("rev-parse", "--verify", f"{commit}^{{tree}}") if commit else EMPTY_TREE
    entries = usable_index(place, commit)
    conflict = any(entry.stage != b"0" for entry in entries)
    index_tree = "" if conflict else place.line("write-tree", "--missing-ok")
    unhide(place, entries)
    staged = _names(_against_head(place, head_tree))
    changed, new = _work_tree(place)
    nested = _nested(place, entries, new)
    sizes = _sizes(place.workspace, (changed | new) - nested)
    size = sum(size for size in sizes.values() if size is not None)
    _stage(place, sizes, stored=size <= most)
    return Files(
        dirty=tuple(sorted(staged | changed | new)),
        size=size,
        nested=tuple(sorted(nested)),
        head_tree=head_tree,
        index_tree=index_tree,
        tree=place.line("write-tree", "--missing-ok"),
        stored=size <= most,
    )


def ignored(place: Scratch) -> tuple[bytes, ...]:
    """Files that are ignored and nowhere tracked; a folder of nothing else as `name/`."""
    out = place.git(
        "ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z",
        on_files=True,
    )  # fmt: skip
    return tuple(sorted(_names(out)))


def reachable(
    place: Scratch, tips: Iterable[str], without: Iterable[str], *options: str
) -> frozenset[str]:
    """Commits that lead to `tips`, but for those that lead to `without`."""
    wanted = list(tips)
    if not wanted:
        return frozenset()
    lines = [*wanted, *(f"^{commit}" for commit in without)]
    data = "".join(f"{line}\n" for line in lines).encode()
    return frozenset(place.git("rev-list", *options, "--stdin", data=data).decode().split())


def _commits(place: Scratch, names: Collection[str]) -> frozenset[str]:
    """Those of `names` that are commits and there."""
    data = "".join(f"{name}\n" for name in sorted(names)).encode()
    out = place.git("cat-file", "--batch-check=%(objectname) %(objecttype)", data=data)
    lines = (line.split(" ") for line in out.decode("utf-8", "replace").splitlines())
    return frozenset(line[0] for line in lines if line[1:] == ["commit"])


def _work_tree(place: Scratch) -> tuple[set[bytes], set[bytes]]:
    """Files that differ from the index, and files that are new and not ignored."""
    refresh = ("update-index", "-q", "--really-refresh", "--unmerged", "--ignore-missing")
    place.git(*refresh, "--ignore-submodules", on_files=True, accept=(0, 1))
    changed = place.git(
        "diff-files", "-z", "--name-only", "--no-ext-diff", "--ignore-submodules=all", on_files=True
    )
    new = place.git("ls-files", "--others", "--exclude-standard", "-z", on_files=True)
    return _names(changed), _names(new)


def _against_head(place: Scratch, tree: str) -> bytes:
    return place.git(
        "diff-index", "--cached", "-z", "--name-only", "--no-ext-diff", "--no-renames",
        "--ignore-submodules=none", tree,
    )  # fmt: skip


def _nested(place: Scratch, entries: Iterable[Entry], new: Iterable[bytes]) -> set[bytes]:
    """Repositories in the workspace. Git shows one that is new as a folder, `name/`.

    A submodule's folder counts as soon as something is in it: git would look no further.
    """
    links = (entry.path for entry in entries if entry.mode == _GITLINK)
    filled = {path for path in links if _has_entries(place.at(path))}
    return filled | {path for path in new if path.endswith(b"/")}


def _has_entries(folder: bytes) -> bool:
    try:
        return not os.path.islink(folder) and bool(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True


def _sizes(workspace: Path, paths: Iterable[bytes]) -> dict[bytes, int | None]:
    """Bytes of each path; None where no file or link is (any more), or one behind a link."""
    top = os.path.realpath(os.fsencode(workspace))
    real: dict[bytes, bool] = {}
    found: dict[bytes, int | None] = {}
    for path in paths:
        above = os.path.dirname(os.path.join(top, path))
        if above not in real:
            real[above] = os.path.realpath(above) == above
        found[path] = _size(os.path.join(top, path)) if real[above] else None
    return found


def _size(path: bytes) -> int | None:
    try:
        seen = os.lstat(path)
    except OSError:
        return None
    return seen.st_size if stat.S_ISREG(seen.st_mode) or stat.S_ISLNK(seen.st_mode) else None


def _stage(place: Scratch, sizes: dict[bytes, int | None], *, stored: bool) -> None:
    """Bring the work tree into the private index; without copies of files unless `stored`."""
    gone = [path for path, size in sizes.items() if size is None]
    there = [path for path, size in sizes.items() if size is not None]
    if gone:
        data = lines_of(gone)
        place.git("update-index", "--force-remove", "-z", "--stdin", data=data, on_files=True)
    if there:
        options = ["--add", "--replace", *([] if stored else ["--info-only"])]
        data = lines_of(there)
        place.git("update-index", *options, "-z", "--stdin", data=data, on_files=True)


def _names(out: bytes) -> set[bytes]:
    return set(out.split(b"\0")[:-1])
