"""Sections `polling`, `state`, `workspace` and `hooks`: rhythm and places."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from symphony_cli.adapters.config.section import Names, Number, Section, Whole, key


class PollingSection(Section):
    """How often the world is looked at."""

    interval_ms: Whole = key(
        30_000, "Time between two ticks; facts older than three of them start nothing.", "ms", gt=0
    )


class StateSection(Section):
    """Where the memory lies."""

    path: str = key("state", "Folder of the ledger and the runs.", "path")
    keep_days: Whole = key(
        90,
        "How long run folders of finished issues stay; their transcripts stay 14 days at most.",
        "days",
        ge=0,
    )


def _as_texts(value: object) -> object:
    """Numbers and truth values become the text that YAML shows; null is an empty text."""
    if not isinstance(value, dict):
        return value
    return {str(name): _as_text(str(name), item) for name, item in value.items()}


def _as_text(name: str, item: object) -> str:
    if not name or "=" in name or "\0" in name:
        raise ValueError(f"has {name!r}, which cannot be the name of a variable")
    if isinstance(item, dict | list):
        raise ValueError(f"must hold one text per name, and {name} is a list or a map")
    if isinstance(item, bool):
        return "true" if item else "false"
    return "" if item is None else str(item)


def _has_key(pattern: str) -> str:
    if "{key}" not in pattern:
        raise ValueError("must contain {key}, or all issues would share one branch")
    return pattern


class WorkspaceSection(Section):
    """Where an issue is worked, and what is kept of it."""

    root: str | None = key(
        None,
        "Folder of all workspaces.",
        "path",
        shown="`~/.local/state/symphony/workspaces/` and a name made from the workflow's folder",
    )
    repo: str | None = key(
        None,
        "Repository to clone: URL or path.",
        "URL or path",
        shown="`origin` of the repository that WORKFLOW.md lies in, or that repository itself",
    )
    branch: Annotated[str, AfterValidator(_has_key)] | None = key(
        None,
        "Name of an issue's branch; `{key}` stands for the issue's key.",
        shown="the tracker's branch name, or `symphony/{key}`",
    )
    env: Annotated[dict[str, str], BeforeValidator(_as_texts)] = key(
        {}, "Variables for hooks, git and the agent; values are taken as they are, also `$NAME`."
    )
    shared_dirs: Names = key((), "Folders outside the workspace that an agent may write.", "path")
    mirror_path: str | None = key(
        None,
        "Bare mirror of the repository, from which workspaces borrow objects; it is made there.",
        "path",
        shown="none",
    )
    rescue_max_mb: Number = key(
        200.0, "Unsaved work above this size keeps its workspace instead.", "MB", gt=0
    )
    min_free_gb: Number = key(
        0.0, "Below this much free disk nothing is started; 0 is no floor.", "GB", ge=0
    )
    min_free_inodes: Whole = key(
        0, "With fewer free inodes nothing is started; 0 is no floor.", "inodes", ge=0
    )
    max_total_gb: Number | None = key(
        None,
        "Workspaces of finished issues go, oldest first, above this.",
        "GB",
        shown="none",
        gt=0,
    )
    keep_last_n: Whole = key(5, "So many workspaces of finished issues stay, the newest.", ge=0)


class HooksSection(Section):
    """Shell text that is run at four moments of a workspace's life."""

    after_create: str = key("", "After a workspace was made.", "shell text")
    before_run: str = key("", "Before each run; a failure stops that run.", "shell text")
    after_run: str = key("", "After each run, however it ended.", "shell text")
    before_remove: str = key("", "Before a workspace is removed.", "shell text")
    timeout_ms: Whole = key(60_000, "A hook that takes longer is killed.", "ms", gt=0)
