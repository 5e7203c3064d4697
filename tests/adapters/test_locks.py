"""The locks of this machine, with real processes: who holds, who looks, who is kept out."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from symphony_cli import clock
from symphony_cli.adapters import locks
from symphony_cli.errors import LockHeld, StateError

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

LOOK_FOR_EVER = """
import sys
from pathlib import Path
from symphony_cli.adapters.locks import is_held
path = Path(sys.argv[1])
print("looking", flush=True)
while True:
    is_held(path)
"""

HOLD = """
import sys
from pathlib import Path
from symphony_cli.adapters.locks import state_lock
with state_lock(Path(sys.argv[1]), command="symphony tick"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "ABC-1" / "lock"


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        process.kill()
        process.communicate()


def python(code: str, path: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None and process.stdout.readline()
    return process


def test_a_lock_is_taken_once_and_its_folder_is_private(lock: Path) -> None:
    first, second = locks.take_run_lock(lock), locks.take_run_lock(lock)

    assert first is not None and second is None
    assert (lock.stat().st_mode & 0o777, lock.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    os.close(first)


def test_a_lock_is_held_until_its_last_descriptor_is_closed(lock: Path) -> None:
    first = locks.take_run_lock(lock)
    assert first is not None
    copy = os.dup(first)

    held = [locks.is_held(lock)]
    os.close(first)
    held.append(locks.is_held(lock))
    os.close(copy)
    held.append(locks.is_held(lock))

    assert held == [True, True, False]


def test_looking_makes_no_file_and_takes_no_lock(lock: Path) -> None:
    assert (locks.is_held(lock), lock.exists()) == (False, False)

    descriptor = locks.take_run_lock(lock)
    assert descriptor is not None
    assert [locks.is_held(lock), locks.is_held(lock)] == [True, True]
    os.close(descriptor)
    assert not locks.is_held(lock)


def test_a_look_that_goes_on_keeps_a_taker_out_no_longer_than_it_lasts(lock: Path) -> None:
    lock.parent.mkdir(parents=True)
    with lock.open("w") as looker:
        fcntl.flock(looker, fcntl.LOCK_SH)

        assert locks.take_run_lock(lock) is None

    descriptor = locks.take_run_lock(lock)
    assert descriptor is not None
    os.close(descriptor)


@pytest.mark.real
def test_a_storm_of_looks_never_keeps_a_taker_out(
    lock: Path, started: list[subprocess.Popen[bytes]]
) -> None:
    lock.parent.mkdir(parents=True)
    lock.touch()
    started += [python(LOOK_FOR_EVER, lock) for _ in range(6)]

    refused = 0
    for _ in range(200):
        descriptor = locks.take_run_lock(lock)
        if descriptor is None:
            refused += 1
        else:
            os.close(descriptor)

    assert refused == 0


def test_a_taker_that_meets_a_real_holder_does_not_wait(
    lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(clock, "sleep", waits.append)
    holder = locks.take_run_lock(lock)
    assert holder is not None

    refused = [locks.take_run_lock(lock) for _ in range(20)]

    assert (refused, waits) == ([None] * 20, [])
    os.close(holder)


def test_a_file_that_was_deleted_or_replaced_is_not_what_its_name_leads_to(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("w") as opened:
        found = [locks.leads_to(path, opened.fileno())]
        path.unlink()
        found.append(locks.leads_to(path, opened.fileno()))
        path.touch()
        found.append(locks.leads_to(path, opened.fileno()))

    assert found == [True, False, False]


def test_a_lock_that_is_a_link_is_refused(lock: Path, tmp_path: Path) -> None:
    lock.parent.mkdir(parents=True)
    lock.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(StateError, match="cannot be locked"):
        locks.take_run_lock(lock)


def test_a_network_file_system_is_refused(tmp_path: Path) -> None:
    mounted = f"36 35 0:31 / {tmp_path} rw - nfs4 server:/home rw"

    with pytest.raises(StateError, match=r"network file system \(nfs4\).*move it to a local disk"):
        locks.refuse_network(tmp_path / "state", mounted)


def test_the_state_lock_says_to_people_who_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "state" / "lock"

    with locks.state_lock(path, command="symphony tick --full"):
        content = json.loads(path.read_text())
        since = locks.holder(path)

    assert since is not None
    assert content == {
        "pid": os.getpid(),
        "started_at": content["started_at"],
        "command": "symphony tick --full",
    }
    assert abs(clock.now() - since.started_at) < timedelta(seconds=60)


def test_who_holds_names_command_pid_and_age(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_text(
        '{"pid": 4711, "started_at": "2026-03-01T11:59:00.000Z", "command": "symphony tick"}'
    )

    assert locks.who_holds(path, NOON) == (
        f"{path} is held by `symphony tick` (pid 4711) since 2026-03-01T11:59:00.000Z, 60 s ago."
    )


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": "x"}', "null"])
def test_a_lock_file_without_a_name_is_held_by_another_process(
    tmp_path: Path, content: str
) -> None:
    path = tmp_path / "lock"
    path.write_text(content)

    assert locks.who_holds(path, NOON) == f"Another process holds {path}."


@pytest.mark.real
def test_a_second_command_is_told_who_holds_the_state_and_gets_it_afterwards(
    tmp_path: Path, started: list[subprocess.Popen[bytes]]
) -> None:
    path = tmp_path / "lock"
    started.append(python(HOLD, path))
    said: list[str] = []

    sentence = rf"`symphony tick` \(pid {started[0].pid}\) since 20"
    with pytest.raises(LockHeld, match=sentence), locks.state_lock(path):
        pass
    with pytest.raises(LockHeld), locks.state_lock(path, wait=0.3, on_wait=said.append):
        pass
    started[0].communicate(b"")
    with locks.state_lock(path, wait=10, on_wait=said.append):
        taken = locks.holder(path)

    assert taken is not None and taken.pid == os.getpid()
    assert len(said) == 1 and f"(pid {started[0].pid})" in said[0]


@pytest.mark.real
def test_a_waiting_command_goes_on_when_the_holder_is_killed(
    tmp_path: Path, started: list[subprocess.Popen[bytes]]
) -> None:
    path = tmp_path / "lock"
    started.append(python(HOLD, path))

    with locks.state_lock(path, wait=20, on_wait=lambda said: started[0].kill()):
        taken = locks.holder(path)

    assert taken is not None and taken.pid == os.getpid()


def test_an_error_inside_lets_the_state_lock_go(tmp_path: Path) -> None:
    path = tmp_path / "lock"

    with pytest.raises(KeyError), locks.state_lock(path):
        raise KeyError("inside")

    with locks.state_lock(path):
        assert locks.holder(path) is not None
