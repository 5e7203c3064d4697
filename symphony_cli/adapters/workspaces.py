"""An issue's workspace: where it lies, how it is made, and that it is made whole or not at all.

    <root>/KEY                          the workspace
    <root>/.symphony/ready/KEY.json     whose it is, and how far its making came (`ready`)
    <root>/.symphony/making/KEY/        a clone that is not finished

The marker is written before each step: `making` before the folder is there, `ready` after
`after_create` succeeded. So a folder whose marker says `making` never had an agent in it and is
begun anew; a folder without a marker was put there by somebody else and is taken as it is.

The root is that of the issue's first run, whatever WORKFLOW.md says today: workspace, marker,
scratch and rescue store of an issue stay together.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from symphony_cli import clock, files
from symphony_cli.adapters import borrowing, gitfolder, ready, rescuestore
from symphony_cli.adapters.cloning import clone
from symphony_cli.adapters.gitenv import is_branch_name
from symphony_cli.adapters.gitstore import NO_COMMITS, Site
from symphony_cli.adapters.heal import heal
from symphony_cli.adapters.hooks import run_hook
from symphony_cli.adapters.rescuestore import ref_part
from symphony_cli.adapters.scratch import HIDDEN
from symphony_cli.adapters.trees import remove_tree
from symphony_cli.core.issue import Issue
from symphony_cli.core.run import Order, WorkspaceSettings
from symphony_cli.core.secrets import redact
from symphony_cli.errors import StateError, WorkspaceError
from symphony_cli.ids import Key

AGAIN_WITHIN = 240.0
"""Seconds in which a clone that borrows must have failed for a plain one to be tried after it."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace that is fit for a run."""

    path: Path
    branch: str = ""
    """Where HEAD is; nothing when it is detached or there is no git."""
    base: str = ""
    """The commit it is at now, before the run; `NO_COMMITS`, or nothing when that is unknown."""
    created: bool = False
    notes: tuple[str, ...] = ()
    """What was healed and what is odd, in sentences."""


def place(settings: WorkspaceSettings, key: Key) -> Path:
    """Where the workspace of an issue lies; makes the root, and not the workspace.

    Raises:
        WorkspaceError: that is not a folder of its own inside the root, or a file is there.
        StateError: the root cannot be made.
    """
    files.make_folder(Path(settings.root))
    return _checked(settings, key)


def _checked(settings: WorkspaceSettings, key: Key) -> Path:
    root = Path(os.path.realpath(settings.root))
    named = Path(settings.path) if settings.path else root / key
    try:
        path = Path(os.path.realpath(named.parent)) / named.name
        is_there = os.path.lexists(path)
    except (OSError, ValueError) as error:
        raise WorkspaceError(f"{named} is no usable place for a workspace: {error}.") from error
    if root not in path.parents or path.name in ("", ".", ".."):
        raise WorkspaceError(
            f"The workspace {named} lies outside of workspace.root {root}: set workspace.root to"
            f" {named.parent}, or make {settings.root} a link to that folder."
        )
    if path.relative_to(root).parts[0].startswith("."):
        raise WorkspaceError(f"The workspace {named} lies in a hidden folder of {root}.")
    if path.is_symlink():
        raise WorkspaceError(f"{path} is a link and not a folder: remove it.")
    if is_there and not path.is_dir():
        raise WorkspaceError(f"{path} is a file and not a folder: move it away.")
    return path


def rooted(order: Order) -> Order:
    """`order` with the root that its recorded workspace lies in.

    Where the root of the first run is not on record, it is the folder above the workspace, if our
    own marker there names it. Never raises: what is odd stays for `ensure` to refuse.
    """
    settings = order.settings.workspace
    if not settings.path:
        return order
    above = Path(settings.path).parent
    try:
        if Path(os.path.realpath(settings.root)) in Path(os.path.realpath(above), "x").parents:
            return order
        found = ready.read(ready.marker_path(above, order.key))
    except (StateError, OSError, ValueError):
        return order
    if found is None or found.path != settings.path:
        return order
    there = replace(settings, root=str(above))
    return replace(order, settings=replace(order.settings, workspace=there))


def standing(order: Order) -> str:
    """The workspace of the issue's earlier runs, whether it is there or not; nothing when there
    is none on record or this order must not touch it."""
    settings = order.settings.workspace
    if not settings.path:
        return ""
    try:
        path = _checked(settings, order.key)
        marker = ready.marker_path(Path(os.path.realpath(settings.root)), order.key)
        wanted = ready.marker_for(order, ready.READY, path, order.ordered_at)
        ready.refuse_others(marker, ready.read(marker), wanted)
    except (WorkspaceError, StateError):
        return ""
    return str(path)


