"""`state/tracker.json`: what Linear calls things, kept from one tick to the next.

A cache: lost, torn, of another question or format, it is resolved anew.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from symphony_cli import files
from symphony_cli.adapters.linear.names import FORMAT, Names
from symphony_cli.core.shape import Malformed, decode, encode
from symphony_cli.errors import StateError


def question(endpoint: str, slug: str, account: str = "") -> str:
    """What was asked for, in one line: names found for another are no use.

    `account` may be a fingerprint of the key, never the key: who we are hangs on it.
    """
    return " ".join(filter(None, (endpoint, slug, account)))


def load(path: Path, asked_for: str) -> Names | None:
    """The names in the file, or None when it has none for this question, or cannot be read."""
    try:
        data = files.read(path)
        names = decode(Names, json.loads(data)) if data is not None else None
    except (StateError, ValueError, RecursionError, Malformed):
        return None
    fits = names is not None and names.asked_for == asked_for and names.format == FORMAT
    return names if fits else None


def save(path: Path, names: Names) -> None:
    """Publish the names; only the holder of `state/lock` may.

    Where they cannot be written, the next tick asks for them: no answer and no write of ours may be
    lost for a cache.
    """
    text = json.dumps({**encode(names), "format": FORMAT}, ensure_ascii=False)
    with contextlib.suppress(StateError):
        files.replace(path, text.encode("utf-8", "replace") + b"\n", durable=False)
