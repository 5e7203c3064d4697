"""What is known of a rescue: a line of the list, and what is in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Rescue:
    """One rescue, as a list has it."""

    store: str
    """The rescue store that it lies in; a git repository."""
    ref: str
    commit: str
    key: str
    """Of its issue; the ledger need not know it."""
    number: int
    at: datetime
    branch: str = ""
    """The branch that HEAD was on; nothing when it was detached."""
    head: str = ""
    """The commit that HEAD was at; nothing before the first."""
    scope: str = ""
    """The tracker that the issue comes from; nothing when it is not known."""
    unpushed: int | None = None
    """Commits that HEAD led to and the remote did not have; None when nobody counted."""
    changed: int | None = None
    """Files that were not committed; None as above."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """All rescues of some stores, by key and number; and in sentences what cannot be read."""

    rescues: tuple[Rescue, ...] = ()
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit by its id and the first line of its message."""

    id: str
    subject: str


@dataclass(frozen=True, slots=True)
class Change:
    """A file that is not as HEAD has it: `A` new, `M` changed, `D` deleted."""

    letter: str
    path: str


@dataclass(frozen=True, slots=True)
class Tip:
    """Work beside HEAD: a branch, a stash, what a half-done command had put aside."""

    name: str
    commit: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What a rescue holds."""

    commits: tuple[Commit, ...] = ()
    """Unpushed commits that HEAD led to, the newest first."""
    more_commits: int = 0
    """So many older ones are not named."""
    files: tuple[Change, ...] = ()
    more_files: int = 0
    staged: bool = False
    """What was staged differed from HEAD and is kept too."""
    tips: tuple[Tip, ...] = ()
    ignored: tuple[str, ...] = ()
    """Ignored files that were left out; the last entry may say how many more."""
