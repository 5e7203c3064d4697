"""The environment of everything that works for a run: Codex, hooks, git (row R10)."""

from __future__ import annotations

from collections.abc import Mapping

from symphony_cli.core.run import MARKER, SHARED_MARKER, Settings
from symphony_cli.ids import RunId


def agent_environment(environ: Mapping[str, str], settings: Settings, run: RunId) -> dict[str, str]:
    """What the operator has, without the tracker's key and what `codex.env_exclude` names, with
    `workspace.env`, CODEX_HOME when `codex.home` is set, and the mark of the run.

    The mark of shared processes is never passed on: a process sets it for itself.
    """
    left_out = {*settings.tracker.secret_names, *settings.codex.env_exclude}
    chosen = {name: value for name, value in environ.items() if name not in left_out}
    chosen |= settings.workspace.env
    if settings.codex.home:
        chosen["CODEX_HOME"] = settings.codex.home
    chosen.pop(SHARED_MARKER, None)
    return chosen | {MARKER: str(run)}
