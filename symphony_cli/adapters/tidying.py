"""Removing what is old: transcripts and run folders of issues that are over, leftovers of errands.

The lock file of an issue stays for ever: a lock on a file without a name keeps nobody out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from symphony_cli.adapters.burial import empty
from symphony_cli.adapters.locks import take_run_lock
from symphony_cli.adapters.trees import remove_tree
from symphony_cli.core.removal import Tidying
from symphony_cli.errors import StateError
from symphony_cli.paths import RunPaths, StatePaths


def tidy(state: StatePaths, what: Tidying) -> Sequence[str] | None:
    """Remove old transcripts and run folders, and empty the trash; troubles in sentences. None:
    another process is at it, and nothing was done."""
    lock = take_run_lock(state.tidy_lock)
    if lock is None:
        return None
    try:
        troubles: list[str] = []
        for key in what.transcripts:
            troubles += drop_transcripts(state, key)
        for key in what.folders:
            troubles += drop_folders(state, key)
        for root in what.roots:
            troubles += empty(Path(root))
        return troubles
    finally:
        os.close(lock)


@contextmanager
def _held(state: StatePaths, key: str) -> Iterator[bool]:
    """The issue's run lock, so that nobody works there meanwhile; False when somebody does."""
    lock = take_run_lock(state.issue_lock(key)) if state.issue(key).is_dir() else None
    try:
        yield lock is not None
    finally:
        if lock is not None:
            os.close(lock)


def drop_transcripts(state: StatePaths, key: str) -> Sequence[str]:
    """Remove the transcripts of all runs of an issue; what could not be, in words."""
    with _held(state, key) as ours:
        return _remove(transcripts_of(state, key)) if ours else ()


def transcripts(run: RunPaths) -> tuple[Path, ...]:
    """The files of a run that hold its raw protocol."""
    return (run.transcript, run.first_transcript)


def transcripts_of(state: StatePaths, key: str) -> list[Path]:
    """Those of all runs of an issue that are there."""
    runs = (state.run(key, number) for number in state.numbers(key))
    return [path for run in runs for path in transcripts(run) if os.path.lexists(path)]


def drop_folders(state: StatePaths, key: str) -> Sequence[str]:
    """Remove the run folders of an issue, and that of its removal; its lock stays."""
    with _held(state, key) as ours:
        return _remove(folders_of(state, key)) if ours else ()


def folders_of(state: StatePaths, key: str) -> list[Path]:
    """The run folders of an issue, and that of its removal, that are there."""
    folders = [state.run(key, number).folder for number in state.numbers(key)]
    return [path for path in (*folders, state.removal(key).folder) if os.path.lexists(path)]


def _remove(paths: Sequence[Path]) -> Sequence[str]:
    troubles = []
    for path in paths:
        try:
            remove_tree(path)
        except StateError as error:
            troubles.append(str(error))
    return troubles
