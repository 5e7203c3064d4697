"""The mirror: a bare repository of ours with what the operator's remote has, to borrow from.

    <mirror>            branches and tags of the remote, HEAD at its default branch
    <mirror>.lock       held by whoever makes or fetches it
    <mirror>.json       when it was last fetched, last tried, and what was wrong

Workspaces name its objects as an alternate (`git clone --reference`) for as long as they live,
and several workflows may use one. So an object that came here never goes: refs are pruned (else a
branch `a` that became `a/b` would end all fetching), objects are not, and
`extensions.preciousObjects` makes git refuse a gc, prune or repack that a person types.

The remote is the address in WORKFLOW.md, asked with the operator's own configuration but no hooks.
The lock is inherited by git, so that the git of an errand that was killed is waited for, and
whatever lock file of git lies here once we hold the lock is nobody's. (A daemon that git leaves
behind, as git-credential-cache does, holds it a little longer: then a fetch is left out.)
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from symphony_cli import clock, files
from symphony_cli.adapters.cloning import repository_name
from symphony_cli.adapters.gitenv import git, remote_git
from symphony_cli.adapters.locks import is_held
from symphony_cli.adapters.trees import remove_tree
from symphony_cli.adapters.trunk import Remote, default_branch
from symphony_cli.core.shape import Malformed, decode, encode
from symphony_cli.core.snapshot import Mirrored
from symphony_cli.errors import StateError, SymphonyError, WorkspaceError

FETCH_PATIENCE = 900.0
"""Seconds for bringing a mirror up to date."""

MAKE_PATIENCE = 3600.0
"""Seconds for making one: everything that the remote has comes over the network, once."""

REFSPECS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
"""Never `refs/*`: a forge shows each pull request there, and ours would lie there too."""

_SETTINGS = {
    "core.repositoryFormatVersion": "1",
    "extensions.preciousObjects": "true",
    "core.fsync": "all",
    "core.hooksPath": os.devnull,
    "gc.auto": "0",
    "gc.pruneExpire": "never",
    "maintenance.auto": "false",
}
_MIRROR_OF = "symphony.mirrorof"
_LEFT_BY_THE_KILLED = ("*.lock", "refs/**/*.lock", "objects/pack/tmp_*", "objects/*/tmp_obj_*")
_LARGEST_NOTE = 65_536


@dataclass(frozen=True, slots=True)
class Mirror:
    """Where a mirror lies or shall lie (`path`, without links), and whose mirror it is."""

    path: Path
    url: str

    @property
    def name(self) -> str:
        """The remote's name for people and files; without user or password."""
        return repository_name(self.url)

    @property
    def objects(self) -> Path:
        """What workspaces name as their alternate."""
        return self.path / "objects"

    @property
    def lock(self) -> Path:
        """Held while it is made or fetched."""
        return self._beside("lock")

    @property
    def note(self) -> Path:
        """How the last fetch went."""
        return self._beside("json")

    @property
    def is_there(self) -> bool:
        """Whether something is at its place; an empty folder is nothing."""
        try:
            return os.path.lexists(self.path) and any(self.path.iterdir())
        except OSError:
            return True

    def _beside(self, ending: str) -> Path:
        return self.path.with_name(f"{self.path.name}.{ending}")


def mirror(path: str, url: str) -> Mirror | None:
    """The mirror that WORKFLOW.md names; None when it names none, or there is no remote."""
    return Mirror(Path(os.path.realpath(path)), url) if path and url else None


def unfit(one: Mirror) -> str:
    """Why no workspace can borrow from it, as a sentence; nothing when one can.

    What is looked at is small: that its objects are whole is found out by whoever clones.
    """
    if not one.is_there:
        return f"The mirror {one.path} is not made yet."
    settings = _settings(one)
    whose = settings.get(_MIRROR_OF)
    if whose is None:
        return (
            f"{one.path} is there and is no mirror made by Symphony: move it away, or name another"
            " place in workspace.mirror_path."
        )
    if whose != one.name:
        return (
            f"{one.path} is a mirror of {whose} and not of {one.name}: name another place in"
            " workspace.mirror_path."
        )
    return _damage(one, settings)


def _damage(one: Mirror, settings: Mapping[str, str]) -> str:
    cure = "move it away when no workspace borrows from it, and it is made anew"
    parts = ("HEAD", "objects", "refs")
    if missing := [name for name in parts if not (one.path / name).exists()]:
        return f"The mirror {one.path} is broken, it has no {missing[0]}: {cure}."
    if (one.path / "shallow").exists():
        return f"The mirror {one.path} has a history that is cut short (shallow): {cure}."
    partial = [key for key in settings if key.endswith(("partialclone", ".promisor"))]
    if partial:
        return f"The mirror {one.path} has only a part of the objects ({partial[0]}): {cure}."
    if settings.get("extensions.objectformat", "sha1") != "sha1":
        return f"The mirror {one.path} names its objects by SHA-256: {cure}."
    return ""


