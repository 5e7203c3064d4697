"""What stands around `symphony logs`: where it is printed, in which colours, and the waiting."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Literal, TextIO

from symphony_cli import clock, wiring_world
from symphony_cli.commands.logs import Watch, choose, logs
from symphony_cli.commands.telling import RawLine
from symphony_cli.core.said import Entry, Note, to_json
from symphony_cli.errors import ExitCode
from symphony_cli.ports import World
from symphony_cli.render.logs import Page
from symphony_cli.wiring_config import Place

Style = Literal["text", "json", "raw"]

_WIDEST = 120
"""Longer lines are hard to read, however wide a terminal is."""


def show(place: Place, issue: str, run: int | None, style: Style, *, follow: bool) -> ExitCode:
    """Print what there is to tell of an issue's run; with `follow`, also what comes.

    A reader that goes away (`| head`) ends it without a word.

    Raises:
        UsageError: there is no such issue or run.
        SymphonyError: `state/` cannot be read.
    """
    opened = wiring_world.reading(place)
    if opened.world.policy_error:
        print(f"symphony: warning: {opened.world.policy_error}", file=sys.stderr)
    chosen = choose(opened.world, issue, run)
    try:
        watch = Watch(partial(_anew, place), _flushed_sleep) if follow else None
        entries = logs(opened.world, chosen, raw=style == "raw", watch=watch)
        _print(entries, style)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python would try to write what is left once more when it ends, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return ExitCode.DONE


def _anew(place: Place) -> World:
    return wiring_world.reading(place).world


def _flushed_sleep(seconds: float) -> None:
    sys.stdout.flush()
    clock.sleep(seconds)


def _print(entries: Iterator[Entry | RawLine], style: Style) -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    printed = _printer(style)
    for entry in entries:
        if isinstance(entry, RawLine):
            sys.stdout.buffer.write(entry.line)
        else:
            printed(entry)


def _printer(style: Style) -> Callable[[Entry], None]:
    if style == "raw":
        return _to_stderr
    if style == "json":
        return lambda entry: print(json.dumps(to_json(entry), ensure_ascii=False))
    page = Page(colour=coloured(sys.stdout, os.environ), width=_width(sys.stdout))
    return lambda entry: sys.stdout.writelines(f"{line}\n" for line in page.lines(entry))


def _to_stderr(entry: Entry) -> None:
    """Raw lines are for programs; what we have to say goes beside them."""
    if isinstance(entry, Note):
        print(f"symphony: {entry.text}", file=sys.stderr)


def coloured(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Colours are for terminals that have some, unless NO_COLOR is set (no-color.org)."""
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def _width(stream: TextIO) -> int | None:
    return min(_WIDEST, shutil.get_terminal_size().columns) if stream.isatty() else None
