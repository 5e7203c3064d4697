"""What blocks an issue, from the filter, what we knew, what was read, and what could not be."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from symphony_cli.adapters.linear.blockers import (
    LEARN_AT_ONCE,
    UNNAMEABLE,
    UNNAMED,
    known,
    learned,
    settle,
    to_learn,
)
from symphony_cli.adapters.linear.wire import (
    BlockerRow,
    LearnedRow,
    RelationRow,
    Relations,
    StateRow,
    blocker,
)
from symphony_cli.core.issue import Blocker, Issue
from symphony_cli.core.policy import Rules
from symphony_cli.core.snapshot import Held
from symphony_cli.ids import IssueId

RULES = Rules()
OPEN, REVIEW = StateRow("Todo", "unstarted"), StateRow("Review", "started")
DONE, CANCELED = StateRow("Done", "completed"), StateRow("No", "canceled")
CLOSED = StateRow("Closed", "started")
"""A state that is terminal by WORKFLOW.md only: for Linear it is still open."""


def row(name: str, state: StateRow = OPEN, *, trashed: bool = False) -> BlockerRow:
    return BlockerRow(f"id-{name}", name, state, trashed=trashed)


def told(*rows: BlockerRow) -> tuple[Blocker, ...]:
    return tuple(blocker(one, RULES) for one in rows)


def held(name: str, blocked_by: Sequence[Blocker] = ()) -> Held:
    return Held(Issue(IssueId(name), name, "T", "Todo", blocked_by=tuple(blocked_by)))


A, B = row("A"), row("B")
NOTHING: tuple[BlockerRow, ...] = ()

TABLE: dict[str, tuple[bool, Sequence[Blocker], str, Sequence[BlockerRow], object, object]] = {
    # the filter, what we knew, whom we asked for, what was told, relations, what it adds up to
    "nothing blocks it": (False, (), "", NOTHING, None, ()),
    "the filter lets it go, whatever we knew": (False, told(A, B), "AB", (A, B), [A], ()),
    "something new blocks it": (True, (), "", NOTHING, None, (UNNAMED,)),
    "its name is still not read": (True, (UNNAMED,), "", NOTHING, None, (UNNAMED,)),
    "its name was read": (True, (UNNAMED,), "", NOTHING, [A], told(A)),
    "it is as before": (True, told(A), "A", (A,), None, told(A)),
    "it moved": (True, told(A), "A", (row("A", REVIEW),), None, told(row("A", REVIEW))),
    "one of two closed": (True, told(A, B), "AB", (row("A", DONE), B), None, told(B)),
    "one of two was cancelled": (True, told(A, B), "AB", (row("A", CANCELED), B), None, told(B)),
    "all that we knew closed, so another one blocks it": (
        *(True, told(A), "A", (row("A", DONE),), None),
        (UNNAMED,),
    ),
    "the only one is in the bin": (
        *(True, told(A), "A", (row("A", trashed=True),), None),
        told(row("A", trashed=True)),
    ),
    "it is closed by our own states only": (
        *(True, told(A), "A", (row("A", CLOSED),), None),
        told(row("A", CLOSED)),
    ),
    "it was purged, so another one blocks it": (True, told(A), "A", NOTHING, None, (UNNAMED,)),
    "it did not fit into the document": (True, told(A), "", NOTHING, None, told(A)),
    "one did not fit": (True, told(A, B), "A", (A,), None, told(A, B)),
    "the relations know better": (True, told(A), "A", (A,), [A, B], told(A, B)),
    "relations that are closed are not shown": (
        *(True, (UNNAMED,), "", NOTHING, [row("A", DONE), B]),
        told(B),
    ),
    "the relation is not among those we may see": (
        *(True, (UNNAMED,), "", NOTHING, []),
        (UNNAMEABLE,),
    ),
    "and is not looked for again": (True, (UNNAMEABLE,), "", NOTHING, None, (UNNAMEABLE,)),
}


@pytest.mark.parametrize("name", TABLE)
def test_what_blocks_an_issue(name: str) -> None:
    filtered, before, asked, found, relations, result = TABLE[name]
    issue = Issue(IssueId("i"), "I", "T", "Todo", blocked_by=tuple(before))
    read = {one.id: one for one in relations} if isinstance(relations, list) else None

    settled = settle(
        filtered,
        issue if before else None,
        {one.id: one for one in found},
        frozenset(f"id-{letter}" for letter in asked),
        read,
        RULES,
    )

    assert settled == result


def test_every_result_that_blocks_has_something_open_or_explains_the_filter() -> None:
    waiting = [name for name, row in TABLE.items() if any(b.open is not False for b in row[5])]  # type: ignore[attr-defined]
    free = set(TABLE).difference(waiting)
    assert free == {
        "nothing blocks it",
        "the filter lets it go, whatever we knew",
        "the only one is in the bin",
        "it is closed by our own states only",
    }


def test_relations_of_other_kinds_block_nothing() -> None:
    relations = Relations((RelationRow("related", A), RelationRow("blocks", B)))
    assert learned(LearnedRow("i", relations)) == {"id-B": B}


def test_names_are_learned_for_a_few_issues_at_once() -> None:
    waiting = [held(f"W{n}", [UNNAMED]) for n in range(LEARN_AT_ONCE + 5)]
    assert to_learn([held("free"), held("named", told(A)), *waiting]) == [
        f"W{n}" for n in range(LEARN_AT_ONCE)
    ]


def test_what_is_explained_by_nothing_open_is_learned_first_and_the_rest_in_turn() -> None:
    binned = told(row("C", trashed=True))
    closed = [held("unnamed", [*told(A), UNNAMED]), held("binned", binned)]
    named = [held(f"N{n}", told(A)) for n in range(2 * LEARN_AT_ONCE)]
    everybody = [held("free"), *named[:5], *closed, *named[5:]]

    turns = [to_learn(everybody, turn) for turn in range(len(everybody))]

    assert {frozenset(turn[:2]) for turn in turns} == {frozenset({"unnamed", "binned"})}
    assert {len(turn) for turn in turns} == {LEARN_AT_ONCE}
    assert set.union(*map(set, turns)) == {"unnamed", "binned", *(one.id for one in named)}


def test_known_blockers_are_asked_for_once_and_unnamed_ones_not() -> None:
    assert known([held("x", told(A, B)), held("y", [*told(B), UNNAMED]), held("z")]) == [
        "id-A",
        "id-B",
    ]
