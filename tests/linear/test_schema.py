"""Every document of ours is valid against Linear's published schema and within what it may cost."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
from graphql import (
    FieldNode,
    GraphQLSchema,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_schema,
    get_named_type,
    parse,
    validate,
    visit,
)
from graphql.execution.values import get_variable_values

from symphony_cli.adapters import linear
from symphony_cli.ids import IssueId
from tests.adapters.linear.prices import priced
from tests.builders import NOW
from tests.linear.own import OwnWorld
from tests.linear.standin_process import stand_ins
from tests.linear.watch import Watch

pytestmark = [pytest.mark.shared]

DEAREST = 10_000
"""Points that Linear refuses a document for, by the rule that it documents."""


@dataclass(frozen=True)
class Sent:
    """A document as it is sent, or could be."""

    name: str
    text: str
    variables: Mapping[str, Any] | None = field(default=None)

    def __str__(self) -> str:
        return self.name


def constants() -> Iterator[Sent]:
    """The documents that are written down, whichever module has them."""
    seen: set[str] = set()
    for module in pkgutil.iter_modules(linear.__path__):
        members = vars(importlib.import_module(f"{linear.__name__}.{module.name}"))
        for name, member in members.items():
            text = getattr(member, "document", member)
            if isinstance(text, str) and re.match(r"\s*(query|mutation)\b", text):
                if text not in seen:
                    yield Sent(f"{module.name}.{name}", text)
                seen.add(text)


CONSTANTS = list(constants())


@cache
def schema() -> GraphQLSchema:
    """Linear's published schema, read once; it takes seconds."""
    path = stand_ins().parent / "linear" / "schema.graphql"
    if not path.is_file():
        pytest.skip(f"Linear's published schema is not there: {path}")
    return build_schema(path.read_text(), assume_valid=True)


@pytest.fixture(scope="module")
def composed(tmp_path_factory: pytest.TempPathFactory) -> list[Sent]:
    """The documents that looks, reads and writes put together, as they are sent."""
    world = OwnWorld()
    watch = Watch(world, tmp_path_factory.mktemp("watch"))
    try:
        play(world, watch)
    finally:
        watch.close()
        world.close()
    return [
        Sent(f"{n} {name}", text, values)
        for n, (name, text, values) in enumerate(watch.line.documents)
    ]


def play(world: OwnWorld, watch: Watch) -> None:
    """Everything that makes a look ask for something else, and each read and write."""
    world.create("First")
    world.person.create("Waits", blocked_by=["ENG-1"], labels=["bug"])
    world.clock(3600)
    watch.settle()
    watch.forget_label("bug")
    watch.look()
    watch.hold(f"0a0a0a0a-0000-4000-8000-{n:012}" for n in range(1500))
    watch.look()
    watch.skipped = 7200.0
    watch.look()
    watch.look(full=True)
    one = IssueId(world.issue("ENG-1")["id"])
    watch.waits = {one: NOW}
    watch.skipped = 14400.0
    watch.look()
    watch.tracker.read([one])
    watch.tracker.read([held.id for held in watch.held()], texts=False)
    watch.tracker.comment(one, "Stopped.", "w_1")
    watch.tracker.add_label(one, "Stuck")
    watch.tracker.remove_label(one, "Stuck")
    watch.tracker.set_state(one, "Done")


class Unpaged(Visitor):
    """Finds connections that are asked for without `first`, or for more than a page."""

    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self.info, self.found = info, list[str]()

    def enter_field(self, node: FieldNode, *_: object) -> None:
        kind = get_named_type(self.info.get_type())
        if kind is None or not kind.name.endswith("Connection"):
            return
        first = [one.value for one in node.arguments or () if one.name.value == "first"]
        if not first or int(getattr(first[0], "value", "251")) not in range(251):
            self.found.append(node.name.value)


def faults(sent: Sent) -> list[str]:
    """What is wrong with a document by the schema, or with its pages."""
    document = parse(sent.text)
    info = TypeInfo(schema())
    pages = Unpaged(info)
    visit(document, TypeInfoVisitor(info, pages))
    wrong = [error.message for error in validate(schema(), document)]
    if sent.variables is not None:
        (operation,) = [n for n in document.definitions if isinstance(n, OperationDefinitionNode)]
        declared = operation.variable_definitions or ()
        values = get_variable_values(schema(), tuple(declared), dict(sent.variables))
        wrong += [error.message for error in values] if isinstance(values, list) else []
    return wrong + [f"{name} has no page" for name in pages.found]


def test_there_are_documents_to_look_at() -> None:
    names = {sent.name for sent in CONSTANTS}
    assert {"detail.WHOLE", "names_documents.NAMES", "write_documents.COMMENT"} <= names
    assert {"detail.COMMENTS", "detail.STAYS", "detail.RELATIONS"} <= names


@pytest.mark.parametrize("sent", CONSTANTS, ids=str)
def test_a_document_that_is_written_down_is_valid_and_affordable(sent: Sent) -> None:
    assert (faults(sent), priced(sent.text) < DEAREST) == ([], True)


def test_documents_that_are_put_together_are_valid_with_their_variables_and_affordable(
    composed: list[Sent],
) -> None:
    aliases = set(re.findall(r"(\w+): \w+\(", " ".join(sent.text for sent in composed)))

    assert {sent.name: faults(sent) for sent in composed if faults(sent)} == {}
    assert max(priced(sent.text, sent.variables) for sent in composed) < DEAREST
    wanted = {"changed_free", "changed_blocked", "pulls", "blockers", "relations", "labels"}
    wanted |= {"held_0", "held_3", "flags_0", "walk_free", "walk_blocked", "names_projects"}
    wanted.add("comments")
    assert wanted <= aliases


def test_a_wrong_document_would_be_found() -> None:
    wrong = Sent(
        "x", "query X($a: [String!]) { issues(filter: { id: { in: $a } }) { nodes { x } } }"
    )
    assert sorted(faults(wrong)) == [
        "Cannot query field 'x' on type 'Issue'.",
        "Variable '$a' of type '[String!]' used in position expecting type '[ID!]'.",
        "issues has no page",
    ]
