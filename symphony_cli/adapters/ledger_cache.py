"""The cache of the ledger's fold: `view.json` and `finished.jsonl`. Losing it costs one slow tick.

`view.json` names the ledger, the offset up to which it is folded, and a hash of the line before
that offset. When any of these does not fit the ledger, the cache is thrown away.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from symphony_cli import files
from symphony_cli.core.history import History
from symphony_cli.core.record import Record
from symphony_cli.core.shape import Malformed, decode, encode
from symphony_cli.errors import StateError
from symphony_cli.ids import IssueId
from symphony_cli.paths import StatePaths

FORMAT = 4


@dataclass(frozen=True, slots=True)
class Cached:
    """A fold, and where in the ledger it stands; `line` is the last one before `offset`."""

    history: History
    offset: int
    line: str
    finished_bytes: int


@dataclass(frozen=True, slots=True)
class View:
    """`view.json`."""

    format: int
    ledger: str
    offset: int
    line_bytes: int
    line_hash: str
    finished_bytes: int
    history: dict[str, object]


class Finished(Mapping[IssueId, Record]):
    """Records of finished issues, read from `finished.jsonl` when somebody first asks."""

    def __init__(self, paths: StatePaths, size: int) -> None:
        self._paths = paths
        self._size = size
        self._records: dict[IssueId, Record] | None = None

    def _load(self) -> dict[IssueId, Record]:
        if self._records is None:
            data = (files.read(self._paths.finished) or b"")[: self._size]
            try:
                records = [decode(Record, json.loads(line)) for line in data.splitlines()]
            except (ValueError, Malformed, RecursionError) as error:
                raise StateError(
                    f"{self._paths.finished} cannot be understood. It is only a cache: delete it "
                    f"together with {self._paths.view.name}, and the next tick makes both anew."
                ) from error
            self._records = {record.id: record for record in records}
        return self._records

    def __getitem__(self, issue: IssueId) -> Record:
        return self._load()[issue]

    def __iter__(self) -> Iterator[IssueId]:
        return iter(self._load())

    def __len__(self) -> int:
        return len(self._load())


def load_cache(paths: StatePaths) -> Cached | None:
    """The cached fold, or None when there is none that fits the ledger."""
    try:
        data = files.read(paths.view)
        view = None if data is None else decode(View, json.loads(data))
        if view is None or view.format != FORMAT or not _fits(view, paths):
            return None
        history = decode(History, view.history)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError, StateError):
        return None
    history.finished = Finished(paths, view.finished_bytes)
    line = _line_before(paths, view)
    return Cached(history, view.offset, line.decode("utf-8", "replace"), view.finished_bytes)


def _fits(view: View, paths: StatePaths) -> bool:
    line = _line_before(paths, view)
    if hashlib.sha256(line).hexdigest() != view.line_hash:
        return False
    with files.translated(paths.ledger, "read"), paths.ledger.open("rb") as stream:
        header = json.loads(stream.readline())
    if header["id"] != view.ledger:
        return False
    if view.finished_bytes == 0:
        return True
    with files.translated(paths.finished, "read"):
        return paths.finished.stat().st_size >= view.finished_bytes


def _line_before(paths: StatePaths, view: View) -> bytes:
    """The line that ends at the cached offset, or nothing when the ledger does not reach it."""
    with files.translated(paths.ledger, "read"), paths.ledger.open("rb") as stream:
        stream.seek(max(0, view.offset - view.line_bytes - 1))
        line, end = stream.read(view.line_bytes), stream.read(1)
    return line if end == b"\n" else b""


def save_cache(paths: StatePaths, at: Cached) -> Cached:
    """Publish the fold: finished issues go to the end of `finished.jsonl`, the rest into the view.

    A crash between the two writes leaves lines that no view counts; the next save cuts them off.
    Afterwards the history of `at` is divided as one that is read anew would be.
    """
    history = at.history
    owing = {write.issue for write in history.outbox.values()}
    done = {
        issue: record
        for issue, record in history.records.items()
        if record.finished_at and not record.running and issue not in owing
        # One whose workspace is still there is looked at in each tick: it may have to go.
        if not record.has_workspace and record.removal is None
    }
    size = _append_finished(paths, list(done.values()), at.finished_bytes)
    rest = {issue: r for issue, r in history.records.items() if issue not in done}
    line = at.line.encode("utf-8")
    view = View(
        format=FORMAT,
        ledger=history.id,
        offset=at.offset,
        line_bytes=len(line),
        line_hash=hashlib.sha256(line).hexdigest(),
        finished_bytes=size,
        history=encode(replace(history, records=rest, finished={})),
    )
    files.replace(paths.view, json.dumps(encode(view)).encode(), durable=False)
    history.records, history.finished = rest, Finished(paths, size)
    return replace(at, finished_bytes=size)


def _append_finished(paths: StatePaths, records: list[Record], size: int) -> int:
    if paths.finished.exists() and paths.finished.stat().st_size > size:
        files.cut(paths.finished, size)
    if not records:
        return size
    if size == 0:
        with files.translated(paths.view, "removed"):
            paths.view.unlink(missing_ok=True)  # it may count other lines than those to come
    lines = b"".join(json.dumps(encode(record)).encode() + b"\n" for record in records)
    files.append(paths.finished, lines, durable=False)
    return size + len(lines)
