"""A throw-away repository of ours in which one workspace is looked at.

It lends its own configuration (none), attributes (no filter, no conversion) and index, so that the
agent's are never read by git; of the agent's `.git` it sees the objects, as an alternate, and
copies of three plain files: index, `info/exclude` and `shallow`. It is a folder of its own, and
not the rescue store itself, because the store's history is cut short (`shallow`), which would
falsify every count, and because what turns out too large must not have been written there.

Alternates of the agent's objects are followed: they only add objects to read, and what is copied
into the store is renamed by its content on the way (index-pack).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from symphony_cli import files
from symphony_cli.adapters import gitfolder
from symphony_cli.adapters.gitenv import git
from symphony_cli.adapters.trees import remove_tree
from symphony_cli.errors import WorkspaceError

HIDDEN = ".symphony"
"""Folder of ours under `workspace.root`; keys never begin with a dot."""

PATIENCE = 100.0
"""Seconds for one command on a whole work tree; finish has two minutes."""

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""Git's name for a tree without entries; every repository has it."""

ATTRIBUTES = "* -text -filter -ident -merge !eol !working-tree-encoding !diff\n"
"""For `info/attributes`, which outweighs every .gitattributes: the very bytes, and no driver."""

_CONFIG = """\
[core]
\tcommitGraph = false
\tmultiPackIndex = false
[pack]
\tuseBitmaps = false
"""
"""For what git itself starts (upload-pack), which does not get our command line."""


@dataclass(frozen=True, slots=True)
class Scratch:
    """The repository (`git_dir`), a private `index`, and the workspace it is for."""

    git_dir: Path
    index: Path
    workspace: Path

    def git(
        self,
        *words: str,
        data: bytes = b"",
        on_files: bool = False,
        variables: Mapping[str, str] | None = None,
        accept: Collection[int] = (0,),
    ) -> bytes:
        """Run git here; with the workspace as its work tree when `on_files`."""
        return git(
            *words,
            git_dir=self.git_dir,
            work_tree=self.workspace if on_files else None,
            index=self.index,
            data=data,
            variables=variables,
            settings={"core.fsync": "none"},
            accept=accept,
            timeout=PATIENCE,
        )

    def line(self, *words: str) -> str:
        """The only line that git says."""
        return self.git(*words).decode("utf-8", "replace").strip()

    def at(self, path: bytes) -> bytes:
        """Where a path of the index lies in the workspace."""
        return os.path.join(os.fsencode(self.workspace), path)

    def cut_history(self, commits: Collection[str]) -> None:
        """Let these commits have no parents here, besides those that have none already."""
        path = self.git_dir / "shallow"
        known = (files.read(path) or b"").decode().split()
        text = "".join(f"{commit}\n" for commit in sorted({*known, *commits}))
        files.replace(path, text.encode(), durable=False)


@contextmanager
def scratch(root: Path, key: str, workspace: Path, folder: Path) -> Iterator[Scratch]:
    """A scratch repository for the workspace whose `.git` is `folder`; removed at the end.

    Only the holder of the issue's run lock may ask, so whatever lies at the key's place was left
    by one that was killed.

    Raises:
        WorkspaceError, StateError, MissingProgram: it cannot be made.
    """
    place = root / HIDDEN / "scratch" / key
    remove_tree(place)
    files.make_folder(place)
    try:
        with files.translated(place, "filled"):
            made = _made(Path(tempfile.mkdtemp(dir=place)), workspace, folder)
        yield made
    finally:
        remove_tree(place)


def _made(place: Path, workspace: Path, folder: Path) -> Scratch:
    made = Scratch(place / "git", place / "index", workspace)
    new_repository(made.git_dir)
    objects = str(folder / "objects")
    if "\n" in objects:
        raise WorkspaceError("its path has a line break, which git's alternates cannot hold")
    (made.git_dir / "objects/info/alternates").write_bytes(os.fsencode(objects) + b"\n")
    exclude = gitfolder.read(folder / "info/exclude", 2**20)
    (made.git_dir / "info/exclude").write_bytes(exclude or b"")
    if commits := gitfolder.shallow(folder):
        made.cut_history(commits)
    _copy_index(folder / "index", made.index)
    return made


def _copy_index(source: Path, target: Path) -> None:
    """With its time: git reads a file again that changed in the second the index was written."""
    data = gitfolder.read(source, gitfolder.LARGEST_INDEX)
    if data is not None:
        target.write_bytes(data)
        written = source.lstat().st_mtime_ns
        os.utime(target, ns=(written, written))


def new_repository(place: Path) -> None:
    """Make a bare repository that runs nothing: no template, no hooks, no drivers."""
    git(
        "init", "--quiet", "--bare", "--template=", "--object-format=sha1", str(place),
        settings={"init.defaultBranch": "main"},
        variables={"GIT_DEFAULT_REF_FORMAT": "files"},
    )  # fmt: skip
    for name in ("info", "objects/info"):
        (place / name).mkdir(parents=True, exist_ok=True)
    (place / "info/attributes").write_text(ATTRIBUTES)
    with (place / "config").open("a") as stream:
        stream.write(_CONFIG)
