"""An `Asks` that plays a script: who is asked what in which order, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from graphql import FieldNode, OperationDefinitionNode, SelectionSetNode, parse

from symphony_cli.adapters.linear.exchange import Answer, Complaint
from symphony_cli.core.shape import Json

DATE = datetime(2025, 11, 20, 9, 0, tzinfo=UTC)
"""What the server's clock says in every answer."""

Step = tuple[str, Any]
"""The operation that must come, and its data or the error that it ends with."""

GONE = Complaint("Entity not found: Issue", "INPUT_ERROR", "invalid input")
NO_LABEL = Complaint("Entity not found: IssueLabel", "INPUT_ERROR", "invalid input")
FORBIDDEN = Complaint("Forbidden", "FORBIDDEN", "forbidden", "You may not do that.")
TAKEN = Complaint("Duplicate label name", "INPUT_ERROR", "", 'Label "x" already exists in it.')
CONFLICT = Complaint("conflict on insert of Comment", "INPUT_ERROR", "", "It already exists.")


@dataclass
class Script:
    """Answers each question with the next step, and remembers what was asked with what values."""

    steps: list[Step]
    asked: list[tuple[str, dict[str, Json]]] = field(default_factory=list)
    urgent: list[bool] = field(default_factory=list)

    def ask(
        self, operation: str, document: str, variables: Mapping[str, Json], *, ours: bool = False
    ) -> Answer:
        self.asked.append((operation, dict(variables)))
        self.urgent.append(ours)
        assert self.steps, f"nobody expected {operation}"
        expected, outcome = self.steps.pop(0)
        assert operation == expected
        assert operation in document
        if isinstance(outcome, Exception):
            raise outcome
        return Answer(outcome, DATE)

    @property
    def operations(self) -> list[str]:
        """What was asked, by name."""
        return [operation for operation, _ in self.asked]


def page(rows: Sequence[Json], more: bool = False, end: str | None = None) -> Json:
    """A connection."""
    return {"nodes": list(rows), "pageInfo": {"hasNextPage": more, "endCursor": end}}


def label_row(id: str, name: str, team: str = "", group: bool = False, gone: bool = False) -> Json:
    """A label as Linear prints it."""
    return {
        "id": id,
        "name": name,
        "isGroup": group,
        "archivedAt": "2025-11-01T00:00:00.000Z" if gone else None,
        "team": {"id": team} if team else None,
    }


def state_row(id: str, name: str, type: str = "started") -> Json:
    """A state as Linear prints it."""
    return {"id": id, "name": name, "type": type}


def team_row(id: str, key: str, states: Sequence[Json] = ()) -> Json:
    """A team with the first page of its states."""
    return {"id": id, "key": key, "name": f"Team {key}", "states": {"nodes": list(states)}}


def points(document: str) -> float:
    """What a document costs by the rule that Linear documents: a property 0.1, an object 1, and a
    connection, which is whatever has `first`, multiplies its children."""
    (operation,) = parse(document).definitions
    assert isinstance(operation, OperationDefinitionNode)
    return round(_selected(operation.selection_set), 6)


def _selected(selection: SelectionSetNode) -> float:
    return sum(_field(node) for node in selection.selections if isinstance(node, FieldNode))


def _field(node: FieldNode) -> float:
    if node.selection_set is None:
        return 0.1
    inside = _selected(node.selection_set)
    for argument in node.arguments or ():
        if argument.name.value == "first":
            return int(getattr(argument.value, "value", "250")) * inside
    return 1 + inside
