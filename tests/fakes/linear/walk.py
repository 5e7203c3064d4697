"""Steps and rows become an answer: values, objects, pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.fakes.linear.changes import Changes
from tests.fakes.linear.complaints import bad_argument
from tests.fakes.linear.filters import Matcher
from tests.fakes.linear.plan import USUAL_PAGE, Args, Step
from tests.fakes.linear.store import Row, Store
from tests.fakes.linear.times import printed

LARGEST_PAGE = 250
"""Rows that a page may have (measured)."""

Source = Callable[["Asking", Row, Args], Any]
"""Where the value of a field comes from that its row does not hold."""


@dataclass(frozen=True, slots=True)
class Asking:
    """What one request is answered from."""

    store: Store
    changes: Changes
    viewer: Row
    now: datetime
    sources: Mapping[tuple[str, str], Source]
    writing: bool = False
    """A mutation sees its own writes; a query may lag behind."""
    labels_by_owners: bool = False
    escaped: bool = False

    @property
    def lagging(self) -> bool:
        """Rows must be looked at as a replica shows them."""
        return self.store.lag > 0 and not self.writing

    def value(self, kind: str, row: Row, name: str, args: Args | None = None) -> Any:
        """One field of a row."""
        source = self.sources.get((kind, name))
        return row[name] if source is None else source(self, row, args or {})


def answer(asking: Asking, kind: str, row: Row, steps: Iterable[Step]) -> dict[str, Any]:
    """The fields of one object, in the order asked for.

    Raises:
        Refusal: what is asked for is not there. All root fields are non-null in the published
        schema,
            so one refusal leaves nothing of the whole answer.
    """
    if asking.lagging and kind == "Issue":
        row = asking.store.as_seen(row)
    return {step.key: _field(asking, kind, row, step) for step in steps}


def _field(asking: Asking, kind: str, row: Row, step: Step) -> Any:
    if step.name == "__typename":
        return step.args["kind"]
    if step.shape.connection:
        check_page(step.args)
    value = asking.value(kind, row, step.name, step.args)
    if value is None:
        return None
    if not step.shape.of:
        return plain(value)
    if step.shape.connection:
        value = page(asking, step.shape.row, value, step.args)
    if step.shape.many:
        return [answer(asking, step.shape.of, one, step.below) for one in value]
    return answer(asking, step.shape.of, value, step.below)


def plain(value: Any) -> Any:
    """As JSON has it. A number without a fraction is printed as 2, not 2.0 (measured)."""
    if isinstance(value, datetime):
        return printed(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def check_page(args: Args) -> None:
    """
    Raises:
        Refusal: a page that is too large or empty (measured: 1 to 250).
    """
    for name in ("first", "last"):
        size = args.get(name)
        if size is not None and size > LARGEST_PAGE:
            raise bad_argument(name, f"must not be greater than {LARGEST_PAGE}")
        if size is not None and size < 1:
            raise bad_argument(name, "must not be less than 1")
    if args.get("before") is not None:
        raise bad_argument("before", "is not played by this server")


def page(asking: Asking, kind: str, rows: Iterable[Row], args: Args) -> Row:
    """A page of a connection.

    Newest first, by creation unless asked by `updatedAt`; so `last` means the oldest (measured). A
    cursor is the id of a row, and stands for that row's place in the *current* order: a row that is
    edited between two pages jumps to the front and is missed.
    """
    found = list(asking.store.seen(rows)) if asking.lagging else list(rows)
    if not args.get("includeArchived"):
        found = [row for row in found if row.get("archivedAt") is None]
    if args.get("filter"):
        matcher = Matcher(asking.now, asking.value)
        found = [row for row in found if matcher.matches(kind, row, args["filter"])]
    column = args.get("orderBy") or "createdAt"
    found.sort(key=lambda row: _place(row, column), reverse=True)
    if args.get("after"):
        place = _place(_anchor(asking, kind, args["after"]), column)
        found = [row for row in found if _place(row, column) < place]
    backwards = args.get("first") is None and args.get("last") is not None
    size = args["last"] if backwards else args.get("first") or USUAL_PAGE
    nodes = found[-size:] if backwards else found[:size]
    return Row(
        nodes=nodes,
        edges=[Row(node=node, cursor=node["id"]) for node in nodes],
        pageInfo=Row(
            hasNextPage=not backwards and len(found) > size,
            hasPreviousPage=len(found) > size if backwards else args.get("after") is not None,
            startCursor=nodes[0]["id"] if nodes else None,
            endCursor=nodes[-1]["id"] if nodes else None,
        ),
    )


def _place(row: Row, column: str) -> tuple[datetime, int]:
    """Rows of one instant keep the order in which they were made."""
    return row.get(column, row["createdAt"]), row["_order"]


def _anchor(asking: Asking, kind: str, cursor: str) -> Row:
    found = [row for row in asking.store.all(kind) if row["id"] == cursor]
    if not found:
        raise bad_argument("after", "must be a valid cursor")
    return asking.store.as_seen(found[0]) if asking.lagging else found[0]
