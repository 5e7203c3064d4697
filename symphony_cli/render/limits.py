"""Rate limits of the model's provider as a sentence, from whatever of them is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime


def provider(limits: Mapping[str, object]) -> list[str]:
    """A line for each limit: how much of which window is used, and when it resets (UTC)."""
    lines = []
    for name, limit in limits.items():
        said = ", ".join(_windows(limit))
        if said:
            lines.append(f"Provider{f' ({name})' if name else ''}: {said}")
    return lines


def _windows(limit: object) -> Iterator[str]:
    for place in ("primary", "secondary"):
        window = limit.get(place) if isinstance(limit, dict) else None
        used = window.get("usedPercent") if isinstance(window, dict) else None
        if isinstance(window, dict) and type(used) in (int, float):
            yield f"{used}% of {_length(window)} used{_reset(window)}"


def _length(window: Mapping[str, object]) -> str:
    minutes = window.get("windowDurationMins")
    if type(minutes) is not int or minutes <= 0:
        return "a window"
    if minutes % 1440 == 0:
        return f"{minutes // 1440} days"
    return f"{minutes // 60} hours" if minutes % 60 == 0 else f"{minutes} minutes"


def _reset(window: Mapping[str, object]) -> str:
    at = window.get("resetsAt")
    if type(at) is not int or not 0 < at < 2**33:
        return ""
    return f", resets {datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"
