"""The ready marker, `<root>/.symphony/ready/KEY.json`: how far a workspace is made, and for whom.

It lies out of the agent's reach. Scope and repository are in it because keys are only unique within
one workflow: two that share a `workspace.root` would else work in each other's clone. Markers of
before there was a scope in them are anybody's, and get one at their next run.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from symphony_cli import clock, files
from symphony_cli.adapters.cloning import repository_name
from symphony_cli.adapters.locks import take_run_lock
from symphony_cli.adapters.scratch import HIDDEN
from symphony_cli.core.run import Order
from symphony_cli.core.shape import Malformed, decode, encode
from symphony_cli.errors import WorkspaceError

MAKING, READY = "making", "ready"

_PATIENCE = 10.0
_PAUSE = 0.01


@dataclass(frozen=True, slots=True)
class Marker:
    """What is known of the workspace of one key."""

    state: str
    path: str
    at: datetime
    scope: str = ""
    """The tracker that the issue comes from."""
    repo: str = ""
    """What was cloned, as `repository_name` calls it."""
    lender: str = ""
    """The folder of objects that it borrows from, of a mirror."""
    format: int = 1


def marker_path(root: Path, key: str) -> Path:
    """Where the marker of a key lies."""
    return root / HIDDEN / "ready" / f"{key}.json"


def marker_for(order: Order, state: str, path: Path, now: datetime) -> Marker:
    """The marker of an order's workspace."""
    settings = order.settings
    repo = repository_name(settings.workspace.repo)
    return Marker(state, str(path), now, settings.tracker.scope, repo)


def read(marker: Path) -> Marker | None:
    """What a marker says; None when there is none, or none that can be read.

    Raises:
        StateError: it is there and the disk does not give it.
    """
    data = files.read(marker)
    if data is None:
        return None
    try:
        return decode(Marker, json.loads(data))
    except (ValueError, Malformed):
        return None


def write(marker: Path, wanted: Marker) -> None:
    """Publish a marker.

    Raises:
        StateError: the disk does not take it.
    """
    files.make_folder(marker.parent)
    files.replace(marker, json.dumps(encode(wanted)).encode() + b"\n")


def stranger(key: str, found: Marker | None, scope: str, repo: str) -> str:
    """Whom a marker is of, in words, when that is not the project of this scope and repository
    (as `repository_name` calls it); else nothing."""
    if found is None or not found.scope:
        return ""
    is_other_repo = bool(found.repo and repo and found.repo != repo)
    if found.scope == scope and not is_other_repo:
        return ""
    clone = f", a clone of {found.repo}" if found.repo else ""
    return f"{key} of {found.scope}{clone}"


def refuse_others(marker: Path, found: Marker | None, wanted: Marker) -> None:
    """Accept no workspace that another project works in.

    Raises:
        WorkspaceError: it was made for another tracker or another repository.
    """
    other = stranger(marker.stem, found, wanted.scope, wanted.repo)
    if found is not None and other:
        raise WorkspaceError(
            f"{found.path} belongs to {other}: give each workflow a workspace.root of its own. If"
            f" that is this project under another name, remove {marker} and it is taken as it is."
        )


def claim(marker: Path, wanted: Marker) -> Marker | None:
    """Make the place of a key ours before anything is done there; what the marker said before.

    `wanted` is written when nothing was known of this very path. What is known stays, but for
    scope and repository.

    Raises:
        WorkspaceError: it belongs to another project.
        StateError: the disk does not let us.
    """
    with _one_at_a_time(marker.parent / ".lock"):
        found = read(marker)
        refuse_others(marker, found, wanted)
        if found is None or found.path != wanted.path:
            write(marker, wanted)
            return None
        if (found.scope, found.repo) != (wanted.scope, wanted.repo):
            write(marker, replace(found, scope=wanted.scope, repo=wanted.repo))
        return found


@contextmanager
def _one_at_a_time(lock: Path) -> Iterator[None]:
    """Two workflows with the same key do not exclude each other by the lock of a run."""
    deadline = clock.monotonic() + _PATIENCE
    while (descriptor := take_run_lock(lock)) is None:
        if clock.monotonic() > deadline:
            raise WorkspaceError(f"{lock} was held for {_PATIENCE:g} s: find out by whom.")
        clock.sleep(_PAUSE)
    try:
        yield
    finally:
        os.close(descriptor)
