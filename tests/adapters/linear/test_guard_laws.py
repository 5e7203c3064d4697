"""However a document is put together, what it must not do is found; and the table of what agents
may do is true to Linear's schema."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symphony_cli.adapters.linear.agent_writes import ADVICE, WRITES
from symphony_cli.adapters.linear.guard import Allowed, Reach, Refused, judge
from symphony_cli.core.shape import Json

SCHEMA = Path(__file__).parents[4] / "shared" / "linear" / "schema.graphql"

OWN = "0a0a0a0a-1111-4222-8333-444444444444"
FOREIGN = "0b0b0b0b-1111-4222-8333-444444444444"
ISSUE = Reach("issue", OWN, "ENG-1")
PROJECT = Reach("project", OWN, "ENG-1")


class Draft:
    """A document under construction: root fields go to fragments and inline fragments at will."""

    def __init__(self, draw: Callable[[Any], Any]) -> None:
        self._draw = draw
        self._count = 0
        self._declared: list[str] = []
        self._fragments: list[str] = []
        self.variables: dict[str, Json] = {}

    def one_of(self, *choices: str) -> str:
        return str(self._draw(st.sampled_from(choices)))

    def name(self) -> str:
        self._count += 1
        return f"n{self._count}"

    def text(self, value: str) -> str:
        """A text: literal, block, escaped, or a variable that is given or has a default."""
        name = self.name()
        match self.one_of("literal", "block", "escaped", "given", "default", "both"):
            case "literal":
                return f'"{value}"'
            case "block":
                return f'"""{value}"""'
            case "escaped":
                return '"' + "".join(f"\\u{ord(letter):04x}" for letter in value) + '"'
            case "given":
                self._declared.append(f"${name}: String!")
                self.variables[name] = value
            case "default":
                self._declared.append(f'${name}: String = "{value}"')
            case _:
                self._declared.append(f'${name}: String = "something else"')
                self.variables[name] = value
        return f"${name}"

    def input(self, member: str, value: str) -> str:
        """An input object with this member: literal, or a variable as a whole."""
        if self.one_of("literal", "variable") == "literal":
            return f"{{{member}: {self.text(value)}}}"
        name = self.name()
        self._declared.append(f"${name}: Input!")
        self.variables[name] = {member: value}
        return f"${name}"

    def field(self, call: str) -> str:
        alias = self.one_of("", f"{self.name()}: ", "issueUpdate: ", "viewer: ")
        directive = self.one_of("", " @include(if: false)", " @skip(if: true)", " @mine")
        return f"{alias}{call}{directive} {{ success }}"

    def put(self, fields: Sequence[str]) -> str:
        """A selection set with these fields, some of them somewhere below."""
        if not fields:
            return "__typename"
        cut = int(self._draw(st.integers(0, len(fields))))
        above, below = fields[:cut], fields[cut:]
        match self.one_of("here", "inline", "fragment", "cycle"):
            case "inline" if below:
                return " ".join([*above, f"... on Mutation {{ {self.put(below)} }}"])
            case "fragment" | "cycle" if below:
                name = self.name()
                again = self.one_of("", f" ...{name}")
                kind = self.one_of("Mutation", "Query", "Issue")
                self._fragments.append(f"fragment {name} on {kind} {{ {self.put(below)}{again} }}")
                return " ".join([*above, f"...{name}"])
            case _:
                return " ".join(fields)

    def document(self, fields: Sequence[str]) -> str:
        body = self.put(fields)
        declared = f"({', '.join(self._declared)})" if self._declared else ""
        parts = [f"mutation {self.one_of('', 'M')}{declared} {{ {body} }}", *self._fragments]
        return "\n# and\n".join(parts if self.one_of("first", "last") == "first" else parts[::-1])


def change_of(draft: Draft, issue: str) -> str:
    """A root field that changes an issue."""
    return draft.field(
        draft.one_of(
            f"issueUpdate(id: {draft.text(issue)}, input: {draft.input('title', 't')})",
            f"issueAddLabel(labelId: {draft.text('x')}, id: {draft.text(issue)})",
            f"commentCreate(input: {draft.input('issueId', issue)})",
            f"attachmentLinkURL(issueId: {draft.text(issue)}, url: {draft.text('u')})",
        )
    )


def never(draft: Draft) -> str:
    """A root field that nobody may send."""
    return draft.field(
        draft.one_of(
            f"issueDelete(id: {draft.text('ENG-1')})",
            f"issueArchive(id: {draft.text('ENG-1')})",
            f"teamUpdate(id: {draft.text('t')}, input: {draft.input('name', 'x')})",
            f"issueUpdate(id: {draft.text('ENG-1')}, input: {draft.input('labelIds', 'x')})",
            f"issueUpdate(id: {draft.text('ENG-1')}, input: {draft.input('teamId', 'x')})",
            f"commentCreate(input: {draft.input('projectId', 'x')})",
            f"issueUpdate(input: {draft.input('title', 't')})",
        )
    )


def drawn(data: st.DataObject, *forbidden: Callable[[Draft], str]) -> tuple[str, dict[str, Json]]:
    """A document that changes the own issue, and does the forbidden too."""
    draft = Draft(data.draw)
    own = [change_of(draft, data.draw(st.sampled_from([OWN, "ENG-1", "eng-1"]))) for _ in range(3)]
    fields = data.draw(st.permutations([*own, *(make(draft) for make in forbidden)]))
    return draft.document(fields), draft.variables


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_a_document_that_changes_only_the_own_issue_is_allowed(data: st.DataObject) -> None:
    document, variables = drawn(data)

    verdicts = [judge(document, variables, reach) for reach in (ISSUE, PROJECT)]

    assert [verdict for verdict in verdicts if isinstance(verdict, Refused)] == []
    assert {verdict.confirm for verdict in verdicts if isinstance(verdict, Allowed)} == {()}


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_a_foreign_target_is_never_allowed_wherever_it_is(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([FOREIGN, FOREIGN.upper(), "ENG-2", "eng-11"]))
    document, variables = drawn(data, lambda draft: change_of(draft, name))

    near, far = (judge(document, variables, reach) for reach in (ISSUE, PROJECT))

    assert isinstance(near, Refused)
    assert isinstance(far, Allowed)
    assert [target.id.lower() for target in far.confirm] == [name.lower()]


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_what_nobody_may_do_is_never_allowed_wherever_it_is(data: st.DataObject) -> None:
    document, variables = drawn(data, never)

    for reach in (ISSUE, PROJECT):
        assert isinstance(judge(document, variables, reach), Refused)


@given(document=st.text(alphabet='{}()[]:$!.@="#&|\\ \n\ufeff' + "amutionqeryfgs01é"))
@settings(max_examples=500, deadline=None)
def test_any_text_is_judged_and_only_queries_pass(document: str) -> None:
    verdict = judge(document, {}, ISSUE)

    assert isinstance(verdict, Refused) or verdict.kind == "query"


def definitions() -> dict[str, dict[str, Any]]:
    """The object and input types of Linear's published schema: their fields by name."""
    from graphql.language import ast
    from graphql.language.parser import parse

    if not SCHEMA.is_file():
        pytest.skip("Linear's published schema is not at hand")
    parts = parse(SCHEMA.read_text(), no_location=True).definitions
    kinds = (ast.ObjectTypeDefinitionNode, ast.InputObjectTypeDefinitionNode)
    return {
        part.name.value: {member.name.value: member for member in part.fields or ()}
        for part in parts
        if isinstance(part, kinds)
    }


