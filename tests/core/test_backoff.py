"""Waits double, are spread, and never grow above their cap."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from symphony_cli.core.backoff import SPREAD, backoff

BASE, CAP = 10.0, 300.0

failures = st.integers(min_value=1, max_value=10_000)
names = st.text(max_size=20)


def test_without_a_failure_there_is_no_wait() -> None:
    assert [backoff(count, BASE, CAP, "ABC-1") for count in (-1, 0)] == [0.0, 0.0]


def test_a_wait_is_computed_and_not_thrown() -> None:
    waits = [backoff(count, BASE, CAP, "ABC-1") for count in range(1, 8)]
    assert waits == [backoff(count, BASE, CAP, "ABC-1") for count in range(1, 8)]


@given(count=st.integers(min_value=1, max_value=5), who=names)
def test_each_failure_doubles_the_wait_give_or_take_a_quarter(count: int, who: str) -> None:
    plain = BASE * 2 ** (count - 1)
    assert (1 - SPREAD) * plain - 0.001 <= backoff(count, BASE, CAP, who)
    assert backoff(count, BASE, CAP, who) <= min(CAP, (1 + SPREAD) * plain + 0.001)


@given(count=failures, who=names)
def test_no_wait_is_above_its_cap_or_below_its_first_step(count: int, who: str) -> None:
    assert BASE * (1 - SPREAD) - 0.001 <= backoff(count, BASE, CAP, who) <= CAP


@given(count=st.integers(min_value=7, max_value=10_000), who=names)
def test_after_many_failures_the_cap_is_the_wait(count: int, who: str) -> None:
    assert backoff(count, BASE, CAP, who) == CAP


def test_many_issues_that_fail_together_come_back_spread_out() -> None:
    waits = sorted(backoff(1, BASE, CAP, f"ABC-{number}") for number in range(1000))
    quarters = [waits[index] for index in (0, 250, 500, 750, 999)]
    expected = [7.5, 8.75, 10.0, 11.25, 12.5]
    assert all(abs(q - e) < 0.5 for q, e in zip(quarters, expected, strict=True))
