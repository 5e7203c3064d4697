"""Removing what is old: transcripts and run folders of issues that are over, leftovers of errands.

The lock file of an issue stays for ever: a lock on a file without a name keeps nobody out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from symphony_cli.adapters.locks import take_run_lock
from symphony_cli.adapters.trees import remove_tree
from symphony_cli.errors import StateError
from symphony_cli.paths import RunPaths, StatePaths


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
        runs = [state.run(key, number) for number in state.numbers(key)] if ours else []
        return _remove([path for run in runs for path in transcripts(run)])


def transcripts(run: RunPaths) -> tuple[Path, ...]:
    """The files of a run that hold its raw protocol."""
    return (run.transcript, run.first_transcript)


def drop_folders(state: StatePaths, key: str) -> Sequence[str]:
    """Remove the run folders of an issue, and that of its removal; its lock stays."""
    with _held(state, key) as ours:
        if not ours:
            return ()
        folders = [state.run(key, number).folder for number in state.numbers(key)]
        return _remove([*folders, state.removal(key).folder])


def _remove(paths: Sequence[Path]) -> Sequence[str]:
    troubles = []
    for path in paths:
        try:
            remove_tree(path)
        except StateError as error:
            troubles.append(str(error))
    return troubles
