"""What a tick and the errands that clean up say to each other through files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from symphony_cli.ids import RunId


@dataclass(frozen=True, slots=True)
class RemovalVerdict:
    """`runs/KEY/removal/exit.json`: what became of a workspace that should go."""

    run: RunId
    removed: bool
    why: str = ""
    """Why it stays; of one that is gone, what people should know besides."""
    rescue: str = ""
    """The ref in the rescue store that keeps what only the workspace had."""
    over: bool = True
    """False: the issue is worked again, so that nobody has to come back for its workspace."""
    ended_at: datetime | None = None
    format: int = 1


@dataclass(frozen=True, slots=True)
class Tidying:
    """`tidy.json`: what may go of the run folders, as the tick of `at` decided.

    `transcripts` and `folders` are keys of issues that are over for long: of the first the
    transcripts go, of the second the run folders. `roots` are places of workspaces in which killed
    errands may have left something.
    """

    at: datetime
    roots: tuple[str, ...] = ()
    transcripts: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    format: int = 1
