"""Linear's rows, as far as we use them, and how they become issues.

Replies are decoded strictly in what we use and leniently in the rest: Linear adds fields weekly.
Numbers such as `priority` are floats in the schema, though JSON prints `2`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from html import unescape
from typing import TypeVar

from symphony_cli.core.issue import Blocker, Comment, Entries, norm
from symphony_cli.core.policy import Rules
from symphony_cli.core.shape import Json, Malformed, decode
from symphony_cli.errors import TrackerError
from symphony_cli.ids import IssueId

T = TypeVar("T")

CLOSED = frozenset({"completed", "canceled", "duplicate"})
"""Types of states in which an issue is over. The type is an open String in the schema."""

MARK = "<!-- symphony:"
"""How the mark begins that every comment of ours ends with (see `writes.marked`)."""

LONGEST_TEXT = 200_000
"""Characters of a description that a prompt gets; a model reads no more than that anyway."""

LONGEST_COMMENT = 20_000
"""Characters of a comment that a prompt gets."""


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
class MoreRow:
    """Whether a nested list goes on."""

    hasNextPage: bool = False
    endCursor: str | None = None


@dataclass(frozen=True, slots=True)
class Relations:
    """A nested list of relations."""

    nodes: tuple[RelationRow, ...]
    pageInfo: MoreRow = MoreRow()


@dataclass(frozen=True, slots=True)
class LearnedRow:
    """What blocks an issue."""

    id: str
    inverseRelations: Relations


@dataclass(frozen=True, slots=True)
class ActorRow:
    """A program or an outsider that wrote a comment."""

    name: str | None = None


@dataclass(frozen=True, slots=True)
class CommentRow:
    """A comment."""

    id: str
    body: str
    createdAt: datetime
    user: UserRow | None = None
    botActor: ActorRow | None = None
    externalUser: ActorRow | None = None


@dataclass(frozen=True, slots=True)
class Comments:
    """A nested list of comments, newest first."""

    nodes: tuple[CommentRow, ...]
    pageInfo: MoreRow = MoreRow()


@dataclass(frozen=True, slots=True)
class StayRow:
    """One stay of an issue in a state."""

    state: StateRow | None = None


@dataclass(frozen=True, slots=True)
class Stays:
    """A nested list of stays."""

    nodes: tuple[StayRow, ...]
    pageInfo: MoreRow = MoreRow()


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


def comment(row: CommentRow) -> Comment:
    """A comment; one by a program is flagged, and ours comes without the mark that we gave it."""
    user = row.user
    outside = row.externalUser or row.botActor
    name = (user.displayName or user.name) if user is not None else ""
    said = _unmarked(row.body)
    return Comment(
        body=cut(row.body if said is None else said, LONGEST_COMMENT),
        author=unescape(name or (outside.name or "" if outside else "")),
        created_at=row.createdAt,
        id=row.id,
        bot=row.botActor is not None or said is not None,
    )


def _unmarked(body: str) -> str | None:
    """The text of a comment of ours; None when it is somebody else's."""
    text, mark, rest = body.rpartition(MARK)
    _, closed, after = rest.partition("-->")
    return text.rstrip() if mark and closed and not after.strip() else None


def entries(stays: list[StayRow]) -> tuple[Entries, ...]:
    """How often each state was entered: one stay is one entry."""
    counted: dict[str, int] = {}
    for stay in stays:
        if stay.state is not None:
            name = norm(unescape(stay.state.name))
            counted[name] = counted.get(name, 0) + 1
    return tuple(Entries(state, times) for state, times in sorted(counted.items()))


def cut(text: str, longest: int) -> str:
    """`text`, or its beginning and how long it was."""
    if len(text) <= longest:
        return text
    return f"{text[:longest]}\n\n[cut: the whole text has {len(text)} characters]"
