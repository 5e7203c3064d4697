"""What a request asks for, as far as the log tells; and how its bytes are understood."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from graphql import DocumentNode, GraphQLSyntaxError, parse

from tests.fakes.linear import complaints
from tests.fakes.linear.complaints import Body, Refusal
from tests.fakes.linear.plan import operation_of


@dataclass(slots=True)
class Asked:
    """One request, for the log. `status` is 0 when it got no answer; `points` by the documented
    rule."""

    operation: str = ""
    kind: str = ""
    fields: tuple[str, ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)
    status: int = 0
    points: float | None = None


def understood(raw: bytes) -> tuple[Body, DocumentNode | Refusal]:
    """The request, and its document; what is wrong with the document is told only to known keys.

    Raises:
        Refusal: this is no request at all.
    """
    try:
        request = json.loads(raw)
    except ValueError as error:
        raise complaints.bad_request("Unexpected token in JSON") from error
    if not isinstance(request, dict) or not isinstance(request.get("query"), str):
        raise complaints.bad_request("GraphQL operations must contain a non-empty `query`.")
    return request, _parsed(request["query"])


@lru_cache(maxsize=200)
def _parsed(text: str) -> DocumentNode | Refusal:
    try:
        return parse(text)
    except GraphQLSyntaxError as error:
        return complaints.invalid(error.message)


def note(asked: Asked, request: Body, document: DocumentNode | Refusal) -> None:
    """What the log says of a request; an operation that is not clear has no name."""
    asked.variables = request.get("variables") or {}
    asked.operation = request.get("operationName") or ""
    if isinstance(document, Refusal):
        return
    try:
        operation = operation_of(document, asked.operation)
    except Refusal:
        return
    asked.operation = operation.name.value if operation.name else "(anonymous)"
    asked.kind = operation.operation.value
    fields = (getattr(node, "name", None) for node in operation.selection_set.selections)
    asked.fields = tuple(name.value for name in fields if name is not None)
