"""The fold: every line changes what it should and nothing else, whole or in pieces."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from symphony_cli.core import events as e
from symphony_cli.core.events import Event
from symphony_cli.core.history import History
from symphony_cli.core.reasons import BlockReason, Cause, Outcome
from symphony_cli.core.record import Hold, Record, Write
from symphony_cli.core.shape import decode, encode
from symphony_cli.core.times import Wait
from symphony_cli.core.usage import Usage
from symphony_cli.ids import Key
from tests.builders import (
    NOW,
    dispatched,
    ended,
    enrolled,
    history,
    iid,
    issue,
    later,
    record,
    sighted,
)
from tests.stories import stories

ABC = iid("ABC-1")


def owed(write: str = "w1", name: str = "ABC-1", kind: str = "comment") -> e.Owed:
    return e.Owed(NOW, iid(name), write, kind, "text")


def everything(folded: History) -> object:
    return encode(replace(folded, finished={}))


# --- the fold as a whole


@given(stories(), stories())
def test_a_fold_goes_on_where_it_stopped(first: list[Event], then: list[Event]) -> None:
    assert history(*first).take_all(then) == history(*first, *then)


@given(stories())
def test_a_fold_survives_a_file(story: list[Event]) -> None:
    folded = history(*story)
    assert decode(History, encode(folded)) == folded


@given(stories(), stories())
def test_a_copy_can_be_thought_on_without_changing_the_first(
    story: list[Event], thought: list[Event]
) -> None:
    folded = history(*story)
    before = everything(folded)
    folded.copy().take_all(thought)
    assert everything(folded) == before


@given(stories(), stories(names=("STRANGER-1", "STRANGER-2"), known=False))
def test_events_of_an_issue_nobody_sighted_have_no_effect(
    story: list[Event], strange: list[Event]
) -> None:
    alone = history(*story)
    both = alone.copy().take_all(strange)
    assert replace(both, position=alone.position) == alone


@given(stories())
def test_counts_never_fall_below_zero_and_a_run_is_settled_once(story: list[Event]) -> None:
    for found in history(*story).records.values():
        counts = (found.attempts_since_progress, found.failures_in_row, found.environment_in_row)
        assert min(*counts, found.failures, found.runs, found.turns, found.missed) >= 0
        assert found.failures_in_row <= found.failures <= found.runs


@given(stories())
def test_the_newest_line_of_a_kind_unknown_to_us_only_moves_the_position(
    story: list[Event],
) -> None:
    folded = history(*story)
    after = folded.copy().take_all([None, None])
    assert after == replace(folded, position=folded.position + 2)


# --- what the tracker told


def test_the_first_sighting_makes_a_record() -> None:
    assert history(sighted()).records == {
        ABC: Record(
            issue(), Key("ABC-1"), NOW, NOW, aliases=("ABC-1",), entries={"todo": 1}, missed=0
        )
    }


def test_a_sighting_in_another_state_counts_an_entry() -> None:
    states = ("Todo", "Rework", "REWORK ", "Todo", "Rework")
    folded = history(*(sighted(state=s, at=later(n)) for n, s in enumerate(states)))
    found = folded.records[ABC]
    assert (found.entries, found.state_since) == ({"todo": 2, "rework": 2}, later(4))


def test_a_renamed_issue_keeps_its_key_and_is_found_by_every_name() -> None:
    renamed = replace(issue(), identifier="XYZ-7")
    folded = history(sighted(), e.Sighted(later(1), renamed, Key("elsewhere")))
    found = folded.records[ABC]
    assert (found.key, found.aliases) == ("ABC-1", ("ABC-1", "XYZ-7"))
    names = ("abc-1", " XYZ-7", "id-ABC-1", "nobody")
    assert [folded.named(name) for name in names] == [found, found, found, None]


def test_misses_are_counted_until_the_next_sighting() -> None:
    missed = e.Missed(NOW, ABC)
    assert record(missed, missed).missed == 2
    assert record(missed, missed, sighted()).missed == 0


def test_an_issue_that_was_gone_and_is_sighted_again_is_not_gone() -> None:
    missed = e.Missed(NOW, ABC)
    gone = (missed, missed, e.Released(NOW, ABC, "gone"))
    assert record(*gone).released == "gone"
    assert record(*gone, sighted()).released == ""


def test_the_cursor_is_the_last_one() -> None:
    assert history(e.Polled(NOW, "a"), e.Polled(NOW, "b")).cursor == "b"


# --- places


def test_a_place_is_the_position_of_the_line_that_gave_it() -> None:
    folded = history(sighted(), sighted("ABC-2"), enrolled("ABC-2"), enrolled())
    assert [(r.id, r.place) for r in folded.records.values()] == [(ABC, 5), (iid("ABC-2"), 4)]


@pytest.mark.parametrize(
    "event",
    [
        sighted(state="In Progress"),
        dispatched(),
        e.Missed(NOW, ABC),
        e.Blocked(NOW, ABC, BlockReason.AGENT),
        e.Unblocked(NOW, ABC, Cause.UNBLOCK, "kim"),
        e.Faulted(NOW, ABC, "settling", "oops"),
    ],
)
def test_a_place_is_kept_whatever_happens(event: Event) -> None:
    assert record(event).place == record().place


def test_an_issue_that_left_takes_a_new_place_when_it_comes_back() -> None:
    left = e.Released(NOW, ABC, "not_eligible", "its state is Backlog")
    assert record(left) == replace(record(), place=None, released="not_eligible")
    assert record(left, enrolled()) == replace(record(), place=5)


def test_a_finished_issue_gives_up_everything_it_waited_for() -> None:
    waiting = (
        dispatched(),
        ended(outcome=Outcome.FAILED, wait=60.0),
        e.Blocked(NOW, ABC, BlockReason.OPERATOR),
    )
    before = record(*waiting)
    assert record(*waiting, e.Finished(later(9), ABC, "Done")) == replace(
        before, place=None, retry=None, block=None, finished_at=later(9)
    )


def test_a_finished_issue_that_comes_back_is_not_finished() -> None:
    found = record(e.Finished(NOW, ABC, "Done"), sighted(), enrolled())
    assert (found.finished_at, found.place) == (None, 6)


def test_an_issue_that_left_the_cache_comes_back_with_all_its_memory() -> None:
    done = record(dispatched(), ended(spent=Usage(input=7)), e.Finished(NOW, ABC, "Done"))
    folded = History(id="ledger_1", position=50, finished={ABC: done})
    folded.take_all([sighted(state="Todo"), enrolled()])
    assert folded.records[ABC] == replace(done, finished_at=None, place=52, enrolled_at=NOW)


# --- what we owe the tracker


def test_a_write_waits_in_the_outbox_until_it_is_delivered() -> None:
    told = (sighted(), owed())
    tried = e.Tried(later(5), "w1", "503", 60.0)
    assert history(*told).outbox == {"w1": Write("w1", ABC, "comment", "text")}
    assert history(*told, tried, tried).outbox == {
        "w1": Write("w1", ABC, "comment", "text", 2, Wait(later(5), 60.0), "503")
    }
    assert history(*told, tried, e.Delivered(NOW, "w1")).outbox == {}
    assert history(*told, e.Cancelled(NOW, "w1")).outbox == {}


def test_a_refused_write_is_kept_for_people_to_see() -> None:
    folded = history(sighted(), owed(), e.Undeliverable(NOW, "w1", "forbidden"))
    kept = Write("w1", ABC, "comment", "text", error="forbidden")
    assert (folded.outbox, folded.undeliverable) == ({}, {"w1": kept})


def test_news_of_a_write_nobody_owes_has_no_effect() -> None:
    for event in (
        e.Tried(NOW, "w9", "503", 1.0),
        e.Delivered(NOW, "w9"),
        e.Undeliverable(NOW, "w9", "no"),
        e.Cancelled(NOW, "w9"),
    ):
        assert history(sighted(), event) == replace(history(sighted()), position=3)


def test_a_write_that_is_owed_twice_by_the_same_id_is_one_write_in_its_old_place() -> None:
    assert list(history(sighted(), owed("w1"), owed("w2"), owed("w1")).outbox) == ["w1", "w2"]


# --- holds


def test_failures_of_the_machine_are_counted_over_all_issues() -> None:
    events: list[Event] = []
    for n, name in enumerate(("A", "B", "C")):
        events += [sighted(name), dispatched(name, f"run_{n}")]
        events += [
            ended(
                name, f"run_{n}", Outcome.ENVIRONMENT, at=later(n), hold=n * 10.0, detail="no git"
            )
        ]
    assert history(*events).holds == {
        "environment": Hold(
            3, Wait(later(2), 20.0), "no git", since=NOW, issues=(iid("A"), iid("B"), iid("C"))
        )
    }


@pytest.mark.parametrize(
    ("outcome", "answered", "left"),
    [
        (Outcome.ROLLED_OVER, True, set()),
        (Outcome.FAILED, True, set()),
        (Outcome.ENVIRONMENT, True, set()),
        (Outcome.PROVIDER, True, {"provider"}),
        (Outcome.PROVIDER, False, {"environment", "provider"}),
        (Outcome.ENVIRONMENT, False, {"environment", "provider"}),
        (Outcome.LOST, False, {"environment", "provider"}),
        (Outcome.INTERRUPTED, False, {"environment", "provider"}),
    ],
)
def test_an_answer_of_the_model_ends_the_holds(
    outcome: Outcome, answered: bool, left: set[str]
) -> None:
    held = [
        event
        for n, kind in enumerate((Outcome.ENVIRONMENT, Outcome.PROVIDER))
        for event in (dispatched(run=f"run_{n}"), ended(run=f"run_{n}", outcome=kind))
    ]
    last = ended(run="run_9", outcome=outcome, answered=answered)
    folded = history(sighted(), *held, dispatched(run="run_9"), last)
    assert set(folded.holds) == left


# --- the rest


def test_a_bug_is_remembered_with_its_issue_and_a_repair_is_counted() -> None:
    folded = history(sighted(), e.Faulted(NOW, ABC, "settling", "oops"), e.Repaired(NOW, 9, "x"))
    assert (folded.records[ABC].fault, folded.repairs) == ("settling: oops", 1)


def test_all_keys_ever_given_are_known_in_lower_case() -> None:
    done = record(name="OLD-1")
    folded = history(sighted(), sighted("b"))
    folded.finished = {done.id: done}
    assert folded.keys() == {"abc-1", "b", "old-1"}
