"""The pieces that the tick's one document is put together from, and what each costs.

A document may cost 10,000 points. We count by the rule that Linear documents (a property 0.1, an
object 1, a connection multiplies its children by `first`), which is the dearer of the two rules
that people derived from live readings. Rows are bought by the page, whether they come or not; so a
list by ids asks for exactly as many as it names, and there is room for every issue that we hold.

A list with pages is ordered by creation: that order does not shift while people edit. Ordered by
change, a row that somebody edits between two pages would be skipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from symphony_cli.core.shape import Json
from symphony_cli.errors import TrackerError

LIMIT = 9_900.0
"""Points that one document of ours may cost; Linear refuses 10,000."""

PAGE = 250
"""Rows of a page: the most that Linear gives."""

MOST_PAGES = 400
"""Pages after which a list that does not end is an error: 100,000 issues."""

ROW = """
fragment Row on Issue {
  id identifier title url priority branchName createdAt updatedAt archivedAt trashed labelIds
  state { id name type }
  project { id slugId }
  assignee { id name displayName email }
}
"""
ROW_POINTS = 1 + 11 * 0.1 + 1.3 + 1.2 + 1.4
"""What one row costs, its node included."""

BLOCKER = "id identifier archivedAt trashed state { name type }"
BLOCKER_POINTS = 1 + 4 * 0.1 + 1.2

RELATIONS = 20
"""Relations of an issue that are read to learn what blocks it."""

LEARNED = f"""id inverseRelations(first: {RELATIONS}) {{
  nodes {{ type issue {{ {BLOCKER} }} }} pageInfo {{ hasNextPage }} }}"""
LEARNED_POINTS = 1.1 + RELATIONS * (1.1 + BLOCKER_POINTS + 1.1)

PULL = "url metadata updatedAt issue { id }"
PULL_POINTS = 1 + 3 * 0.1 + 1.1

PAGE_INFO_POINTS = 1.2


class Part(Protocol):
    """One or more aliases of a document."""

    def text(self) -> str:
        """The selection."""

    def declared(self) -> Mapping[str, str]:
        """Its variables, name to type."""

    def variables(self) -> Mapping[str, Json]:
        """Their values."""

    def points(self) -> float:
        """What it costs."""

    def take(self, data: Mapping[str, Json]) -> None:
        """Take in the answer."""

    @property
    def more(self) -> bool:
        """Whether it must be asked again."""


@dataclass(slots=True)
class Listing:
    """A list that is read page by page, to its end. `rows` are the raw nodes."""

    alias: str
    arguments: str
    selection: str
    row_points: float
    given: Mapping[str, tuple[str, Json]]
    """Variables of `arguments`: type and value."""
    first: int = PAGE
    after: str = ""
    done: bool = False
    rows: list[Json] = field(default_factory=list)
    pages: int = 0
    root: str = "issues"

    def text(self) -> str:
        """The selection of the next page."""
        return (
            f"{self.alias}: {self.root}(first: {self.first}, after: ${self.alias}_after, "
            f"orderBy: createdAt, {self.arguments}) "
            f"{{ nodes {{ {self.selection} }} pageInfo {{ hasNextPage endCursor }} }}"
        )

    def declared(self) -> Mapping[str, str]:
        """What its filter needs, and where the page begins."""
        return {f"{self.alias}_after": "String"} | {n: kind for n, (kind, _) in self.given.items()}

    def variables(self) -> Mapping[str, Json]:
        """The same with values."""
        values = {name: value for name, (_, value) in self.given.items()}
        return {f"{self.alias}_after": self.after or None} | values

    def points(self) -> float:
        """One page."""
        return self.first * (self.row_points + PAGE_INFO_POINTS)

    @property
    def more(self) -> bool:
        """Whether there are further pages."""
        return not self.done

    def take(self, data: Mapping[str, Json]) -> None:
        """One page more.

        Raises:
            TrackerError: there is more, and no way to it.
        """
        nodes, page = connection(data, self.alias)
        self.rows += nodes
        self.pages += 1
        after = page.get("endCursor")
        self.done = page.get("hasNextPage") is not True
        if self.done:
            return
        if not isinstance(after, str) or after in ("", self.after) or self.pages >= MOST_PAGES:
            raise TrackerError(
                f"Linear's list {self.alias!r} has more rows but does not say where they begin; "
                "nothing of it was believed. The next tick asks again."
            )
        self.after = after


@dataclass(slots=True)
class Latest:
    """The rows that changed last, one page and no more. `rows` are the raw nodes."""

    alias: str
    root: str
    arguments: str
    selection: str
    row_points: float
    given: Mapping[str, tuple[str, Json]]
    """Variables of `arguments`: type and value."""
    first: int
    rows: list[Json] = field(default_factory=list)

    def text(self) -> str:
        """The selection."""
        return (
            f"{self.alias}: {self.root}(first: {self.first}, orderBy: updatedAt, "
            f"{self.arguments}) {{ nodes {{ {self.selection} }} }}"
        )

    def declared(self) -> Mapping[str, str]:
        """What its filter needs."""
        return {name: kind for name, (kind, _) in self.given.items()}

    def variables(self) -> Mapping[str, Json]:
        """The same with values."""
        return {name: value for name, (_, value) in self.given.items()}

    def points(self) -> float:
        """All rows that may come."""
        return self.first * self.row_points

    @property
    def more(self) -> bool:
        """What else there is, nobody asks."""
        return False

    def take(self, data: Mapping[str, Json]) -> None:
        """Its rows."""
        self.rows, _ = connection(data, self.alias)


@dataclass(slots=True)
class ByIds:
    """Issues by id, archived ones too, whole in one answer: at most a page of them."""

    alias: str
    ids: Sequence[str]
    selection: str
    row_points: float
    condition: str = ""
    rows: list[Json] = field(default_factory=list)

    def text(self) -> str:
        """The selection."""
        return (
            f"{self.alias}: issues(first: {len(self.ids)}, includeArchived: true, "
            f"filter: {{ id: {{ in: ${self.alias}_ids }}{self.condition} }}) "
            f"{{ nodes {{ {self.selection} }} }}"
        )

    def declared(self) -> Mapping[str, str]:
        """The ids."""
        return {f"{self.alias}_ids": "[ID!]!"}

    def variables(self) -> Mapping[str, Json]:
        """Their values."""
        return {f"{self.alias}_ids": list(self.ids)}

    def points(self) -> float:
        """All rows that may come."""
        return len(self.ids) * self.row_points

    @property
    def more(self) -> bool:
        """It has no pages."""
        return False

    def take(self, data: Mapping[str, Json]) -> None:
        """Its rows."""
        self.rows, _ = connection(data, self.alias)


def connection(data: Mapping[str, Json], alias: str) -> tuple[list[Json], Mapping[str, Json]]:
    """The nodes and the pageInfo of one alias of an answer.

    Raises:
        TrackerError: the answer does not have it.
    """
    found = data.get(alias)
    nodes = found.get("nodes") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(nodes, list):
        raise TrackerError(f"Linear's answer has no list {alias!r}: nothing of it was believed.")
    page = found.get("pageInfo")
    return nodes, page if isinstance(page, dict) else {}


def compose(name: str, parts: Iterable[Part]) -> tuple[str, dict[str, Json]]:
    """One document of all parts, and its variables."""
    parts = list(parts)
    declared: dict[str, str] = {}
    variables: dict[str, Json] = {}
    for part in parts:
        declared |= part.declared()
        variables |= part.variables()
    heads = ", ".join(f"${name}: {kind}" for name, kind in declared.items())
    body = "\n  ".join(part.text() for part in parts)
    fragments = ROW if "...Row" in body else ""
    return f"query {name}({heads}) {{\n  {body}\n}}{fragments}", variables


def cost(parts: Iterable[Part]) -> float:
    """What a document of these parts costs."""
    return sum(part.points() for part in parts)
