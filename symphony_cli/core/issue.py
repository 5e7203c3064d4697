"""An issue as the tracker tells it, in one shape for every tracker."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from symphony_cli.ids import IssueId


def norm(name: str) -> str:
    """How names of states, labels and people compare: trimmed and without case."""
    return " ".join(name.split()).casefold()


@dataclass(frozen=True, slots=True)
class Blocker:
    """An issue that must close first; `open` is None when nobody could tell."""

    identifier: str
    state: str = ""
    open: bool | None = None
    id: IssueId = IssueId("")


@dataclass(frozen=True, slots=True)
class Comment:
    """What somebody wrote under an issue."""

    body: str
    author: str = ""
    created_at: datetime | None = None
    id: str = ""
    bot: bool = False


@dataclass(frozen=True, slots=True)
class Entries:
    """How often an issue entered a state (normal form)."""

    state: str
    times: int


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue; `priority` is 1 (urgent) to 4 (low) or None, dates are the tracker's."""

    id: IssueId
    identifier: str
    title: str
    state: str
    url: str = ""
    priority: int | None = None
    labels: tuple[str, ...] = ()
    assignee: str | None = None
    assignee_aliases: tuple[str, ...] = ()
    blocked_by: tuple[Blocker, ...] = ()
    branch: str | None = None
    pr: str | None = None
    """Address of its pull request, as the tracker tells: a hint."""
    merged_at: datetime | None = None
    """When that was merged, as the tracker tells: a hint."""
    project: str | None = None
    archived: bool = False
    created_at: datetime | None = None
    updated_at: datetime | None = None
    description: str = ""
    comments: tuple[Comment, ...] = ()
    entries: tuple[Entries, ...] = ()
    """By the tracker's own history; only in a read by id, and only of a tracker that keeps one."""

    def facts(self) -> Issue:
        """The part that decisions are made on and that the ledger keeps: no long texts."""
        return replace(self, description="", comments=(), entries=())

    def has_label(self, name: str) -> bool:
        """Whether a label of that name is set, whatever its case."""
        return norm(name) in {norm(label) for label in self.labels}
