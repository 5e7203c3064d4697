"""Starting programs as one ordinary user, also when root runs the tests."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.cli.house import AS_ANYBODY, EXEC

NOBODY = 65534

_AS_NOBODY = (
    sys.executable,
    "-c",
    "import os, sys\n"
    f"os.setgroups([]); os.setresgid(*[{NOBODY}] * 3); os.setresuid(*[{NOBODY}] * 3)\n" + EXEC,
)


@dataclass(frozen=True)
class Anybody:
    """A user without rights: what to put before a command, and the owner of what it works on."""

    wrap: tuple[str, ...]
    uid: int

    def own(self, root: Path) -> None:
        """Give this user everything below a folder."""
        if self.uid != os.getuid():
            for path in (root, *root.rglob("*")):
                os.chown(path, self.uid, self.uid, follow_symlinks=False)


@cache
def anybody(*needed: str) -> Anybody:
    """The user who runs the tests, or nobody when that is root and nobody can start our Python and
    read these files; else root without a single right of root's.

    The last one is refused by the kernel what an ordinary user is refused, but may read files of
    root's: it finds more than an ordinary user would, not less.
    """
    if os.getuid() != 0:
        return Anybody((), os.getuid())
    look = "import sys, symphony_cli.cli\nfor path in sys.argv[1:]: open(path).close()"
    words = [*_AS_NOBODY, sys.executable, "-P", "-c", look, *needed]
    done = subprocess.run(words, capture_output=True, check=False, timeout=60)
    return Anybody(AS_ANYBODY, 0) if done.returncode else Anybody(_AS_NOBODY, NOBODY)
