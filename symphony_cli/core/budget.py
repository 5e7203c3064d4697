"""The tracker's allowance as a leaky bucket: who may ask now, and how long the others wait.

A tracker such as Linear refills a bucket continuously, at limit/period; its "reset" header is
always an hour ahead and says nothing. We keep an estimate of the bucket that all processes with
one key share, take a token before each request, and correct the estimate by each answer.

Who asks says how urgent it is (`Asker`), for whoever is patient would else take each token the
moment it is there, and a tick, which tries once, would never find one:

    ours   our own writes: always, unless the tracker named a date
    tick   a tick's look: on average at most the share remaining/limit of the refill, a few at once
           after a pause, and nothing below a reserve
    run    what runs and their agents ask: the same, but it leaves some of what may go out at once,
           and a second reserve above the first, to ticks

Pure: the file is kept by `adapters.linear.allowance`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from symphony_cli.core.times import Wait, age

PERIOD = 3600.0
"""Seconds in which a bucket fills (the tracker states its limits per hour)."""

USUAL_LIMIT = 2500.0
"""Requests per hour until an answer says better: what a personal key of Linear has."""

RESERVE = 0.02
"""The share of the bucket that only our own writes may use."""

BURST = 10
"""So many routine requests may follow each other at once after a pause."""

KEPT = 5
"""Of these only ticks may use the last ones: a look that asks for all names needs so many."""

LIMITED_WAIT = 60.0
"""Seconds without requests after an answer that says "too often" and no more."""

SHORTEST_WAIT = 1.0
"""No answer that says "too often" is followed by a request sooner than after so many seconds."""

FORMAT = 1

HAIR = 0.001
"""Seconds: a shorter wait is over, since dates are stored in milliseconds."""


class Asker(StrEnum):
    """Who asks, the most urgent first. All but `OURS` is called routine."""

    OURS = "ours"
    TICK = "tick"
    RUN = "run"


@dataclass(frozen=True, slots=True)
class Told:
    """What an answer says of the bucket; None for what it does not say."""

    limit: float | None = None
    remaining: float | None = None
    points_limit: float | None = None
    points_remaining: float | None = None


@dataclass(frozen=True, slots=True)
class Bucket:
    """`budget-<key hash>.json`: tokens left in the tracker's bucket, as of when; and dates.

    Points are the tracker's second bucket (Linear: complexity); only its share counts for us.
    """

    limit: float = USUAL_LIMIT
    remaining: float = USUAL_LIMIT
    as_of: datetime | None = None
    points_limit: float = 0.0
    points_remaining: float = 0.0
    burst: float = BURST
    """So many routine requests may go out at once; each takes one, the pace gives them back."""
    closed: Wait | None = None
    """The tracker refused: nobody asks before this is over."""
    why: str = ""
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class Gauge:
    """What is left of the allowance, for people. `wait` is in seconds from now, 0 when open."""

    limit: float
    remaining: float
    wait: float
    why: str = ""


def sound(bucket: Bucket) -> bool:
    """Whether this can be a bucket of ours; a file may hold anything."""
    return (
        bucket.format == FORMAT
        and bucket.limit >= 1
        and 0 <= bucket.remaining <= bucket.limit
        and 0 <= bucket.points_remaining <= bucket.points_limit
        and 0 <= bucket.burst <= BURST
        and (bucket.closed is None or 0 <= bucket.closed.seconds <= PERIOD)
    )


def reserve(bucket: Bucket, now: datetime, asker: Asker) -> tuple[Bucket, Wait | None]:
    """Take a token for a request now; or how long to wait for one, with the bucket at `now`."""
    bucket = refilled(bucket, now)
    wait, _ = hold(bucket, now, asker)
    if wait > 0:
        return bucket, Wait(now, wait)
    left = max(0.0, bucket.remaining - 1)
    burst = bucket.burst if asker is Asker.OURS else max(0.0, bucket.burst - 1)
    return replace(bucket, remaining=left, burst=burst, closed=None, why=""), None


def corrected(bucket: Bucket, told: Told, now: datetime) -> Bucket:
    """The bucket after an answer; what the answer does not say stays as we think it is."""
    bucket = refilled(bucket, now)
    limit = told.limit if told.limit is not None and told.limit >= 1 else bucket.limit
    left = bucket.remaining if told.remaining is None else told.remaining
    points = told.points_limit if told.points_limit is not None else bucket.points_limit
    points_left = bucket.points_remaining if bucket.points_limit > 0 else points
    if told.points_remaining is not None:
        points_left = told.points_remaining
    return replace(
        bucket,
        limit=limit,
        remaining=min(max(0.0, left), limit),
        points_limit=max(0.0, points),
        points_remaining=min(max(0.0, points_left), max(0.0, points)),
    )


def limited(bucket: Bucket, told: Told, retry_after: float | None, now: datetime) -> Bucket:
    """The bucket after an answer that says "too often"; nobody asks for a moment at least.

    With a date we wait for it. When the count of what is left explains the refusal, the bucket
    itself says when there is something again: one request's refill for our own writes, the reserve
    for all else. Unexplained: not before a minute has gone.
    """
    counted = corrected(bucket, told, now)
    if retry_after is not None:
        wait, why = min(max(SHORTEST_WAIT, retry_after), PERIOD), "the tracker named a date"
    elif _explained(counted, told):
        wait, why = max(SHORTEST_WAIT, PERIOD / counted.limit), "the tracker's allowance is used up"
    else:
        wait, why = LIMITED_WAIT, "the tracker said that we ask too often"
    return replace(counted, closed=Wait(now, wait), why=why)


def _explained(bucket: Bucket, told: Told) -> bool:
    no_requests = told.remaining is not None and bucket.remaining < 1
    few_points = told.points_remaining is not None and _lack_of_points(bucket, RESERVE) > 0
    return no_requests or few_points


def refilled(bucket: Bucket, now: datetime) -> Bucket:
    """The bucket at `now`: what leaked back since is added. A clock that stepped back adds none,
    and a refusal that it puts into the future counts from now."""
    since = age(now, bucket.as_of) if bucket.as_of is not None else 0.0
    share = since / PERIOD
    points = bucket.points_remaining + share * bucket.points_limit
    closed = bucket.closed
    if closed is not None:
        closed = replace(closed, since=min(closed.since, now))
    return replace(
        bucket,
        remaining=min(bucket.limit, bucket.remaining + share * bucket.limit),
        points_remaining=min(bucket.points_limit, points),
        burst=min(BURST, bucket.burst + since / _gap(bucket)),
        closed=closed,
        as_of=now,
    )


def gauge(bucket: Bucket, now: datetime, asker: Asker = Asker.TICK) -> Gauge:
    """What is left at `now`, and how long a request would have to wait."""
    bucket = refilled(bucket, now)
    wait, why = hold(bucket, now, asker)
    return Gauge(bucket.limit, bucket.remaining, wait, why)


def hold(bucket: Bucket, now: datetime, asker: Asker) -> tuple[float, str]:
    """Seconds until a request may be sent, and for people why; of a bucket `refilled` at `now`."""
    left = f"{int(bucket.remaining)} of {int(bucket.limit)} requests are left"
    points = f"{int(bucket.points_remaining)} of {int(bucket.points_limit)} points are left"
    run = asker is Asker.RUN
    kept = f"and those are kept for our own writes{' and for ticks' if run else ''}"
    holds = [(bucket.closed.left(now), bucket.why)] if bucket.closed is not None else []
    if asker is not Asker.OURS:
        share, least = (2 * RESERVE, 1 + KEPT) if run else (RESERVE, 1)
        holds.append((_lack_of_requests(bucket, share), f"{left}, {kept}"))
        holds.append((_lack_of_points(bucket, share), f"{points}, {kept}"))
        holds.append(((least - bucket.burst) * _gap(bucket), f"{left}, so we ask less often"))
    wait, why = max(holds, key=lambda held: held[0], default=(0.0, ""))
    return (wait, why) if wait > HAIR else (0.0, "")


def _lack_of_requests(bucket: Bucket, share: float) -> float:
    """Seconds until this share of the bucket is there, and a token at all."""
    lack = max(1.0, share * bucket.limit) - bucket.remaining
    return max(0.0, lack * PERIOD / bucket.limit)


def _lack_of_points(bucket: Bucket, share: float) -> float:
    """The same for points; 0 when the tracker never told of any."""
    if bucket.points_limit <= 0:
        return 0.0
    lack = share * bucket.points_limit - bucket.points_remaining
    return max(0.0, lack * PERIOD / bucket.points_limit)


def _gap(bucket: Bucket) -> float:
    """Seconds between two routine requests: the share remaining/limit of the refill."""
    share = bucket.remaining / bucket.limit
    if bucket.points_limit > 0:
        share = min(share, bucket.points_remaining / bucket.points_limit)
    return min(PERIOD, PERIOD / (bucket.limit * max(share, RESERVE)))
