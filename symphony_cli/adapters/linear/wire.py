"""Linear's rows, as far as we use them, and how they become issues.

Replies are decoded strictly in what we use and leniently in the rest: Linear adds fields weekly.
Numbers such as `priority` are floats in the schema, though JSON prints `2`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from html import unescape
from typing import TypeVar

from symphony_cli.adapters.linear.pages import PageInfo
from symphony_cli.core.issue import Blocker
from symphony_cli.core.policy import Rules
from symphony_cli.core.shape import Json, Malformed, decode
from symphony_cli.errors import TrackerError
from symphony_cli.ids import IssueId

T = TypeVar("T")

CLOSED = frozenset({"completed", "canceled", "duplicate"})
"""Types of states in which an issue is over. The type is an open String in the schema."""


@dataclass(frozen=True, slots=True)
class StateRow:
    """A workflow state."""

    name: str
    type: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """A project."""

    id: str
    slugId: str = ""


@dataclass(frozen=True, slots=True)
class UserRow:
    """Somebody."""

    id: str
    name: str = ""
    displayName: str = ""
    email: str | None = None
    app: bool = False
    """It is a program; asked of those who write comments."""


@dataclass(frozen=True, slots=True)
class Row:
    """What a poll asks of an issue."""

    id: str
    identifier: str
    title: str
    state: StateRow
    createdAt: datetime
    updatedAt: datetime
    labelIds: tuple[str, ...] = ()
    url: str = ""
    priority: float = 0.0
    branchName: str = ""
    archivedAt: datetime | None = None
    trashed: bool | None = None
    project: ProjectRow | None = None
    assignee: UserRow | None = None


@dataclass(frozen=True, slots=True)
class BlockerRow:
    """What we ask of an issue that blocks another."""

    id: str
    identifier: str
    state: StateRow
    archivedAt: datetime | None = None
    trashed: bool | None = None


@dataclass(frozen=True, slots=True)
class RelationRow:
    """A relation as the issue that it points to has it."""

    type: str
    issue: BlockerRow


@dataclass(frozen=True, slots=True)
class Relations:
    """A nested list of relations."""

    nodes: tuple[RelationRow, ...]
    pageInfo: PageInfo = PageInfo(hasNextPage=False)


@dataclass(frozen=True, slots=True)
class LearnedRow:
    """What blocks an issue."""

    id: str
    inverseRelations: Relations


def rows(kind: type[T], nodes: list[Json], what: str) -> list[T]:
    """Nodes of an answer in their type.

    Raises:
        TrackerError: one of them is not what it should be; nothing of the answer is believed.
    """
    try:
        return [decode(kind, node) for node in nodes]
    except Malformed as error:
        raise TrackerError(
            f"Linear's answer has a row among {what!r} that makes no sense ({error}): nothing of "
            "it was believed. The next tick asks again."
        ) from error


def is_gone(row: Row | BlockerRow) -> bool:
    """Archived, or in the bin: trashing sets both dates and moves no other."""
    return row.archivedAt is not None or row.trashed is True


def priority(number: float) -> int | None:
    """1 (urgent) to 4 (low); Linear's 0 is none."""
    return int(number) if number in (1, 2, 3, 4) else None


def blocker(row: BlockerRow, rules: Rules) -> Blocker:
    """An issue that blocks another: closed, cancelled or deleted, it blocks no more."""
    state = unescape(row.state.name)
    over = row.state.type in CLOSED or rules.is_terminal(state) or is_gone(row)
    shown = "in the bin" if is_gone(row) else state
    return Blocker(row.identifier, shown, not over, IssueId(row.id))
