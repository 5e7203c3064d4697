"""How a call of `linear_graphql` is read, and how a reply of Linear is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from symphony_cli.adapters.linear.agent_targets import Scope
from symphony_cli.adapters.linear.exchange import Answer
from symphony_cli.adapters.linear.guard import Reach
from symphony_cli.adapters.linear.tool import LONGEST_CALL, Tool, linear_graphql, parse_call
from symphony_cli.adapters.linear.transport import RawReply
from symphony_cli.core.shape import Json
from symphony_cli.errors import TrackerError, WriteRefused

OWN = "0a0a0a0a-1111-4222-8333-444444444444"
THING = "0c0c0c0c-1111-4222-8333-444444444444"
SCOPE = Scope(Reach("issue", OWN, "ENG-1"), "shop-c0ffee")
SAY = 'mutation Say { commentCreate(input: {issueId: "ENG-1", body: "b"}) { success } }'
EDIT = f'mutation {{ commentUpdate(id: "{THING}", input: {{body: "b"}}) {{ success }} }}'


class Says:
    """A Linear that always says the same, and remembers what it was asked."""

    def __init__(self, body: dict[str, Json], error: TrackerError | None = None) -> None:
        self.body, self.error = body, error
        self.operations: list[str] = []

    @property
    def sent(self) -> int:
        return len(self.operations)

    def ask(
        self, operation: str, document: str, variables: Mapping[str, Json], *, ours: bool = False
    ) -> Answer:
        self.operations.append(operation)
        data = self.body["data"]
        assert isinstance(data, dict)
        return Answer(data)

    def exchange(
        self, operation: str, document: str, variables: Mapping[str, Json], *, ours: bool = False
    ) -> RawReply:
        self.operations.append(operation)
        if self.error is not None:
            raise self.error
        return RawReply(200, self.body)


def call(linear: Says, document: str) -> tuple[bool, str]:
    return linear_graphql({"query": document}, Tool(linear, SCOPE, lambda: None))


def test_data_next_to_errors_is_no_success_and_both_are_told_and_nothing_else() -> None:
    linear = Says({"errors": [{"message": "Ä"}], "data": {"a": None}, "extensions": {"cost": 1}})

    answer = call(linear, "query Q { a }")

    assert answer == (False, '{"data":{"a":null},"errors":[{"message":"Ä"}]}')
    assert linear.operations == ["Q"]


def test_an_empty_list_of_errors_is_a_success() -> None:
    answer = call(Says({"data": {}, "errors": []}), "{ a }")

    assert answer == (True, '{"data":{},"errors":[]}')


@pytest.mark.parametrize(
    ("error", "document", "text"),
    [
        (TrackerError("No answer."), "{ a }", "No answer."),
        (
            TrackerError("No answer."),
            SAY,
            "No answer. The change may have been made: look before you repeat it.",
        ),
        (WriteRefused("Too large."), SAY, "Too large."),
    ],
)
def test_whether_a_change_may_have_been_made_is_said(
    error: TrackerError, document: str, text: str
) -> None:
    assert call(Says({}, error), document) == (False, text)


def test_an_answer_to_the_look_that_is_none_sends_no_change() -> None:
    linear = Says({"data": {"comments": "?"}})

    success, text = call(linear, EDIT)

    assert (success, linear.operations) == (False, ["AgentTargets"])
    assert text.startswith("What the change is for could not be looked up: Linear's answer cannot")


def test_a_call_of_a_megabyte_is_read_and_one_byte_more_is_not() -> None:
    document = "{ a } #"
    padding = LONGEST_CALL - len(document) - len("{}")

    assert parse_call(document + "x" * padding)[1] == {}
    with pytest.raises(ValueError, match=f"has {LONGEST_CALL + 1} bytes"):
        parse_call(document + "x" * (padding + 1))


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        (None, 'The arguments must be {"query": TEXT, "variables": OBJECT}.'),
        ([], "The arguments must be"),
        ({}, "`query` must be a GraphQL document"),
        ("", "`query` must be a GraphQL document"),
        ({"query": 3}, "`query` must be a GraphQL document"),
        ({"query": "{ a }", "vars": {}}, "Unknown argument 'vars'; known are query, variables,"),
        ({"query": "{ a }", "variables": []}, "`variables` must be an object."),
        ({"query": "{ a }", "variables": "x"}, "`variables` is a text that is no JSON"),
        ({"query": "{ a }", "variables": "[" * 100_000}, "`variables` is a text that is no JSON"),
        ({"query": "{ a }", "variables": "[1]"}, "`variables` must be an object."),
        ({"query": "{ a }", "variables": {"x": float("nan")}}, "`variables` cannot be written"),
        ({"query": "{ a }", "variables": {"x": "\ud800"}}, "The call has half a character"),
        ({"query": "{ a } # \ud800"}, "The call has half a character"),
    ],
    ids=lambda value: str(value)[:40].encode("ascii", "replace").decode(),
)
def test_a_call_that_makes_no_sense_is_answered(arguments: Any, start: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_call(arguments)

    assert str(caught.value)[: len(start)] == start


@pytest.mark.parametrize(
    ("arguments", "parsed"),
    [
        ("{ a }", ("{ a }", {})),
        ({"query": "{ a }"}, ("{ a }", {})),
        ({"query": "{ a }", "variables": None}, ("{ a }", {})),
        ({"query": "{ a }", "variables": ""}, ("{ a }", {})),
        ({"query": "{ a }", "variables": '{"x": [1]}'}, ("{ a }", {"x": [1]})),
        ({"query": "{ a }", "operationName": "Q"}, ("{ a }", {})),
    ],
)
def test_calls_as_models_make_them_are_understood(arguments: Json, parsed: Any) -> None:
    assert parse_call(arguments) == parsed
