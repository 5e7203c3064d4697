"""What is looked up before an agent's mutation is sent, and what its answer decides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from symphony_cli.adapters.linear.agent_targets import Scope, question, refusal
from symphony_cli.adapters.linear.agent_writes import Role
from symphony_cli.adapters.linear.guard import MOST_TARGETS, Reach, Target
from symphony_cli.core.shape import Json, Malformed

SCHEMA = Path(__file__).parents[4] / "shared" / "linear" / "schema.graphql"

OWN = "0a0a0a0a-1111-4222-8333-444444444444"
OTHER = "0b0b0b0b-1111-4222-8333-444444444444"
THING = "0c0c0c0c-1111-4222-8333-444444444444"
ISSUE = Scope(Reach("issue", OWN, "ENG-1"), "shop-c0ffee", ("symphony-stuck", "r&d"))
PROJECT = Scope(Reach("project", OWN, "ENG-1"), "shop-c0ffee")

OURS: Json = {"id": "p1", "slugId": "c0ffee"}
THEIRS: Json = {"id": "p2", "slugId": "beef"}


def nodes(connection: str, /, **row: Json) -> dict[str, Json]:
    """The answer to a batch of one."""
    return {connection: {"nodes": [{"id": THING, **row}]}}


def issue(id: str = OTHER, project: Json = None) -> dict[str, Json]:
    return {"id": id, "project": project}


def test_all_targets_are_asked_for_in_one_document() -> None:
    targets = [
        Target(Role.COMMENT, THING),
        Target(Role.ISSUE, OTHER),
        Target(Role.ISSUE, "ENG-2"),
        Target(Role.RELATION, THING),
    ]

    document, variables = question(targets)

    assert variables == {"comment": [THING], "issue": [OTHER], "one0": "ENG-2", "one1": THING}
    assert document.startswith(
        "query AgentTargets($comment: [ID!], $issue: [ID!], $one0: String!, $one1: String!) { "
    )
    assert "one0: issue(id: $one0)" in document
    assert "one1: issueRelation(id: $one1)" in document


@pytest.mark.parametrize(
    ("scope", "role", "data"),
    [
        (ISSUE, Role.COMMENT, nodes("comments", issue=issue(OWN))),
        (ISSUE, Role.ATTACHMENT, nodes("attachments", issue=issue(OWN, THEIRS))),
        (ISSUE, Role.LABEL_OFF, nodes("issueLabels", name="bug")),
        (PROJECT, Role.COMMENT, nodes("comments", issue=issue(OTHER, OURS))),
        (PROJECT, Role.ISSUE, nodes("issues", project=OURS)),
        (PROJECT, Role.PROJECT, nodes("projects", slugId="c0ffee")),
        (
            PROJECT,
            Role.RELATION,
            {"one0": {"id": THING, "issue": issue(project=OURS), "relatedIssue": issue(OWN)}},
        ),
    ],
)
def test_what_is_within_reach_is_not_refused(scope: Scope, role: Role, data: Any) -> None:
    assert refusal([Target(role, THING)], data, scope) == ""


@pytest.mark.parametrize(
    ("scope", "role", "data", "sentence"),
    [
        (ISSUE, Role.COMMENT, nodes("comments", issue=issue()), f"The comment {THING} is not on"),
        (ISSUE, Role.COMMENT, nodes("comments", issue=issue(OTHER, OURS)), "The comment "),
        (ISSUE, Role.COMMENT, nodes("comments", issue=None), "The comment "),
        (ISSUE, Role.COMMENT, {"comments": {"nodes": []}}, f"The comment {THING} was not found."),
        (ISSUE, Role.ATTACHMENT, nodes("attachments", issue=issue()), "The attachment "),
        (
            ISSUE,
            Role.LABEL_OFF,
            nodes("issueLabels", name="Symphony-Stuck"),
            "Only a person may remove the label 'Symphony-Stuck'.",
        ),
        (
            ISSUE,
            Role.LABEL_OFF,
            nodes("issueLabels", name="R&amp;D"),
            "Only a person may remove the label 'R&D'.",
        ),
        (ISSUE, Role.LABEL_OFF, {"issueLabels": {"nodes": []}}, f"The label {THING} was not found"),
        (
            PROJECT,
            Role.ISSUE,
            nodes("issues", project=THEIRS),
            f"The issue {THING} does not belong",
        ),
        (PROJECT, Role.ISSUE, nodes("issues", project=None), "The issue "),
        (PROJECT, Role.PROJECT, nodes("projects", slugId="beef"), f"The project {THING} is not"),
        (
            PROJECT,
            Role.RELATION,
            {"one0": {"id": THING, "issue": issue(OWN), "relatedIssue": issue(project=THEIRS)}},
            f"The relation {THING} does not belong to the project",
        ),
    ],
)
def test_what_is_out_of_reach_or_not_there_is_refused(
    scope: Scope, role: Role, data: Any, sentence: str
) -> None:
    assert refusal([Target(role, THING)], data, scope)[: len(sentence)] == sentence


@pytest.mark.parametrize("data", [{}, {"comments": None}, {"comments": {"nodes": [{"id": 1}]}}])
def test_an_answer_to_something_else_decides_nothing(data: Any) -> None:
    with pytest.raises(Malformed):
        refusal([Target(Role.COMMENT, THING)], data, ISSUE)


@pytest.mark.shared
def test_the_document_is_valid_against_the_published_schema() -> None:
    from graphql import build_schema, parse, validate

    if not SCHEMA.is_file():
        pytest.skip("Linear's published schema is not at hand")
    schema = build_schema(SCHEMA.read_text(), assume_valid=True)
    every = [Target(role, THING) for role in Role if role not in (Role.FREE, Role.NOT_TRUE)]

    document, _ = question([*every, Target(Role.ISSUE, "ENG-2")])

    assert validate(schema, parse(document)) == []


def test_even_the_largest_question_costs_far_less_than_a_request_may() -> None:
    """A property is 0.1 and an object 1, times the page (documented)."""
    place = 0.1 + 1 + 0.2
    batch = MOST_TARGETS * (1 + 0.1 + 1 + place)
    aliases = MOST_TARGETS * (1 + 0.1 + 2 * (1 + place))

    assert 5 * batch + aliases < 10_000
