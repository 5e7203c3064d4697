"""When a run's agent last changed something in the tracker: `mutated.json` of the run's folder.

Whoever sends a change for an agent notes it, before and after; the look between turns goes by it.
"""

from __future__ import annotations

from symphony_cli import clock, processes, runfolder
from symphony_cli.core.refresh import Mutation
from symphony_cli.errors import StateError
from symphony_cli.paths import RunPaths


def note(paths: RunPaths) -> None:
    """Note that the agent of this run changes something in the tracker just now.

    To be called before the change is sent, since this process may be killed before the answer
    comes, and again after it, since only then the five seconds of doubt begin.

    Raises:
        StateError: it cannot be written; a look between turns may then believe an old row.
    """
    mutation = Mutation(processes.boot_id(), clock.monotonic(), clock.now())
    runfolder.save(mutation, paths.mutated, durable=False)


def last(paths: RunPaths) -> Mutation | None:
    """The last change that was noted; None without one, or when nobody can read what it says."""
    try:
        return runfolder.load(Mutation, paths.mutated)
    except StateError:
        return None
