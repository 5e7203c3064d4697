"""What all issues spent in 24 hours, whatever the clock does."""

from __future__ import annotations

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from symphony_cli.core import day
from symphony_cli.core.policy import Policy
from symphony_cli.core.reasons import Why
from symphony_cli.core.usage import Usage
from tests.builders import alive, dispatched, ended, enrol_all, history, iid, later
from tests.core.planning import decided

HOUR = 3600.0
moments = st.floats(min_value=0, max_value=90 * HOUR).map(later)


@given(st.lists(st.tuples(moments, st.integers(0, 50)), max_size=30), moments)
def test_at_least_what_was_spent_in_24_hours_counts_and_nothing_older_by_more_than_a_step(
    runs: list[tuple[datetime, int]], now: datetime
) -> None:
    runs = sorted((at, tokens) for at, tokens in runs if at <= now)
    steps: dict[str, Usage] = {}
    for at, tokens in runs:
        steps = day.with_more(steps, at, Usage(input=tokens))
    counted = day.used(steps, now).input
    ages = [((now - at).total_seconds(), tokens) for at, tokens in runs]
    least = sum(tokens for age, tokens in ages if age < 24 * HOUR)
    most = sum(tokens for age, tokens in ages if age < 24 * HOUR + day.STEP)
    assert least <= counted <= most
    assert len(steps) <= 24 * HOUR / day.STEP + 2


def test_what_is_dated_later_than_now_counts() -> None:
    steps = day.with_more({}, later(HOUR), Usage(input=5))
    assert day.used(steps, later(0)).input == 5


def test_the_days_budget_holds_everybody_and_says_when_it_frees() -> None:
    past = (*enrol_all("A", "B"), dispatched("A"), ended("A", spent=Usage(input=90)))
    policy = Policy(max_tokens_per_day=90)
    (first, second) = decided(*past, policy=policy)
    assert {first.why, second.why} == {Why.DAY_BUDGET}
    assert first.detail == (
        "90 tokens were spent in 24 hours; `agent.max_tokens_per_day` is 90; the oldest are over in"
        " 24 hours"
    )
    assert [type(d).__name__ for d in decided(*past, policy=Policy(max_tokens_per_day=91))] == [
        "Dispatch",
        "Dispatch",
    ]


def test_what_living_runs_have_spent_by_now_counts() -> None:
    past = (*enrol_all("A", "B"), dispatched("A"))
    seen = {iid("A"): alive(spent=Usage(input=200))}
    (held,) = decided(*past, policy=Policy(max_tokens_per_day=100), runs=seen)
    assert (held.issue, held.why) == (iid("B"), Why.DAY_BUDGET)


def test_a_day_later_they_go_on() -> None:
    past = history(*enrol_all("A"), dispatched("A"), ended("A", spent=Usage(input=90)))
    assert day.used(past.day, later(25 * HOUR)) == Usage()
