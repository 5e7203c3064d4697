"""Keep secrets out of everything we write, wherever they came from (row O12)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cache

from symphony_cli.core.shape import Json

SHORTEST = 8
"""Shorter values are no secrets: hiding them would only garble text."""

HIDDEN = "[secret]"


def bare(key: str) -> str:
    """A tracker's key without spaces around it and without "Bearer" before it."""
    word, _, token = key.strip().partition(" ")
    return token.strip() if word.casefold() == "bearer" and token.strip() else key.strip()


def spellings(key: str) -> tuple[str, ...]:
    """What must be hidden where `key` is one: itself, which is used for requests, comes first."""
    return tuple(dict.fromkeys((key, bare(key)))) if key else ()


def redact(text: str, secrets: Iterable[str]) -> str:
    """`text` with each secret replaced, also where JSON has escaped it."""
    for form in _forms(tuple(secrets)):
        text = text.replace(form, HIDDEN)
    return text


def redact_bytes(data: bytes, secrets: Iterable[str]) -> bytes:
    """The same for bytes in UTF-8."""
    for form in _forms(tuple(secrets)):
        data = data.replace(form.encode("utf-8", "surrogateescape"), HIDDEN.encode())
    return data


def redact_json(value: Json, secrets: Sequence[str]) -> Json:
    """The same for every text in a JSON value, names of members included; numbers stay numbers."""
    if isinstance(value, str):
        return redact(value, secrets)
    if isinstance(value, dict):
        return {redact(name, secrets): redact_json(v, secrets) for name, v in value.items()}
    if isinstance(value, list):
        return [redact_json(member, secrets) for member in value]
    return value


@cache
def _forms(secrets: tuple[str, ...]) -> list[str]:
    """Each secret as it is and as JSON writes it; longest first, as one may be part of another."""
    forms = {
        form
        for secret in secrets
        if len(secret) >= SHORTEST
        for form in (
            secret,
            json.dumps(secret)[1:-1],
            json.dumps(secret, ensure_ascii=False)[1:-1],
        )
    }
    return sorted(forms, key=lambda form: (-len(form), form))