def removable(order: Order) -> Path | None:
    """The workspace of an issue's earlier runs, if it may be removed; None when it is gone.

    Raises:
        WorkspaceError: it is a link, lies outside of the root, or is another project's.
        StateError: its marker cannot be read.
    """
    settings = order.settings.workspace
    if not settings.path:
        return None
    path = _checked(settings, order.key)
    marker = ready.marker_path(Path(os.path.realpath(settings.root)), order.key)
    wanted = ready.marker_for(order, ready.READY, path, order.ordered_at)
    ready.refuse_others(marker, ready.read(marker), wanted)
    return path if path.is_dir() else None


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
    fetch: Callable[[], object] = lambda: None,
    now: Callable[[], datetime] = clock.now,
) -> Workspace:
    """The workspace of an order: made when it is not there, healed when it is.

    `environment` is the agent's; git and `after_create` get it. Their groups go to `on_group`.
    `fetch` starts making the mirror, when one is wanted and not there (see `borrowing`).
    Only the holder of the issue's run lock may call this.

    Raises:
        WorkspaceError: it cannot be cloned, its place is not usable, or another project's.
        HookFailed: `after_create` failed; the next call begins with a clean folder.
        StateError, MissingProgram: the disk, or no git.
    """
    settings = order.settings.workspace
    path = place(settings, order.key)
    making = _Making(order, path, environment, log, on_group, tuple(secrets), fetch, now)
    first = ready.READY if path.is_dir() else ready.MAKING
    found = ready.claim(making.marker, making.marked(first))
    state = "" if found is None else found.state
    if path.is_dir() and state != ready.MAKING:
        if found is not None:
            borrowing.refuse_without(found.lender, path)
        return _reuse(making, known=state == ready.READY)
    return _make(making, was_there=bool(settings.path) or state == ready.READY)


@dataclass(frozen=True, slots=True)
class _Making:
    order: Order
    path: Path
    environment: dict[str, str]
    log: Path
    on_group: Callable[[int], None] | None
    secrets: tuple[str, ...]
    fetch: Callable[[], object]
    now: Callable[[], datetime]

    @property
    def settings(self) -> WorkspaceSettings:
        return self.order.settings.workspace

    @property
    def ours(self) -> Path:
        return Path(os.path.realpath(self.settings.root)) / HIDDEN

    @property
    def marker(self) -> Path:
        return ready.marker_path(self.ours.parent, self.order.key)

    def marked(self, state: str) -> ready.Marker:
        return ready.marker_for(self.order, state, self.path, self.now())

    def mark(self, state: str, lender: str = "") -> None:
        ready.write(self.marker, replace(self.marked(state), lender=lender))


def _make(making: _Making, *, was_there: bool) -> Workspace:
    path, settings = making.path, making.settings
    making.mark(ready.MAKING)
    hidden = making.ours / "making" / making.order.key
    _clear(hidden)
    files.make_folder(hidden)
    with files.translated(hidden, "filled"):
        inner = Path(tempfile.mkdtemp(dir=hidden)) / "workspace"
    lender = ""
    if settings.repo:
        lender = _clone(making, inner)
    else:
        files.make_folder(inner)
    _put_in_place(inner, path)
    _clear(hidden)
    hook = settings.hooks.after_create
    run_hook(
        "after_create", hook, path, making.environment, settings.hooks.timeout, making.log,
        on_group=making.on_group, secrets=making.secrets,
    )  # fmt: skip
    making.mark(ready.READY, lender)
    made_anew = was_there and making.order.attempt > 1
    return _described(path, created=True, notes=(_made_anew(making),) if made_anew else ())


def _clone(making: _Making, inner: Path) -> str:
    """Clone, borrowing from the mirror if that can be; the folder of objects borrowed from.

    A mirror that turns out to be damaged, or is no use for another reason, is done without. The log
    says why: once, since a workspace is made once.
    """
    settings = making.settings
    branch = branch_name(settings, making.order.issue, making.order.key)
    began = clock.monotonic()
    mirror, why = borrowing.lender(settings.mirror, settings.repo, making.fetch)
    if mirror is not None:
        try:
            clone(settings.repo, inner, branch, making.environment, making.on_group, mirror.path)
            return str(mirror.objects)
        except WorkspaceError as error:
            if clock.monotonic() > began + AGAIN_WITHIN:
                raise
            remove_tree(inner)
            why = f"Without the mirror {mirror.path} once more, because with it {error}"
    if why:
        told = redact(f"[mirror] {why} The workspace is a plain clone.\n", making.secrets)
        files.append(making.log, told.encode("utf-8", "replace"), durable=False)
    clone(settings.repo, inner, branch, making.environment, making.on_group)
    return ""


def _made_anew(making: _Making) -> str:
    """What an agent must hear that goes on with its old thread in a new folder."""
    note = (
        f"{making.path} was gone and was made anew: files and commits of earlier runs are in it"
        " only as far as the remote has them."
    )
    root, scope = making.ours.parent, making.order.settings.tracker.scope
    try:
        ref = rescuestore.newest(root, making.order.key, scope)
    except (WorkspaceError, StateError) as error:
        return f"{note} What was rescued cannot be read: {error}."
    if not ref:
        return note
    store = rescuestore.store_path(root)
    return f"{note} The newest rescue of earlier work is {ref}: `git fetch {store} {ref}` gets it."


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
        making.mark(ready.READY)
        notes = (f"{path} was there already and was taken as it is; after_create did not run.",)
    if os.path.lexists(path / ".git"):
        scope, most = making.order.settings.tracker.scope, settings.rescue_max_bytes
        where = Site(making.ours.parent, making.order.key, path, most=most, scope=scope)
        branch = branch_name(settings, making.order.issue, making.order.key)
        notes += heal(where, branch if settings.repo else "", making.now())
    elif settings.repo:
        notes += ("The workspace has no .git any more.",)
    return _described(path, created=False, notes=notes)


def _described(path: Path, *, created: bool, notes: tuple[str, ...]) -> Workspace:
    try:
        folder = gitfolder.git_folder(path)
        known = gitfolder.refs(folder)
        head = gitfolder.head(folder, known)
    except WorkspaceError:
        return Workspace(path, created=created, notes=notes)
    base = head.commit if known or head.commit else NO_COMMITS
    return Workspace(path, head.branch, base, created, notes)
