"""When a run's agent last changed something in the tracker: `mutated.json` of the run's folder.

Whoever sends a change for an agent notes it, before and after; the look between turns and the
first look of the next run go by it.
"""

from __future__ import annotations

from symphony_cli import clock, processes, runfolder
from symphony_cli.core.refresh import Mutation, settled_at
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


def unsettled(paths: RunPaths) -> float:
    """Seconds until a read is sure to show what the issue's last agent changed; 0 if it is now.

    The run before may have ended for its agent's change: the next one would be given the prompt of
    a state that the issue has left.
    """
    before = (RunPaths(paths.folder.parent / str(n)) for n in range(paths.number - 1, 0, -1))
    found = next((mutation for run in before if (mutation := last(run)) is not None), None)
    now = clock.monotonic()
    return max(0.0, settled_at(found, processes.boot_id(), now) - now)
