"""How a supervisor calls a short errand: `RUN_DIR [--secrets FD]`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from symphony_cli import processes
from symphony_cli.errors import UsageError
from symphony_cli.paths import RunPaths


@dataclass(frozen=True, slots=True)
class Call:
    """The run that an errand serves, and the secrets that must not be in what it says."""

    paths: RunPaths
    secrets: tuple[str, ...] = ()


def called(name: str, arguments: Sequence[str]) -> Call:
    """Read the command line; secrets come by pipe and are read before anything else.

    Raises:
        UsageError: the arguments are wrong, or the folder is no run's.
    """
    parser = argparse.ArgumentParser(prog=name, description="Started by a supervisor only.")
    parser.add_argument("folder", type=Path, metavar="RUN_DIR")
    parser.add_argument("--secrets", type=int, metavar="FD")
    try:
        options = parser.parse_args(arguments)
    except SystemExit as error:
        raise UsageError(f"usage: {name} RUN_DIR [--secrets FD]") from error
    secrets = processes.read_secrets(options.secrets)
    paths = RunPaths(options.folder)
    if not paths.order.is_file():
        raise UsageError(f"{paths.folder} is no run: it has no order.json.")
    return Call(paths, secrets)
