"""What WORKFLOW.md said when it was last valid, and how to find that when the file is broken.

The copy lies in `state/`, and where `state/` lies is said by WORKFLOW.md and its env file. So a
small pointer lies in the user's own state folder, under a name made from the workflow's path.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from symphony_cli import files, ids
from symphony_cli.core.policy import Policy
from symphony_cli.core.run import Settings
from symphony_cli.core.secrets import redact
from symphony_cli.core.shape import Malformed, decode, encode
from symphony_cli.errors import StateError
from symphony_cli.paths import StatePaths

STATE_FOLDER = "state"
"""Beside WORKFLOW.md, unless `state.path` moves it."""


FORMAT = 3
"""Of `workflow.json`; an older one is a copy of a file that is read anew as soon as it can be."""


@dataclass(frozen=True, slots=True)
class LastGood:
    """`workflow.json`: what WORKFLOW.md said when it was last valid; without secrets."""

    text_hash: str
    policy: Policy
    settings: Settings
    state_dir: str
    environment: str = ""
    """A fingerprint of the variables that `$NAME`s and `~` were looked up in."""
    warnings: tuple[str, ...] = ()
    format: int = 1
    """Files of the first format do not say which they are."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """`workflows/<digest>.json` of the user: where the state of a workflow lies."""

    workflow: str
    state_dir: str
    format: int = 1


def recall(workflow: Path, homes: Iterable[Path]) -> LastGood | None:
    """The last good copy of a workflow: where a pointer in one of `homes` (folders as
    `paths.user_state` names them) leads, else in the default `state/`. None when there is none."""
    led = (_state_dir(workflow, home) for home in homes)
    for folder in (*filter(None, led), workflow.parent / STATE_FOLDER):
        good = _copy(workflow, folder)
        if good is not None:
            return good
    return None


def _state_dir(workflow: Path, home: Path) -> Path | None:
    try:
        data = files.read(pointer_file(workflow, home))
        pointer = None if data is None else decode(Pointer, json.loads(data))
    except (ValueError, Malformed, StateError):
        return None
    return Path(pointer.state_dir) if pointer and pointer.workflow == str(workflow) else None


def _copy(workflow: Path, folder: Path) -> LastGood | None:
    try:
        data = files.read(StatePaths(folder).workflow)
        good = None if data is None else decode(LastGood, json.loads(data))
    except (ValueError, Malformed, StateError):
        return None
    # A checkout that was copied or moved has a copy that names the places of the old one.
    moved = good is not None and good.settings.tracker.workflow != str(workflow)
    return None if moved else good


def remember(good: LastGood, workflow: Path, homes: Iterable[Path], secrets: Sequence[str]) -> None:
    """Keep a valid WORKFLOW.md, and a way to it, when either says something new.

    Raises:
        StateError: the copy cannot be written. A pointer that cannot be is no trouble today.
    """
    text = json.dumps(encode(good), ensure_ascii=False, indent=1)
    data = redact(text, secrets).encode("utf-8", "replace") + b"\n"
    paths = StatePaths(Path(good.state_dir))
    if files.read(paths.workflow) != data:
        files.replace(paths.workflow, data, durable=False)
    pointer = json.dumps(encode(Pointer(str(workflow), good.state_dir))).encode() + b"\n"
    for home in homes:
        with contextlib.suppress(StateError):
            _publish(pointer_file(workflow, home), pointer)


def _publish(path: Path, data: bytes) -> None:
    if files.read(path) != data:
        files.make_folder(path.parent)
        files.replace(path, data, durable=False)


def pointer_file(workflow: Path, home: Path) -> Path:
    """Where the pointer of a workflow lies in a user's state folder."""
    return home / "workflows" / f"{ids.digest(str(workflow), 32)}.json"
