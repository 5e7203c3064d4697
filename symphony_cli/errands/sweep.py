"""Ending whatever is left of a run: nothing of it may live on when its lock is let go.

Three nets, because each has holes: the mark in the environment (a program can drop it), descent (a
run that was killed has no descendants any more, they went to init), and the process groups and
sessions that the run wrote down (their numbers are used again once the group is empty). The third
is therefore believed only of a process that also started after the run did, in the same boot, and
works in the run's workspace or writes into its folder. A process that says of itself that it is
shared (`SYMPHONY_SHARED=1`) is spared.

A chain of processes that each start the next one and end is never there when one looks: /proc is
read one process after another. But its links become our children when their parents end, and so we
collect them: while there are such, a look that finds nothing is not believed.
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

LAST_LOOKS = 10
"""So many looks in a row that find nobody, but somebody gone, mean that something lives."""


@dataclass(frozen=True, slots=True)
class Swept:
    """Pids that were ended, and pids that nothing could end."""

    ended: tuple[int, ...] = ()
    survivors: tuple[int, ...] = ()


@dataclass(slots=True)
class _Look:
    """What was found, and who has ended since the look before: somebody may have followed them."""

    left: list[Identity]
    gone: list[int]

    @property
    def settled(self) -> bool:
        return not self.left and not self.gone


Newest = Callable[[], Iterable[int]]
"""The children of this process, which are all of the run, the newest first."""


def sweep(
    find: Callable[[], list[Identity]],
    patience: float = PATIENCE,
    newest: Newest = tuple,
    signalled: dict[int, Identity] | None = None,
) -> Swept:
    """Signal what `find` finds until it finds nothing: TERM, then KILL; newcomers too.

    From KILL on, what `newest` tells is killed as well, group by group and at once. `signalled` is
    filled on the way, for a caller who may cut this short.
    """
    signalled = {} if signalled is None else signalled
    look = _Look(find(), processes.reap())
    for number in ROUNDS:
        if look.settled:
            break
        chase = newest if number is SIGKILL else tuple
        look = _round(find, look, number, patience, signalled, chase)
    look = _confirmed(find, look)
    alive = {identity.pid for identity in look.left} or set(look.gone[-1:])
    return Swept(tuple(sorted(signalled.keys() - alive)), tuple(sorted(alive)))


def still_there(find: Callable[[], list[Identity]]) -> tuple[int, ...]:
    """Who is left after a sweep that was cut short; the dying get a moment."""
    for _ in range(LAST_LOOKS):
        if not find():
            break
        clock.sleep(FIRST_PAUSE)
        processes.reap()
    return tuple(sorted(identity.pid for identity in find()))


def _confirmed(find: Callable[[], list[Identity]], look: _Look) -> _Look:
    """Those who ended last may have been the last; whoever has a follower has more of them."""
    for _ in range(LAST_LOOKS):
        if look.left or look.settled:
            break
        clock.sleep(FIRST_PAUSE)
        look = _Look(find(), processes.reap())
    return look


def _round(
    find: Callable[[], list[Identity]],
    look: _Look,
    number: Signals,
    patience: float,
    signalled: dict[int, Identity],
    newest: Newest,
) -> _Look:
    """One signal, to each once and to whatever appears meanwhile; what is left after `patience`."""
    deadline, pause = clock.monotonic() + patience, FIRST_PAUSE
    done: set[Identity] = set()
    while not look.settled and clock.monotonic() < deadline:
        _chase(newest(), signalled)
        for identity in look.left:
            if identity not in done and processes.signal_if_same(identity, number):
                done.add(identity)
                signalled[identity.pid] = identity
        clock.sleep(pause)
        look = _Look(find(), processes.reap())
        pause = FIRST_PAUSE if look.gone else min(pause * 1.5, LONGEST_PAUSE)
    return look


def _chase(newest: Iterable[int], signalled: dict[int, Identity]) -> None:
    """Kill each with its group the moment it is seen: `find` takes so long that a link of a chain
    has ended before it is signalled."""
    for pid in newest:
        identity = None if processes.is_shared(pid) else processes.identify(pid)
        if identity is not None and processes.signal_if_same(identity, SIGKILL):
            processes.kill_group_of(pid)
            signalled[pid] = identity


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


def strangers(known: PidFile, workspace: str) -> tuple[int, ...]:
    """Who works in the workspace, began after the run did, and cannot be told from a person's
    shell: of a run that was killed nobody is a descendant any more, and a daemon may have dropped
    mark and group. They are for a person to judge, and named, not ended."""
    roots = [os.path.realpath(workspace)]
    mine = {os.getpid(), *processes.descendants(os.getpid())}
    others = (pid for pid in processes.all_pids() if pid not in mine)
    return tuple(
        sorted(
            pid for pid in others if _started_in(pid, known, roots) and not processes.is_shared(pid)
        )
    )


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
