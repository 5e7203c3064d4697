"""The tracker's allowance: who may ask now, how long the others wait, and what a clock can do."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symphony_cli.core.budget import (
    BURST,
    HAIR,
    KEPT,
    LIMITED_WAIT,
    PERIOD,
    RESERVE,
    SHORTEST_WAIT,
    Asker,
    Bucket,
    Gauge,
    Told,
    corrected,
    gauge,
    limited,
    refilled,
    reserve,
    sound,
)
from symphony_cli.core.shape import decode, encode
from symphony_cli.core.times import Wait
from tests.builders import NOW, later

SLOWEST = PERIOD / (2500 * RESERVE)
"""Seconds between two routine requests at the slowest pace of a personal key: 72. A run waits until
as many are there as ticks may use at once, and one for itself."""

limits = st.integers(min_value=1, max_value=10_000).map(float)
shares = st.floats(min_value=0, max_value=1)
waits = st.none() | st.builds(
    Wait,
    st.floats(min_value=-1e5, max_value=1e5).map(later),
    st.floats(min_value=0, max_value=PERIOD),
)
answers = st.builds(
    Told,
    *[st.none() | st.floats(min_value=0, max_value=5e6)] * 4,
)


@st.composite
def buckets(draw: st.DrawFn) -> Bucket:
    """Any bucket of ours."""
    limit, points = draw(limits), draw(st.sampled_from([0.0, 250_000.0, 3e6]))
    return Bucket(
        limit=limit,
        remaining=limit * draw(shares),
        as_of=draw(st.none() | st.floats(min_value=-1e5, max_value=1e5).map(later)),
        points_limit=points,
        points_remaining=points * draw(shares),
        burst=BURST * draw(shares),
        closed=draw(waits),
    )


def told(remaining: float, limit: float = 2500) -> Told:
    return Told(limit, remaining)


def sent(bucket: Bucket, seconds: float, every: float) -> int:
    """How many of the routine requests that are tried `every` so often get a token."""
    count = 0
    for step in range(int(seconds / every)):
        bucket, wait = reserve(bucket, later(step * every), Asker.TICK)
        count += wait is None
    return count


def test_a_fresh_bucket_gives_a_burst_at_once_and_then_keeps_the_pace() -> None:
    bucket = Bucket()
    for _ in range(BURST):
        bucket, wait = reserve(bucket, NOW, Asker.TICK)
        assert wait is None

    bucket, wait = reserve(bucket, NOW, Asker.TICK)

    assert wait is not None and wait.seconds == pytest.approx(PERIOD / 2490)
    assert bucket.remaining == 2490


@pytest.mark.parametrize(("share", "paced"), [(1.0, 2500), (0.5, 1250), (0.1, 250)])
def test_ticks_find_a_token_each_time_though_an_agent_takes_each_that_it_may(
    share: float, paced: int
) -> None:
    bucket, ticks, agents = replace(Bucket(), burst=0.0), 0, 0
    for step in range(int(PERIOD / 0.2)):
        now = later(step * 0.2)
        bucket = corrected(bucket, told(2500 * share), now)
        if step % 150 == 149:
            bucket, wait = reserve(bucket, now, Asker.TICK)
            ticks += wait is None
        bucket, wait = reserve(bucket, now, Asker.RUN)
        agents += wait is None

    assert ticks == 120
    assert ticks + agents == pytest.approx(paced, rel=0.03)


def test_in_the_second_reserve_runs_wait_and_ticks_do_not() -> None:
    low = corrected(Bucket(), told(90), NOW)
    poor = corrected(Bucket(), Told(2500, 2500, 1e6, 30_000), NOW)

    assert [reserve(low, NOW, asker)[1] for asker in Asker] == [None, None, Wait(NOW, 14.4)]
    assert [reserve(poor, NOW, asker)[1] for asker in Asker] == [None, None, Wait(NOW, 36.0)]
    assert gauge(low, NOW, Asker.RUN).why == (
        "90 of 2500 requests are left, and those are kept for our own writes and for ticks"
    )


def test_half_a_bucket_is_spent_at_half_the_refill() -> None:
    half = corrected(Bucket(burst=0), Told(25_000, 12_500), NOW)
    assert sent(half, 60, 0.01) == pytest.approx(60 * 25_000 / PERIOD / 2, rel=0.03)


def test_what_others_drained_is_asked_for_again_in_seconds_and_never_in_an_hour() -> None:
    empty = limited(Bucket(), told(0), None, NOW)

    routine, ours = reserve(empty, NOW, Asker.TICK)[1], reserve(empty, NOW, Asker.OURS)[1]

    assert (routine, ours) == (Wait(NOW, 72.0), Wait(NOW, PERIOD / 2500))
    assert gauge(empty, NOW) == Gauge(
        2500, 0, 72.0, "0 of 2500 requests are left, and those are kept for our own writes"
    )
    assert reserve(empty, later(72), Asker.TICK)[1] is None


def test_below_the_reserve_only_our_own_writes_pass() -> None:
    low = corrected(Bucket(), told(49), NOW)
    assert reserve(low, NOW, Asker.TICK)[1] == Wait(NOW, PERIOD / 2500)
    assert reserve(low, NOW, Asker.OURS)[1] is None


def test_a_small_bucket_without_a_whole_token_sends_nothing() -> None:
    low = corrected(Bucket(), told(0.5, limit=10), NOW)
    assert reserve(low, NOW, Asker.TICK)[1] == Wait(NOW, 180.0)


def test_too_often_without_a_date_holds_everybody_for_a_minute() -> None:
    closed = limited(Bucket(), Told(), None, NOW)

    held = [reserve(closed, later(59), asker)[1] for asker in Asker]

    assert held == [Wait(later(59), 1.0)] * 3
    assert [reserve(closed, later(60), asker)[1] for asker in Asker] == [None] * 3
    assert gauge(closed, NOW).why == "the tracker said that we ask too often"


@pytest.mark.parametrize(
    ("named", "waited"), [(30.0, 30.0), (0.0, 1.0), (-5.0, 1.0), (1e9, PERIOD)]
)
def test_a_date_that_the_tracker_names_holds_everybody(named: float, waited: float) -> None:
    closed = limited(Bucket(), told(0), named, NOW)
    assert reserve(closed, NOW, Asker.OURS)[1] == Wait(NOW, waited)


def test_too_often_with_plenty_left_is_no_reason_to_ask_again_at_once() -> None:
    for_one_search = limited(Bucket(), Told(2500, 2400, 3e6, 2.9e6), None, NOW)
    assert reserve(for_one_search, NOW, Asker.OURS)[1] == Wait(NOW, LIMITED_WAIT)


def test_points_that_ran_out_hold_routine_work_back_and_are_named() -> None:
    poor = limited(Bucket(), Told(2500, 2400, 3e6, 0), None, NOW)

    assert gauge(poor, NOW) == Gauge(
        2500, 2400, 72.0, "0 of 3000000 points are left, and those are kept for our own writes"
    )
    assert reserve(poor, NOW, Asker.OURS)[1] == Wait(NOW, PERIOD / 2500)


def test_points_whose_rest_nobody_told_count_as_full() -> None:
    bucket = corrected(Bucket(), Told(points_limit=3e6), NOW)
    assert (bucket.points_remaining, gauge(bucket, NOW).wait) == (3e6, 0)


def test_an_answer_corrects_what_we_thought_and_a_silent_one_changes_nothing() -> None:
    bucket = Bucket(remaining=100, as_of=NOW)

    heard = corrected(bucket, Told(5000, 4000, 2e6, 1e6), NOW)

    assert heard == Bucket(5000, 4000, NOW, 2e6, 1e6)
    assert corrected(bucket, Told(), NOW) == bucket
    assert corrected(bucket, Told(limit=0, remaining=1e9), NOW) == replace(bucket, remaining=2500)


def test_a_bucket_that_is_full_again_forgets_the_slow_pace() -> None:
    slow = corrected(Bucket(), told(60), NOW)
    for _ in range(BURST):
        slow, _ = reserve(slow, NOW, Asker.TICK)

    full = corrected(slow, told(2500), NOW)

    assert gauge(full, NOW).wait <= PERIOD / 2500


def test_a_clock_set_back_costs_one_wait_and_not_the_step() -> None:
    closed = limited(Bucket(), Told(), None, NOW)
    hour_ago = later(-3600)

    kept, wait = reserve(closed, hour_ago, Asker.TICK)

    assert wait == Wait(hour_ago, 60.0)
    assert reserve(kept, later(-3540), Asker.TICK)[1] is None


def test_a_clock_set_back_after_a_burst_keeps_the_pace_of_a_full_bucket() -> None:
    bucket = Bucket()
    for _ in range(BURST):
        bucket, _ = reserve(bucket, NOW, Asker.TICK)
    assert gauge(bucket, later(-3600)).wait <= PERIOD / 2490


def test_a_bucket_that_no_arithmetic_of_ours_makes_is_not_sound() -> None:
    strange = [
        Bucket(limit=0),
        Bucket(remaining=-1),
        Bucket(remaining=2501),
        Bucket(points_remaining=1),
        Bucket(burst=BURST + 1),
        Bucket(closed=Wait(NOW, PERIOD + 1)),
        Bucket(format=2),
    ]
    assert [sound(bucket) for bucket in [*strange, Bucket()]] == [False] * 7 + [True]


@given(bucket=buckets(), asker=st.sampled_from(Asker), after=st.floats(0, 1e4))
def test_routine_work_never_goes_below_the_reserve(
    bucket: Bucket, asker: Asker, after: float
) -> None:
    base = bucket.as_of or NOW
    now = later((base - NOW).total_seconds() + after)
    _, wait = reserve(bucket, now, Asker.TICK)
    if wait is None:
        crumb = HAIR * bucket.limit / PERIOD
        assert refilled(bucket, now).remaining >= max(1, RESERVE * bucket.limit) - crumb


@given(
    bucket=buckets(),
    pauses=st.lists(st.floats(min_value=0, max_value=600), min_size=1, max_size=60),
)
def test_on_average_routine_work_takes_its_share_of_the_refill_and_a_burst(
    bucket: Bucket, pauses: list[float]
) -> None:
    bucket = replace(bucket, as_of=NOW, closed=None)
    count, seconds, most = 0, 0.0, RESERVE
    for pause in pauses:
        seconds += pause
        bucket, wait = reserve(bucket, later(seconds), Asker.TICK)
        count += wait is None
        most = max(most, (bucket.remaining + 1) / bucket.limit)
    paced = bucket.limit * most / PERIOD
    assert count <= BURST + seconds * max(paced, 1 / PERIOD) + 0.1


@given(
    bucket=buckets(), step=st.floats(min_value=-1e6, max_value=1e6), asker=st.sampled_from(Asker)
)
def test_whatever_a_clock_did_no_wait_is_longer_than_the_period_or_the_slowest_pace(
    bucket: Bucket, step: float, asker: Asker
) -> None:
    _, wait = reserve(bucket, later(step), asker)
    most = 1 + KEPT if asker is Asker.RUN else 1
    assert wait is None or 0 < wait.seconds <= PERIOD * most
    if wait is not None and bucket.closed is None and bucket.limit == 2500:
        assert wait.seconds <= SLOWEST * most


@given(
    bucket=buckets(), step=st.floats(min_value=-1e6, max_value=1e6), asker=st.sampled_from(Asker)
)
def test_whoever_waits_as_long_as_it_was_told_may_ask(
    bucket: Bucket, step: float, asker: Asker
) -> None:
    kept, wait = reserve(bucket, later(step), asker)
    if wait is not None:
        told_to = later(step + wait.seconds + HAIR)
        _, again = reserve(kept, told_to, asker)
        assert again is None


@given(
    bucket=buckets(),
    said=answers,
    after=st.none() | st.floats(-10, 1e5),
    step=st.integers(0, 10**5),
)
def test_whatever_is_said_the_bucket_stays_sound_and_comes_back_from_its_file(
    bucket: Bucket, said: Told, after: float | None, step: int
) -> None:
    made = [
        corrected(bucket, said, later(step)),
        limited(bucket, said, after, later(step)),
        reserve(bucket, later(step), Asker.OURS)[0],
        reserve(bucket, later(step), Asker.TICK)[0],
    ]
    for one in made:
        there_and_back = decode(Bucket, json.loads(json.dumps(encode(one))))
        assert sound(there_and_back)
        assert gauge(there_and_back, later(step)).wait == pytest.approx(
            gauge(one, later(step)).wait, abs=2 * HAIR
        )


@given(bucket=buckets(), said=answers, after=st.none() | st.floats(-10, 1e5))
def test_after_too_often_nobody_asks_at_once(
    bucket: Bucket, said: Told, after: float | None
) -> None:
    closed = limited(bucket, said, after, NOW)
    for asker in Asker:
        wait = reserve(closed, NOW, asker)[1]
        assert wait is not None and wait.seconds >= SHORTEST_WAIT
