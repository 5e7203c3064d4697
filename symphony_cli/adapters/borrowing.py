"""Borrowing from the mirror: which one a new workspace names, and who brings it up to date.

The fetch is an errand of its own, which nobody waits for. Whoever starts it takes the lock of the
mirror first and hands it on, as a tick does with the lock of a run; so there is one at a time, and
no instant at which nobody seems to be at it. Only while there is no mirror at all is it waited for,
and not for long: five first runs shall not each copy the whole repository.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from symphony_cli import clock, files
from symphony_cli.adapters import gitfolder, locks
from symphony_cli.adapters.mirror import Mirror, mirror, unfit, written_down
from symphony_cli.core.run import MARKER, SHARED_MARKER
from symphony_cli.errors import StateError, SymphonyError, WorkspaceError

FETCH = "symphony_cli.errands.fetch"

FRESH = 600.0
"""Seconds after a fetch in which nobody fetches again, nor tries again to make a mirror."""

PAUSE = 60.0
"""Seconds after a fetch that failed before the next."""

FIRST_PATIENCE = 300.0
"""Seconds that a new workspace waits for a mirror that is being made."""

_LOOK = 0.1


def start(one: Mirror, run: Path, environment: Mapping[str, str]) -> bool:
    """Start the errand that fetches, unless another one is at it or it is too early; whether it was
    started. It is to serve the order of the run folder `run`, and outlives that run.

    Raises:
        StateError: the lock or the process cannot be made.
    """
    descriptor = locks.take_run_lock(one.lock)
    if descriptor is None:
        return False
    try:
        if not is_due(one, clock.now()):
            return False
        with files.translated(one.path, "fetched"):
            _popen(run, descriptor, environment)
        return True
    finally:
        os.close(descriptor)


def is_due(one: Mirror, now: datetime) -> bool:
    """Whether it is time to fetch. What is there and cannot be a mirror is let be."""
    if one.is_there and unfit(one):
        return False
    known = written_down(one)
    pause = PAUSE if one.is_there else FRESH
    return _is_past(known.fetched_at if one.is_there else None, FRESH, now) and _is_past(
        known.tried_at, pause, now
    )


def _is_past(moment: datetime | None, seconds: float, now: datetime) -> bool:
    """A date in the future is that of a clock that was wrong."""
    return moment is None or not 0 <= (now - moment).total_seconds() < seconds


def _popen(run: Path, lock: int, environment: Mapping[str, str]) -> None:
    """A process that the end of the run spares; of ours it has nothing but the mirror's lock."""
    mine = {
        name: value
        for name, value in environment.items()
        if name != MARKER and not name.startswith("PYTHON")
    }
    subprocess.Popen(
        [sys.executable, "-P", "-m", FETCH, str(run), "--lock", str(lock)],
        cwd="/",
        env=mine | {SHARED_MARKER: "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(lock,),
        start_new_session=True,
    )


def lender(
    path: str, url: str, fetch: Callable[[], object], patience: float = FIRST_PATIENCE
) -> tuple[Mirror | None, str]:
    """The mirror that a new workspace may borrow from; without one, why there is none, as a
    sentence (nothing when WORKFLOW.md names none).

    `fetch` is called when the mirror is not there yet: it starts the errand that makes it, which is
    waited for at most `patience` seconds. Never raises for what is wrong with the mirror.
    """
    one = mirror(path, url)
    if one is None:
        return None, ""
    try:
        if not one.is_there:
            fetch()
            _wait(one, patience)
        why = unfit(one) if one.is_there else _why_not(one)
    except (StateError, WorkspaceError) as error:
        return None, str(error)
    return (None, why) if why else (one, "")


def _wait(one: Mirror, patience: float) -> None:
    deadline = clock.monotonic() + patience
    while not one.is_there and locks.is_held(one.lock) and clock.monotonic() < deadline:
        clock.sleep(_LOOK)


def _why_not(one: Mirror) -> str:
    if locks.is_held(one.lock):
        return f"The mirror {one.path} is still being made."
    known = written_down(one)
    why = f": {known.error.rstrip('.')}" if known.error else ""
    return f"The mirror {one.path} could not be made{why}."


def refuse_without(objects: str, workspace: Path) -> None:
    """Let nobody work in a workspace whose mirror has gone.

    `objects` is the folder that the workspace borrowed from when it was made. One that names it no
    longer has made itself independent.

    Raises:
        WorkspaceError: it still does, and the folder is not there.
    """
    if not objects or Path(objects).is_dir():
        return
    alternates = gitfolder.read(workspace / ".git/objects/info/alternates", 2**20) or b""
    if os.fsencode(objects) in alternates.splitlines():
        place = Path(objects).parent
        raise WorkspaceError(
            f"{workspace} borrows objects from the mirror {place}, which is not there any more: put"
            " it back (a link at that place to where it is now will do). If it is lost, move the"
            " workspace away: it is then made anew with what the remote has."
        )


def keep_fresh(path: str, url: str, run: Path, environment: Mapping[str, str]) -> None:
    """See to it that the mirror is fetched soon, if WORKFLOW.md names one; waits for nothing.

    A mirror that cannot be fetched holds nobody up: `status` tells of it.
    """
    one = mirror(path, url)
    if one is not None:
        with contextlib.suppress(SymphonyError):
            start(one, run, environment)
