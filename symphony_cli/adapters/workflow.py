"""WORKFLOW.md as the rest of the program wants it: a policy, settings for runs, a tracker.

`config.loading` does the work; it brings pydantic and PyYAML with it and is imported only when a
file is really loaded.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from symphony_cli.adapters.config import values
from symphony_cli.core.policy import Policy
from symphony_cli.core.run import Settings
from symphony_cli.core.shape import Json
from symphony_cli.errors import ConfigError

NAME = "WORKFLOW.md"


@dataclass(frozen=True, slots=True)
class TrackerConfig:
    """What an adapter needs to open the tracker. The key is never shown or written."""

    kind: str
    scope: str
    folder: Path
    """Of the issue files (markdown)."""
    commit: bool = False
    endpoint: str = ""
    project_slug: str = ""
    assignee: str = ""
    api_key: str = field(default="", repr=False)
    provider: Mapping[str, Json] = field(default_factory=dict)
    """Keys of `tracker.provider` that are not ours."""


@dataclass(frozen=True, slots=True)
class Workflow:
    """A WORKFLOW.md that can be used, with everything looked up."""

    path: Path
    text_hash: str
    policy: Policy
    settings: Settings
    tracker: TrackerConfig
    state_dir: Path
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Values that must never be written or handed to an agent."""
    warnings: tuple[str, ...] = ()


def find_workflow(option: str | None, environ: Mapping[str, str], cwd: Path) -> Path:
    """The WORKFLOW.md that is meant: `option`, SYMPHONY_WORKFLOW, ./WORKFLOW.md, the nearest above.

    A folder stands for the WORKFLOW.md in it.

    Raises:
        ConfigError: there is none.
    """
    for named, by in ((option, "--workflow"), (environ.get("SYMPHONY_WORKFLOW"), "")):
        if named:
            path = cwd / values.home_expanded(named, environ)
            path = path / NAME if os.path.isdir(path) else path
            if _is_meant(path):
                return path
            said = by or "SYMPHONY_WORKFLOW"
            raise ConfigError(f"{path}, named by {said}, does not exist: correct the path.")
    for folder in (cwd, *cwd.parents):
        if _is_meant(folder / NAME):
            return folder / NAME
    raise ConfigError(
        f"There is no {NAME} in {cwd} or above: go to your project, or name it with --workflow"
        " PATH or SYMPHONY_WORKFLOW."
    )


def _is_meant(path: Path) -> bool:
    """Anything but a folder: what is no regular file is refused when it is read."""
    return os.path.exists(path) and not os.path.isdir(path)  # False where we may not look


def load_workflow(
    path: Path, environ: Mapping[str, str], *, check_templates: bool = True, need_key: bool = True
) -> Workflow:
    """Read, check and resolve a WORKFLOW.md.

    `environ` is what `$NAME`s are looked up in (`envfile.environment`). Without `check_templates`
    the prompts are taken as they are, which saves importing Jinja2 for a text that was checked
    before; without `need_key` a missing tracker key is no error, for commands that ask nothing.

    Raises:
        ConfigError: something in it is wrong; names file, line and key.
        MissingProgram: it lies in a git repository and git is not installed.
    """
    from symphony_cli.adapters.config.loading import load

    path = path.parent.resolve() / path.name
    return load(path, environ, check_templates=check_templates, need_key=need_key)
