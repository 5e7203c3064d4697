"""Up to where we have heard everything: no change is ever behind the cursor without being seen."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symphony_cli.adapters.linear.cursor import (
    MANY,
    OVERLAP,
    STEP,
    Cursor,
    Walk,
    held_back,
    is_due,
    moved,
    parse,
    starts_at,
    to_text,
    walked,
)

NOON = datetime(2025, 11, 20, 12, tzinfo=UTC)

moments = st.integers(-(10**7), 10**7).map(lambda ms: NOON + timedelta(milliseconds=ms))
seen_dates = st.lists(moments, max_size=2 * MANY)
walks = st.builds(Walk, moments, st.text(), st.text(), st.booleans(), st.booleans())
cursors = st.builds(
    Cursor,
    st.just("scope"),
    st.none() | moments,
    st.none() | moments,
    st.none() | walks,
)


DONE = Walk(NOON + timedelta(seconds=5), free_done=True, blocked_done=True)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def since(seconds: float) -> Cursor:
    return Cursor("scope", at(seconds))


def later(cursor: Cursor, *seconds: float, date: datetime | None, now: datetime = NOON) -> float:
    """Where the cursor stands after changes of these times, in seconds after noon."""
    stands = moved(cursor, [at(one) for one in seconds], date, now).since
    assert stands is not None
    return (stands - NOON).total_seconds()


@given(cursors, seen_dates, st.none() | moments, moments)
def test_it_never_moves_back(
    cursor: Cursor, seen: Sequence[datetime], date: datetime | None, now: datetime
) -> None:
    after = moved(cursor, seen, date, now).since
    assert after is not None
    assert cursor.since is None or after >= cursor.since


@given(cursors, seen_dates, st.none() | moments, moments)
def test_it_never_passes_the_date_of_the_first_page_nor_any_change_but_those_seen(
    cursor: Cursor, seen: Sequence[datetime], date: datetime | None, now: datetime
) -> None:
    after = moved(cursor, seen, date, now).since
    limit = date if date is not None else now - OVERLAP
    assert after is not None
    assert after == cursor.since or (after <= limit and (after in seen or after == limit))


@given(cursors, seen_dates, moments, moments)
def test_it_is_the_same_when_it_moves_and_nothing_happened_since(
    cursor: Cursor, seen: Sequence[datetime], date: datetime, now: datetime
) -> None:
    once = moved(cursor, seen, date, now)
    assert moved(once, seen, date, now) == once


@given(cursors)
def test_it_is_the_same_after_the_ledger_had_it(cursor: Cursor) -> None:
    assert parse(to_text(cursor), "scope") == cursor


def test_the_first_look_begins_at_the_servers_date() -> None:
    assert later(Cursor("scope"), date=at(7)) == 7
    assert later(Cursor("scope"), date=None, now=at(300)) == 300 - OVERLAP.total_seconds()


def test_a_row_dated_in_the_future_does_not_drag_it_along() -> None:
    step = STEP.total_seconds()
    assert later(since(0), 86_400, date=at(step + 1)) == step + 1
    assert later(since(0), 86_400, date=at(10)) == 0


def test_it_moves_by_steps_of_minutes_or_when_much_changed() -> None:
    step = STEP.total_seconds()
    found = [
        later(since(0), step - 1, date=at(1000)),
        later(since(0), 5, step, date=at(1000)),
        later(since(0), *[3.0] * (MANY - 1), date=at(1000)),
        later(since(0), *[3.0] * MANY, date=at(1000)),
    ]
    assert found == [0, step, 0, 3]


def test_a_look_begins_two_minutes_before_it() -> None:
    assert (starts_at(since(120)), starts_at(Cursor("scope"))) == (NOON, None)


def test_another_scope_begins_anew() -> None:
    text = to_text(replace(since(5), full_at=NOON))
    assert parse(text, "other") == Cursor("other")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "junk",
        "null",
        "[1]",
        '{"scope": 5}',
        '{"scope": "scope", "since": "yesterday"}',
        '{"scope": "scope", "walk": {"began": 1}}',
        json.dumps({"scope": "scope", "format": 99}),
        "[" * 100_000,
    ],
    ids=lambda text: text[:20] or "nothing",
)
def test_what_makes_no_sense_begins_anew(text: str) -> None:
    assert parse(text, "scope") == Cursor("scope")


@given(st.text())
def test_any_text_is_a_cursor_or_begins_anew(text: str) -> None:
    assert parse(text, "scope") == Cursor("scope")


@pytest.mark.parametrize(
    ("cursor", "now", "due"),
    [
        (Cursor("scope"), 0, True),
        (Cursor("scope", full_at=NOON), 3599, False),
        (Cursor("scope", full_at=NOON), 3600, True),
        (Cursor("scope", full_at=NOON), -120, False),
        (Cursor("scope", full_at=NOON), -3600, True),
        (Cursor("scope", walk=Walk(NOON)), 9999, False),
    ],
    ids=["never", "not yet", "now", "our clock stepped back", "by an hour", "under way"],
)
def test_a_complete_poll_is_due_every_hour_though_clocks_step(
    cursor: Cursor, now: float, due: bool
) -> None:
    assert is_due(cursor, at(now), 3600) is due


def test_a_walk_is_over_when_both_of_its_lists_are() -> None:
    cursor = replace(since(0), walk=Walk(at(5)))

    half = walked(cursor, Walk(at(5), free="c9", free_done=True, blocked="c2"), 3600)
    whole = walked(half, Walk(at(5), free_done=True, blocked_done=True), 3600)

    assert (half.walk, half.first) == (Walk(at(5), "c9", "c2", True, False), True)
    assert whole == replace(since(0), full_at=at(5))


def test_when_every_look_is_a_complete_poll_only_the_first_one_is_dated() -> None:
    first = walked(replace(since(0), walk=Walk(at(5))), DONE, 0)
    second = walked(replace(first, walk=Walk(at(35))), Walk(at(35), "", "", True, True), 0)

    assert (first, second) == (replace(since(0), full_at=at(5)), first)
    assert all(is_due(first, at(now), 0) for now in (-60, 5, 35))


def test_a_cursor_of_an_older_symphony_is_understood() -> None:
    text = json.dumps({**json.loads(to_text(since(5))), "turn": 7})
    assert parse(text, "scope") == since(5)


BEFORE = replace(since(0), full_at=at(-3600))


@pytest.mark.parametrize(
    ("before", "after", "then"),
    [
        (BEFORE, replace(BEFORE, since=at(9)), BEFORE),
        (BEFORE, replace(BEFORE, full_at=at(5)), replace(BEFORE, walk=Walk(at(30)))),
        (BEFORE, replace(BEFORE, walk=Walk(at(5), "c")), replace(BEFORE, walk=Walk(at(30)))),
        (
            replace(BEFORE, walk=Walk(at(5), "c")),
            replace(BEFORE, full_at=at(5)),
            replace(BEFORE, walk=Walk(at(5), "c")),
        ),
        (BEFORE, Cursor("other", since=at(9)), Cursor("other", since=at(0))),
    ],
    ids=["changes", "a whole poll", "a poll begun", "the last page of one", "another scope"],
)
def test_a_look_that_could_not_tell_all_is_made_once_more(
    before: Cursor, after: Cursor, then: Cursor
) -> None:
    assert held_back(after, before, at(30)) == then
