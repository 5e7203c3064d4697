"""The rescue store, `<workspace.root>/.symphony/rescue.git`: what an agent's work is kept in.

A rescue is a commit on `refs/symphony/rescue/KEY/N`; `gitstore` says what is in it. Every object
that it needs lies in the store, which therefore outlives the workspace. Of what the remote has,
one snapshot is kept and no history: the store is a shallow repository. Nothing is ever pruned.

Two workflows that used one root after the other may both have had a KEY. They share its numbers,
since a ref is only ever created; the message of each rescue says which tracker its issue is from
(`scope`), and who looks for an issue's newest passes over those of another.

Publishing is done under a lock that git inherits. So the git of a run that was killed is waited
for too, and whatever lock file of git lies here once we hold the lock is nobody's.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from symphony_cli import clock, files
from symphony_cli.adapters.gitenv import git, is_branch_name
from symphony_cli.adapters.locks import take_run_lock
from symphony_cli.adapters.rescuenote import Described, described
from symphony_cli.adapters.scratch import HIDDEN, new_repository
from symphony_cli.adapters.trees import remove_tree
from symphony_cli.errors import WorkspaceError
from symphony_cli.ids import digest

REFS = "refs/symphony/rescue"
LOCK_PATIENCE = 60.0
"""Seconds to wait for other runs that are publishing."""

COPY_PATIENCE = 100.0
"""Seconds that copying into the store may take; finish has two minutes."""

_LOCK_PAUSE = 0.02
_ABSENT = "0" * 40
_LEFT_BY_THE_KILLED = ("*.lock", "refs/**/*.lock", "objects/pack/tmp_*", "objects/*/tmp_obj_*")


def store_path(root: Path) -> Path:
    """Where the rescue store of a workspace root lies."""
    return root / HIDDEN / "rescue.git"


def ref_part(key: str) -> str:
    """`key` as one part of the name of a ref: a few keys (`a..b`, `x.lock`) git would refuse."""
    if is_branch_name(key):
        return key
    return re.sub(r"[^A-Za-z0-9_-]", "_", key) + "-" + digest(key)


@dataclass(frozen=True, slots=True)
class Store:
    """The store, and the descriptors that git shall inherit while it works for us."""

    path: Path
    locks: tuple[int, ...] = ()

    def git(self, *words: str, data: bytes = b"", accept: Collection[int] = (0,)) -> bytes:
        """Run git in the store; what it writes is on the disk when it is done."""
        return git(
            *words,
            git_dir=self.path,
            data=data,
            settings={
                "core.fsync": "all",
                "protocol.file.allow": "always",
                "fetch.unpackLimit": "1",
            },
            accept=accept,
            locks=self.locks,
            timeout=COPY_PATIENCE,
        )

    def refs(self, key: str = "") -> tuple[str, ...]:
        """The rescues of one key, or of all; a key's last one is its last."""
        below = f"{REFS}/{ref_part(key)}/" if key else f"{REFS}/"
        out = self.git("for-each-ref", "--format=%(refname)", below).decode()
        return tuple(sorted(out.split(), key=lambda ref: (ref.rpartition("/")[0], number(ref))))

    def last(self, key: str) -> str:
        """The last ref of a key, whosever it is, or nothing."""
        return next(reversed(self.refs(key)), "")

    def newest(self, key: str, scope: str) -> str:
        """The newest rescue of an issue, or nothing; one that names no scope may be anybody's."""
        ours = (ref for ref in reversed(self.refs(key)) if self._scope(ref) in ("", scope))
        return next(ours, "")

    def _scope(self, ref: str) -> str:
        return described(self.commit(ref)).scope

    def commit(self, ref: str) -> bytes:
        """The commit object of a rescue."""
        return self.git("cat-file", "commit", ref)

    def prove(self, commit: str) -> None:
        """Walk from `commit` to every file, with nothing but the store.

        Raises:
            WorkspaceError: an object is missing or damaged.
        """
        self.git("rev-list", "--objects", "--quiet", commit, "--")

    def publish(self, source: Path, branch: str, commit: str, ref: str) -> None:
        """Copy `commit`, the tip of `branch` in the repository `source`, and make `ref` for it.

        git-fetch(1) checks every object against its name on the way and brings the limits of a
        shallow history along. The ref is made last, and only if there is none of that name.

        Raises:
            WorkspaceError: nothing was made that anybody would believe.
        """
        self.git(
            "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules",
            "--update-shallow", str(source), branch,
        )  # fmt: skip
        self.prove(commit)
        with files.translated(self.path, "made durable"):
            files.sync_folder(self.path / "objects/pack")
            files.sync_folder(self.path)
        self.git("update-ref", "--no-deref", ref, commit, _ABSENT)
        if self.git("rev-parse", "--verify", ref).decode().strip() != commit:
            raise WorkspaceError(f"{ref} of the rescue store does not read back as {commit}")
        self._sync_names(ref)

    def _sync_names(self, ref: str) -> None:
        with files.translated(self.path, "made durable"):
            place = (self.path / ref).parent
            while place != self.path:
                files.sync_folder(place)
                place = place.parent


