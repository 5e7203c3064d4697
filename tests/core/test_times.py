"""Dates and waits stay sensible when somebody sets the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symphony_cli.core.times import Wait, age, parse_stamp, stamp
from tests.builders import NOW, later
from tests.values import moments

steps = st.floats(min_value=-1e8, max_value=1e8)
waits = st.floats(min_value=0, max_value=1e6)


def test_a_stamp_is_utc_with_milliseconds() -> None:
    east = timezone(timedelta(hours=2))
    moment = datetime(2025, 11, 20, 11, 0, 0, 123999, tzinfo=east)
    assert stamp(moment) == "2025-11-20T09:00:00.123Z"


@given(moments)
def test_a_stamp_names_its_moment(moment: datetime) -> None:
    assert parse_stamp(stamp(moment)) == moment


@pytest.mark.parametrize(
    "text",
    ["2025-11-20T09:00:00Z", "2025-11-20T09:00:00", "2025-11-20T11:00+02:00", "20251120T090000Z"],
)
def test_dates_of_others_are_understood(text: str) -> None:
    moment = parse_stamp(text)
    assert (moment, moment.tzinfo) == (NOW, UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "9999-12-31T23:59:59-23:00"])
def test_what_is_no_date_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        parse_stamp(text)


def test_an_age_counts_seconds_and_a_date_in_the_future_is_now() -> None:
    assert (age(later(90), NOW), age(NOW, NOW), age(NOW, later(90))) == (90.0, 0.0, 0.0)


def test_a_wait_runs_out() -> None:
    wait = Wait(NOW, 60.0)
    left = [wait.left(later(seconds)) for seconds in (0, 20, 59.5, 60, 1000)]
    assert left == [60.0, 40.0, 0.5, 0.0, 0.0]
    assert wait.due == later(60)
    assert [wait.over(later(seconds)) for seconds in (0, 59.999, 60)] == [False, False, True]


def test_a_clock_set_back_by_a_year_costs_one_wait_and_no_year() -> None:
    wait = Wait(NOW, 60.0)
    year_ago = later(-365 * 86400)
    assert wait.left(year_ago) == 60.0
    assert not wait.over(year_ago)


def test_a_clock_set_forward_ends_a_wait() -> None:
    assert Wait(NOW, 60.0).over(later(365 * 86400))


def test_a_wait_of_nothing_is_over_whatever_the_clock_says() -> None:
    assert [Wait(NOW, 0.0).over(later(step)) for step in (-1e6, 0, 1e6)] == [True] * 3


@given(wait=waits, step=steps)
def test_what_is_left_is_never_negative_and_never_more_than_the_wait(
    wait: float, step: float
) -> None:
    left = Wait(NOW, wait).left(later(step))
    assert 0 <= left <= wait
    assert Wait(NOW, wait).over(later(step)) == (left == 0)


@given(wait=waits, first=steps, second=steps)
def test_time_that_passes_never_makes_a_wait_longer(
    wait: float, first: float, second: float
) -> None:
    sooner, after = sorted((first, second))
    assert Wait(NOW, wait).left(later(after)) <= Wait(NOW, wait).left(later(sooner))
