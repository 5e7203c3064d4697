"""Asking a program of this machine something, with a time limit that its children have too."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from tempfile import TemporaryFile

LIMIT = 10.0
"""Seconds for an answer; a program that says its version needs a tenth of one."""

_LONGEST = 1_000_000


@dataclass(frozen=True, slots=True)
class Reply:
    """What a program said and how it ended; `failure` says why there is no answer at all."""

    code: int = 0
    out: str = ""
    err: str = ""
    failure: str = ""

    @property
    def first(self) -> str:
        """The first line that says anything, of its output, else of its complaints."""
        lines = (line.strip() for line in (self.out or self.err).splitlines())
        return next(filter(None, lines), "")

    @property
    def trouble(self) -> str:
        """Why this is no good answer; nothing when it is one."""
        if self.failure:
            return self.failure
        complaint = next(filter(None, map(str.strip, self.err.splitlines())), self.first)
        return "" if self.code == 0 else complaint or f"exit status {self.code}"


def ask(argv: Sequence[str], environment: Mapping[str, str], limit: float = LIMIT) -> Reply:
    """Start a program with nothing to read and hear what it says; never raises for it.

    Output goes to nameless files: a pipe would be held open by a child that stays behind.
    """
    with TemporaryFile() as out, TemporaryFile() as err:
        try:
            process = subprocess.Popen(
                argv,
                env=dict(environment),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        except OSError as error:
            return Reply(failure=f"it cannot be started: {error.strerror}")
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            return Reply(failure=f"it gave no answer in {limit:g} s")
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        out.seek(0)
        err.seek(0)
        told = (stream.read(_LONGEST).decode("utf-8", "replace") for stream in (out, err))
        return Reply(code, *told)
