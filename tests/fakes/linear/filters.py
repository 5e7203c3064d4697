"""Which rows match a filter: a walk over filter and row side by side.

Members of one object must all hold, also beside `or` (documented). A filter on a list means "some
row" unless it says `every` or `length` (documented). `eq` and `in` regard case (published schema:
there are `eqIgnoreCase` and no `inIgnoreCase`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from tests.fakes.linear.complaints import bad_variable, invalid
from tests.fakes.linear.shapes import Shape, shape_of
from tests.fakes.linear.store import CLOSED, Row, check_id
from tests.fakes.linear.times import moment

Filter = Mapping[str, Any]
Value = Callable[[str, Row, str], Any]
"""The value of a field of a row, by type and name."""

_PLAIN: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, wanted: value == wanted,
    "neq": lambda value, wanted: value is not None and value != wanted,
    "in": lambda value, wanted: value in wanted,
    "nin": lambda value, wanted: value is not None and value not in wanted,
    "gt": lambda value, wanted: value is not None and value > wanted,
    "gte": lambda value, wanted: value is not None and value >= wanted,
    "lt": lambda value, wanted: value is not None and value < wanted,
    "lte": lambda value, wanted: value is not None and value <= wanted,
    "null": lambda value, wanted: (value is None) == wanted,
    "eqIgnoreCase": lambda value, wanted: (value or "").casefold() == wanted.casefold(),
    "neqIgnoreCase": lambda value, wanted: (value or "").casefold() != wanted.casefold(),
    "contains": lambda value, wanted: wanted in (value or ""),
    "containsIgnoreCase": lambda value, wanted: wanted.casefold() in (value or "").casefold(),
    "startsWith": lambda value, wanted: (value or "").startswith(wanted),
    "endsWith": lambda value, wanted: (value or "").endswith(wanted),
}

_ALIASES = {("Project", "accessibleTeams"): "teams"}

_DATES = frozenset(
    {"createdAt", "updatedAt", "archivedAt", "startedAt", "completedAt", "canceledAt"}
)


def blocked(issue: Row) -> bool:
    """`hasBlockedByRelations`: some blocker is still open (measured). A blocker in the trash counts
    by its state like any other."""
    return any(
        relation["type"] == "blocks" and relation["issue"]["state"]["type"] not in CLOSED
        for relation in issue["inverseRelations"]
    )


class Matcher:
    """Evaluates filters at one moment."""

    def __init__(self, now: datetime, value: Value) -> None:
        self.now, self.value = now, value
        self._known: dict[int, Filter] = {}

    def matches(self, kind: str, row: Row, wanted: Filter) -> bool:
        """Whether a row of a type matches.

        Raises:
            Refusal: the filter has a member that the type or the comparison does not have.
        """
        return all(
            self._member(kind, row, name, part) for name, part in wanted.items() if part is not None
        )

    def _member(self, kind: str, row: Row, name: str, wanted: Any) -> bool:
        if name == "and":
            return all(self.matches(kind, row, part) for part in wanted)
        if name == "or":
            return not wanted or any(self.matches(kind, row, part) for part in wanted)
        if (kind, name) == ("Issue", "hasBlockedByRelations"):
            return self._compare(name, blocked(row), wanted)
        name = _ALIASES.get((kind, name), name)
        shape = shape_of(kind).get(name)
        if shape is None:
            raise invalid(f'Field "{name}" is not defined by type "{kind}Filter".')
        return self._nested(kind, name, shape, self.value(kind, row, name), wanted)

    def _nested(self, kind: str, name: str, shape: Shape, value: Any, wanted: Filter) -> bool:
        if shape.connection:
            return self._list(shape.row, value, wanted)
        if shape.of:
            return self._object(shape.of, value, wanted)
        return self._compare(name, value, self._read_once(kind, name, wanted))

    def _object(self, kind: str, row: Row | None, wanted: Filter) -> bool:
        rest = {name: part for name, part in wanted.items() if name != "null"}
        if wanted.get("null") is not None and (row is None) != wanted["null"]:
            return False
        return not rest or (row is not None and self.matches(kind, row, rest))

    def _list(self, kind: str, rows: list[Row], wanted: Filter) -> bool:
        own = {name: wanted[name] for name in ("every", "length", "null") if name in wanted}
        some = {name: part for name, part in wanted.items() if name not in own and name != "some"}
        held = not some or any(self.matches(kind, row, some) for row in rows)
        if "some" in wanted:
            held = held and any(self.matches(kind, row, wanted["some"]) for row in rows)
        if "every" in own:
            held = held and all(self.matches(kind, row, own["every"]) for row in rows)
        if "length" in own:
            held = held and self._compare("length", len(rows), own["length"])
        return held and ("null" not in own or (not rows) == own["null"])

    def _compare(self, name: str, value: Any, wanted: Filter) -> bool:
        held = True
        for comparison, right in wanted.items():
            if right is None:
                continue
            if comparison not in _PLAIN:
                raise invalid(f'Field "{comparison}" is not defined by the comparator of "{name}".')
            held = held and _PLAIN[comparison](value, right)
        return held

    def _read_once(self, kind: str, name: str, wanted: Filter) -> Filter:
        """A filter is read for the first row, not for each of ten thousand."""
        if id(wanted) not in self._known:
            self._known[id(wanted)] = self._read(kind, name, wanted)
        return self._known[id(wanted)]

    def _read(self, kind: str, name: str, wanted: Filter) -> Filter:
        """The comparison with dates read, and ids checked."""
        if name in _DATES:
            return {key: self._moment(key, part) for key, part in wanted.items()}
        if name == "id" and kind != "Issue":
            for key, part in wanted.items():
                for id in part if isinstance(part, list) else [part]:
                    check_id(f"{kind.lower()}.id.{key}: {key}", id)
        return wanted

    def _moment(self, comparison: str, part: Any) -> Any:
        if comparison == "null" or part is None:
            return part
        if isinstance(part, list):
            return [self._moment("eq", one) for one in part]
        try:
            return moment(part, self.now)
        except (ValueError, AttributeError) as error:
            raise bad_variable(f'Expected a value of type "DateTimeOrDuration": {part}') from error