def _settings(one: Mirror) -> dict[str, str]:
    """Its own configuration, by small names; nothing when there is none that can be read."""
    config = one.path / "config"
    if not config.is_file():
        return {}
    try:
        out = git("config", "--file", str(config), "--no-includes", "--list", "-z")
    except WorkspaceError:
        return {}
    pairs = (line.partition("\n") for line in out.decode("utf-8", "replace").split("\0")[:-1])
    return {key.lower(): value for key, _, value in pairs}


def update(one: Mirror, environment: Mapping[str, str], lock: int) -> str:
    """Make the mirror, or fetch what is new; why that could not be done, or nothing.

    `lock` is the descriptor of its lock, held by the caller and inherited by git. How it went is
    written down beside the mirror.

    Raises:
        StateError: it cannot be written down.
    """
    error = ""
    try:
        _clear(one)
        if not one.is_there:
            _make(one, environment, lock)
        elif why := unfit(one):
            raise WorkspaceError(why)
        else:
            _fetch(one, one.path, environment, lock, FETCH_PATIENCE)
    except SymphonyError as failure:
        error = str(failure)
    _write_down(one, error)
    return error


def _clear(one: Mirror) -> None:
    with files.translated(one.path, "cleared"):
        hidden = [p for p in one.path.parent.iterdir() if p.name.startswith(_hidden_name(one))]
    for leftover in hidden:
        remove_tree(leftover)
    if not unfit(one):
        for pattern in _LEFT_BY_THE_KILLED:
            for leftover in one.path.glob(pattern):
                remove_tree(leftover)


def _hidden_name(one: Mirror) -> str:
    return f".{one.path.name}.new-"


def _make(one: Mirror, environment: Mapping[str, str], lock: int) -> None:
    """Make it in a hidden folder, and put it in its place when it is whole."""
    with files.translated(one.path, "made"):
        hidden = Path(tempfile.mkdtemp(prefix=_hidden_name(one), dir=one.path.parent))
    try:
        git(
            "init", "--quiet", "--bare", "--template=", "--object-format=sha1", str(hidden),
            settings={"init.defaultBranch": "main"}, variables={"GIT_DEFAULT_REF_FORMAT": "files"},
        )  # fmt: skip
        for name, value in (_SETTINGS | {_MIRROR_OF: one.name}).items():
            git("config", "--file", str(hidden / "config"), name, value)
        _fetch(one, hidden, environment, lock, MAKE_PATIENCE)
        with files.translated(one.path, "put in place"):
            hidden.rename(one.path)
            files.sync_folder(one.path.parent)
    finally:
        remove_tree(hidden)


def _fetch(
    one: Mirror, place: Path, environment: Mapping[str, str], lock: int, patience: float
) -> None:
    found = default_branch(Remote(one.url, environment), (lock,))
    inside = f"--git-dir={place}"
    remote_git(
        inside, "fetch", "--quiet", "--prune", "--no-tags", "--no-auto-gc",
        "--no-write-fetch-head", "--no-recurse-submodules", "--", one.url, *REFSPECS,
        environment=environment, timeout=patience, locks=(lock,),
    )  # fmt: skip
    if found is None:
        return
    if not git("for-each-ref", "--count=1", git_dir=place):
        raise WorkspaceError(
            f"{one.name} gives none of its branches away: it is a shallow clone itself, and cannot"
            " be mirrored; unset workspace.mirror_path, or name its own origin in workspace.repo"
        )
    if found[0].startswith("refs/heads/"):
        git("symbolic-ref", "HEAD", found[0], git_dir=place)


def state(one: Mirror) -> Mirrored:
    """What is known of it: how the last fetch went, whether one goes on, whether it can be used.

    Never raises: what cannot be found out is told as the error.
    """
    known = written_down(one)
    try:
        if not one.is_there:
            return replace(known, fetched_at=None, fetching=is_held(one.lock))
        error = unfit(one) or known.error
        return replace(known, error=error, fetching=is_held(one.lock))
    except SymphonyError as error:
        return replace(known, error=str(error))


def written_down(one: Mirror) -> Mirrored:
    """How the last fetch went; nothing is known when it cannot be read, or is of another remote."""
    unknown = Mirrored(str(one.path), one.name)
    try:
        found = decode(Mirrored, json.loads(files.read(one.note) or b"null"))
    except (ValueError, Malformed, StateError):
        return unknown
    return replace(found, path=str(one.path)) if found.repo == one.name else unknown


def _write_down(one: Mirror, error: str) -> None:
    now: datetime = clock.now()
    fetched = written_down(one).fetched_at if error else now
    said = Mirrored(str(one.path), one.name, fetched, now, error)
    files.replace(one.note, json.dumps(encode(said)).encode() + b"\n", durable=False)