def type_name(node: Any) -> str:
    """The name of a type without its brackets and exclamation marks."""
    while node.kind != "named_type":
        node = node.type
    return str(node.name.value)


@pytest.mark.shared
def test_every_mutation_that_agents_may_send_is_in_the_published_schema_with_all_its_members() -> (
    None
):
    types = definitions()
    known: dict[str, set[str]] = {}
    for name, member in types["Mutation"].items():
        arguments = {argument.name.value: argument.type for argument in member.arguments or ()}
        inner = types.get(type_name(arguments["input"]), {}) if "input" in arguments else {}
        known[name] = {*arguments, *(f"input.{each}" for each in inner)}

    strange = {name: set(write.members) - known.get(name, set()) for name, write in WRITES.items()}

    assert {name: paths for name, paths in strange.items() if paths} == {}


@pytest.mark.shared
def test_every_member_with_advice_is_in_the_published_schema() -> None:
    types = definitions()
    members = {*types["IssueUpdateInput"]} | {
        argument.name.value
        for member in types["Mutation"].values()
        for argument in member.arguments or ()
    }

    assert set(ADVICE) - members == set()


def test_no_deletion_is_in_the_table_and_every_target_is_a_member() -> None:
    assert [name for name in WRITES if "elete" in name or "rchive" in name] == []
    lost = [name for name, write in WRITES.items() if set(write.targets) - set(write.members)]
    assert lost == []
