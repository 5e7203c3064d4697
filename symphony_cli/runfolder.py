"""Reading and writing the folder of a run: the mailbox between tick and run.

Each file has one writer at a time (DESIGN, On disk) and is published whole or appended by lines,
so a reader never sees a half. What cannot be read is None here and named by `trouble`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from symphony_cli import files
from symphony_cli.core import report
from symphony_cli.core.run import Brief, Order, PidFile, StopNote, Verdict
from symphony_cli.core.secrets import redact, redact_json
from symphony_cli.core.shape import Malformed, decode, encode
from symphony_cli.errors import StateError
from symphony_cli.paths import RunPaths

T = TypeVar("T")


def load(kind: type[T], path: Path) -> T | None:
    """The value in a file, or None when the file is not there.

    Raises:
        StateError: the file is there and does not hold a `kind`.
    """
    data = files.read(path)
    if data is None:
        return None
    try:
        return decode(kind, json.loads(data))
    except (ValueError, Malformed) as error:
        raise StateError(f"{path} cannot be understood: {error}.") from error


def save(value: object, path: Path, secrets: Sequence[str] = (), *, durable: bool = True) -> None:
    """Publish a value as JSON, without the secrets."""
    text = json.dumps(redact_json(encode(value), secrets), ensure_ascii=False, indent=1)
    files.replace(path, text.encode("utf-8", "replace") + b"\n", durable=durable)


def order(paths: RunPaths) -> Order:
    """The order of a run that is there.

    Raises:
        StateError: it is missing or cannot be understood.
    """
    found = load(Order, paths.order)
    if found is None:
        raise StateError(f"{paths.order} is missing: this folder is no run.")
    return found


def brief(paths: RunPaths) -> Brief | None:
    """What prepare left, if it came that far."""
    return load(Brief, paths.brief)


def pid_file(paths: RunPaths) -> PidFile | None:
    """The last sign of life, if there is one."""
    return load(PidFile, paths.pid)


def verdict(paths: RunPaths) -> Verdict | None:
    """How the run ended, once it has."""
    return load(Verdict, paths.verdict)


def stop_note(paths: RunPaths) -> StopNote | None:
    """Why the run shall end, when it shall. An unreadable note is a note all the same."""
    try:
        return load(StopNote, paths.stop)
    except StateError:
        return StopNote("operator", "the stop file cannot be read")


def report_lines(paths: RunPaths) -> tuple[report.Line, ...]:
    """All that the run has told so far."""
    return report.from_bytes(files.read(paths.report) or b"")


class Reporter:
    """Appends to report.jsonl; starts on a line of its own after an act that was killed."""

    def __init__(
        self, paths: RunPaths, now: Callable[[], datetime], secrets: Sequence[str] = ()
    ) -> None:
        self._path = paths.report
        self._secrets = tuple(secrets)
        self.now = now
        existing = files.read(self._path) or b""
        if existing and not existing.endswith(b"\n"):
            files.append(self._path, b"\n", durable=False)

    def tell(self, line: report.Line) -> None:
        """Add one line. Not waited for by the disk: a lost line costs a figure, not an issue."""
        text = redact(report.to_text(line), self._secrets)
        files.append(self._path, text.encode("utf-8", "replace") + b"\n", durable=False)
