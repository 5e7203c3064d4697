"""The fake tracker earns its trust: it passes what the real ones pass."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from symphony_cli.core.issue import Issue
from symphony_cli.ids import IssueId
from tests.adapters.tracker_contract import CASES, Factory, Stage
from tests.fakes.tracker import FakeTracker


def stage(issues: Sequence[Issue]) -> Stage:
    tracker = FakeTracker()

    def put(issue: Issue) -> None:
        tracker.issues[issue.id] = issue

    def drop(issue: IssueId) -> None:
        del tracker.issues[issue]

    def says(name: str, body: str, bot: bool) -> None:
        tracker.now += timedelta(minutes=1)
        tracker.says(name, body, at=tracker.now, bot=bot)
        tracker.now += timedelta(minutes=1)

    for issue in issues:
        put(issue)
    return Stage(tracker, put, drop, says=says)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_the_fake_keeps_the_contract(case: object) -> None:
    assert callable(case)
    factory: Factory = stage
    case(factory)
