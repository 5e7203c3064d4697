"""The environment of everything that belongs to an agent: Codex, hooks, and git in a workspace."""

from __future__ import annotations

from collections.abc import Mapping

from symphony_cli.core.run import MARKER, SHARED_MARKER, Settings, ThreadRef
from symphony_cli.ids import RunId


def agent_environment(
    base: Mapping[str, str], settings: Settings, run: RunId, thread: ThreadRef | None
) -> dict[str, str]:
    """What an agent may see: `base` without the tracker's key and what the operator left out.

    `workspace.env` is added, the run's marker, and CODEX_HOME: the home that `thread` was born in,
    else `codex.home`, else whatever `base` says. A variable that holds the tracker's key stays out
    even when `workspace.env` names it (promise 9); so does the mark of processes that outlive a
    run, which is for single programs to set.
    """
    hidden = {*settings.tracker.secret_names, *settings.codex.env_exclude}
    found = {name: value for name, value in base.items() if name not in hidden}
    found.update(settings.workspace.env)
    for name in (*settings.tracker.secret_names, SHARED_MARKER):
        found.pop(name, None)
    home = (thread.home if thread is not None else "") or settings.codex.home
    if home:
        found["CODEX_HOME"] = home
    found[MARKER] = run
    return found
