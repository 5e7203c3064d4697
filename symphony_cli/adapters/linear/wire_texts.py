"""Rows that an idle tick does not ask for: comments and stays, and what becomes of them.

Apart from `wire`, for an idle tick would pay for the making of the classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from html import unescape

from symphony_cli.adapters.linear.pages import PageInfo
from symphony_cli.adapters.linear.wire import StateRow, UserRow
from symphony_cli.core.issue import Comment, Entries, norm

MARK = "<!-- symphony:"
"""How the mark begins that every comment of ours ends with (see `writes.marked`)."""

COMMENT = (
    "id body createdAt user { id name displayName app } botActor { name } externalUser { name }"
)
COMMENT_POINTS = 3 * 0.1 + 1.4 + 1.1 + 1.1

LONGEST_TEXT = 200_000
"""Characters of a description that a prompt gets; a model reads no more than that anyway."""

LONGEST_COMMENT = 20_000
"""Characters of a comment that a prompt gets."""


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
    pageInfo: PageInfo = PageInfo(hasNextPage=False)


@dataclass(frozen=True, slots=True)
class StayRow:
    """One stay of an issue in a state."""

    state: StateRow | None = None


@dataclass(frozen=True, slots=True)
class Stays:
    """A nested list of stays."""

    nodes: tuple[StayRow, ...]
    pageInfo: PageInfo = PageInfo(hasNextPage=False)


def comment(row: CommentRow) -> Comment:
    """A comment; one by a program is flagged. Ours comes without the mark that we gave it, and the
    id in that mark, of our write, is its id."""
    user = row.user
    outside = row.externalUser or row.botActor
    name = (user.displayName or user.name) if user is not None else ""
    said, write = _unmarked(row.body) or (row.body, "")
    return Comment(
        body=cut(said, LONGEST_COMMENT),
        author=unescape(name or (outside.name or "" if outside else "")),
        created_at=row.createdAt,
        id=write or row.id,
        bot=bool(write) or _is_by_program(row),
    )


def _is_by_program(row: CommentRow) -> bool:
    """A bot's, an app's, or one of nobody: only integrations write without a user (schema,
    `Comment.user`). Who writes from outside, through Slack for example, is a person."""
    if row.botActor is not None:
        return True
    return row.user.app if row.user is not None else row.externalUser is None


def _unmarked(body: str) -> tuple[str, str] | None:
    """The text of a comment of ours and the id of its write; None when it is somebody else's.

    Ours ends with the mark, and not in a line that quotes it.
    """
    text, mark, rest = body.rpartition(MARK)
    write, closed, after = rest.partition("-->")
    quoted = text.rpartition("\n")[2].lstrip().startswith(">")
    ours = mark and write.strip() and closed and not quoted and not after.strip()
    return (text.rstrip(), write.strip()) if ours else None


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
