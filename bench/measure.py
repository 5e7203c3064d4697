"""CPU, memory and time: of a fresh process from start to end, and of one that goes on.

The kernel counts into a child's maximum RSS what its parent had at the fork, until the child
executes a program of its own (getrusage(2) keeps the larger). Hence every measured process is
started by a Python that has imported nothing, which is smaller than whatever it starts.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MEGABYTE = 1_000_000

_STARTER = """
import os, sys, time
out, began = int(sys.argv[1]), time.monotonic()
pid = os.fork()
if pid == 0:
    os.close(out)
    os.execv(sys.argv[2], sys.argv[2:])
_, status, used = os.wait4(pid, 0)
wall = time.monotonic() - began
code = os.waitstatus_to_exitcode(status)
cpu = used.ru_utime + used.ru_stime
os.write(out, b"%d %.6f %d %.6f" % (code, cpu, used.ru_maxrss, wall))
"""


class Failed(Exception):
    """A process that was to be measured did not do its work."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process used: CPU (user and system) and wall time in seconds, highest RSS in MB."""

    cpu: float
    rss: float
    wall: float

    def best(self, other: Cost) -> Cost:
        """The smaller of each: what disturbs a measurement only ever adds to it."""
        return Cost(min(self.cpu, other.cpu), min(self.rss, other.rss), min(self.wall, other.wall))


@dataclass(frozen=True, slots=True)
class Command:
    """A program of this Python, with its environment and its folder."""

    arguments: tuple[str, ...]
    environ: Mapping[str, str]
    cwd: Path


def once(command: Command) -> Cost:
    """Run it from start to end.

    Raises:
        Failed: it did not exit with 0; the text ends with what it said.
    """
    reader, writer = os.pipe()
    starter = [sys.executable, "-I", "-S", "-c", _STARTER, str(writer), sys.executable]
    with os.fdopen(reader, "rb") as pipe:
        done = subprocess.run(
            [*starter, *command.arguments],
            env=dict(command.environ),
            cwd=command.cwd,
            pass_fds=[writer],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
        os.close(writer)
        told = pipe.read().split()
    if not told or int(told[0]) != 0:
        said = done.stderr.decode("utf-8", "replace")[-2000:]
        raise Failed(f"`python {' '.join(command.arguments)}` did not end with 0: {said}")
    return Cost(float(told[1]), int(told[2]) * 1024 / MEGABYTE, float(told[3]))


def best(commands: Sequence[Command], rounds: int) -> list[Cost]:
    """The best cost of each, taken in turns so that a busy moment does not hit only one."""
    found = [once(command) for command in commands]
    for _ in range(rounds - 1):
        found = [one.best(once(command)) for one, command in zip(found, commands, strict=True)]
    return found


def baseline(environ: Mapping[str, str], cwd: Path, rounds: int) -> Cost:
    """What a Python that does nothing costs here and now."""
    return best([Command(("-c", "pass"), environ, cwd)], rounds)[0]


def cpu_of(pid: int) -> float:
    """Seconds of CPU that a running process has used (proc_pid_stat(5), fields 14 and 15)."""
    text = Path(f"/proc/{pid}/stat").read_text()
    fields = text[text.rindex(")") + 2 :].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_of(pid: int) -> tuple[float, float]:
    """RSS of a running process now, and the highest so far, in MB (VmRSS and VmHWM)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    named = dict(line.split(":", 1) for line in lines if ":" in line)
    now, high = (int(named[name].split()[0]) for name in ("VmRSS", "VmHWM"))
    return now * 1024 / MEGABYTE, high * 1024 / MEGABYTE


def share_of(pid: int) -> float:
    """What a running process adds to the memory that is used, in MB: pages that several processes
    share count for each in part (Pss of /proc/PID/smaps_rollup, proc(5))."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    (size,) = (line.split()[1] for line in lines if line.startswith("Pss:"))
    return int(size) * 1024 / MEGABYTE
