"""The operator's hooks: shell text of WORKFLOW.md, run in a workspace.

A hook runs in `bash` (in `sh` where there is none) with stop on error: a failed `git clone` in the
first line must not count as success because the last line went well. It is no login shell, since a
profile would replace the PATH that git and the agent have. Its folder is the workspace: a hook is
the operator's own program and the only one of our children that begins there.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from symphony_cli import clock, files, processes
from symphony_cli.core.secrets import redact, redact_bytes
from symphony_cli.errors import HookFailed

MOST_LOGGED = 1_000_000
"""Bytes of one hook's output that are kept; the rest is read and dropped."""

GRACE = 2.0
"""Seconds between TERM and KILL."""

MOST_TOLD = 300
"""Characters of a hook's last words that an error quotes; the log has the rest."""

_TAIL = 2000
_LONGEST_LINE = 65_536
_CHUNK = 65_536
_LOOK = 0.05
_MOST_AFTERWARDS = 64


def run_hook(
    name: str,
    script: str,
    workspace: Path,
    environment: Mapping[str, str],
    timeout: float,
    log: Path,
    *,
    on_group: Callable[[int], None] | None = None,
    secrets: Iterable[str] = (),
) -> None:
    """Run one hook and wait for it; nothing happens when `script` is blank.

    Output of both kinds goes to the end of `log`, without `secrets`. `on_group` is told the
    process group first. What the hook leaves running in the background when it succeeds is let be.

    Raises:
        HookFailed: it ended with an error, or took longer than `timeout` seconds and was ended
            with everything in its group.
        StateError: `log` cannot be written.
    """
    if not script.strip():
        return
    output = _Output(log, name, tuple(secrets))
    process = _started(name, script, workspace, environment)
    try:
        if on_group is not None:
            on_group(process.pid)
        status = _watch(process, output, clock.monotonic() + timeout)
    except BaseException:
        _end(process)
        raise
    finally:
        assert process.stdout is not None, "a hook has a pipe"
        process.stdout.close()
    output.close()
    if status is None:
        raise HookFailed(
            f"Hook {name} took longer than {timeout:g} s and was ended: make it faster or raise"
            f" hooks.timeout_ms.{output.told}"
        )
    if status != 0:
        how = f"exit status {status}" if status > 0 else f"signal {-status}"
        raise HookFailed(f"Hook {name} failed with {how}: see {log}.{output.told}")


def _started(
    name: str, script: str, workspace: Path, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    path = environment.get("PATH", os.defpath)
    shell = shutil.which("bash", path=path) or shutil.which("sh", path=path) or "/bin/sh"
    try:
        return subprocess.Popen(
            [os.path.abspath(shell), "-e", "-c", script],
            cwd=workspace,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            bufsize=0,
        )
    except (OSError, ValueError) as error:
        raise HookFailed(f"Hook {name} cannot be started in {workspace}: {error}.") from error


def _watch(process: subprocess.Popen[bytes], output: _Output, deadline: float) -> int | None:
    """Read until the shell has ended; its status, or None when it had to be ended.

    Not until the end of the pipe: a server that the hook started holds it open for ever.
    """
    assert process.stdout is not None, "a hook has a pipe"
    descriptor = process.stdout.fileno()
    os.set_blocking(descriptor, False)
    is_open = True
    while process.poll() is None:
        left = deadline - clock.monotonic()
        if left <= 0:
            _end(process)
            _drain(descriptor, output)
            return None
        watched = [descriptor] if is_open else []
        if select.select(watched, [], [], min(left, _LOOK))[0]:
            is_open = _take(descriptor, output)
    _drain(descriptor, output)
    return process.returncode


def _take(descriptor: int, output: _Output) -> bool:
    """Read what is there; False at the end of the pipe."""
    try:
        data = os.read(descriptor, _CHUNK)
    except BlockingIOError:
        return True
    output.add(data)
    return bool(data)


def _drain(descriptor: int, output: _Output) -> None:
    """Read what the ended shell left in the pipe (64 KiB on Linux), and not much of others'."""
    for _ in range(_MOST_AFTERWARDS):
        if not select.select([descriptor], [], [], 0)[0] or not _take(descriptor, output):
            return


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the whole group: TERM, and KILL for whoever is still there after `GRACE`.

    The shell is collected last: until then nobody else can get the number of its group.
    """
    _signal(process.pid, signal.SIGTERM)
    deadline = clock.monotonic() + GRACE
    while clock.monotonic() < deadline and _is_populated(process):
        clock.sleep(_LOOK)
    _signal(process.pid, signal.SIGKILL)
    process.wait()


def _is_populated(process: subprocess.Popen[bytes]) -> bool:
    if not hasattr(os, "waitid"):  # macOS; its group cannot be listed either
        return process.poll() is None
    ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    return ended is None or bool(processes.members((process.pid,)))


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


class _Output:
    """A hook's output on its way to the log: cut at `MOST_LOGGED`, line by line without secrets."""

    def __init__(self, log: Path, name: str, secrets: tuple[str, ...]) -> None:
        self._log = log
        self._secrets = secrets
        self._longest = max((len(secret.encode()) for secret in secrets), default=1)
        self._rest = b""
        self._left = MOST_LOGGED
        self._tail = ""
        files.append(log, f"[hook {name}]\n".encode(), durable=False)

    def add(self, data: bytes) -> None:
        """Take the next bytes; whole lines go on, so that no secret is cut in two."""
        lines, newline, self._rest = (self._rest + data).rpartition(b"\n")
        if lines or newline:
            self._write(lines + newline)
        if len(self._rest) > _LONGEST_LINE:
            clean = redact_bytes(self._rest, self._secrets)
            self._write(clean[: -self._longest])
            self._rest = clean[-self._longest :]

    def close(self) -> None:
        """Write the last line, with an end if it has none."""
        if self._rest:
            self._write(self._rest + b"\n")
            self._rest = b""

    @property
    def told(self) -> str:
        """The end of the output as part of a sentence for a person."""
        text = self._tail.strip()
        if len(text) > MOST_TOLD:
            text = f"…{text[1 - MOST_TOLD :].lstrip()}"
        return f" It said last: {text}" if text else ""

    def _write(self, data: bytes) -> None:
        clean = redact_bytes(data, self._secrets)
        said = redact(self._tail + clean.decode("utf-8", "replace"), self._secrets)
        self._tail = said[-_TAIL:]
        if self._left <= 0:
            return
        files.append(self._log, clean[: self._left], durable=False)
        self._left -= len(clean)
        if self._left <= 0:
            note = f"\n[output beyond {MOST_LOGGED} bytes is left out]\n"
            files.append(self._log, note.encode(), durable=False)
