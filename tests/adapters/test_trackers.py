"""The one place where a tracker is opened: which kind, how patient, and what it may write down."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from symphony_cli import clock
from symphony_cli.adapters.trackers import (
    REQUEST_TIMEOUT,
    SHORTEST_TIMEOUT,
    Opening,
    open_tracker,
)
from symphony_cli.core.policy import Rules
from symphony_cli.core.run import TrackerRef
from symphony_cli.errors import ConfigError
from symphony_cli.paths import StatePaths
from symphony_cli.ports import Tracker
from tests.fakes.linear import FakeLinear


@pytest.fixture
def linear() -> Iterator[FakeLinear]:
    with FakeLinear() as server:
        yield server


def opened(root: Path, ref: TrackerRef, how: Opening, *secrets: str) -> Tracker:
    environ = {"HOME": str(root / "home")}
    state = StatePaths(root / "state")
    rules = Rules(project=ref.project or None)
    return open_tracker(ref, rules, state, clock.now, environ, secrets, how)


def on(linear: FakeLinear) -> TrackerRef:
    return TrackerRef(
        "linear", "linear", "WORKFLOW.md", endpoint=linear.endpoint, project=linear.project
    )


def files_in(root: Path) -> list[str]:
    return sorted(path.name for path in root.rglob("*") if path.is_file())


def test_a_kind_that_nobody_can_open_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"tracker\.kind is 'jira', which this version cannot open"
    ):
        opened(tmp_path, TrackerRef("jira", "jira", "WORKFLOW.md"), Opening())


def test_opening_linear_asks_nothing_and_writes_nothing(tmp_path: Path, linear: FakeLinear) -> None:
    tracker = opened(tmp_path, on(linear), Opening(), linear.key)

    gauge = tracker.gauge()
    assert (tracker.kind, tracker.scope, tracker.requests) == ("linear", "linear", 0)
    assert (gauge is not None, linear.asked(), files_in(tmp_path)) == (True, [], [])


def test_without_a_key_there_is_no_allowance_to_show(tmp_path: Path, linear: FakeLinear) -> None:
    assert opened(tmp_path, on(linear), Opening()).gauge() is None


@pytest.mark.parametrize("keeps", [True, False])
def test_names_are_written_down_by_the_holder_of_the_lock_only(
    tmp_path: Path, linear: FakeLinear, keeps: bool
) -> None:
    (tmp_path / "state").mkdir()
    opened(tmp_path, on(linear), Opening(keeps=keeps), linear.key).look("", [])

    kept = "tracker.json" in files_in(tmp_path / "state")
    assert kept is keeps


def test_the_key_is_in_nothing_that_is_told_and_in_no_file(
    tmp_path: Path, linear: FakeLinear
) -> None:
    (tmp_path / "state").mkdir()
    linear.put_issue(f"Do not use {linear.key}", description=f"It is {linear.key}!")
    tracker = opened(tmp_path, on(linear), Opening(keeps=True), linear.key)

    (issue,) = tracker.look("", []).issues
    (whole,) = tracker.read([issue.id]).issues

    assert (issue.title, whole.description) == ("Do not use [secret]", "It is [secret]!")
    texts = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert (len(texts) > 0, [text for text in texts if linear.key in text]) == (True, [])


@pytest.mark.parametrize(
    ("due", "elapsed", "timeout", "reading"),
    [
        (None, 1000.0, REQUEST_TIMEOUT, REQUEST_TIMEOUT),
        (45.0, 0.0, REQUEST_TIMEOUT, 22.5),
        (45.0, 25.0, 10.0, -2.5),
        (45.0, 44.0, SHORTEST_TIMEOUT, -21.5),
        (10.0, 2.0, 4.0, 3.0),
        (10.0, 14.0, 1.0, -9.0),
        (10.0, 60.0, 0.0, -55.0),
    ],
)
def test_a_request_gets_half_of_what_is_left_and_reading_half_of_all(
    due: float | None, elapsed: float, timeout: float, reading: float
) -> None:
    how = Opening(elapsed=lambda: elapsed, due=due)
    assert (how.timeout(), how.reading_left()) == (timeout, reading)
