"""A stand-in for `errands.refresh` whose tracker is a folder: `asker STATE ISSUE [ASKED]`.

Each request leaves a file `requests/PID-N` with the ids it asked for. While there is a file
`hangs`, a request gets no answer. What is printed is the title of the issue as it was told.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from symphony_cli import clock, processes
from symphony_cli.adapters import refresh_share
from symphony_cli.core.issue import Issue
from symphony_cli.core.refresh import Question
from symphony_cli.core.run import TrackerRef
from symphony_cli.core.snapshot import Read
from symphony_cli.errands.sharing import Meeting, shared
from symphony_cli.ids import IssueId
from symphony_cli.paths import StatePaths

REF = TrackerRef("linear", "linear:somewhere", "WORKFLOW.md", project="p")


def read(state: StatePaths, ids: Sequence[IssueId]) -> Read:
    """Every issue is called after the number of the request that read it."""
    folder = state.root / "requests"
    folder.mkdir(exist_ok=True)
    number = len(list(folder.iterdir())) + 1
    (folder / f"{os.getpid()}-{number}").write_text("\n".join(ids))
    while (state.root / "hangs").exists():
        time.sleep(0.02)
    return Read(tuple(Issue(one, one, f"request {number}", "Todo") for one in ids))


def meeting(state: StatePaths) -> Meeting:
    """Where the runs of this folder meet."""
    return Meeting(
        file=state.refresh,
        take=partial(refresh_share.take, state.refresh_lock),
        living=partial(refresh_share.living, state, REF),
        read=partial(read, state),
    )


def question(issue: str, asked: float | None = None) -> Question:
    """Asked now, unless it was asked before."""
    asked = clock.monotonic() if asked is None else asked
    return Question(IssueId(issue), "source", processes.boot_id(), asked)


def ask(state: StatePaths, issue: str, asked: float | None = None, seconds: float = 30.0) -> str:
    """What is told of an issue."""
    wanted = question(issue, asked)
    answer = shared(wanted, meeting(state), clock.monotonic() + seconds)
    (found,) = [one for one in answer.issues if one.id == wanted.issue]
    return found.title


if __name__ == "__main__":
    print(ask(StatePaths(Path(sys.argv[1])), sys.argv[2], *map(float, sys.argv[3:])))
