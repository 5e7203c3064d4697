"""report.jsonl as a supervisor writes it: a full disk holds lines back, and loses none of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from symphony_cli import clock, runfolder
from symphony_cli.core.report import Line, UsageSeen
from symphony_cli.errors import StateError
from symphony_cli.paths import RunPaths

PATIENCE = 300.0
"""Seconds without being able to write after which the run is given up."""

MOST_KEPT = 10_000
"""Lines that wait in memory; of more than that the newest count."""


class ReportFile:
    """Appends whole lines in the order in which they are told, each once the disk takes it."""

    def __init__(self, paths: RunPaths, secrets: Sequence[str]) -> None:
        self._paths, self._secrets = paths, tuple(secrets)
        self._reporter: runfolder.Reporter | None = None
        self._waiting: deque[Line] = deque(maxlen=MOST_KEPT)
        self._since: float | None = None
        self._why = ""

    def tell(self, line: Line, mono: float) -> None:
        """Add a line, now or later. Behind lines that wait, it waits for `flush`, too."""
        if isinstance(line, UsageSeen):
            self._forget(line.thread)
        self._waiting.append(line)
        if self._since is None:
            self.flush(mono)

    def _forget(self, thread: str) -> None:
        """A running total that was not written yet has no worth beside a newer one."""
        for line in self._waiting:
            if isinstance(line, UsageSeen) and line.thread == thread:
                self._waiting.remove(line)
                return

    def flush(self, mono: float) -> None:
        """Write what waits, as far as the disk takes it."""
        try:
            self._write()
        except StateError as error:
            self._since = mono if self._since is None else self._since
            self._why = str(error)
        else:
            self._since = None

    def overdue(self, mono: float) -> str:
        """Why lines cannot be written, once that has lasted too long; empty otherwise."""
        return self._why if self._since is not None and mono - self._since >= PATIENCE else ""

    def finish(self) -> None:
        """Write what waits, for the last time.

        Raises:
            StateError: not everything could be written.
        """
        self._write()

    def _write(self) -> None:
        while self._waiting:
            # One that failed is not used again: a new one begins on a line of its own.
            reporter, self._reporter = self._reporter, None
            reporter = reporter or runfolder.Reporter(self._paths, clock.now, self._secrets)
            reporter.tell(self._waiting[0])
            self._reporter = reporter
            self._waiting.popleft()
