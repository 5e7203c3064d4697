"""The way in and out: every error becomes one sentence and its exit code."""

from __future__ import annotations

import contextlib
import signal
import sys
import traceback

import typer

from symphony_cli.cli.shared import Judged, app, place
from symphony_cli.errors import ExitCode, LockHeld, SymphonyError


def main(arguments: list[str] | None = None) -> None:
    """Run a command and exit with its code; every error becomes one sentence on stderr."""
    if sys.platform == "win32":
        sys.exit("Symphony runs on Linux (and, with limits, on macOS); use WSL on Windows.")
    with contextlib.suppress(ValueError):  # not in the main thread: somebody else's process
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        code = _run(arguments)
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    except LockHeld as error:
        code = _locked(error)
    except SymphonyError as error:
        typer.echo(f"symphony: {error}", err=True)
        code = int(error.exit_code)
    except Exception:  # noqa: BLE001 - the one net at the top: a bug of ours, told with its trace
        code = _bug(traceback.format_exc())
    sys.exit(code)


def _run(arguments: list[str] | None) -> int:
    """typer's own code for bad usage, 2, becomes 64."""
    try:
        result = app(args=arguments, prog_name="symphony", standalone_mode=True)
    except Judged as ended:
        return int(ended.code or 0)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        return int(ExitCode.USAGE) if code == 2 else code
    return int(result) if isinstance(result, int) else 0


def _bug(trace: str) -> int:
    """A traceback may quote the tracker's key; where that cannot be looked up, say only where."""
    from symphony_cli.core.secrets import redact

    try:
        from symphony_cli import wiring_config

        text = redact(trace, wiring_config.configure(place(), need_key=False).secrets)
    except Exception:  # noqa: BLE001 - whatever is wrong, the bug must still be told
        text = "".join(line for line in trace.splitlines(True) if line.startswith("  File "))
    typer.echo(f"{text.rstrip()}\nsymphony: This is a bug of ours: please report it.", err=True)
    return int(ExitCode.BUG)


def _locked(error: LockHeld) -> int:
    typer.echo(f"symphony: {error}", err=True)
    return int(ExitCode.LOCKED)
