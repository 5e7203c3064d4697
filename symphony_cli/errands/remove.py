"""Remove the workspace of an issue that is over; what only it has is kept first (row G5).

    python -P -m symphony_cli.errands.remove REMOVAL_DIR --locks A,B [--secrets FD]

A tick starts it under the issue's run lock, with an order. It asks the tracker whether the issue is
still over, runs `before_remove`, rescues, moves the workspace into the trash, says so, lets go of
the lock, and deletes with low priority. Killed before the move, the workspace is where it was;
killed after it, the rescue is there and whoever cleans next empties the trash. Whatever is in the
way keeps the workspace, and is told.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from symphony_cli import clock, processes, runfolder, wiring
from symphony_cli.core.environment import agent_environment
from symphony_cli.core.removal import RemovalVerdict
from symphony_cli.core.run import Order
from symphony_cli.errands import act
from symphony_cli.errands.sweep import works_in
from symphony_cli.errors import HookFailed, SymphonyError, TrackerError

LIMIT = 600.0
"""Seconds for everything up to the move."""

LOWEST = 19
"""Niceness while deleting; Linux derives the priority of the disk from it."""


class Stays(Exception):
    """The workspace stays, for this reason."""

    def __init__(self, why: str, *, over: bool = True) -> None:
        super().__init__(why)
        self.why, self.over = why, over


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the errand; ends the process with 0, or with a traceback in agent.log after a bug."""
    mine = act.take_over(arguments)
    order = wiring.rooted(runfolder.order(mine.paths))
    os.umask(0o077)
    with contextlib.ExitStack() as at_last:
        at_last.callback(act.let_go, mine.locks)
        verdict = removed(mine, order)
        runfolder.save(replace(verdict, ended_at=clock.now()), mine.paths.verdict, mine.secrets)
    os.nice(LOWEST)
    for trouble in wiring.empty_trash(order):
        print(trouble, flush=True)


def removed(mine: act.Act, order: Order) -> RemovalVerdict:
    """Remove the workspace, or find out why not. A bug of ours keeps it, and is raised."""
    try:
        with act.within(LIMIT, "Removing the workspace"):
            return _steps(mine, order)
    except Stays as reason:
        return RemovalVerdict(order.run, False, reason.why, over=reason.over)
    except SymphonyError as error:
        return RemovalVerdict(order.run, False, str(error))


def _steps(mine: act.Act, order: Order) -> RemovalVerdict:
    _check_over(order, mine.secrets)
    workspace = wiring.removable_workspace(order)
    if workspace is None:
        return RemovalVerdict(order.run, True, "it was gone already")
    _check_idle(workspace)
    note = _before_remove(mine, order, workspace)
    facts = wiring.keep_work(order, workspace)
    if facts.kept_because:
        raise Stays(facts.kept_because)
    _check_idle(workspace)
    wiring.bury_workspace(order, workspace)
    return RemovalVerdict(order.run, True, note, facts.rescue)


def _check_over(order: Order, secrets: Sequence[str]) -> None:
    """Somebody may have reopened the issue since the tick looked.

    Raises:
        Stays: it is not over, or nobody can tell.
    """
    wanted, rules = order.issue.id, order.settings.rules
    try:
        read = wiring.open_tracker(order, secrets).read([wanted], texts=False)
    except TrackerError as error:
        raise Stays(f"the tracker could not say whether it is still finished: {error}") from error
    if wanted in read.unknown:
        raise Stays(f"it is not known whether it is still finished: {read.unknown[wanted]}")
    found = next((issue for issue in read.issues if issue.id == wanted), None)
    if found is not None and not rules.is_terminal(found.state):
        raise Stays(f"its state is {found.state} again", over=False)


def _check_idle(workspace: Path) -> None:
    """Raises: Stays: a process works in it: a person's shell, or what an agent left behind."""
    places = [os.path.realpath(workspace)]
    mine = {os.getpid(), *processes.descendants(os.getpid())}
    busy = [pid for pid in processes.all_pids() if pid not in mine and works_in(pid, places)]
    if busy:
        raise Stays(f"pid {', '.join(map(str, sorted(busy)[:5]))} works in it")


def _before_remove(mine: act.Act, order: Order, workspace: Path) -> str:
    """Run the hook; that it failed is told and keeps nothing, since all work is kept anyway."""
    environment = agent_environment(os.environ, order.settings, order.run, None)
    groups: list[int] = []
    hook = partial(wiring.run_hook, "before_remove", order, str(workspace), environment)
    try:
        hook(mine.paths.log, groups.append, mine.secrets)
    except HookFailed as error:
        return str(error)
    return ""


if __name__ == "__main__":
    main()
