"""One issue whole, as a run needs it before work begins: texts, comments, everything that blocks
it, its history of states and its pull request. And several issues without texts, between turns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

from symphony_cli.adapters.linear import documents
from symphony_cli.adapters.linear.documents import ByIds
from symphony_cli.adapters.linear.exchange import Asks
from symphony_cli.adapters.linear.issues import Setting, plain
from symphony_cli.adapters.linear.pages import PageInfo, further, parsed
from symphony_cli.adapters.linear.pulls import FILTER, PullRow, pull_of
from symphony_cli.adapters.linear.wire import RelationRow, Relations, Row, blocker, rows
from symphony_cli.adapters.linear.wire_texts import (
    COMMENT,
    LONGEST_TEXT,
    CommentRow,
    Comments,
    StayRow,
    Stays,
    comment,
    cut,
    entries,
)
from symphony_cli.core.issue import Issue
from symphony_cli.errors import TrackerError

MOST = 1_000
"""Newest comments, or stays in states, that are read of an issue; older ones are in Linear."""

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Page(Protocol[T_co]):
    """A page of a nested list."""

    @property
    def nodes(self) -> tuple[T_co, ...]:
        """Its rows."""

    @property
    def pageInfo(self) -> PageInfo:
        """Whether there is more."""


@dataclass(frozen=True, slots=True)
class Nested(Generic[T]):
    """A list within an issue: what is asked of its rows, and of how many at once."""

    member: str
    operation: str
    first: int
    selection: str
    page: type[Page[T]]
    most: int | None = MOST

    def text(self, after: str = "") -> str:
        """Its selection."""
        return (
            f"{self.member}(first: {self.first}{after}) "
            f"{{ nodes {{ {self.selection} }} pageInfo {{ hasNextPage endCursor }} }}"
        )

    @property
    def document(self) -> str:
        """What asks for a further page."""
        return (
            f"query {self.operation}($id: ID!, $after: String!) {{ issues(first: 1, "
            f"includeArchived: true, filter: {{ id: {{ in: [$id] }} }}) "
            f"{{ nodes {{ {self.text(', after: $after')} }} }} }}"
        )


COMMENTS: Nested[CommentRow] = Nested(
    "comments",
    "IssueComments",
    50,
    COMMENT,
    Comments,
)
STAYS: Nested[StayRow] = Nested("stateHistory", "IssueStays", 100, "state { id name type }", Stays)
RELATIONS: Nested[RelationRow] = Nested(
    "inverseRelations",
    "IssueRelations",
    50,
    f"type issue {{ {documents.BLOCKER} }}",
    Relations,
    most=None,
)

WHOLE = f"""
query Issue($id: ID!) {{
  issues(first: 1, includeArchived: true, filter: {{ id: {{ in: [$id] }} }}) {{ nodes {{
    ...Row
    description
    {COMMENTS.text()}
    {RELATIONS.text()}
    {STAYS.text()}
    attachments(first: 10, filter: {{ {FILTER} }}) {{ nodes {{ url metadata updatedAt }} }}
  }} }}
}}{documents.ROW}"""


@dataclass(frozen=True, slots=True)
class Pulls:
    """A nested list of attachments."""

    nodes: tuple[PullRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Texts:
    """What a poll does not ask for."""

    inverseRelations: Relations
    comments: Comments
    stateHistory: Stays
    attachments: Pulls = Pulls()
    description: str | None = None


Settles = Callable[[Iterable[Row]], Setting]
"""What rows are read against; asks for the names of labels that nobody told us of."""


def whole(asks: Asks, issue: str, settle: Settles) -> Issue | None:
    """An issue with everything that we use of it; None when Linear does not have it.

    Raises:
        TrackerError: no answer, or none that can be understood.
    """
    answer = asks.ask("Issue", WHOLE, {"id": issue})
    nodes, _ = documents.connection(answer.data, "issues")
    if not nodes:
        return None
    row, texts = rows(Row, nodes, "issues")[0], rows(Texts, nodes, "issues")[0]
    setting = settle([row])
    relations = _all(asks, issue, texts.inverseRelations, RELATIONS)
    comments = _all(asks, issue, texts.comments, COMMENTS)
    comments.reverse()  # newest come first, also among those of one date
    stays = _all(asks, issue, texts.stateHistory, STAYS)
    pull = pull_of(texts.attachments.nodes)
    return replace(
        plain(row, setting),
        description=cut(texts.description or "", LONGEST_TEXT),
        comments=tuple(map(comment, sorted(comments, key=lambda row: row.createdAt))),
        blocked_by=tuple(blocker(r.issue, setting.rules) for r in relations if r.type == "blocks"),
        entries=entries(stays),
        pr=pull.url if pull is not None else None,
        merged_at=pull.merged_at if pull is not None else None,
    )


def lean(asks: Asks, issues: Sequence[str], settle: Settles) -> list[Issue]:
    """Issues without texts and without what blocks them, in one request.

    Raises:
        TrackerError: no answer, or none that can be understood.
    """
    most = int(documents.LIMIT / documents.ROW_POINTS) // documents.PAGE * documents.PAGE
    found: list[Row] = []
    for start in range(0, len(issues), most):
        parts = [
            ByIds(f"held_{n}", issues[n : n + documents.PAGE], "...Row", documents.ROW_POINTS)
            for n in range(start, min(start + most, len(issues)), documents.PAGE)
        ]
        document, variables = documents.compose("Refresh", parts)
        answer = asks.ask("Refresh", document, variables)
        for part in parts:
            part.take(answer.data)
            found += rows(Row, part.rows, "issues")
    setting = settle(found)
    return [plain(row, setting) for row in found]


def _all(asks: Asks, issue: str, first: Page[T], nested: Nested[T]) -> list[T]:
    """The rows of a nested list, its further pages fetched one by one."""

    def fetch(after: str) -> tuple[tuple[T, ...], PageInfo]:
        answer = asks.ask(nested.operation, nested.document, {"id": issue, "after": after})
        nodes, _ = documents.connection(answer.data, "issues")
        if not nodes:
            raise TrackerError("Linear lost an issue between two pages of it: try again later.")
        page = parsed(nested.page, nodes[0], nested.member)
        return page.nodes, page.pageInfo

    more = further(first.pageInfo, fetch, f"rows of {nested.member}", nested.most)
    return [*first.nodes, *more]
