"""A document becomes steps: which fields, with which arguments, in which order; and what it costs.

Parsed by graphql-core. Fields are checked against `shapes` before anything is done, as the service
does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    BooleanValueNode,
    DocumentNode,
    FieldNode,
    FloatValueNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    NonNullTypeNode,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionNode,
    ValueNode,
    VariableNode,
)

from tests.fakes.linear.complaints import bad_request, bad_variable, invalid
from tests.fakes.linear.shapes import Shape, shape_of

Args = dict[str, Any]

USUAL_PAGE = 50
"""Rows of a page when a document does not say (documented)."""

MOST_POINTS = 10_000
"""What one request may cost (documented)."""

_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Step:
    """One field to answer: under which key, of which shape, and the steps below it."""

    key: str
    name: str
    shape: Shape
    args: Args
    below: tuple[Step, ...] = field(default=())


def operation_of(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    """The operation that a request means.

    Raises:
        Refusal: there is none of that name, or several and no name.
    """
    found = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if name:
        found = [node for node in found if node.name is not None and node.name.value == name]
    if len(found) == 1:
        return found[0]
    text = f'Unknown operation named "{name}".' if name else "Must provide operation name."
    raise bad_request(text, "OPERATION_RESOLUTION_FAILURE")


def variables_of(operation: OperationDefinitionNode, given: Mapping[str, Any]) -> Args:
    """The variables with their defaults.

    Raises:
        Refusal: one that must be given is not.
    """
    found: Args = {}
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        if name in given:
            found[name] = given[name]
        elif definition.default_value is not None:
            found[name] = _value(definition.default_value, {})
        if isinstance(definition.type, NonNullTypeNode) and found.get(name) is None:
            raise bad_variable(f'Variable "${name}" of required type was not provided.')
    return found


def plan(
    document: DocumentNode, operation: OperationDefinitionNode, variables: Args
) -> tuple[Step, ...]:
    """The steps of one operation.

    Raises:
        Refusal: a field that its type does not have, a selection that is missing or out of place.
    """
    fragments = {
        node.name.value: node
        for node in document.definitions
        if isinstance(node, FragmentDefinitionNode)
    }
    root = "Mutation" if operation.operation.value == "mutation" else "Query"
    return _Planner(fragments, variables).steps(root, operation.selection_set.selections)


def points(steps: Iterable[Step]) -> float:
    """What they cost by the documented rule: a property 0.1, an object 1, a connection multiplies
    what is below it by its page, whatever comes back."""
    return sum(map(_points, steps))


def rounded(cost: float) -> int:
    """As `x-complexity` has it."""
    return max(1, math.ceil(round(cost, 6)))


def _points(step: Step) -> float:
    if not step.shape.of:
        return 0.1
    if step.shape.connection:
        size = step.args.get("first") or step.args.get("last") or USUAL_PAGE
        return float(size) * points(step.below)
    return 1.0 + points(step.below)


class _Planner:
    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode], variables: Args) -> None:
        self.fragments, self.variables = fragments, variables

    def steps(self, kind: str, selections: Iterable[SelectionNode]) -> tuple[Step, ...]:
        """The fields of one selection set; those under one key are one field."""
        grouped: dict[str, list[FieldNode]] = {}
        self._collect(selections, grouped)
        return tuple(self._step(kind, key, nodes) for key, nodes in grouped.items())

    def _collect(
        self, selections: Iterable[SelectionNode], grouped: dict[str, list[FieldNode]]
    ) -> None:
        for node in selections:
            if not self._wanted(node):
                continue
            if isinstance(node, FieldNode):
                key = node.alias.value if node.alias else node.name.value
                grouped.setdefault(key, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                self._collect(node.selection_set.selections, grouped)
            elif isinstance(node, FragmentSpreadNode):
                name = node.name.value
                if name not in self.fragments:
                    raise invalid(f'Unknown fragment "{name}".')
                self._collect(self.fragments[name].selection_set.selections, grouped)

    def _wanted(self, node: SelectionNode) -> bool:
        """Neither skipped nor left out by a directive."""
        conditions = {
            directive.name.value: bool(_value(directive.arguments[0].value, self.variables))
            for directive in node.directives or ()
            if directive.arguments
        }
        return conditions.get("include", True) and not conditions.get("skip", False)

    def _step(self, kind: str, key: str, nodes: list[FieldNode]) -> Step:
        name = nodes[0].name.value
        if name == "__typename":
            return Step(key, name, Shape(), {"kind": kind})
        shape = shape_of(kind).get(name)
        if shape is None:
            raise invalid(f'Cannot query field "{name}" on type "{kind}".')
        below = [
            part for node in nodes if node.selection_set for part in node.selection_set.selections
        ]
        if bool(below) != bool(shape.of):
            must = "must" if shape.of else "must not"
            raise invalid(
                f'Field "{name}" of type "{shape.of or "scalar"}" {must} have a selection.'
            )
        given = {
            arg.name.value: _value(arg.value, self.variables) for arg in nodes[0].arguments or ()
        }
        args = {name: value for name, value in given.items() if value is not _ABSENT}
        return Step(key, name, shape, args, self.steps(shape.of, below) if below else ())


def _value(node: ValueNode, variables: Args) -> Any:
    """What a literal or a variable means. What is not given is left out, which differs from
    null."""
    match node:
        case VariableNode():
            return variables.get(node.name.value, _ABSENT)
        case IntValueNode():
            return int(node.value)
        case FloatValueNode():
            return float(node.value)
        case NullValueNode():
            return None
        case ListValueNode():
            return [_value(item, variables) for item in node.values]
        case ObjectValueNode():
            pairs = {part.name.value: _value(part.value, variables) for part in node.fields}
            return {name: value for name, value in pairs.items() if value is not _ABSENT}
        case BooleanValueNode():
            return bool(node.value)
    return getattr(node, "value", None)
