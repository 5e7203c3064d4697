"""Ledgers in a folder, and what they add up to."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from symphony_cli.adapters.ledger import FileLedger, read_ledger
from symphony_cli.core.events import Event, to_json
from symphony_cli.core.history import History
from symphony_cli.core.shape import Json, encode
from symphony_cli.paths import StatePaths
from tests.builders import NOW

WORKFLOW = "/srv/alpha/WORKFLOW.md"
FIXTURE = Path(__file__).with_name("ledger_v1.jsonl")
_numbers = itertools.count()


def book(root: Path, secrets: Iterable[str] = ()) -> FileLedger:
    """The ledger in this folder, opened by the process that holds the lock."""
    return FileLedger(
        StatePaths(root), WORKFLOW, lambda: NOW, lambda: f"ledger_{next(_numbers)}", tuple(secrets)
    )


def lines_of(root: Path) -> list[bytes]:
    """The lines of the ledger file, each with its end."""
    return StatePaths(root).ledger.read_bytes().splitlines(keepends=True)


def content(root: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def as_line(event: Event) -> bytes:
    """One event as the file has it."""
    return json.dumps(to_json(event), ensure_ascii=False).encode() + b"\n"


def told(history: History) -> Json:
    """All that a history says, wherever its finished issues lie; order counts where it matters."""
    everybody = {**history.finished, **history.records}
    records = {name: everybody[name] for name in sorted(everybody)}
    return json.dumps(encode(replace(history, records=records, finished={})))


def fold(root: Path) -> Json:
    """What the whole file adds up to, without any cache."""
    paths = StatePaths(root)
    hidden = paths.view.with_name("view.hidden")
    if paths.view.exists():
        paths.view.rename(hidden)
    try:
        return told(read_ledger(paths, WORKFLOW).cached.history)
    finally:
        if hidden.exists():
            hidden.rename(paths.view)
