"""The report of a run that was killed must still be readable, and add up."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symphony_cli.core import report as r
from symphony_cli.core.reasons import Outcome
from symphony_cli.core.run import ThreadRef
from symphony_cli.core.usage import Meter, ThreadUsage, Usage
from tests.builders import NOW, later
from tests.values import any_of

lines = st.one_of([any_of(kind) for kind in r.KINDS.values()])


def in_file(*told: r.Line) -> bytes:
    return b"".join(r.to_text(line).encode() + b"\n" for line in told)


def closing(outcome: Outcome, reason: str = "", at: datetime = NOW) -> r.Closing:
    return r.Closing(at, outcome, reason)


def tokens(total: int) -> Usage:
    return Usage(input=total, total=total)


@given(st.lists(lines, max_size=5))
def test_a_report_reads_back_as_it_was_told(told: list[r.Line]) -> None:
    assert r.from_bytes(in_file(*told)) == tuple(told)


@given(st.lists(lines, max_size=3), lines, st.data())
def test_a_torn_last_line_costs_only_itself(
    told: list[r.Line], last: r.Line, data: st.DataObject
) -> None:
    whole, torn = in_file(*told), r.to_text(last).encode()
    cut = data.draw(st.integers(min_value=0, max_value=len(torn) - 1))
    assert r.from_bytes(whole + torn[:cut]) == tuple(told)


def test_an_act_that_starts_on_a_new_line_after_a_torn_one_is_heard() -> None:
    torn = in_file(r.Phase(NOW, "turn"))[:-9]
    assert r.from_bytes(torn + b"\n" + in_file(r.Phase(NOW, "cleanup"))) == (
        r.Phase(NOW, "cleanup"),
    )


def test_lines_that_make_no_sense_are_passed_over() -> None:
    nonsense = b"""
{"kind": "teleported", "at": "2025-11-20T09:00:00Z"}
{"kind": "phase"}
{"kind": ["phase"]}
{"at": "2025-11-20T09:00:00Z"}
[1, 2]
null
\xff\xfe
{"kind": "stalled", "at": "2025-11-20T09:00:00Z", "silent": 1e999}
"""
    deep = b"[" * 200_000 + b"\n"
    told = r.Said(NOW, "hello")
    assert r.from_bytes(nonsense + deep + in_file(told)) == (told,)


def test_a_member_of_a_newer_version_does_not_silence_a_line() -> None:
    line = b'{"kind": "phase", "at": "2025-11-20T09:00:00Z", "name": "turn", "mood": "good"}'
    assert r.from_bytes(line) == (r.Phase(NOW, "turn"),)


def test_the_first_closing_wins() -> None:
    first = closing(Outcome.STOPPED, "label")
    told = [first, closing(Outcome.FAILED), closing(Outcome.LOST)]
    assert r.add_up(told).closing == first


def test_nothing_told_adds_up_to_nothing() -> None:
    assert r.add_up([]) == r.Sum()


def test_a_whole_run_adds_up() -> None:
    thread = ThreadRef("t1", total=tokens(100))
    total = r.add_up(
        [
            r.Phase(NOW, "launch"),
            r.ThreadBegan(NOW, thread, base=tokens(100), resumed=True),
            r.Phase(NOW, "turn"),
            r.TurnBegan(NOW, 1, "turn_a"),
            r.ThreadBusy(NOW, "t1"),
            r.UsageSeen(NOW, "t1", tokens(160), tokens(100)),
            r.ThreadBusy(NOW, "sub"),
            r.UsageSeen(NOW, "sub", tokens(5)),
            r.Said(NOW, "first"),
            r.Asked(NOW, "approval", "decline"),
            r.ToolCalled(NOW, "linear_graphql", True),
            r.ThreadIdle(NOW, "t1"),
            r.TurnEnded(NOW, 1, "completed"),
            r.TurnBegan(NOW, 2, "turn_b"),
            r.ThreadBusy(NOW, "t1"),
            r.Stalled(NOW, 300.0),
            r.ThreadIdle(NOW, "t1", cut=True),
            r.TurnEnded(NOW, 2, "interrupted"),
            r.Said(NOW, "last"),
            r.Limited(NOW, {"limitId": "b", "primary": 5}),
            r.Limited(NOW, {"limitId": "a", "primary": 20}),
            closing(Outcome.STALLED),
            r.Phase(NOW, "cleanup"),
            r.Ended(NOW, "term", (7,)),
            r.Ended(NOW, "sweep", (8, 9)),
            r.Ended(NOW, "term", (10,)),
        ]
    )
    meter = Meter(
        {"t1": ThreadUsage(tokens(100), tokens(160)), "sub": ThreadUsage(Usage(), tokens(5))}
    )
    assert total == r.Sum(
        phase="cleanup",
        meter=meter,
        thread=thread,
        answered=True,
        turns=1,
        turn_began=2,
        cut=1,
        busy=frozenset({"sub"}),
        last_message="last",
        stalls=1,
        declines=1,
        limits={"a": {"limitId": "a", "primary": 20}, "b": {"limitId": "b", "primary": 5}},
        closing=closing(Outcome.STALLED),
        killed={"term": (7, 10), "sweep": (8, 9)},
    )


def test_a_replayed_total_is_no_answer_of_the_model() -> None:
    """A resumed thread sends its old total before anybody has said a word."""
    began = r.ThreadBegan(NOW, ThreadRef("t1"), base=tokens(100), resumed=True)
    seen = [r.UsageSeen(NOW, "t1", tokens(n), tokens(100)) for n in (100, 150, 101)]
    replayed, hidden = r.add_up([began, seen[0]]), r.add_up([began, seen[1]])
    spent = r.add_up([began, r.TurnBegan(NOW, 1), seen[2]])
    assert (replayed.answered, hidden.answered, spent.answered) == (False, False, True)


def test_a_total_that_begins_anew_adds_to_what_was_spent_before() -> None:
    began = r.ThreadBegan(NOW, ThreadRef("t1"), base=tokens(100), resumed=True)
    anew = r.UsageSeen(NOW, "t1", Usage(), before=tokens(60))
    after = r.UsageSeen(NOW, "t1", tokens(30), before=tokens(60))
    whole: list[r.Line] = [began, r.UsageSeen(NOW, "t1", tokens(160), tokens(100)), anew, after]
    assert [r.add_up(whole[:n]).meter.spent.total for n in range(1, 5)] == [0, 60, 60, 90]


BEGUN = (r.Phase(NOW, "turn"), r.TurnBegan(NOW, 1), r.ThreadBusy(NOW, "t1"))
OURS = r.ThreadBegan(NOW, ThreadRef("t1"))


@pytest.mark.parametrize(
    ("told", "cut"),
    [
        pytest.param((r.Phase(NOW, "launch"),), 0, id="nobody was asked"),
        pytest.param(BEGUN[:1], 1, id="a turn was asked for"),
        pytest.param(BEGUN[:2], 1, id="the server agreed"),
        pytest.param(BEGUN, 1, id="it runs"),
        pytest.param((*BEGUN, OURS), 1, id="its thread is known"),
        pytest.param((*BEGUN, r.Phase(NOW, "cleanup")), 1, id="finish came"),
        pytest.param((*BEGUN, r.ThreadIdle(NOW, "t1")), 0, id="it completed"),
        pytest.param((*BEGUN, r.ThreadIdle(NOW, "t1", cut=True)), 1, id="it was cut"),
        pytest.param((*BEGUN, OURS, r.ThreadBusy(NOW, "sub")), 2, id="a sub-agent runs, too"),
        pytest.param(
            (OURS, *BEGUN, r.ThreadBusy(NOW, "sub"), r.ThreadIdle(NOW, "t1"), BEGUN[0]),
            2,
            id="a sub-agent runs while the next turn is asked for",
        ),
        pytest.param((*BEGUN[:1], r.Phase(NOW, "closing")), 0, id="the turn was refused"),
    ],
)
def test_an_answer_that_was_under_way_when_the_report_ends_counts_as_cut(
    told: tuple[r.Line, ...], cut: int
) -> None:
    assert r.add_up(told).cut_answers == cut


def test_a_thread_that_could_not_be_resumed_is_remembered() -> None:
    fresh = r.ThreadBegan(NOW, ThreadRef("t2"), fresh_because="its rollout is gone")
    later_one = r.ThreadBegan(later(5), ThreadRef("t3"))
    total = r.add_up([fresh, later_one])
    assert (total.fresh_thread, total.thread) == (True, ThreadRef("t3"))


@given(st.lists(lines, max_size=8), st.integers(min_value=0, max_value=8))
def test_any_beginning_of_a_report_adds_up(told: list[r.Line], cut: int) -> None:
    first_closing = next((line for line in told[:cut] if isinstance(line, r.Closing)), None)
    assert r.add_up(told[:cut]).closing == first_closing
