"""What an agent without a sandbox may leave behind, each kind that we know of, and its traces.

A mess is made by `sh mess.sh`, which ends when all of it is there; each process tells its pid in a
file of its own. The chain lives by its children: each link starts the next one and ends, so it is
found by its command line.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from symphony_cli import processes

_KINDS = {
    "session": "setsid --fork sh -c 'echo $$ > session; exec sleep 301' <&- >&- 2>&-",
    "stranger": "env -i setsid --fork sh -c 'echo $$ > stranger; cd /; exec sleep 302'",
    "deaf": "nohup sh -c 'trap \"\" TERM HUP INT; echo $$ > deaf; while :; do sleep 1; done' &",
    "double": "( ( setsid sh -c 'echo $$ > double; exec sleep 303' & ) & )",
    "shared": "SYMPHONY_SHARED=1 setsid --fork sh -c 'echo $$ > shared; exec sleep 304'",
    "chain": 'env -i setsid --fork sh "$PWD/chain.sh" "$PWD"',
}

_CHAIN = 'cd "$1"; echo $$ > chain; sleep 0.02; sh "$1/chain.sh" "$1" &\n'


@dataclass(frozen=True)
class Mess:
    """A folder from which a mess is made."""

    place: Path

    def lay(self) -> str:
        """Write the scripts; the command that makes the mess."""
        self.place.mkdir()
        (self.place / "chain.sh").write_text(_CHAIN)
        lines = [f"cd {self.place}", *(f"{line} >/dev/null 2>&1" for line in _KINDS.values())]
        lines[3] = _KINDS["deaf"].replace(" &", " >/dev/null 2>&1 &")
        waits = [f"until [ -s {name} ]; do sleep 0.02; done" for name in _KINDS]
        (self.place / "mess.sh").write_text("\n".join([*lines, *waits, "echo > made", ""]))
        return f"sh {self.place / 'mess.sh'}"

    @property
    def is_made(self) -> bool:
        return (self.place / "made").exists()

    def pid(self, kind: str) -> int:
        return int((self.place / kind).read_text())

    @property
    def single(self) -> set[int]:
        """The processes that must be ended, but for the chain."""
        return {self.pid(kind) for kind in _KINDS if kind not in ("shared", "chain")}

    def alive(self) -> set[int]:
        """What is left of it, but for what is shared."""
        left = {pid for pid in self.single if processes.identify(pid) is not None}
        return left | set(self.links())

    def links(self) -> list[int]:
        """The living links of the chain."""
        wanted, found = str(self.place / "chain.sh").encode(), []
        for pid in processes.all_pids():
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if wanted in words:
                found.append(pid)
        return found

    def spared(self) -> bool:
        """Whether what is shared lives."""
        return processes.identify(self.pid("shared")) is not None
