"""A machine has many supervisors: what one of them must not load."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.real

PROGRAM = """
import os, sys
from symphony_cli.supervisor import __main__
from symphony_cli import processes

pipe = processes.secret_pipe(sys.argv[1:]) if sys.argv[1:] else None
assert processes.read_secrets(pipe) == tuple(sys.argv[1:])
print(*sys.modules)
"""

HEAVY = set(
    "argparse asyncio ctypes hashlib logging shutil socket subprocess tempfile threading "
    "traceback".split()
)


def loaded(*secrets: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM, *secrets], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_a_supervisor_that_is_handed_no_secret_loads_nothing_heavy() -> None:
    assert loaded() & HEAVY == set()


def test_a_secret_costs_a_supervisor_what_hides_it_and_what_hands_it_on() -> None:
    assert loaded("very-secret-value") & HEAVY == {"ctypes", "socket"}
