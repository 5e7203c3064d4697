"""Promise 10: spending is counted once, whatever is replayed, resumed or rolled back."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symphony_cli.core.history import History
from symphony_cli.core.reasons import Outcome
from symphony_cli.core.run import ThreadRef, Verdict
from symphony_cli.core.usage import Meter, ThreadUsage, Usage
from tests.builders import dispatched, ended, enrolled, iid, rid, sighted

counts = st.integers(min_value=0, max_value=1000)
totals = st.builds(Usage, counts, counts, counts, counts, counts)
threads = st.sampled_from(("t1", "t2"))


def tokens(total: int) -> Usage:
    return Usage(input=total, total=total)


def counters(usage: Usage) -> tuple[int, ...]:
    return tuple(getattr(usage, field.name) for field in fields(usage))


def fed(base: Usage, seen: list[Usage], thread: str = "t1") -> Meter:
    meter = Meter().based(thread, base)
    for total in seen:
        meter = meter.seen(thread, total)
    return meter


def test_a_run_spends_what_the_total_rose_above_its_base() -> None:
    assert fed(tokens(100), [tokens(150), tokens(175)]).spent == tokens(75)


def test_a_total_that_is_sent_again_changes_nothing() -> None:
    assert fed(tokens(100), [tokens(150), tokens(150), tokens(150)]).spent == tokens(50)


def test_a_total_that_falls_gives_nothing_back_and_counts_again_only_above_its_height() -> None:
    assert fed(tokens(100), [tokens(180), tokens(90), tokens(120), tokens(200)]).spent == tokens(
        100
    )


def test_a_base_is_fixed_once() -> None:
    meter = Meter().based("t1", tokens(100)).seen("t1", tokens(130)).based("t1", tokens(130))
    assert meter.threads == {"t1": ThreadUsage(tokens(100), tokens(130))}


def test_a_thread_nobody_announced_began_at_nothing() -> None:
    assert Meter().seen("sub-agent", tokens(40)).spent == tokens(40)


def test_a_count_that_begins_anew_takes_nothing_back_and_counts_from_nothing() -> None:
    """Codex, when a conversation outgrew its model."""
    meter = fed(tokens(100), [tokens(180)]).restarted("t1").restarted("t1").seen("t1", tokens(30))
    assert meter.threads == {"t1": ThreadUsage(Usage(), tokens(30), before=tokens(80))}
    assert meter.spent == tokens(110)


def test_a_thread_whose_last_figures_codex_forgot_goes_on_from_the_figures_it_has() -> None:
    meter = Meter().based("t1", tokens(100)).rebased("t1", tokens(70)).seen("t1", tokens(90))
    assert meter.spent == tokens(20)


def test_all_threads_of_a_run_are_summed() -> None:
    meter = fed(tokens(100), [tokens(110)]).seen("t2", tokens(5)).seen("t3", tokens(7))
    assert meter.spent == tokens(22)


@given(base=totals, seen=st.lists(totals))
def test_the_sum_is_the_highest_rise_above_the_base(base: Usage, seen: list[Usage]) -> None:
    columns = zip(*map(counters, [base, *seen]), strict=True)
    rises = [max(column) - column[0] for column in columns]
    assert counters(fed(base, seen).spent) == tuple(rises)


@given(base=totals, seen=st.lists(totals), data=st.data())
def test_replays_in_any_order_change_no_sum(
    base: Usage, seen: list[Usage], data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from([base, *seen])))
    shuffled = data.draw(st.permutations([*seen, *again]))
    assert fed(base, shuffled).spent == fed(base, seen).spent


@given(st.lists(st.tuples(threads, totals)))
def test_a_sum_never_falls_while_a_run_goes_on(reports: list[tuple[str, Usage]]) -> None:
    meter, before = Meter(), Usage()
    for thread, total in reports:
        meter = meter.seen(thread, total)
        assert meter.spent.highest(before) == meter.spent
        before = meter.spent


@given(st.lists(st.lists(st.integers(min_value=0, max_value=50), max_size=4), max_size=6))
def test_over_runs_that_resume_a_thread_each_token_is_counted_once(rises: list[list[int]]) -> None:
    """Each run begins at the total of the one before; its supervisor also sees old totals again."""
    total, history = 0, History().take_all([sighted(), enrolled()])
    for number, steps in enumerate(rises):
        meter = Meter().based("t1", tokens(total)).seen("t1", tokens(total // 2))
        for step in steps:
            total += step
            meter = meter.seen("t1", tokens(total)).seen("t1", tokens(total - step))
        run = f"run_{number}"
        told = ended(run=run, spent=meter.spent, thread=ThreadRef("t1", total=tokens(total)))
        history.take_all([dispatched(run=run), told, told])
    found = history.find(iid("ABC-1"))
    assert found is not None
    assert found.usage == tokens(total)


@given(base=totals, other=totals)
def test_nothing_is_ever_above_itself_and_nothing_falls_below_zero(
    base: Usage, other: Usage
) -> None:
    assert base.above(base) == Usage()
    assert min(counters(base.above(other))) >= 0
    assert base.above(other) + base.above(base.above(other)) == base


@pytest.mark.parametrize(
    ("usage", "weight", "spend"),
    [
        (Usage(), 0.0, 0),
        (Usage(input=100, cached_input=60, output=10, reasoning=4, total=110), 0.0, 50),
        (Usage(input=100, cached_input=60, output=10), 0.1, 56),
        (Usage(input=100, cached_input=60, output=10), 1.0, 110),
        (Usage(input=10, cached_input=60, output=5), 0.0, 5),
    ],
)
def test_spend_is_uncached_input_and_output_and_cached_input_by_its_weight(
    usage: Usage, weight: float, spend: int
) -> None:
    assert usage.spend(weight) == spend


@given(first=totals, second=totals, weight=st.floats(min_value=0, max_value=1))
def test_a_sum_is_never_worth_less_than_its_parts(
    first: Usage, second: Usage, weight: float
) -> None:
    """So that a run which used up what was left of a budget leaves nothing of it."""
    one, two = (replace(u, cached_input=min(u.input, u.cached_input)) for u in (first, second))
    assert (one + two).spend(weight) >= one.spend(weight) + two.spend(weight)


def test_a_verdict_sums_its_threads() -> None:
    usage = {"t1": tokens(3), "t2": tokens(4)}
    told = Verdict(rid(), iid("ABC-1"), Outcome.ROLLED_OVER, usage=usage)
    assert told.spent == tokens(7)