def number(ref: str) -> int:
    """N of `refs/symphony/rescue/KEY/N`; 0 for no ref."""
    last = ref.rpartition("/")[2]
    return int(last) if last.isdigit() else 0


def newest(root: Path, key: str, scope: str) -> str:
    """The newest rescue of an issue in the store of a root, or nothing.

    Raises:
        WorkspaceError: the store cannot be read.
    """
    path = store_path(root)
    return Store(path).newest(key, scope) if path.is_dir() else ""


@contextmanager
def opened(root: Path) -> Iterator[Store]:
    """The store of a workspace root, made when there is none, for one writer at a time.

    Raises:
        WorkspaceError: others are writing for too long, or git cannot make it.
        StateError: the disk does not let us.
    """
    path = store_path(root)
    descriptor = _lock(path.with_name("rescue.lock"))
    try:
        if not path.exists():
            _make(path)
        for pattern in _LEFT_BY_THE_KILLED:
            for leftover in path.glob(pattern):
                remove_tree(leftover)
        yield Store(path, (descriptor,))
    finally:
        os.close(descriptor)


def _lock(path: Path) -> int:
    deadline = clock.monotonic() + LOCK_PATIENCE
    while (descriptor := take_run_lock(path)) is None:
        if clock.monotonic() > deadline:
            raise WorkspaceError(f"the rescue store was in use for {LOCK_PATIENCE:g} s")
        clock.sleep(_LOCK_PAUSE)
    return descriptor


def _make(path: Path) -> None:
    with files.translated(path, "created"):
        for leftover in path.parent.glob(f".{path.name}.*"):
            remove_tree(leftover)
        hidden = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        new_repository(hidden)
        (hidden / "objects/pack").mkdir(exist_ok=True)
        hidden.rename(path)
        files.sync_folder(path.parent)


def restore(store: Path, ref: str, into: Path) -> None:
    """Bring a rescue back as a repository of its own in the new folder `into`.

    Branch, index and work tree are as they were, byte for byte, but for ignored files; the other
    tips hang on the rescue, which is there under its name. `into` gets no remote.

    Raises:
        WorkspaceError: `into` is there already and not empty, or the rescue is not whole.
    """
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise WorkspaceError(f"{into} is there already: name a new folder to restore into.")
    source = Store(store)
    source.prove(ref)
    facts = described(source.commit(ref))
    files.make_folder(into)
    folder = into / ".git"
    new_repository(folder)
    (folder / "info/attributes").unlink()
    fetch = ("fetch", "--quiet", "--no-tags", "--update-shallow", str(store), f"{ref}:{ref}")
    git(*fetch, git_dir=folder, settings={"protocol.file.allow": "always"}, timeout=COPY_PATIENCE)
    git("config", "core.bare", "false", git_dir=folder)
    _place_head(folder, facts)
    index = folder / "index"
    git("read-tree", ref, git_dir=store, work_tree=into, index=index)
    git("checkout-index", "--all", "--force", git_dir=store, work_tree=into, index=index)
    staged = facts.index or facts.head
    git("read-tree", *(["--reset", staged] if staged else ["--empty"]), git_dir=folder, index=index)
    git("update-index", "-q", "--refresh", git_dir=folder, work_tree=into, index=index,
        accept=(0, 1))  # fmt: skip


def _place_head(folder: Path, facts: Described) -> None:
    """On the branch that HEAD was on; detached when no git would take its name."""
    branch = f"refs/heads/{facts.branch}" if is_branch_name(facts.branch) else ""
    if branch:
        git("symbolic-ref", "HEAD", branch, git_dir=folder)
    if facts.head:
        target = branch or "HEAD"
        git("update-ref", "--no-deref", target, facts.head, git_dir=folder)
