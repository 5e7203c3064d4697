"""What forks faster than anybody can look is ended all the same."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from symphony_cli import processes
from symphony_cli.errands.sweep import still_there

pytestmark = pytest.mark.real

LIFE = 20
"""Seconds after which a chain that nobody ends does so itself."""

SWEEPER = """
import json, os, subprocess, sys, time
from symphony_cli import processes
from symphony_cli.errands.sweep import sweep

def reaped(seconds):
    until, gone = time.monotonic() + seconds, []
    while time.monotonic() < until:
        gone += processes.reap()
        time.sleep(0.01)
    return len(gone)

def find():
    found = (processes.identify(pid) for pid in processes.descendants(os.getpid()))
    return [one for one in found if one is not None]

processes.become_subreaper()
subprocess.Popen(sys.argv[1:])
links = 0
while links < 10:
    links += reaped(0.05)
swept = sweep(find, newest=lambda: processes.children(os.getpid()))
print(json.dumps([len(swept.ended) > 0, swept.survivors, reaped(0.3)]))
"""

IN_PYTHON = """
import os, time
until = time.time() + {life}
os.setsid()
while time.time() < until:
    if os.fork():
        os._exit(0)
    {each}
"""

IN_SHELL = '[ $(date +%s) -lt "$1" ] || exit 0\n{each} sh "$0" "$1" {end}\n'

CHAINS = {
    "one session": IN_PYTHON.format(life=LIFE, each="pass"),
    "a session each": IN_PYTHON.format(life=LIFE, each="os.setsid()"),
    "programs": IN_SHELL.format(each="", end="&"),
    "programs with a session each": IN_SHELL.format(each="setsid --fork", end=""),
}


@pytest.mark.parametrize("chain", CHAINS)
def test_a_chain_of_processes_that_each_start_the_next_is_ended(tmp_path: Path, chain: str) -> None:
    text = CHAINS[chain]
    words = [sys.executable, "-c", text]
    if not text.startswith("\nimport"):
        (tmp_path / "chain.sh").write_text(text)
        ends = subprocess.check_output(["date", "-d", f"+{LIFE} seconds", "+%s"], text=True).strip()
        words = ["sh", str(tmp_path / "chain.sh"), ends]
    sweeper = [sys.executable, "-P", "-c", SWEEPER, *words]
    done = subprocess.run(sweeper, capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(done.stdout) == [True, [], 0]


def test_who_is_left_after_a_sweep_that_was_cut_short_is_looked_up() -> None:
    looks = [[processes.myself()], [processes.myself()], []]
    stays = replace(processes.myself(), start=1)
    assert (still_there(lambda: looks.pop(0) if looks else []), still_there(lambda: [stays])) == (
        (),
        (stays.pid,),
    )
