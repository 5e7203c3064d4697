"""The budget file: shared by processes, corrected by answers, never a reason to stop."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from symphony_cli.adapters.linear.allowance import Allowance, digest
from symphony_cli.core.budget import BURST, KEPT, Asker, Gauge, Told
from symphony_cli.core.times import Wait
from symphony_cli.errors import PutOff
from tests.adapters.linear.budgets import Hands, file, opened
from tests.adapters.linear.sending import KEY
from tests.builders import NOW, later

TAKE = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from symphony_cli.adapters.linear.allowance import Allowance
from symphony_cli.core.budget import Asker
allowance = Allowance(Path(sys.argv[1]), sys.argv[2], lambda: datetime(2025, 11, 20, 9, tzinfo=UTC))
sys.stdin.read()
for _ in range(50):
    allowance.take(Asker.OURS)
"""


@pytest.fixture
def hands() -> Hands:
    return Hands()


def test_a_token_is_taken_in_a_private_file_that_every_process_sees(
    tmp_path: Path, hands: Hands
) -> None:
    folder = tmp_path / "state" / "symphony"

    opened(folder, hands).take(Asker.TICK)

    assert opened(folder, hands).gauge() == Gauge(2500, 2499, 0.0)
    assert sorted(os.listdir(folder)) == sorted([file(folder).name, "budget.lock"])
    modes = [path.stat().st_mode & 0o777 for path in (folder, *sorted(folder.iterdir()))]
    assert modes == [0o700, 0o600, 0o600]


def test_the_key_is_in_no_file_and_no_name(tmp_path: Path, hands: Hands) -> None:
    allowance = opened(tmp_path, hands)
    allowance.take(Asker.TICK)
    allowance.refused(Told(), None)

    for path in tmp_path.iterdir():
        assert KEY not in path.name
        assert KEY.encode() not in path.read_bytes()


def test_a_key_has_one_budget_with_and_without_bearer_and_another_key_another() -> None:
    same = {
        digest(text) for text in ("lin_oauth_x", "Bearer lin_oauth_x", " bearer  lin_oauth_x\n")
    }
    assert len(same) == 1
    assert digest("lin_oauth_y") not in same


def test_after_a_burst_the_next_is_put_off_with_the_seconds_and_the_reason(
    tmp_path: Path, hands: Hands
) -> None:
    allowance = opened(tmp_path, hands)
    for _ in range(BURST):
        allowance.take(Asker.TICK)

    with pytest.raises(PutOff) as put_off:
        allowance.take(Asker.TICK)

    assert str(put_off.value) == (
        "Linear is not asked for the next 2 s: "
        "2490 of 2500 requests are left, so we ask less often."
    )
    hands.move(put_off.value.wait + 0.001)
    allowance.take(Asker.TICK)


def test_a_run_leaves_half_a_burst_to_ticks(tmp_path: Path, hands: Hands) -> None:
    allowance = opened(tmp_path, hands)
    for _ in range(BURST - KEPT):
        allowance.take(Asker.RUN)

    with pytest.raises(PutOff):
        allowance.take(Asker.RUN)

    for _ in range(KEPT):
        allowance.take(Asker.TICK)


def test_after_too_often_a_run_waits_longer_than_a_tick(tmp_path: Path, hands: Hands) -> None:
    allowance = opened(tmp_path, hands)
    waits = [allowance.refused(Told(2500, 0), None, asker).seconds for asker in Asker]
    assert waits == [1.44, 72.0, 144.0]


def test_an_answer_corrects_the_estimate_for_everybody(tmp_path: Path, hands: Hands) -> None:
    opened(tmp_path, hands).heard(Told(5000, 50))

    with pytest.raises(PutOff, match="50 of 5000 requests are left, and those are kept for our"):
        opened(tmp_path, hands).take(Asker.TICK)
    opened(tmp_path, hands).take(Asker.OURS)

    assert opened(tmp_path, hands).gauge().remaining == 49


def test_a_refusal_without_a_word_more_holds_everybody_for_a_minute(
    tmp_path: Path, hands: Hands
) -> None:
    assert opened(tmp_path, hands).refused(Told(), None) == Wait(NOW, 60.0)

    hands.move(20)
    for asker in Asker:
        with pytest.raises(
            PutOff, match="next 40 s: the tracker said that we ask too often"
        ) as put:
            opened(tmp_path, hands).take(asker)
        assert put.value.wait == 40

    hands.move(40)
    opened(tmp_path, hands).take(Asker.OURS)


def test_a_bucket_that_somebody_else_drained_is_asked_for_again_in_72_seconds(
    tmp_path: Path, hands: Hands
) -> None:
    assert opened(tmp_path, hands).refused(Told(2500, 0), None) == Wait(NOW, 72.0)
    hands.move(72)
    opened(tmp_path, hands).take(Asker.TICK)


def test_reading_the_gauge_makes_no_file_and_waits_for_nobody(tmp_path: Path, hands: Hands) -> None:
    folder = tmp_path / "symphony"
    assert opened(folder, hands).gauge() == Gauge(2500, 2500, 0.0)
    assert not folder.exists()

    with FileLock(tmp_path / "budget.lock"):
        assert opened(tmp_path, hands).gauge() == Gauge(2500, 2500, 0.0)


def test_a_clock_that_jumps_costs_no_more_than_the_wait_itself(
    tmp_path: Path, hands: Hands
) -> None:
    allowance = opened(tmp_path, hands)
    allowance.refused(Told(), None)
    hands.move(-7 * 3600)

    with pytest.raises(PutOff) as put_off:
        allowance.take(Asker.TICK)
    hands.move(60)

    assert put_off.value.wait == 60
    allowance.take(Asker.TICK)


@pytest.mark.real
def test_processes_that_take_at_once_never_take_the_same_token(tmp_path: Path) -> None:
    takers = [
        subprocess.Popen(
            [sys.executable, "-c", TAKE, str(tmp_path), KEY],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(4)
    ]
    for taker in takers:
        assert taker.stdin is not None
        taker.stdin.close()
    endings = [taker.wait(timeout=60) for taker in takers]

    stored = json.loads(file(tmp_path).read_bytes())
    assert (endings, stored["remaining"]) == ([0] * 4, 2300)
    assert Allowance(tmp_path, KEY, lambda: later(0)).gauge().remaining == 2300
    for taker in takers:
        assert taker.stderr is not None
        taker.stderr.close()


def test_what_is_stored_can_be_read_by_people(tmp_path: Path, hands: Hands) -> None:
    opened(tmp_path, hands).refused(Told(2500, 12, 3e6, 2e6), 30.0)

    assert json.loads(file(tmp_path).read_bytes()) == {
        "format": 1,
        "limit": 2500,
        "remaining": 12,
        "as_of": "2025-11-20T09:00:00.000Z",
        "points_limit": 3e6,
        "points_remaining": 2e6,
        "burst": BURST,
        "closed": {"since": "2025-11-20T09:00:00.000Z", "seconds": 30.0},
        "why": "the tracker named a date",
    }
