"""An issue's workspace: where it lies, how it is made, and that it is made whole or not at all.

    <root>/KEY                          the workspace
    <root>/.symphony/ready/KEY.json     how far its making came; out of the agent's reach
    <root>/.symphony/making/KEY/        a clone that is not finished

The marker is written before each step: `making` before the folder is there, `ready` after
`after_create` succeeded. So a folder whose marker says `making` never had an agent in it and is
begun anew; a folder without a marker was put there by somebody else and is taken as it is.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from symphony_cli import clock, files
from symphony_cli.adapters import gitfolder
from symphony_cli.adapters.cloning import clone
from symphony_cli.adapters.gitenv import is_branch_name
from symphony_cli.adapters.gitstore import Site
from symphony_cli.adapters.heal import heal
from symphony_cli.adapters.hooks import run_hook
from symphony_cli.adapters.rescuestore import ref_part
from symphony_cli.adapters.scratch import HIDDEN
from symphony_cli.adapters.trees import remove_tree
from symphony_cli.core.issue import Issue
from symphony_cli.core.run import Order, WorkspaceSettings
from symphony_cli.core.shape import Malformed, decode, encode
from symphony_cli.errors import StateError, WorkspaceError
from symphony_cli.ids import Key


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace that is fit for a run."""

    path: Path
    branch: str = ""
    """Where HEAD is; nothing when it is detached or there is no git."""
    base: str = ""
    """The commit it is at now, before the run."""
    created: bool = False
    notes: tuple[str, ...] = ()
    """What was healed and what is odd, in sentences."""


@dataclass(frozen=True, slots=True)
class _Marker:
    state: str
    path: str
    at: datetime
    format: int = 1


_MAKING, _READY = "making", "ready"


def place(settings: WorkspaceSettings, key: Key) -> Path:
    """Where the workspace of an issue lies; makes the root, and not the workspace.

    Raises:
        WorkspaceError: that is not a folder of its own inside the root, or a file is there.
        StateError: the root cannot be made.
    """
    files.make_folder(Path(settings.root))
    root = Path(os.path.realpath(settings.root))
    named = Path(settings.path) if settings.path else root / key
    try:
        path = Path(os.path.realpath(named.parent)) / named.name
        is_there = os.path.lexists(path)
    except (OSError, ValueError) as error:
        raise WorkspaceError(f"{named} is no usable place for a workspace: {error}.") from error
    if root not in path.parents or path.name in ("", ".", ".."):
        raise WorkspaceError(f"The workspace {named} lies outside of workspace.root {root}.")
    if path.relative_to(root).parts[0].startswith("."):
        raise WorkspaceError(f"The workspace {named} lies in a hidden folder of {root}.")
    if path.is_symlink():
        raise WorkspaceError(f"{path} is a link and not a folder: remove it.")
    if is_there and not path.is_dir():
        raise WorkspaceError(f"{path} is a file and not a folder: move it away.")
    return path


def branch_name(settings: WorkspaceSettings, issue: Issue, key: Key) -> str:
    """The branch of an issue: `workspace.branch`, else the tracker's, else `symphony/KEY`.

    A name that git does not take is refused when the operator wrote it and passed over when the
    tracker made it, since nobody could correct that.

    Raises:
        WorkspaceError: `workspace.branch` gives no valid name.
    """
    if settings.branch:
        name = settings.branch.replace("{key}", ref_part(key))
        if not is_branch_name(name):
            raise WorkspaceError(
                f"workspace.branch gives {name!r}, which git does not take as the name of a"
                " branch: change it (see git help check-ref-format)."
            )
        return name
    if issue.branch and is_branch_name(issue.branch):
        return issue.branch
    return f"symphony/{ref_part(key)}"


