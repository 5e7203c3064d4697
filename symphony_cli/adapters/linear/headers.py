"""What the headers of an answer say: the allowance, the server's clock, when to come back.

Names are in lower case. Headers may be missing, doubled or garbage: what cannot be read counts as
not said.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime

from symphony_cli.core.budget import Told

Headers = Mapping[str, str]


def told(headers: Headers) -> Told:
    """What is left of the allowance. `reset` is not read: it is always an hour ahead (measured)."""
    return Told(
        limit=_count(headers, "x-ratelimit-requests-limit"),
        remaining=_count(headers, "x-ratelimit-requests-remaining"),
        points_limit=_count(headers, "x-ratelimit-complexity-limit"),
        points_remaining=_count(headers, "x-ratelimit-complexity-remaining"),
    )


def drained_endpoint(headers: Headers) -> str:
    """The field that has a limit of its own (searches: 30 a minute, says the schema) and used it
    up, while the key may ask for anything else; else empty."""
    used_up = _count(headers, "x-ratelimit-endpoint-requests-remaining") == 0
    others = _count(headers, "x-ratelimit-requests-remaining")
    if not used_up or others is None or others < 1:
        return ""
    return headers.get("x-ratelimit-endpoint-name", "")


def retry_after(headers: Headers) -> float | None:
    """Seconds that `Retry-After` names, as a number or as a date (RFC 9110, 10.2.3)."""
    seconds = _count(headers, "retry-after")
    if seconds is not None:
        return seconds
    then, now = moment(headers, "retry-after"), moment(headers)
    return max(0.0, (then - now).total_seconds()) if then and now else None


def moment(headers: Headers, name: str = "date") -> datetime | None:
    """The moment that a header names (RFC 9110, 5.6.7); None when there is none, or nonsense."""
    from email.utils import parsedate_to_datetime  # 17 ms; only who has an answer pays them

    try:
        parsed = parsedate_to_datetime(headers.get(name, ""))
        return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _count(headers: Headers, name: str) -> float | None:
    try:
        number = float(headers.get(name, ""))
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
