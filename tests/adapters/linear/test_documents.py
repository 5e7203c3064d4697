"""Documents put together from parts: what they cost, and lists that are read to their end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from graphql import parse

from symphony_cli.adapters.linear import documents, look_comments, look_parts
from symphony_cli.adapters.linear.documents import (
    ByIds,
    Latest,
    Listing,
    Part,
    compose,
    connection,
    cost,
)
from symphony_cli.adapters.linear.names import Names, Person, Project
from symphony_cli.adapters.linear.names_parts import AllNames, LabelsById, NewLabels, Where
from symphony_cli.core.issue import Issue
from symphony_cli.core.snapshot import Held
from symphony_cli.errors import TrackerError
from symphony_cli.ids import IssueId
from tests.adapters.linear.asked import page
from tests.adapters.linear.prices import priced

NOON = datetime(2025, 11, 20, 12, tzinfo=UTC)
NAMES = Names("q", Project("p", "P", "p"), {}, {}, {}, Person("u", "U", "u", "u@x"), NOON)
WHERE = Where("https://linear.example/graphql", "the-project-0c0ffee00000", "account", NOON)


WAITS = Held(Issue(IssueId("i"), "ENG-1", "T", "Todo"), comments_since=NOON)


def listing(alias: str = "changed_free", **more: Any) -> Listing:
    """A list of issues with a condition that has variables."""
    values = {"since": ("DateTimeOrDuration!", "2025-11-20T12:00:00.000Z")}
    condition = "filter: { updatedAt: { gte: $since } }"
    return Listing(alias, condition, "...Row", documents.ROW_POINTS, values, **more)


def pulls() -> Latest:
    return look_parts.pulls(NOON)


def by_ids(alias: str, selection: str, points: float, number: int = 3) -> ByIds:
    return ByIds(alias, [f"id{n}" for n in range(number)], selection, points)


PARTS: dict[str, Callable[[], Part]] = {
    "a page of issues": listing,
    "a shorter page": lambda: listing("changed_blocked", first=50),
    "pull requests": pulls,
    "held issues": lambda: by_ids("held_0", "...Row", documents.ROW_POINTS, 250),
    "blockers": lambda: by_ids("blockers", documents.BLOCKER, documents.BLOCKER_POINTS),
    "relations": lambda: by_ids("relations", documents.LEARNED, documents.LEARNED_POINTS, 10),
    "comments": lambda: look_comments.answers([WAITS], NOON).listing,
    "all names": lambda: AllNames(WHERE),
    "new labels": lambda: NewLabels(NAMES),
    "labels by id": lambda: LabelsById(["a", "b"]),
}


@pytest.mark.parametrize("name", PARTS)
def test_a_part_costs_what_linears_rule_says(name: str) -> None:
    part = PARTS[name]()
    document, variables = compose("Look", [part])
    assert round(part.points(), 6) == priced(document, variables)


def test_a_document_of_all_parts_costs_their_sum_and_declares_each_variable_once() -> None:
    parts = [make() for name, make in PARTS.items()]

    document, variables = compose("Look", parts)

    (operation, fragment) = parse(document).definitions
    declared = [one.variable.name.value for one in operation.variable_definitions]  # type: ignore[attr-defined]
    assert (sorted(declared), fragment.name.value) == (sorted(variables), "Row")  # type: ignore[attr-defined]
    assert priced(document, variables) == round(cost(parts), 6)


def test_the_row_comes_with_a_document_that_uses_it_only() -> None:
    document, variables = compose("Labels", [LabelsById(["a"])])

    assert (len(parse(document).definitions), variables) == (1, {"labels_ids": ["a"]})


def test_a_list_is_read_page_by_page_to_its_end() -> None:
    part = listing()
    asked = []

    for answer in (page([1, 2], True, "c2"), page([3], True, "c3"), page([4], False, "c4")):
        asked.append(part.variables()["changed_free_after"])
        part.take({"changed_free": answer})

    assert (asked, part.rows, part.more) == ([None, "c2", "c3"], [1, 2, 3, 4], False)


def test_a_list_goes_on_where_an_earlier_tick_ended() -> None:
    part = listing(after="c7")
    assert part.variables()["changed_free_after"] == "c7"


@pytest.mark.parametrize("end", [None, "", "c1", 7], ids=["null", "empty", "repeated", "a number"])
def test_a_list_that_does_not_say_where_it_goes_on_is_an_error(end: Any) -> None:
    part = listing(after="c1")
    with pytest.raises(TrackerError, match="'changed_free' has more rows but does not say where"):
        part.take({"changed_free": page([1], True, end)})


def test_a_list_without_an_end_is_an_error_at_last() -> None:
    part = listing(pages=documents.MOST_PAGES - 1)
    with pytest.raises(TrackerError, match="more rows"):
        part.take({"changed_free": page([1], True, "c9")})


@pytest.mark.parametrize(
    "data",
    [{}, {"held_0": None}, {"held_0": {}}, {"held_0": {"nodes": None}}, {"held_0": []}],
    ids=["no alias", "null", "no nodes", "null nodes", "a bare list"],
)
def test_an_answer_without_one_of_its_lists_is_not_believed(data: Any) -> None:
    for part in (by_ids("held_0", "...Row", 6.0), listing("held_0")):
        with pytest.raises(TrackerError, match="no list 'held_0': nothing of it was believed"):
            part.take(data)


def test_a_list_without_page_info_is_its_only_page() -> None:
    assert connection({"held_0": {"nodes": [1]}}, "held_0") == ([1], {})


def test_issues_by_id_are_asked_for_with_as_many_rows_as_there_are_ids() -> None:
    part = ByIds("flags_0", ["a", "b"], "id", 1.1, ", hasBlockedByRelations: { eq: true }")
    part.take({"flags_0": {"nodes": [{"id": "b"}]}})

    assert (part.variables(), part.rows, part.more) == (
        {"flags_0_ids": ["a", "b"]},
        [{"id": "b"}],
        False,
    )
    assert "first: 2, includeArchived: true" in part.text()
