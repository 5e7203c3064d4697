"""The table of types that our small server goes by is an excerpt of the published schema."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from typing import Any

import pytest

from tests.fakes.linear.shapes import SHAPES, shape_of
from tests.linear.servers import ProcessOf

TYPE = """fields(includeDeprecated: true) {
  name type { ...T ofType { ...T ofType { ...T ofType { ...T } } } } }"""

Kind = Mapping[str, Any]


@pytest.mark.shared
@pytest.mark.real
def test_every_field_is_in_the_published_schema_with_that_type(
    stand_in_processes: ProcessOf,
) -> None:
    asked = " ".join(f'{name}: __type(name: "{name}") {{ {TYPE} }}' for name in SHAPES)
    document = f"query Types {{ {asked} }} fragment T on __Type {{ kind name }}"
    request = urllib.request.Request(
        stand_in_processes("standin").endpoint,
        json.dumps({"query": document}).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as reply:
        published = json.loads(reply.read())["data"]
    ours = {
        (kind, name): told(shape.of) for kind in SHAPES for name, shape in shape_of(kind).items()
    }
    theirs = {
        (kind, field["name"]): named(field["type"])
        for kind in SHAPES
        for field in published[kind]["fields"]
        if (kind, field["name"]) in ours
    }
    assert ours == theirs


def told(of: str) -> str:
    return of or "a leaf"


def named(kind: Kind) -> str:
    """The name behind lists and exclamation marks."""
    while kind["name"] is None:
        kind = kind["ofType"]
    return str(kind["name"]) if kind["kind"] == "OBJECT" else "a leaf"
