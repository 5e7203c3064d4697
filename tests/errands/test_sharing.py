"""Many runs ask the tracker, one request answers them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from symphony_cli import clock, runfolder
from symphony_cli.adapters import locks, refresh_share
from symphony_cli.core.issue import Issue
from symphony_cli.core.refresh import Refresh
from symphony_cli.core.run import Order
from symphony_cli.core.snapshot import Read
from symphony_cli.errands.sharing import shared
from symphony_cli.errors import TrackerError
from symphony_cli.ids import IssueId, Key
from symphony_cli.paths import StatePaths
from tests.errands.an_order import NOON, order_in
from tests.errands.asker import REF, ask, meeting, question
from tests.errands.world import until

pytestmark = pytest.mark.real


def requests(state: StatePaths) -> list[list[str]]:
    """The ids of each request, in order."""
    files = sorted(
        (state.root / "requests").iterdir(), key=lambda path: int(path.name.split("-")[1])
    )
    return [path.read_text().split("\n") for path in files]


def ordered(state: StatePaths, name: str, number: int = 1) -> Order:
    """A run of this issue has an order."""
    order = order_in(state.root)
    settings = replace(order.settings, tracker=REF)
    issue = Issue(IssueId(name), name, name, "Todo")
    order = replace(order, key=Key(name), issue=issue, settings=settings)
    paths = state.run(name, number)
    paths.folder.mkdir(parents=True)
    runfolder.save(order, paths.order)
    return order


@contextmanager
def alive(state: StatePaths, *names: str) -> Iterator[None]:
    """Runs of these issues hold their locks."""
    held = [locks.take_run_lock(state.issue_lock(name)) for name in names]
    try:
        yield
    finally:
        for lock in held:
            assert lock is not None, "nobody else had it"
            os.close(lock)


def state_with(root: Path, *names: str) -> StatePaths:
    state = StatePaths(root)
    for name in names:
        ordered(state, name)
    return state


def test_fifty_runs_that_ask_within_a_second_cost_one_request(tmp_path: Path) -> None:
    names = [f"A-{number}" for number in range(50)]
    state, began = state_with(tmp_path, *names), clock.monotonic()
    with alive(state, *names), ThreadPoolExecutor(50) as pool:
        asked = [began + number * 0.02 - 0.5 for number in range(50)]
        told = list(pool.map(lambda name, at: ask(state, name, at), names, asked))
    assert (set(told), requests(state)) == ({"request 1"}, [sorted(names)])


def test_an_errand_that_starts_late_is_served_by_the_time_it_was_asked(tmp_path: Path) -> None:
    state, asked = state_with(tmp_path, "one", "two"), clock.monotonic()
    with alive(state, "one", "two"):
        told = [ask(state, "one", asked), ask(state, "two", asked + 0.9), ask(state, "two")]
    assert told == ["request 1", "request 1", "request 2"]


def test_a_run_that_is_alone_does_not_wait_for_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(clock, "sleep", waits.append)
    state = state_with(tmp_path, "one", "dead")
    with alive(state, "one"):
        told = [ask(state, "one"), ask(state, "one")]
    assert (told, requests(state)) == (["request 1", "request 2"], [["one"], ["one"]])
    assert waits == []


def test_a_run_that_ends_while_others_gather_is_not_asked_for(tmp_path: Path) -> None:
    state = state_with(tmp_path, "one", "two", "three")
    with ThreadPoolExecutor(1) as pool, alive(state, "one", "three"):
        with alive(state, "two"):
            told = pool.submit(ask, state, "one")
            until(lambda: locks.is_held(state.refresh_lock), what="the gathering")
        assert (told.result(), requests(state)) == ("request 1", [["one", "three"]])


def test_a_state_folder_that_was_just_made_is_enough(tmp_path: Path) -> None:
    assert ask(StatePaths(tmp_path), "one") == "request 1"


@pytest.mark.parametrize("content", ["", '{"source": "sou', "[]", '{"source": 1}', "\x00\xff"])
def test_a_file_that_is_no_answer_is_passed_over_and_replaced(tmp_path: Path, content: str) -> None:
    state = StatePaths(tmp_path)
    state.refresh.write_text(content)
    assert ask(state, "one") == "request 1"
    assert json.loads(state.refresh.read_text())["issues"][0]["title"] == "request 1"


def test_an_answer_that_was_written_between_two_looks_is_taken(tmp_path: Path) -> None:
    state, asked = StatePaths(tmp_path), question("one")

    def take_late() -> Callable[[], None] | None:
        issues = (Issue(IssueId("one"), "one", "another's", "Todo"),)
        answer = Refresh("source", asked.boot, clock.monotonic(), NOON, issues)
        runfolder.save(answer, state.refresh)
        return refresh_share.take(state.refresh_lock)

    place = replace(meeting(state), take=take_late)
    assert shared(asked, place, asked.asked + 5).issues[0].title == "another's"


def test_a_request_that_fails_is_written_nowhere_and_the_next_one_asks(tmp_path: Path) -> None:
    state = StatePaths(tmp_path)

    def fails(ids: tuple[IssueId, ...]) -> Read:
        raise TrackerError("The server does not answer.")

    with pytest.raises(TrackerError, match="does not answer"):
        shared(question("one"), replace(meeting(state), read=fails), clock.monotonic() + 5)
    assert (state.refresh.exists(), ask(state, "one")) == (False, "request 1")


def test_who_waits_for_another_gives_up_at_the_deadline(tmp_path: Path) -> None:
    state = StatePaths(tmp_path)
    release = refresh_share.take(state.refresh_lock)
    assert release is not None
    with pytest.raises(TrackerError, match="Another run of this workflow asks the tracker"):
        ask(state, "one", seconds=0.2)
    release()
    assert ask(state, "one", seconds=0.2) == "request 1"


def test_an_answer_that_cannot_be_written_serves_the_one_who_asked(tmp_path: Path) -> None:
    state = StatePaths(tmp_path)
    place = replace(meeting(state), file=tmp_path / "gone" / "refresh.json")
    assert shared(question("one"), place, clock.monotonic() + 5).issues[0].title == "request 1"


def test_runs_of_another_tracker_and_orders_that_cannot_be_read_are_left_out(
    tmp_path: Path,
) -> None:
    state = state_with(tmp_path, "one", "two", "three")
    elsewhere = ordered(state, "elsewhere")
    settings = replace(elsewhere.settings, tracker=replace(REF, project="another"))
    runfolder.save(replace(elsewhere, settings=settings), state.run("elsewhere", 1).order)
    state.run("two", 1).order.write_text("{")
    state.run("three", 2).folder.mkdir()
    with alive(state, "one", "two", "three", "elsewhere"):
        assert refresh_share.living(state, REF) == {"one", "three"}


def test_looking_for_living_runs_disturbs_no_taker(tmp_path: Path) -> None:
    state = state_with(tmp_path, "one")
    with ThreadPoolExecutor(1) as pool:
        looks = pool.submit(lambda: [refresh_share.living(state, REF) for _ in range(300)])
        taken = 0
        while not looks.done():
            with alive(state, "one"):
                taken += 1
    assert (len(looks.result()), taken > 0) == (300, True)


def asker(state: StatePaths, issue: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.errands.asker", str(state.root), issue]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_when_the_one_who_asks_for_all_is_killed_another_takes_over(tmp_path: Path) -> None:
    state = state_with(tmp_path, "one", "two")
    (tmp_path / "hangs").touch()
    with alive(state, "one", "two"):
        first = asker(state, "one")
        until(lambda: (tmp_path / "requests").exists(), what="the first request")
        second = asker(state, "two")
        first.kill()
        (tmp_path / "hangs").unlink()
        said, _ = second.communicate(timeout=30)
    assert (first.wait(), said.strip()) == (-9, "request 2")
    assert requests(state) == [["one", "two"], ["one", "two"]]
