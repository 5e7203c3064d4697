"""Keep secrets out of everything we write, wherever they came from (row O12)."""

from __future__ import annotations

from collections.abc import Iterable

SHORTEST = 8
"""Shorter values are no secrets: hiding them would only garble text."""

HIDDEN = "[secret]"


def redact(text: str, secrets: Iterable[str]) -> str:
    """`text` with each secret replaced, also where JSON has escaped it."""
    for secret in secrets:
        if len(secret) >= SHORTEST:
            text = text.replace(secret, HIDDEN)
    return text


def redact_bytes(data: bytes, secrets: Iterable[str]) -> bytes:
    """The same for bytes in UTF-8."""
    for secret in secrets:
        if len(secret) >= SHORTEST:
            data = data.replace(secret.encode(), HIDDEN.encode())
    return data
