"""Pull requests as attachments: the last one counts, and metadata may be anything."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from symphony_cli.adapters.linear.pulls import (
    Pull,
    PullRow,
    Reference,
    by_issue,
    merged_at,
    pull_of,
)

NOON = datetime(2025, 11, 20, 12, tzinfo=UTC)
ONE = datetime(2025, 11, 20, 13, tzinfo=UTC)
MERGED = {"status": "merged", "mergedAt": "2025-11-20T12:00:00.000Z"}


@pytest.mark.parametrize(
    ("metadata", "when"),
    [
        (MERGED, NOON),
        ({"mergedAt": "2025-11-20T13:00:00+01:00"}, NOON),
        ({"status": "merged"}, None),
        ({"mergedAt": None}, None),
        ({"mergedAt": ""}, None),
        ({"mergedAt": "soon"}, None),
        ({"mergedAt": 1763640000}, None),
        ({"mergedAt": "0001-01-01T00:00:00+14:00"}, None),
        (None, None),
        ("merged", None),
        ([MERGED], None),
    ],
)
def test_metadata_that_make_no_sense_say_nothing(metadata: Any, when: datetime | None) -> None:
    assert merged_at(metadata) == when


def test_of_several_pull_requests_the_one_that_changed_last_counts() -> None:
    rows = [
        PullRow("https://pr/1", MERGED, NOON),
        PullRow("https://pr/3", {"status": "open"}, ONE),
        PullRow("https://pr/2"),
        PullRow(None, MERGED, ONE),
    ]
    found = [pull_of(rows), pull_of(rows[:1]), pull_of(rows[3:]), pull_of([])]
    assert found == [Pull("https://pr/3", None), Pull("https://pr/1", NOON), None, None]


def test_pull_requests_go_to_their_issues_and_those_of_nobody_are_left() -> None:
    rows = [
        PullRow("https://pr/1", MERGED, NOON, Reference("a")),
        PullRow("https://pr/2", None, ONE, Reference("b")),
        PullRow("https://pr/3", None, ONE),
        PullRow("", None, ONE, Reference("c")),
    ]
    assert by_issue(rows) == {"a": Pull("https://pr/1", NOON), "b": Pull("https://pr/2", None)}
