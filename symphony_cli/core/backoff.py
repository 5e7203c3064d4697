"""How long to wait after the n-th failure. No dice: the spread comes from what is waiting."""

from __future__ import annotations

from symphony_cli.ids import digest

SPREAD = 0.25
"""Waits differ by up to this share either way, so that issues do not come back all at once."""


def backoff(failures: int, base: float, cap: float, who: str) -> float:
    """Seconds after `failures` in a row: `base` x 2^(n-1), spread by `who`, never above `cap`."""
    if failures <= 0:
        return 0.0
    plain = base * float(2 ** min(failures - 1, 30))
    share = int(digest(f"{who}\x1f{failures}"), 16) / 0xFFFFFFFF
    wait: float = min(cap, plain * (1 - SPREAD + 2 * SPREAD * share))
    return round(wait, 3)
