"""Nothing that happens to the budget file stops a request that may be sent."""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock

from symphony_cli.core.budget import BURST, Asker, Gauge, Told
from symphony_cli.core.times import Wait
from symphony_cli.errors import PutOff
from tests.adapters.linear.budgets import Hands, file, opened
from tests.adapters.linear.sending import KEY
from tests.builders import NOW
from tests.limits import NOBODY, python


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"limit": 2500, "rem',
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"limit": 0}',
        b'{"limit": NaN}',
        b'{"limit": 1e999}',
        b'{"remaining": -5}',
        b'{"format": 2, "limit": 1, "remaining": 0}',
        b'{"format": "two"}',
        b'{"as_of": "yesterday"}',
        b'{"closed": {"since": "2025-11-20T09:00:00.000Z", "seconds": 1e9}}',
        b'{"closed": {"since": "2025-11-20T09:00:00.000Z"}}',
    ],
)
def test_a_file_that_is_none_of_ours_is_a_fresh_bucket(
    tmp_path: Path, hands: Hands, content: bytes
) -> None:
    file(tmp_path).write_bytes(content)

    opened(tmp_path, hands).take(Asker.TICK)

    assert opened(tmp_path, hands).gauge() == Gauge(2500, 2499, 0.0)


def test_a_folder_in_the_place_of_the_file_is_a_bucket_in_memory(
    tmp_path: Path, hands: Hands
) -> None:
    file(tmp_path).mkdir()
    allowance = opened(tmp_path, hands)

    allowance.take(Asker.TICK)
    allowance.take(Asker.OURS)

    assert allowance.gauge().remaining == 2498


def test_where_nothing_can_be_written_a_process_still_keeps_the_pace(
    tmp_path: Path, hands: Hands
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder")
    allowance = opened(in_the_way / "symphony", hands)

    for _ in range(BURST):
        allowance.take(Asker.TICK)

    with pytest.raises(PutOff, match="2490 of 2500"):
        allowance.take(Asker.TICK)
    assert allowance.refused(Told(), 30.0) == Wait(NOW, 30.0)


@pytest.mark.real
def test_a_folder_that_is_not_ours_to_write_is_read_once_and_then_kept_in_memory(
    tmp_path: Path, hands: Hands
) -> None:
    opened(tmp_path, hands).heard(Told(2500, 1000))
    for path in tmp_path.iterdir():
        path.chmod(0o444)
    tmp_path.chmod(0o555)
    program = f"""
from datetime import UTC, datetime
from pathlib import Path
import filelock
from symphony_cli.adapters.linear.allowance import Allowance
from symphony_cli.core.budget import Asker
{NOBODY}
become_nobody()
here = Path(".")
allowance = Allowance(here, {KEY!r}, lambda: datetime(2025, 11, 20, 9, tzinfo=UTC))
allowance.take(Asker.OURS)
allowance.take(Asker.OURS)
print(allowance.gauge().remaining)
"""
    left = python(program, cwd=tmp_path)
    tmp_path.chmod(0o700)

    assert (left, opened(tmp_path, hands).gauge().remaining) == ("998.0", 1000)


def test_a_disk_that_has_room_again_gets_what_was_kept_in_memory(
    tmp_path: Path, hands: Hands
) -> None:
    file(tmp_path).mkdir()
    allowance = opened(tmp_path, hands)
    allowance.take(Asker.OURS)
    file(tmp_path).rmdir()

    allowance.take(Asker.OURS)

    assert opened(tmp_path, hands).gauge().remaining == 2498


def test_a_lock_that_stays_busy_puts_routine_off_and_lets_our_own_pass(
    tmp_path: Path, hands: Hands
) -> None:
    allowance = opened(tmp_path, hands, lock_wait=0.05)
    with FileLock(tmp_path / "budget.lock"):
        allowance.take(Asker.OURS)
        allowance.heard(Told(2500, 7))
        with pytest.raises(PutOff, match=r"asked again in 1 s\.$") as put_off:
            allowance.take(Asker.TICK)
        assert allowance.refused(Told(), None) == Wait(NOW, 60.0)

    assert put_off.value.wait == 1.0
    assert allowance.gauge() == Gauge(2500, 2500, 0.0)
