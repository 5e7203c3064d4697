"""Who a process is, how it is signalled safely, and how one act of a run becomes the next.

Linux is the platform. Identity is (pid, start time, boot id, pid namespace): field 22 of
``/proc/PID/stat`` (proc_pid_stat(5)) and ``/proc/sys/kernel/random/boot_id``; a pid alone is
recycled. Signals go through a pidfd that is opened before the identity is checked, so that nobody
else can be hit. Where there is no /proc (macOS) identities have no start time and nothing is swept.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from symphony_cli.core.run import MARKER, SHARED_MARKER, Identity

HANDED = "SYMPHONY_HANDED_SECRETS"
"""Names the descriptor from which a tick reads `NAME=value` pairs that finish hands to it."""

_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36


def boot_id() -> str:
    """The id of this boot, or nothing where the system has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def identify(pid: int) -> Identity | None:
    """Who has this pid now; None when nobody has it (a zombie is nobody)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None if Path("/proc/self").exists() else _identify_without_proc(pid)
    fields = stat[stat.rindex(")") + 2 :].split()
    if fields[0] in "ZX":
        return None
    try:
        namespace = str(Path(f"/proc/{pid}/ns/pid").readlink())
    except OSError:
        namespace = ""
    return Identity(pid, int(fields[19]), boot_id(), namespace)


def _identify_without_proc(pid: int) -> Identity | None:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return Identity(pid, 0, "")


def myself() -> Identity:
    """This process."""
    identity = identify(os.getpid())
    assert identity is not None, "a running process has an identity"
    return identity


def same(a: Identity | None, b: Identity) -> bool:
    """Whether two identities mean one process (the namespace may be unreadable)."""
    return a is not None and (a.pid, a.start, a.boot) == (b.pid, b.start, b.boot)


def signal_if_same(identity: Identity, number: signal.Signals) -> bool:
    """Send a signal to exactly this process; False when it is gone, or not ours to signal."""
    if not hasattr(os, "pidfd_open"):
        return _kill(identity.pid, number) if same(identify(identity.pid), identity) else False
    try:
        handle = os.pidfd_open(identity.pid)
    except OSError:
        return False
    try:
        if not same(identify(identity.pid), identity):
            return False
        signal.pidfd_send_signal(handle, number)
        return True
    except (ProcessLookupError, PermissionError):
        return False
    finally:
        os.close(handle)


def _kill(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except OSError:
        return False
    return True


def make_undumpable() -> None:
    """Hide memory, environment and descriptors of this process from others of the same user.

    prctl(2), PR_SET_DUMPABLE; exec resets it, so each act does it again before it reads a secret.
    """
    _prctl(_PR_SET_DUMPABLE, 0)


def become_subreaper() -> None:
    """Adopt orphaned descendants instead of init (prctl(2)); kept across exec, not fork."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        import ctypes  # 0.4 MB, and a supervisor that is handed no secret does without

        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def all_pids() -> list[int]:
    """Every process that can be seen."""
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []


def bearers(run: str) -> list[int]:
    """Processes whose environment names this run, but for those marked as shared.

    ``/proc/PID/environ`` is what the process was started with; ours we can always read unless the
    process made itself undumpable.
    """
    wanted, shared = f"{MARKER}={run}".encode(), f"{SHARED_MARKER}=1".encode()
    found = []
    for pid in all_pids():
        try:
            variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if wanted in variables and shared not in variables and identify(pid) is not None:
            found.append(pid)
    return found


def members(groups: Iterable[int]) -> list[int]:
    """Living processes whose process group or session is one of `groups`, but for shared ones."""
    return [pid for pid in in_groups(set(groups)) if not is_shared(pid)]


def in_groups(groups: set[int]) -> list[int]:
    """All living processes whose process group or session is one of `groups`."""
    return [pid for pid in all_pids() if _in_groups(pid, groups)]


def _in_groups(pid: int, groups: set[int]) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    fields = stat[stat.rindex(")") + 2 :].split()
    return fields[0] not in "ZX" and not groups.isdisjoint((int(fields[2]), int(fields[3])))


def is_shared(pid: int) -> bool:
    """Whether a process is marked as one that outlives its run on purpose."""
    try:
        return f"{SHARED_MARKER}=1".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(
            b"\0"
        )
    except OSError:
        return False


def descendants(root: int) -> list[int]:
    """Living children, their children and so on."""
    parents: dict[int, list[int]] = {}
    for pid in all_pids():
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            continue
        fields = stat[stat.rindex(")") + 2 :].split()
        if fields[0] not in "ZX":
            parents.setdefault(int(fields[1]), []).append(pid)
    found, front = [], [root]
    while front:
        children = parents.get(front.pop(), [])
        found += children
        front += children
    return found


def children(parent: int) -> Iterator[int]:
    """Living children, the newest first, each told as soon as it is seen."""
    for pid in sorted(all_pids(), reverse=True):
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            continue
        fields = stat[stat.rindex(")") + 2 :].split()
        if fields[0] not in "ZX" and int(fields[1]) == parent:
            yield pid


def kill_group_of(pid: int) -> None:
    """End the process group of `pid` in one go, so that nobody in it can fork away meanwhile.

    Spared are our own group, and one that somebody who is shared is in.
    """
    try:
        group = os.getpgid(pid)
        if group not in (0, os.getpgid(0)) and not any(map(is_shared, in_groups({group}))):
            os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def reap() -> list[int]:
    """Collect every child that has ended, adopted ones too; their pids."""
    gone = []
    with contextlib.suppress(ChildProcessError):
        while (pid := os.waitpid(-1, os.WNOHANG)[0]) != 0:
            gone.append(pid)
    return gone


def secret_pipe(secrets: Sequence[str]) -> int:
    """A descriptor from which `secrets` can be read once; inheritable, and in no file.

    It is one end of a socket pair and no pipe: until a program that was just started has hidden
    itself, others of the same user may look at its descriptors, and through ``/proc/PID/fd`` a pipe
    can be opened and read, a socket cannot (open(2): ENXIO).
    """
    import socket  # 0.3 MB, and a supervisor that hands on no secret does without

    reader, writer = socket.socketpair()
    with reader, writer:
        writer.sendall("\0".join(secrets).encode())
        descriptor = reader.detach()
    os.set_inheritable(descriptor, True)
    return descriptor


def read_secrets(descriptor: int | None) -> tuple[str, ...]:
    """What `secret_pipe` put in, after hiding this process from others.

    Without a descriptor there is nothing to read, and nothing to hide.
    """
    if descriptor is None:
        return ()
    make_undumpable()
    with os.fdopen(descriptor, "rb") as stream:
        text = stream.read().decode()
    return tuple(part for part in text.split("\0") if part)


def act_command(module: str, folder: Path, locks: Iterable[int], secrets: int | None) -> list[str]:
    """The command line of one act of a run (`-P`: never import from the current folder)."""
    command = [sys.executable, "-P", "-m", module, str(folder)]
    command += ["--locks", ",".join(map(str, locks))]
    if secrets is not None:
        command += ["--secrets", str(secrets)]
    return command


def become(module: str, folder: Path, locks: Sequence[int], secrets: Sequence[str]) -> None:
    """Turn this process into the next act of its run; pid, locks and children stay. No return.

    SIGTERM is held back over the exec: without a handler it would end the run without a word. Each
    act lets it through again once it listens.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    for lock in locks:
        os.set_inheritable(lock, True)
    pipe = secret_pipe(secrets) if secrets else None
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, act_command(module, folder, locks, pipe))
