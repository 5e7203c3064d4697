"""Commands of an agent, each the leader of a session of its own, as Codex runs them.

A command outlives the step, and the turn, that began it when it is sent to the background or its
turn is interrupted; then only `kill_all` or its own end stops it.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import secrets
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from symphony_cli import clock

OUTPUT_LIMIT = 1_048_576
"""Characters of a command's output that its item keeps (measured with Codex)."""

KILLED = -1
"""The exit code of a command that was killed."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of a command."""

    output: str
    exit_code: int
    duration_ms: int


@dataclass(slots=True)
class Terminal:
    """A command that runs. Its output arrives in `on_output` from the moment that is set."""

    item_id: str
    command: str
    cwd: Path
    process: asyncio.subprocess.Process
    began: float
    process_id: str = field(default_factory=lambda: str(10000 + secrets.randbelow(90000)))
    output: str = ""
    on_output: Callable[[str], None] | None = None

    async def ended(self) -> Ended:
        """Read to the end of the output and wait."""
        stream = self.process.stdout
        assert stream is not None, "the command was started with a pipe"
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while data := await stream.read(65536):
            self._take(decoder.decode(data))
        code = await self.process.wait()
        duration = round((clock.monotonic() - self.began) * 1000)
        return Ended(self.output, code if code >= 0 else KILLED, duration)

    def _take(self, text: str) -> None:
        self.output += text[: OUTPUT_LIMIT - len(self.output)]
        if self.on_output is not None and text:
            self.on_output(text)

    def kill(self) -> None:
        """End the command and all that is still in its process group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)


async def start(item_id: str, command: str, cwd: Path) -> Terminal:
    """Run `command` in a login shell.

    Raises:
        OSError: there is no bash, or no such folder.
    """
    process = await asyncio.create_subprocess_exec(
        "/bin/bash",
        "-lc",
        command,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    return Terminal(item_id, command, cwd, process, clock.monotonic())


def detached(command: str) -> str:
    """Shell text that runs `command` in another session and returns at once."""
    quoted = "'" + command.replace("'", "'\"'\"'") + "'"
    return f"setsid /bin/bash -c {quoted} </dev/null >/dev/null 2>&1 &"


def hold(command: str, cwd: Path) -> None:
    """Run `command` in another session, with the server's own stdout and stderr; nobody waits.

    Raises:
        OSError: there is no bash, or no such folder.
    """
    subprocess.Popen(
        ["/bin/bash", "-c", command], cwd=cwd, stdin=subprocess.DEVNULL, start_new_session=True
    )
