"""What a GraphQL document of an agent would do: the kind of its operation, and for a mutation
each root field with the arguments that Linear would see.

Fragments, aliases, variables and their defaults are all resolved here; `@skip` and `@include`
are not believed. Where a document says something twice, nobody knows which one would count, so
it is not read at all. Importing graphql-core takes 0.1 s and happens inside.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from symphony_cli.core.shape import Json

if TYPE_CHECKING:
    from graphql.language import ast

T = TypeVar("T")


class Unreadable(ValueError):
    """The document cannot be judged; the text tells the model what to send instead."""


@dataclass(frozen=True, slots=True)
class Call:
    """A root field, and its arguments as they arrive: a variable that was not given leaves its
    argument out."""

    field: str
    arguments: dict[str, Json]


@dataclass(frozen=True, slots=True)
class Operation:
    """The one operation of a document; `calls` are the root fields of a mutation."""

    kind: str
    name: str = ""
    calls: tuple[Call, ...] = ()


def read(document: str, variables: Mapping[str, Json]) -> Operation:
    """The operation of a document.

    Raises:
        Unreadable: it is no GraphQL, has not exactly one operation, contradicts itself, or is
            nested deeper than Python can follow.
    """
    try:
        return _read(document, variables)
    except RecursionError as error:
        raise Unreadable("The document is nested too deeply.") from error


def _read(document: str, variables: Mapping[str, Json]) -> Operation:
    from graphql.language import ast

    parts = _parsed(document).definitions
    operations = [part for part in parts if isinstance(part, ast.OperationDefinitionNode)]
    fragments = [part for part in parts if isinstance(part, ast.FragmentDefinitionNode)]
    if len(operations) != 1:
        found = f"{len(operations)} operations" if operations else "no operation"
        raise Unreadable(f"The document has {found}; send exactly one query or mutation.")
    if len(operations) + len(fragments) != len(parts):
        raise Unreadable("Only one operation and its fragments may be in the document.")
    operation = operations[0]
    kind, name = operation.operation.value, operation.name.value if operation.name else ""
    if kind != "mutation":
        return Operation(kind, name)
    known = _known(operation, variables)
    by_name = _once("fragment", ((part.name.value, part) for part in fragments))
    fields = _roots(operation.selection_set, by_name)
    calls = tuple(
        Call(field.name.value, _members(field.arguments or (), known)) for field in fields
    )
    if not calls:
        raise Unreadable(f"The {kind} asks for nothing.")
    return Operation(kind, name, calls)


def _parsed(document: str) -> ast.DocumentNode:
    from graphql.error import GraphQLSyntaxError
    from graphql.language.parser import parse

    try:
        return parse(document, no_location=True)
    except GraphQLSyntaxError as error:
        said = error.message.removeprefix("Syntax Error: ").rstrip(".")
        line, column = error.locations[0] if error.locations else (1, 1)
        place = f"line {line}, column {column}"
        raise Unreadable(f"The document is no valid GraphQL at {place}: {said}.") from None


def _known(
    operation: ast.OperationDefinitionNode, variables: Mapping[str, Json]
) -> dict[str, Json]:
    """The variables that have a value: given, or by default. One that the operation does not
    declare has none."""
    parts = operation.variable_definitions or ()
    declared = _once("variable", ((part.variable.name.value, part) for part in parts))
    known = {}
    for name, part in declared.items():
        if name in variables:
            known[name] = variables[name]
        elif part.default_value is not None:
            known[name] = _value(part.default_value, {})
    return known


def _roots(
    selections: ast.SelectionSetNode, fragments: Mapping[str, ast.FragmentDefinitionNode]
) -> Iterator[ast.FieldNode]:
    """Every root field, also inside fragments. Each fragment is opened once: its fields are the
    same wherever it is spread, and fragments that spread each other end here."""
    from graphql.language import ast

    front, opened = list(reversed(selections.selections)), set()
    while front:
        part = front.pop()
        if isinstance(part, ast.FieldNode):
            yield part
        elif isinstance(part, ast.InlineFragmentNode):
            front += reversed(part.selection_set.selections)
        elif isinstance(part, ast.FragmentSpreadNode) and part.name.value not in opened:
            opened.add(part.name.value)
            if part.name.value not in fragments:
                raise Unreadable(f"The document has no fragment {part.name.value}.")
            front += reversed(fragments[part.name.value].selection_set.selections)


def _members(
    parts: Iterable[ast.ArgumentNode | ast.ObjectFieldNode], known: Mapping[str, Json]
) -> dict[str, Json]:
    given = _once("argument", ((part.name.value, part.value) for part in parts))
    return {name: _value(node, known) for name, node in given.items() if _is_given(node, known)}


def _is_given(node: ast.ValueNode, known: Mapping[str, Json]) -> bool:
    from graphql.language import ast

    return not isinstance(node, ast.VariableNode) or node.name.value in known


def _value(node: ast.ValueNode, known: Mapping[str, Json]) -> Json:
    from graphql.language import ast

    match node:
        case ast.VariableNode():
            return known[node.name.value]
        case ast.ObjectValueNode():
            return _members(node.fields, known)
        case ast.ListValueNode():
            return [_value(v, known) if _is_given(v, known) else None for v in node.values]
        case ast.IntValueNode() | ast.FloatValueNode():
            return float(node.value)
        case ast.StringValueNode() | ast.EnumValueNode() | ast.BooleanValueNode():
            return node.value
        case _:
            return None


def _once(what: str, pairs: Iterable[tuple[str, T]]) -> dict[str, T]:
    """The pairs as a dict.

    Raises:
        Unreadable: a name comes twice.
    """
    found: dict[str, T] = {}
    for name, value in pairs:
        if name in found:
            raise Unreadable(f"The {what} {name} is there twice.")
        found[name] = value
    return found
