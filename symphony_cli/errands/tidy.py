"""Remove what a tick found to be old: `python -P -m symphony_cli.errands.tidy STATE_DIR`.

`tidy.json` says what may go: transcripts and run folders of issues that are over for long. The
trash of the workspace roots is emptied as well: whoever was to do it may have been killed. One at
a time, with low priority; killed half-way, the next one goes on.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from symphony_cli import runfolder, wiring
from symphony_cli.core.removal import Tidying
from symphony_cli.errands.remove import LOWEST
from symphony_cli.errors import ExitCode
from symphony_cli.paths import StatePaths


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the errand; its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if len(words) != 1:
        print("usage: tidy STATE_DIR (started by Symphony only)", file=sys.stderr)
        return int(ExitCode.USAGE)
    state = StatePaths(Path(words[0]))
    what = runfolder.load(Tidying, state.tidy)
    if what is None:
        return int(ExitCode.DONE)
    os.nice(LOWEST)
    for trouble in wiring.tidy(state, what):
        print(trouble, file=sys.stderr)
    return int(ExitCode.DONE)


if __name__ == "__main__":
    sys.exit(main())
