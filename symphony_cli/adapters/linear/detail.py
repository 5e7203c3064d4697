"""One issue whole, as a run needs it before work begins: texts, comments, everything that blocks
it, its history of states and its pull request. And several issues without texts, between turns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from symphony_cli.adapters.linear import documents
from symphony_cli.adapters.linear.documents import ByIds
from symphony_cli.adapters.linear.exchange import Asks
from symphony_cli.adapters.linear.issues import Setting, plain
from symphony_cli.adapters.linear.pages import PageInfo
from symphony_cli.adapters.linear.pulls import FILTER, PullRow, pull_of
from symphony_cli.adapters.linear.wire import Relations, Row, blocker, rows
from symphony_cli.adapters.linear.wire_texts import (
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

MOST_COMMENTS = 1_000
"""Newest comments of an issue that are read; older ones are in Linear."""

MOST_STAYS = 1_000
"""Newest stays in states that are counted."""

_COMMENTS = """comments(first: 50, after: $comments_after) {
    nodes { id body createdAt user { id name displayName } botActor { name } externalUser { name } }
    pageInfo { hasNextPage endCursor } }"""

_STAYS = """stateHistory(first: 100, after: $stays_after) {
    nodes { state { id name type } } pageInfo { hasNextPage endCursor } }"""

WHOLE = f"""
query Issue($id: ID!, $comments_after: String, $stays_after: String) {{
  issues(first: 1, includeArchived: true, filter: {{ id: {{ in: [$id] }} }}) {{ nodes {{
    ...Row
    description
    {_COMMENTS}
    inverseRelations(first: 50) {{ nodes {{ type issue {{ {documents.BLOCKER} }} }}
      pageInfo {{ hasNextPage endCursor }} }}
    {_STAYS}
    attachments(first: 10, filter: {{ {FILTER} }}) {{ nodes {{ url metadata updatedAt }} }}
  }} }}
}}{documents.ROW}"""

MORE_COMMENTS = f"""
query IssueComments($id: ID!, $comments_after: String!) {{
  issues(first: 1, includeArchived: true, filter: {{ id: {{ in: [$id] }} }}) {{ nodes {{
    {_COMMENTS}
  }} }}
}}"""

MORE_STAYS = f"""
query IssueStays($id: ID!, $stays_after: String!) {{
  issues(first: 1, includeArchived: true, filter: {{ id: {{ in: [$id] }} }}) {{ nodes {{
    {_STAYS}
  }} }}
}}"""

MORE_RELATIONS = f"""
query IssueRelations($id: ID!, $relations_after: String!) {{
  issues(first: 1, includeArchived: true, filter: {{ id: {{ in: [$id] }} }}) {{ nodes {{
    inverseRelations(first: 50, after: $relations_after) {{
      nodes {{ type issue {{ {documents.BLOCKER} }} }} pageInfo {{ hasNextPage endCursor }} }}
  }} }}
}}"""


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


@dataclass(frozen=True, slots=True)
class OnlyComments:
    """A further page of comments."""

    comments: Comments


@dataclass(frozen=True, slots=True)
class OnlyStays:
    """A further page of stays."""

    stateHistory: Stays


@dataclass(frozen=True, slots=True)
class OnlyRelations:
    """A further page of relations."""

    inverseRelations: Relations


Settles = Callable[[Iterable[Row]], Setting]
"""What rows are read against; asks for the names of labels that nobody told us of."""


def whole(asks: Asks, issue: str, settle: Settles) -> Issue | None:
    """An issue with everything that we use of it; None when Linear does not have it.

    Raises:
        TrackerError: no answer, or none that can be understood.
    """
    variables = {"id": issue, "comments_after": None, "stays_after": None}
    answer = asks.ask("Issue", WHOLE, variables)
    nodes, _ = documents.connection(answer.data, "issues")
    if not nodes:
        return None
    row, texts = rows(Row, nodes, "issues")[0], rows(Texts, nodes, "issues")[0]
    setting = settle([row])
    relations = [*texts.inverseRelations.nodes]
    more = texts.inverseRelations.pageInfo
    while more.hasNextPage:
        page = _relations(asks, issue, more)
        relations += page.nodes
        more = page.pageInfo
    pull = pull_of(texts.attachments.nodes)
    return replace(
        plain(row, setting),
        description=cut(texts.description or "", LONGEST_TEXT),
        comments=tuple(comment(row) for row in _oldest_first(asks, issue, texts.comments)),
        blocked_by=tuple(blocker(r.issue, setting.rules) for r in relations if r.type == "blocks"),
        entries=entries(_stays(asks, issue, texts.stateHistory)),
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


def _node(asks: Asks, name: str, document: str, variables: dict[str, str]) -> list[object]:
    answer = asks.ask(name, document, variables)
    nodes, _ = documents.connection(answer.data, "issues")
    if not nodes:
        raise TrackerError("Linear lost an issue between two pages of it: the next try will tell.")
    return nodes


def _after(more: PageInfo) -> str:
    if not more.endCursor:
        raise TrackerError("Linear says that a list goes on, but not where: try again later.")
    return more.endCursor


def _comments(asks: Asks, issue: str, page: Comments) -> list[CommentRow]:
    found = [*page.nodes]
    while page.pageInfo.hasNextPage and len(found) < MOST_COMMENTS:
        variables = {"id": issue, "comments_after": _after(page.pageInfo)}
        nodes = _node(asks, "IssueComments", MORE_COMMENTS, variables)
        page = rows(OnlyComments, nodes, "comments")[0].comments
        found += page.nodes
    return found


def _oldest_first(asks: Asks, issue: str, page: Comments) -> list[CommentRow]:
    turned = _comments(asks, issue, page)[::-1]
    return sorted(turned, key=lambda row: row.createdAt)


def _stays(asks: Asks, issue: str, page: Stays) -> list[StayRow]:
    found = [*page.nodes]
    while page.pageInfo.hasNextPage and len(found) < MOST_STAYS:
        variables = {"id": issue, "stays_after": _after(page.pageInfo)}
        nodes = _node(asks, "IssueStays", MORE_STAYS, variables)
        page = rows(OnlyStays, nodes, "stays")[0].stateHistory
        found += page.nodes
    return found


def _relations(asks: Asks, issue: str, more: PageInfo) -> Relations:
    variables = {"id": issue, "relations_after": _after(more)}
    nodes = _node(asks, "IssueRelations", MORE_RELATIONS, variables)
    return rows(OnlyRelations, nodes, "relations")[0].inverseRelations
