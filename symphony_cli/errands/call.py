"""How a supervisor calls a short errand: `RUN_DIR [--asked SECONDS] [--secrets FD]`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from symphony_cli import clock, processes
from symphony_cli.errors import UsageError
from symphony_cli.paths import RunPaths


@dataclass(frozen=True, slots=True)
class Call:
    """The run that an errand serves, the secrets that must not be in what it says, and when the
    supervisor asked (monotonic): on a busy machine an interpreter may take seconds to start."""

    paths: RunPaths
    secrets: tuple[str, ...] = ()
    asked: float = 0.0


def called(name: str, arguments: Sequence[str]) -> Call:
    """Read the command line; secrets come by pipe and are read before anything else.

    Raises:
        UsageError: the arguments are wrong, or the folder is no run's.
    """
    parser = argparse.ArgumentParser(prog=name, description="Started by a supervisor only.")
    parser.add_argument("folder", type=Path, metavar="RUN_DIR")
    parser.add_argument("--asked", type=float, metavar="SECONDS")
    parser.add_argument("--secrets", type=int, metavar="FD")
    try:
        options = parser.parse_args(arguments)
    except SystemExit as error:
        raise UsageError(f"usage: {name} RUN_DIR [--asked SECONDS] [--secrets FD]") from error
    secrets = processes.read_secrets(options.secrets)
    paths = RunPaths(options.folder)
    if not paths.order.is_file():
        raise UsageError(f"{paths.folder} is no run: it has no order.json.")
    now = clock.monotonic()
    return Call(paths, secrets, now if options.asked is None else min(options.asked, now))
