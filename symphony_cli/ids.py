"""Names: of issues, of their folders, of runs, and how one is made from another."""

from __future__ import annotations

import os
import re
from collections.abc import Container
from typing import NewType

IssueId = NewType("IssueId", str)
"""What the tracker calls an issue for ever; never shown to people when an identifier is there."""

Key = NewType("Key", str)
"""Our own name for an issue: safe as a folder, unique without case, never changed."""

RunId = NewType("RunId", str)
"""Random; tells one attempt from every other, also across copies of a ledger."""

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_LONGEST_KEY = 60


def digest(text: str, length: int = 8) -> str:
    """A short, stable fingerprint of `text` in hexadecimal."""
    import hashlib  # brings OpenSSL, 4 MB, and a supervisor never asks for a digest

    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]


def key_for(identifier: str, taken: Container[str]) -> Key:
    """A folder name for an issue called `identifier`.

    Characters outside ``A-Z a-z 0-9 . _ -`` become ``_``; a name that had to be changed, or that
    somebody in `taken` (keys in lower case) already has, gets a fingerprint at its end.
    """
    name = _UNSAFE.sub("_", identifier).lstrip(".-")[:_LONGEST_KEY].rstrip(".")
    if name and name == identifier and name.lower() not in taken:
        return Key(name)
    stem = f"{name or 'issue'}-{digest(identifier)}"
    candidate, n = stem, 2
    while candidate.lower() in taken:
        candidate, n = f"{stem}-{n}", n + 1
    return Key(candidate)


def new_run_id() -> RunId:
    """A random run id."""
    return RunId("run_" + os.urandom(8).hex())


def new_ledger_id() -> str:
    """A random name for a new ledger."""
    return "ledger_" + os.urandom(8).hex()


def write_id(*parts: str) -> str:
    """The id of a write to the tracker, made from what it is about: a repeat has the same."""
    return "w_" + digest("\x1f".join(parts), 20)
