"""What a tool says to the model: success, and a text that is never too long."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a tool call."""

    success: bool
    text: str


class BadCall(ValueError):
    """The arguments make no sense; the text tells the model what to send instead."""
