"""A `state/` that cannot be written, and a disk that is full: exit 73, and nothing lost."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.cli.house import AS_ANYBODY, EXEC, House, Told, until

pytestmark = pytest.mark.real


def at_most(size: int) -> tuple[str, ...]:
    """Starts a command in which no file can grow beyond `size` bytes."""
    return (
        sys.executable,
        "-c",
        "import os, resource, sys\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))\n" + EXEC,
    )


def test_a_read_only_state_ends_a_tick_and_readers_go_on(house: House) -> None:
    house.issue("A-1", state="In Review")
    house.run("tick")
    house.issue("A-2")
    before = house.ledger.read_bytes()
    house.state.chmod(0o500)
    house.ledger.chmod(0o400)
    told = house.run("tick", wrap=AS_ANYBODY)
    shown = house.run("status", "--json", wrap=AS_ANYBODY)
    dry = house.run("tick", "--dry-run", "--json", wrap=AS_ANYBODY)
    house.ledger.chmod(0o600)
    house.state.chmod(0o700)
    after = house.ledger.read_bytes()

    assert told == Told(
        73,
        "",
        f"symphony: {house.ledger} cannot be written: permission denied: check who owns it.\n",
    )
    assert (shown.code, shown.json["tick"]["exit_code"]) == (0, 0)
    assert [d["kind"] for d in dry.json["decisions"]] == ["take_in", "enrol", "dispatch"]
    assert before == after
    assert house.would_start() == ["A-2"]


def test_a_state_that_cannot_be_made_is_named(house: House) -> None:
    house.project.chmod(0o500)
    told = house.run("tick", wrap=AS_ANYBODY)
    house.project.chmod(0o700)
    assert told == Told(
        73,
        "",
        f"symphony: {house.state} cannot be created: permission denied: check who owns it.\n",
    )


def test_a_ledger_that_cannot_grow_keeps_whole_lines_and_goes_on_later(house: House) -> None:
    for number in range(1, 30):  # so that the ledger is the largest file
        house.issue(f"B-{number}", blocked_by="[X]")
    house.run("tick")
    whole = house.ledger.read_bytes()
    house.issue("A-2")
    house.issue("A-3", blocked_by="[A-2]")
    told = house.run("tick", wrap=at_most(len(whole) + 100))
    full = house.ledger.read_bytes()

    assert told == Told(73, "", f"symphony: {house.ledger} cannot be written: File too large.\n")
    assert full == whole
    assert house.would_start() == ["A-2"]


@pytest.fixture
def small(house: House) -> Iterator[House]:
    """The house with `state/` on a disk of 256 kB of its own."""
    house.state.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(house.state)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a small disk needs root")
    yield house
    house.end()
    subprocess.run(["umount", "-l", str(house.state)], check=True)


def fill(house: House) -> None:
    """Leave no room in `state/`."""
    with (house.state / "filler").open("ab", buffering=0) as stream:
        try:
            while True:
                stream.write(b"x" * 512)
        except OSError:
            return


def test_a_full_disk_under_a_run_loses_nothing(small: House) -> None:
    house = small
    house.configure("agent: {max_retry_backoff_ms: 1}")
    house.script(A_1=[{"say": "I begin."}, {"wait": 0.7}, *DONE_LATER])
    house.issue("A-1")
    house.run("tick")
    until(lambda: "I begin." in _report(house), "the first message")
    fill(house)
    told = house.run("tick")
    until(lambda: not house.processes(), "the end of the run")
    (house.state / "filler").unlink()
    for _ in range(3):
        house.run("tick")
        until(lambda: not house.processes(), "the end of what was started")
    after = house.status()

    assert (told.code, told.out) == (73, "")
    assert told.err.endswith(" cannot be written: the disk is full: free some space.\n")
    assert after["tick"]["exit_code"] == 0
    assert [e["issue"]["id"] for e in house.events("sighted")][:1] == ["A-1"]
    assert (after["counts"]["finished"], after["counts"]["running"]) == (1, 0)


DONE_LATER = [
    {"tool": {"name": "issue_update", "arguments": {"state": "Done"}}},
    {"say": "It is done."},
]


def _report(house: House) -> str:
    path = house.folder("A-1") / "report.jsonl"
    return path.read_text() if path.exists() else ""
