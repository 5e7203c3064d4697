"""Reading rescue stores for people, and bringing rescues back; `rescuestore` keeps them.

A branch is made in the operator's own repository, with the operator's configuration but without
hooks. The store is shallow, and that repository must not become so: git is never told to update
its `shallow`. So it must have the commits of the remote that the rescue builds on; git would fetch
the rest of the rescue without them, warn, and end well. Therefore that is looked at before, and
every object once more before the branch is made.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from symphony_cli import files
from symphony_cli.adapters.gitenv import is_branch_name, remote_git
from symphony_cli.adapters.rescuenote import described
from symphony_cli.adapters.rescuestore import REFS, Store, number, restore, store_path
from symphony_cli.adapters.scratch import EMPTY_TREE
from symphony_cli.adapters.trees import remove_tree
from symphony_cli.core.rescues import Change, Commit, Contents, Rescue, Shelf, Tip
from symphony_cli.errors import SymphonyError, UsageError, WorkspaceError

COMMITS_NAMED, FILES_NAMED = 50, 200
"""So many of each are named when a rescue is shown."""

_PATIENCE = 100.0
"""Seconds that bringing a rescue into the operator's repository may take."""

_SETTINGS = {"core.hooksPath": os.devnull, "protocol.file.allow": "always"}
_COMMITTED = re.compile(rb"^committer .*> (\d{1,12}) ", re.MULTILINE)
_NEW = "0" * 40


class LocalRescues:
    """`ports.Rescues`: the stores on this machine."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """`environment` is the operator's, for git in the operator's repository."""
        self._environment = environment

    def look(self, roots: Sequence[str]) -> Shelf:
        """All rescues in the stores of these roots, each store once."""
        rescues, faults = list[Rescue](), list[str]()
        for root in dict.fromkeys(map(os.path.realpath, roots)):
            store = store_path(Path(root))
            try:
                found = _shelf(store) if os.path.lexists(store) else Shelf()
            except SymphonyError as error:
                found = Shelf(faults=(f"The rescue store {store} cannot be read: {_why(error)}.",))
            rescues += found.rescues
            faults += found.faults
        rescues.sort(key=lambda rescue: (rescue.key.lower(), rescue.at, rescue.number))
        return Shelf(tuple(rescues), tuple(faults))

    def contents(self, rescue: Rescue) -> Contents:
        """What is in a rescue that can be read to its last file."""
        try:
            return _contents(Store(Path(rescue.store)), rescue)
        except WorkspaceError as error:
            raise _damaged(rescue, error) from error

    def restore(self, rescue: Rescue, into: str) -> None:
        """A repository of its own in a new folder."""
        folder = Path(into)
        was_there = os.path.lexists(folder)
        if was_there and not _is_empty(folder):
            raise UsageError(f"{into} is there already: name a new folder to restore into.")
        self.contents(rescue)
        try:
            restore(Path(rescue.store), rescue.ref, folder)
        except BaseException:
            for leftover in list(folder.glob("*")) if was_there else [folder]:
                remove_tree(leftover)
            raise

    def make_branch(self, rescue: Rescue, name: str, repo: str) -> None:
        """A branch in a repository of the operator's."""
        if not is_branch_name(name):
            raise UsageError(f"{name!r} is no name for a branch: choose another one.")
        git = self._git_of(repo)
        if git("for-each-ref", f"refs/heads/{name}", f"refs/heads/{name}/"):
            raise UsageError(f"{repo} has a branch {name} already: choose another name.")
        self.contents(rescue)
        self._refuse_without_base(rescue, git, repo)
        try:
            _bring(rescue, name, git)
        except WorkspaceError as error:
            raise WorkspaceError(
                f"{rescue.ref} does not come into {repo} ({_why(error)}): restore it into a folder"
                " with --to."
            ) from error

    def _git_of(self, repo: str) -> partial[bytes]:
        """Git in the repository of a folder."""
        run = partial(
            remote_git, environment=self._environment, settings=_SETTINGS, timeout=_PATIENCE
        )
        try:
            out = run("-C", repo, "rev-parse", "--absolute-git-dir")
        except WorkspaceError as error:
            raise UsageError(
                f"{repo} is no git repository that git would use ({_why(error)}): name one with"
                " --repo."
            ) from error
        folder = os.fsdecode(out.removesuffix(b"\n"))
        return partial(run, f"--git-dir={folder}")

    def _refuse_without_base(self, rescue: Rescue, git: partial[bytes], repo: str) -> None:
        for commit in _bases(Store(Path(rescue.store)), rescue.commit):
            try:
                git("rev-parse", "--quiet", "--verify", f"{commit}^{{commit}}")
            except WorkspaceError as error:
                raise UsageError(
                    f"{repo} lacks the commit {commit[:12]} of the remote that {rescue.ref} builds"
                    f" on: run `git fetch` there first, or restore into a folder with --to."
                ) from error


