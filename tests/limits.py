"""Run a piece of Python under a limit that a test process must not have itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FULL_DISK = """
import resource
HARD = resource.getrlimit(resource.RLIMIT_FSIZE)[1]

def room_for(size):
    '''No file may grow above `size` bytes: a write beyond it stops half-way, then fails (EFBIG).'''
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, HARD))

def room_again():
    resource.setrlimit(resource.RLIMIT_FSIZE, (HARD, HARD))
"""
"""setrlimit(2), RLIMIT_FSIZE; Python ignores SIGXFSZ from its start."""

NOBODY = """
import os
def become_nobody():
    '''Root may write anywhere. Import everything first: nobody may not read our own files.'''
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
"""


def python(program: str, *arguments: str, cwd: Path | None = None) -> str:
    """What a fresh Python prints; it must end well within a minute."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
