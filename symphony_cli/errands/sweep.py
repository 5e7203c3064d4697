"""Ending whatever is left of a run: nothing of it may live on when its lock is let go.

Three nets, because each has holes: the mark in the environment (a program can drop it), descent (a
run that was killed has no descendants any more, they went to init), and the process groups and
sessions that the run wrote down (their numbers are used again once the group is empty). The third
is therefore believed only of a process that also started after the run did, in the same boot, and
works in the run's workspace or writes into its folder. A process that says of itself that it is
shared (`SYMPHONY_SHARED=1`) is spared.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, SIGTERM, Signals

from symphony_cli import clock, processes
from symphony_cli.core.run import Identity, PidFile

PATIENCE = 5.0
"""Seconds that one round of signals has to work."""

ROUNDS = (SIGTERM, SIGKILL, SIGKILL)

FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.25


@dataclass(frozen=True, slots=True)
class Swept:
    """Pids that were ended, and pids that nothing could end."""

    ended: tuple[int, ...] = ()
    survivors: tuple[int, ...] = ()


def sweep(find: Callable[[], list[Identity]], patience: float = PATIENCE) -> Swept:
    """Signal what `find` finds until it finds nothing: TERM, then KILL; newcomers too."""
    signalled: dict[int, Identity] = {}
    left = find()
    for number in ROUNDS:
        if not left:
            break
        left = _round(find, left, number, patience, signalled)
    alive = {identity.pid for identity in left}
    return Swept(tuple(sorted(signalled.keys() - alive)), tuple(sorted(alive)))


def _round(
    find: Callable[[], list[Identity]],
    left: list[Identity],
    number: Signals,
    patience: float,
    signalled: dict[int, Identity],
) -> list[Identity]:
    """One signal, to each once and to whatever appears meanwhile; what is left after `patience`."""
    deadline, pause = clock.monotonic() + patience, FIRST_PAUSE
    done: set[Identity] = set()
    while left and clock.monotonic() < deadline:
        for identity in left:
            if identity not in done and processes.signal_if_same(identity, number):
                done.add(identity)
                signalled[identity.pid] = identity
        clock.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)
        processes.reap()
        left = find()
    return left


def remains(known: PidFile, places: Iterable[str]) -> list[Identity]:
    """Living processes of a run, but for this one; `places` are its workspace and its folder."""
    me = os.getpid()
    roots = [os.path.realpath(place) for place in places if place]
    found = set(processes.bearers(known.run))
    found.update(pid for pid in processes.descendants(me) if not processes.is_shared(pid))
    found.update(pid for pid in processes.members(known.groups) if _started_in(pid, known, roots))
    found.discard(me)
    identities = (processes.identify(pid) for pid in sorted(found))
    return [identity for identity in identities if identity is not None]


def _started_in(pid: int, known: PidFile, roots: Iterable[str]) -> bool:
    identity = processes.identify(pid)
    if identity is None or identity.boot != known.process.boot or identity.start < known.began:
        return False
    return works_in(pid, roots)


def works_in(pid: int, roots: Iterable[str]) -> bool:
    """Whether the current folder of a process, or a file it reads or writes by default, lies in
    one of these folders. What cannot be read is no evidence."""
    links = (Path("/proc", str(pid), name) for name in ("cwd", "fd/0", "fd/1", "fd/2"))
    return any(_inside(link, root) for link in links for root in roots)


def _inside(link: Path, root: str) -> bool:
    try:
        target = os.readlink(link)
    except OSError:
        return False
    return target == root or target.startswith(root.rstrip("/") + "/")
