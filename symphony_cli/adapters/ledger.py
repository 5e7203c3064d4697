"""The ledger on disk: `ledger.jsonl`, append only, and the cache of its fold.

docs/ledger.md describes every byte. The rules: a line is written whole or not at all; a torn last
line is kept aside, cut off and told; damage anywhere else stops everything and touches nothing.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from symphony_cli import files
from symphony_cli.adapters.ledger_cache import Cached, load_cache, save_cache
from symphony_cli.core.events import FORMAT, Event, Repaired, Sighted, from_json, to_json
from symphony_cli.core.history import History
from symphony_cli.core.secrets import redact_json
from symphony_cli.core.shape import Json, Malformed
from symphony_cli.errors import LedgerDamaged, LedgerError, LedgerTooNew, StateError
from symphony_cli.paths import StatePaths


@dataclass(frozen=True, slots=True)
class Reading:
    """A ledger as it lies on disk: the fold of its whole lines, and what is left over."""

    cached: Cached
    torn: bytes
    was_cached: bool


def read_ledger(paths: StatePaths, workflow: str) -> Reading:
    """Fold the ledger, from the cache where it still fits; changes nothing on disk.

    Raises:
        LedgerDamaged: a whole line cannot be understood (its number is in the text), or the
            ledger is gone and its cache is not.
        LedgerTooNew: its format is newer than ours.
        LedgerError: it belongs to another WORKFLOW.md.
    """
    cached = load_cache(paths)
    start = cached or Cached(History(), offset=0, line="", finished_bytes=0)
    history, offset, last, torn = start.history, start.offset, b"", b""
    for line in files.lines(paths.ledger, start.offset):
        if not line.endswith(b"\n"):
            torn = line
            break
        if offset == 0:
            _header(history, line, paths)
            history.take(None)
        else:
            history.take(_event(line, history.position + 1, paths))
        offset, last = offset + len(line), line
        if history.workflow != workflow:
            raise _strange(paths, history, workflow)
    if offset == 0 and paths.view.exists():
        raise LedgerDamaged(
            f"{paths.ledger} is gone or empty, though {paths.view.name} was made from one: restore "
            f"it from a backup, or move {paths.view.name} away as well to start anew."
        )
    if offset and history.workflow != workflow:
        raise _strange(paths, history, workflow)
    text = last[:-1].decode("utf-8", "replace") if last else start.line
    reached = Cached(history, offset=offset, line=text, finished_bytes=start.finished_bytes)
    return Reading(reached, torn, was_cached=cached is not None and not last)


def _strange(paths: StatePaths, history: History, workflow: str) -> LedgerError:
    return LedgerError(
        f"{paths.ledger} belongs to {history.workflow}, not to {workflow}: "
        "point `state.path` at a folder of its own; or, if you moved the project here, put its new "
        "path into `workflow` in the ledger's first line."
    )


def _header(history: History, line: bytes, paths: StatePaths) -> None:
    try:
        header = json.loads(line)
        number, name, workflow = header["ledger"], header["id"], header["workflow"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise LedgerDamaged(
            f"{paths.ledger}, line 1: this is not the first line of a ledger; "
            "restore the file from a backup, or move it away to start anew."
        ) from error
    if not isinstance(number, int) or number > FORMAT:
        raise LedgerTooNew(
            f"{paths.ledger} has format {number}, this Symphony knows up to {FORMAT}: "
            "upgrade Symphony."
        )
    history.id, history.workflow = str(name), str(workflow)


def _event(line: bytes, number: int, paths: StatePaths) -> Event | None:
    try:
        return from_json(json.loads(line))
    except (ValueError, Malformed, RecursionError) as error:
        raise LedgerDamaged(
            f"{paths.ledger}, line {number}: {error}. Nothing was dispatched or changed; "
            "look at that line, and restore the file from a backup."
        ) from error


class FileLedger:
    """`ports.Ledger` for the one process that holds `state/lock`."""

    def __init__(
        self,
        paths: StatePaths,
        workflow: str,
        now: Callable[[], datetime],
        new_id: Callable[[], str],
        secrets: Sequence[str] = (),
    ) -> None:
        self._paths = paths
        self._secrets = tuple(secrets)
        reading = read_ledger(paths, workflow)
        self._at = reading.cached
        self._fresh = not reading.was_cached
        self.repaired = ""
        if reading.torn:
            self._repair(reading.torn, now())
        if self._at.offset == 0:
            self._begin(workflow, now(), new_id())

    def history(self) -> History:
        """Everything that ever happened, folded."""
        return self._at.history

    def append(self, *events: Event) -> None:
        """Write events down as one write of whole lines, and fold them.

        Raises:
            StateError: nothing was written.
        """
        if not events:
            return
        lines = [self._line(to_json(event)) for event in events]
        folded = [from_json(json.loads(line)) for line in lines]
        self._write(lines)
        self._at.history.take_all(folded)

    def save_cache(self) -> None:
        """Publish the fold for the next tick, if the ledger has grown since it was cached."""
        if self._fresh:
            self._at = save_cache(self._paths, self._at)
            self._fresh = False

    def _line(self, value: dict[str, Json]) -> bytes:
        """One line without its end. What is folded is read from it, so that memory and disk agree
        also where a secret was hidden or half a character lost."""
        text = json.dumps(redact_json(value, self._secrets), ensure_ascii=False)
        return text.encode("utf-8", "replace")

    def _write(self, lines: Sequence[bytes]) -> None:
        data = b"".join(line + b"\n" for line in lines)
        files.append(self._paths.ledger, data, at=self._at.offset)
        at, last = self._at, lines[-1].decode()
        self._at = Cached(at.history, at.offset + len(data), last, at.finished_bytes)
        self._fresh = True

    def _begin(self, workflow: str, now: datetime, name: str) -> None:
        header = {
            "ledger": FORMAT,
            "id": name,
            "workflow": workflow,
            "created": now.isoformat(timespec="seconds"),
        }
        files.make_folder(self._paths.root)
        self._write([self._line(header)])
        files.sync_folder(self._paths.root)
        history = self._at.history
        history.id, history.workflow = name, workflow
        history.take(None)

    def _repair(self, torn: bytes, now: datetime) -> None:
        """Keep the torn tail aside first, then cut: a crash between the two loses nothing."""
        files.append(self._paths.torn, torn + b"\n")
        files.cut(self._paths.ledger, self._at.offset)
        self.repaired = (
            f"the last line of {self._paths.ledger} was torn ({len(torn)} bytes, from a crash or "
            f"a full disk); it was moved to {self._paths.torn.name} and the ledger is whole again"
        )
        if self._at.offset:
            self.append(Repaired(now, len(torn), self._paths.torn.name))


@dataclass(frozen=True, slots=True)
class LedgerView:
    """`ports.Ledger` for commands that only read: no lock, no repair; a torn tail is not there."""

    fold: History

    def history(self) -> History:
        """Everything that ever happened, folded."""
        return self.fold

    def append(self, *events: Event) -> None:
        """Refuse: whoever writes holds the lock."""
        raise StateError("The ledger was opened for reading only: this is a bug, please report it.")


def view_ledger(paths: StatePaths, workflow: str) -> LedgerView:
    """The ledger as it is now.

    Raises:
        LedgerError: it is damaged, too new, or another workflow's.
    """
    return LedgerView(read_ledger(paths, workflow).cached.history)


def recent_events(paths: StatePaths, issue: str, most: int = 12) -> tuple[Event, ...]:
    """The newest events of one issue, oldest first; lines that cannot be read are passed over."""
    wanted = json.dumps(issue, ensure_ascii=False).encode()
    found: deque[Event] = deque(maxlen=most)
    for line in files.lines(paths.ledger):
        if wanted in line and line.endswith(b"\n"):
            event = _event(line, 0, paths)
            if event is not None and _about(event) == issue:
                found.append(event)
    return tuple(found)


def _about(event: Event) -> str:
    return event.issue.id if isinstance(event, Sighted) else getattr(event, "issue", "")
