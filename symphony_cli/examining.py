"""What stands around `symphony doctor`: printing findings as they come, and the parcel."""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from symphony_cli import wiring_doctor, wiring_parcel
from symphony_cli.commands.doctor import DoctorResult, doctor
from symphony_cli.core.findings import Finding
from symphony_cli.errands.launcher import codex_argv
from symphony_cli.render.doctor import Page
from symphony_cli.render.machine import as_json
from symphony_cli.watching import coloured

_WIDEST = 100
"""Longer lines are hard to read, however wide a terminal is."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of the command; `bundle` is an absolute path."""

    workflow: str | None = None
    env_file: str | None = None
    as_cron: bool = False
    bundle: str | None = None
    as_json: bool = False


def run(asked: Asked) -> int:
    """Make all checks and print them; the exit code.

    Raises:
        UsageError: there is something at the place for the parcel.
        StateError: the parcel cannot be written.
    """
    if asked.bundle is not None:
        wiring_parcel.refuse_parcel(Path(asked.bundle))
    eyes = wiring_doctor.open_examiner(
        asked.workflow, asked.env_file, os.environ, codex_argv, as_cron=asked.as_cron
    )
    page = Page(coloured(sys.stdout, os.environ), _width())
    told: Callable[[Finding], None] = _ignore if asked.as_json else _teller(page)
    result = doctor(eyes, as_cron=asked.as_cron, on_start=_begun, on_finding=told)
    _begun("")
    if asked.bundle is not None:
        result = _with_parcel(result, eyes, Path(asked.bundle))
    _print(as_json(result) if asked.as_json else page.summary(result))
    return result.exit_code


def _with_parcel(
    result: DoctorResult, eyes: wiring_doctor.LocalExaminer, path: Path
) -> DoctorResult:
    contents = wiring_parcel.write_parcel(path, eyes, as_json(result) + "\n")
    return replace(result, bundle=str(path), contents=contents)


def _teller(page: Page) -> Callable[[Finding], None]:
    def tell(finding: Finding) -> None:
        _begun("")
        _print(page.finding(finding))

    return tell


def _print(text: str) -> None:
    """A reader that goes away (`| head`) changes neither the checks nor the exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # Python would try to write what is left once more when it ends, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _ignore(finding: Finding) -> None:
    """For programs everything is told at once."""


def _begun(name: str) -> None:
    """On a terminal, what is being looked at: some looks take seconds. It is wiped out again."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{name and f'looking: {name} ...'}", end="", file=sys.stderr, flush=True)


def _width() -> int:
    return min(_WIDEST, shutil.get_terminal_size().columns) if sys.stdout.isatty() else 80