def _bring(rescue: Rescue, name: str, git: partial[bytes]) -> None:
    """Objects first, then their proof, then the branch, which is only made if there is none."""
    git(
        "fetch", "--quiet", "--no-tags", "--no-prune", "--no-write-fetch-head", "--no-auto-gc",
        "--no-recurse-submodules", "--", rescue.store, rescue.ref,
    )  # fmt: skip
    git("rev-list", "--objects", "--quiet", rescue.commit, "--not", "--all")
    text = f"symphony rescue: {rescue.ref}"
    git("update-ref", "--no-deref", "-m", text, f"refs/heads/{name}", rescue.commit, _NEW)


def _is_empty(folder: Path) -> bool:
    with files.translated(folder, "looked at"):
        return folder.is_dir() and next(folder.iterdir(), None) is None


def _why(error: SymphonyError) -> str:
    return str(error).rstrip(".")


def _damaged(rescue: Rescue, error: SymphonyError) -> WorkspaceError:
    return WorkspaceError(
        f"{rescue.ref} is damaged ({_why(error)}): `git --git-dir={rescue.store} fsck` says more,"
        " and --number takes another one."
    )


def _shelf(path: Path) -> Shelf:
    """Every rescue of a store, and a sentence for each that cannot be read."""
    store, rescues, faults = Store(path), list[Rescue](), list[str]()
    out = store.git("for-each-ref", "--format=%(objectname) %(refname)", f"{REFS}/").decode()
    pairs = [line.partition(" ")[::2] for line in out.splitlines()]
    data = "".join(f"{commit}\n" for commit, _ in pairs).encode()
    rest = store.git("cat-file", "--batch", data=data)
    for commit, ref in pairs:
        line, _, rest = rest.partition(b"\n")
        _, kind, *size = line.split(b" ")
        end = int(size[0]) if size else 0
        if kind == b"commit":
            rescues.append(_rescue(path, ref, commit, rest[:end]))
        else:
            faults.append(
                f"{ref} of the rescue store {path} leads to nothing that can be read:"
                f" `git --git-dir={path} fsck` says more."
            )
        rest = rest[end + 1 :] if size else rest
    return Shelf(tuple(rescues), tuple(faults))


def _rescue(path: Path, ref: str, commit: str, text: bytes) -> Rescue:
    note, date = described(text), _COMMITTED.search(text)
    return Rescue(
        store=str(path),
        ref=ref,
        commit=commit,
        key=note.key or ref.split("/")[-2],
        number=number(ref),
        at=datetime.fromtimestamp(int(date[1]) if date else 0, UTC),
        branch=note.branch,
        head=note.head,
        scope=note.scope,
        unpushed=note.unpushed,
        changed=note.changed,
    )


def _contents(store: Store, rescue: Rescue) -> Contents:
    store.prove(rescue.commit)
    note = described(store.commit(rescue.commit))
    without = [*note.edges, *_cut_off(store)]
    commits = _commits(store, note.head, without)
    changes = _changes(store, note.head or EMPTY_TREE, rescue.commit)
    return Contents(
        commits=tuple(commits[:COMMITS_NAMED]),
        more_commits=max(0, len(commits) - COMMITS_NAMED),
        files=tuple(changes[:FILES_NAMED]),
        more_files=max(0, len(changes) - FILES_NAMED),
        staged=bool(note.index),
        tips=tuple(Tip(name, commit) for name, commit in note.tips),
        ignored=note.ignored,
    )


def _commits(store: Store, head: str, without: Sequence[str]) -> list[Commit]:
    """Those that lead to `head`, the newest first, but for what the remote had."""
    if not head:
        return []
    data = "".join(f"{line}\n" for line in (head, *(f"^{name}" for name in without))).encode()
    out = store.git("log", "--ignore-missing", "--format=%H %s", "--stdin", data=data)
    lines = (line.partition(" ") for line in out.decode("utf-8", "replace").splitlines())
    return [Commit(name, subject) for name, _, subject in lines]


def _changes(store: Store, base: str, commit: str) -> list[Change]:
    out = store.git(
        "diff-tree", "-r", "-z", "--name-status", "--no-renames", "--no-ext-diff",
        "--ignore-submodules=none", base, commit,
    )  # fmt: skip
    words = iter(out.decode("utf-8", "replace").split("\0")[:-1])
    # T: a file became a link, or a link a file.
    return [
        Change("M" if letter == "T" else letter, path)
        for letter, path in zip(words, words, strict=True)
    ]


def _cut_off(store: Store) -> list[str]:
    """Commits of the remote below which no store has any history."""
    return (files.read(store.path / "shallow") or b"").decode("ascii", "replace").split()


def _bases(store: Store, commit: str) -> list[str]:
    """Those of them that a rescue leads to."""
    reached = set(store.git("rev-list", commit).decode().split())
    return sorted(reached.intersection(_cut_off(store)))
