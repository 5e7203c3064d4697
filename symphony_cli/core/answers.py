"""Which tools agents are offered, how long an answer may be, and how a longer one is cut."""

from __future__ import annotations

OFFERED = {
    "linear": ("linear_graphql", "symphony_block"),
    "markdown": ("issue_update", "symphony_block"),
}
"""The tools that a new thread is offered, by kind of tracker; first the one for the tracker."""

LONGEST = 16 * 1024
"""Bytes of UTF-8, our note included: an agent pays for each of them again and again."""


def capped(text: str, longest: int = LONGEST) -> str:
    """`text` with at most `longest` bytes of UTF-8; a cut is said, with the whole size."""
    data = text.encode("utf-8", "replace")
    if len(data) <= longest:
        return data.decode()
    note = f"\n[cut: the answer has {len(data)} bytes, at most {longest} are shown; ask for less]"
    return data[: longest - len(note)].decode("utf-8", "ignore") + note