def ensure(
    order: Order,
    environment: dict[str, str],
    log: Path,
    *,
    on_group: Callable[[int], None] | None = None,
    secrets: Iterable[str] = (),
    now: Callable[[], datetime] = clock.now,
) -> Workspace:
    """The workspace of an order: made when it is not there, healed when it is.

    `environment` is the agent's; git and `after_create` get it. Their groups go to `on_group`.
    Only the holder of the issue's run lock may call this.

    Raises:
        WorkspaceError: it cannot be cloned, or its place is not usable.
        HookFailed: `after_create` failed; the next call begins with a clean folder.
        StateError, MissingProgram: the disk, or no git.
    """
    settings = order.settings.workspace
    path = place(settings, order.key)
    making = _Making(order, path, environment, log, on_group, tuple(secrets), now)
    state = _state(making.marker, path)
    if path.is_dir() and state != _MAKING:
        return _reuse(making, known=state == _READY)
    return _make(making)


@dataclass(frozen=True, slots=True)
class _Making:
    order: Order
    path: Path
    environment: dict[str, str]
    log: Path
    on_group: Callable[[int], None] | None
    secrets: tuple[str, ...]
    now: Callable[[], datetime]

    @property
    def settings(self) -> WorkspaceSettings:
        return self.order.settings.workspace

    @property
    def ours(self) -> Path:
        return Path(os.path.realpath(self.settings.root)) / HIDDEN

    @property
    def marker(self) -> Path:
        return self.ours / "ready" / f"{self.order.key}.json"

    def mark(self, state: str) -> None:
        files.make_folder(self.marker.parent)
        marker = _Marker(state, str(self.path), self.now())
        files.replace(self.marker, json.dumps(encode(marker)).encode() + b"\n")


def _state(marker: Path, path: Path) -> str:
    """What the marker says about this very folder; nothing when it is another's or unreadable."""
    data = files.read(marker)
    if data is None:
        return ""
    try:
        found = decode(_Marker, json.loads(data))
    except (ValueError, Malformed):
        return ""
    return found.state if found.path == str(path) else ""


def _make(making: _Making) -> Workspace:
    path, settings = making.path, making.settings
    making.mark(_MAKING)
    hidden = making.ours / "making" / making.order.key
    _clear(hidden)
    files.make_folder(hidden)
    with files.translated(hidden, "filled"):
        inner = Path(tempfile.mkdtemp(dir=hidden)) / "workspace"
    if settings.repo:
        branch = branch_name(settings, making.order.issue, making.order.key)
        clone(settings.repo, inner, branch, making.environment, making.on_group)
    else:
        files.make_folder(inner)
    _put_in_place(inner, path)
    _clear(hidden)
    hook = settings.hooks.after_create
    run_hook(
        "after_create", hook, path, making.environment, settings.hooks.timeout, making.log,
        on_group=making.on_group, secrets=making.secrets,
    )  # fmt: skip
    making.mark(_READY)
    return _described(path, created=True, notes=())


def _clear(hidden: Path) -> None:
    """Remove what clones left. One that outlived its run may still be writing: next time, then."""
    with contextlib.suppress(StateError):
        remove_tree(hidden)


def _put_in_place(inner: Path, path: Path) -> None:
    """One rename: what stood there had no agent in it yet (see above)."""
    remove_tree(path)
    files.make_folder(path.parent)
    with files.translated(path, "put in place"):
        inner.chmod(0o700)
        inner.rename(path)
        files.sync_folder(path.parent)


def _reuse(making: _Making, *, known: bool) -> Workspace:
    path, settings = making.path, making.settings
    notes: tuple[str, ...] = ()
    if not known:
        making.mark(_READY)
        notes = (f"{path} was there already and was taken as it is; after_create did not run.",)
    if os.path.lexists(path / ".git"):
        where = Site(making.ours.parent, making.order.key, path, most=settings.rescue_max_bytes)
        branch = branch_name(settings, making.order.issue, making.order.key)
        notes += heal(where, branch if settings.repo else "", making.now())
    elif settings.repo:
        notes += ("The workspace has no .git any more.",)
    return _described(path, created=False, notes=notes)


def _described(path: Path, *, created: bool, notes: tuple[str, ...]) -> Workspace:
    try:
        folder = gitfolder.git_folder(path)
        head = gitfolder.head(folder, gitfolder.refs(folder))
    except WorkspaceError:
        return Workspace(path, created=created, notes=notes)
    return Workspace(path, head.branch, head.commit, created, notes)
