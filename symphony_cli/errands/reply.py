"""What a tool says to the model: success, and a text that is never too long."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_REPLY = 16 * 1024
"""Bytes of the text in a reply, note included."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a tool call."""

    success: bool
    text: str


class BadCall(ValueError):
    """The arguments make no sense; the text tells the model what to send instead."""


def capped(reply: Reply, longest: int = LONGEST_REPLY) -> Reply:
    """`reply` with its text cut to `longest` bytes of UTF-8, saying how long it was."""
    data = reply.text.encode("utf-8", "replace")
    if len(data) <= longest:
        return Reply(reply.success, data.decode())
    note = f"\n[cut: {len(data)} bytes, at most {longest} are shown; ask for less at once]"
    kept = data[: longest - len(note)].decode("utf-8", "ignore")
    return Reply(reply.success, kept + note)
