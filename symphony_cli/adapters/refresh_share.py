"""Who asks the tracker for all: the lock of the one errand that does, and whom it asks for."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

from symphony_cli import files, runfolder
from symphony_cli.adapters import locks
from symphony_cli.core.run import Order, TrackerRef
from symphony_cli.errors import StateError
from symphony_cli.ids import IssueId
from symphony_cli.paths import StatePaths


def take(path: Path) -> Callable[[], None] | None:
    """Take the lock without waiting: how to let go of it, or None when another process holds it.

    The kernel lets go of it when its holder dies.

    Raises:
        StateError: the file cannot be made.
    """
    lock = FileLock(path, mode=0o600, fallback_to_soft=False)
    with files.translated(path, "locked"):
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return None
    return lock.release


def living(state: StatePaths, ref: TrackerRef) -> frozenset[IssueId]:
    """The issues of this tracker whose runs are alive, in whatever act.

    What cannot be looked at or read is left out: that run asks for itself.

    Raises:
        StateError: the folder of runs cannot be listed.
    """
    with files.translated(state.runs, "listed"):
        try:
            keys = os.listdir(state.runs)
        except FileNotFoundError:
            return frozenset()
    orders = [_order(state, key) for key in keys if _is_alive(state, key)]
    return frozenset(
        order.issue.id
        for order in orders
        if order is not None and same_source(order.settings.tracker, ref)
    )


def same_source(one: TrackerRef, other: TrackerRef) -> bool:
    """Whether an issue reads the same through both."""
    return (one.kind, one.scope, one.project) == (other.kind, other.scope, other.project)


def _is_alive(state: StatePaths, key: str) -> bool:
    try:
        return locks.is_held(state.issue_lock(key))
    except StateError:
        return False


def _order(state: StatePaths, key: str) -> Order | None:
    """The newest order of an issue that can be read: a tick may have died before it wrote one."""
    for number in reversed(state.numbers(key)):
        try:
            return runfolder.order(state.run(key, number))
        except StateError:
            continue
    return None
