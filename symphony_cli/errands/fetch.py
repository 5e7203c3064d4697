"""Make the mirror, or bring it up to date, while runs go on.

    python -P -m symphony_cli.errands.fetch RUN_DIR --lock FD

The first act of a run starts this and waits for nothing (but for a mirror that is not there at
all). It outlives that run, holds the mirror's lock, which it was handed open, and ends by itself:
each step has a time limit, and its git ends with it. How it went stands in `<mirror>.json`.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from symphony_cli import runfolder, wiring
from symphony_cli.errors import ExitCode, SymphonyError
from symphony_cli.paths import RunPaths


def main(arguments: Sequence[str] | None = None) -> int:
    """Fetch for the order in a run folder; 0 when the mirror has all of the remote now."""
    parser = argparse.ArgumentParser(prog="fetch", description="Started by a run only.")
    parser.add_argument("folder", type=Path, metavar="RUN_DIR")
    parser.add_argument("--lock", type=int, required=True, metavar="FD")
    asked = parser.parse_args(arguments)
    os.set_inheritable(asked.lock, False)
    signal.signal(signal.SIGTERM, _end)
    try:
        order = runfolder.order(RunPaths(asked.folder))
        error = wiring.update_mirror(order, os.environ, asked.lock)
    except SymphonyError as failure:
        error = str(failure)
    if error:
        print(error, file=sys.stderr)
    return ExitCode.PARTIAL if error else ExitCode.DONE


def _end(number: int, frame: FrameType | None) -> None:
    """On the way out git is ended, and what it left half-done is removed."""
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
