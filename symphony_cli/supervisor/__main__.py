"""`python -m symphony_cli.supervisor RUN_DIR --locks 7,8 [--secrets FD]`: the act in the middle.

It has one way out: to become finish. A stop, a signal, a bug and a full disk all lead there, and
the report says before which it was.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from symphony_cli import clock, processes, runfolder
from symphony_cli.core.reasons import Outcome
from symphony_cli.core.report import Closing
from symphony_cli.errors import StateError
from symphony_cli.paths import RunPaths
from symphony_cli.supervisor.children import Signals
from symphony_cli.supervisor.loop import run
from symphony_cli.supervisor.records import AgentLog

NEXT_ACT = "symphony_cli.errands.finish"


def main(argv: Sequence[str]) -> None:
    """Lead the run, then become finish. Does not return."""
    asked = arguments(argv)
    signals = Signals()
    secrets = processes.read_secrets(asked.secrets)
    for lock in asked.locks:
        os.set_inheritable(lock, False)
    os.chdir(asked.folder)
    lead(RunPaths(asked.folder), secrets, signals)
    processes.become(NEXT_ACT, asked.folder, asked.locks, secrets)


class Arguments(NamedTuple):
    """What `processes.act_command` writes."""

    folder: Path
    locks: tuple[int, ...] = ()
    secrets: int | None = None


def arguments(argv: Sequence[str]) -> Arguments:
    """The command line of an act. Only we write it, and argparse would cost 0.4 MB."""
    folder, *options = argv
    given = dict(zip(options[::2], options[1::2], strict=True))
    locks = tuple(int(part) for part in given.get("--locks", "").split(",") if part)
    secrets = given.get("--secrets")
    return Arguments(Path(folder), locks, int(secrets) if secrets is not None else None)


def lead(paths: RunPaths, secrets: Sequence[str], signals: Signals) -> None:
    """Run to the end; what goes wrong is told in the report and in agent.log, and not raised."""
    try:
        run(paths, secrets, signals, os.environ)
    except StateError as error:
        _close(paths, secrets, Outcome.ENVIRONMENT, "state", str(error))
    except Exception as error:  # noqa: BLE001  the one net at the top: finish must come
        sentence = f"A bug in Symphony ended the run: {error!r}. agent.log has the traceback."
        _close(paths, secrets, Outcome.FAILED, "bug", sentence)


def _close(
    paths: RunPaths, secrets: Sequence[str], outcome: Outcome, reason: str, detail: str
) -> None:
    import traceback  # only a run that failed pays for it

    log = AgentLog(paths, secrets)
    log.add(traceback.format_exc().encode("utf-8", "replace"))
    log.close()
    with contextlib.suppress(StateError):
        reporter = runfolder.Reporter(paths, clock.now, secrets)
        reporter.tell(Closing(clock.now(), outcome, reason, detail))


if __name__ == "__main__":
    main(sys.argv[1:])
