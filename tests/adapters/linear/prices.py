"""What a document costs by the rule that Linear documents, counted on the parsed document.

A property costs 0.1, an object 1 and what is in it; a connection costs what is in it times `first`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    parse,
)

Fragments = Mapping[str, SelectionSetNode]


def priced(document: str, variables: Mapping[str, Any] | None = None) -> float:
    """The points of all operations of a document; a connection is what has `nodes` below it."""
    definitions = parse(document).definitions
    fragments = {
        node.name.value: node.selection_set
        for node in definitions
        if isinstance(node, FragmentDefinitionNode)
    }
    operations = (node for node in definitions if isinstance(node, OperationDefinitionNode))
    total = sum(_inside(node.selection_set, fragments, variables or {}) for node in operations)
    return round(total, 6)


def _inside(below: SelectionSetNode, fragments: Fragments, variables: Mapping[str, Any]) -> float:
    total = 0.0
    for node in below.selections:
        if isinstance(node, FragmentSpreadNode):
            total += _inside(fragments[node.name.value], fragments, variables)
        else:
            assert isinstance(node, FieldNode), "our documents have no inline fragments"
            total += _field(node, fragments, variables)
    return total


def _field(node: FieldNode, fragments: Fragments, variables: Mapping[str, Any]) -> float:
    if node.selection_set is None:
        return 0.1
    inside = _inside(node.selection_set, fragments, variables)
    names = {one.name.value for one in node.selection_set.selections if isinstance(one, FieldNode)}
    return _first(node, variables) * inside if "nodes" in names else 1 + inside


def _first(node: FieldNode, variables: Mapping[str, Any]) -> int:
    for argument in node.arguments or ():
        if argument.name.value == "first":
            value = argument.value
            if isinstance(value, VariableNode):
                return int(variables[value.name.value])
            return int(getattr(value, "value", ""))
    raise AssertionError(f"{node.name.value} has no `first`")
