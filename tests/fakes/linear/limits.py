"""The two leaky buckets, and the headers that tell of them.

A bucket fills continuously at limit per hour; it does not snap back at an instant. The `reset`
headers nevertheless always say "one hour from now", in milliseconds, whether it is full or empty
(measured on a bucket that was drained on purpose).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

PERIOD = 3600.0

Headers = Literal["all", "ok_only", "none"]
"""On which answers the headers stand. On a refusal some saw them and some did not."""


@dataclass(slots=True)
class Bucket:
    """Tokens left, as of when."""

    limit: float
    left: float
    as_of: datetime

    def take(self, tokens: float, now: datetime) -> bool:
        """Take tokens, if there are so many."""
        self.fill(now)
        if self.left < tokens:
            return False
        self.left -= tokens
        return True

    def fill(self, now: datetime) -> None:
        """Add what leaked back since."""
        since = max(0.0, (now - self.as_of).total_seconds())
        self.left = min(self.limit, self.left + since * self.limit / PERIOD)
        self.as_of = now


class Limits:
    """What one user may ask; all keys of a user share it (documented)."""

    def __init__(self, now: datetime, requests: float = 2500, points: float = 3_000_000) -> None:
        self.requests = Bucket(requests, requests, now)
        self.points = Bucket(points, points, now)
        self.headers: Headers = "all"

    def told(
        self, now: datetime, cost: int | None = None, *, refused: bool = False
    ) -> dict[str, str]:
        """The headers of an answer."""
        if self.headers == "none" or (refused and self.headers == "ok_only"):
            return {}
        told = {} if cost is None else {"x-complexity": str(cost)}
        reset = str(int((now.timestamp() + PERIOD) * 1000))
        for name, bucket in (("requests", self.requests), ("complexity", self.points)):
            bucket.fill(now)
            told[f"x-ratelimit-{name}-limit"] = str(int(bucket.limit))
            told[f"x-ratelimit-{name}-remaining"] = str(int(bucket.left))
            told[f"x-ratelimit-{name}-reset"] = reset
        return told
