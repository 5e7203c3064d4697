"""Which GraphQL documents an agent may send, and what it is told about the others."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from symphony_cli.adapters.linear.agent_writes import Role
from symphony_cli.adapters.linear.guard import Allowed, Reach, Refused, Target, judge
from symphony_cli.core.shape import Json

OWN = "0a0a0a0a-1111-4222-8333-444444444444"
OTHER = "0b0b0b0b-1111-4222-8333-444444444444"
THING = "0c0c0c0c-1111-4222-8333-444444444444"
ISSUE = Reach("issue", OWN, "ENG-1", ("OPS-9",))
PROJECT = Reach("project", OWN, "ENG-1", ("OPS-9",))
OFF = Reach("off", OWN, "ENG-1")

MOVE = 'mutation($i: IssueUpdateInput!) { issueUpdate(id: "ENG-1", input: $i) { success } }'


def mutation(fields: str, variables: Mapping[str, Json] | None = None, reach: Reach = ISSUE) -> str:
    """The refusal of a mutation with these root fields; empty when it is allowed."""
    verdict = judge(f"mutation {{ {fields} }}", variables or {}, reach)
    return verdict.sentence if isinstance(verdict, Refused) else ""


@pytest.mark.parametrize("reach", [ISSUE, PROJECT, OFF], ids=lambda reach: reach.writes)
@pytest.mark.parametrize(
    ("document", "name"),
    [
        ("{ viewer { id } }", ""),
        ('query Mine { issue(id: "ENG-2") { ...F } } fragment F on Issue { id }', "Mine"),
        ("query { __schema { types { name } } }", ""),
        ('# a remark\nquery Q($a: String = "issueDelete") { issue(id: $a) { id } }', "Q"),
    ],
)
def test_queries_are_free(reach: Reach, document: str, name: str) -> None:
    assert judge(document, {}, reach) == Allowed("query", name)


@pytest.mark.parametrize("name", [OWN, OWN.upper(), "ENG-1", "eng-1", "OPS-9"])
def test_the_own_issue_may_be_changed_by_any_of_its_names(name: str) -> None:
    document = (
        'mutation Move($id: String!) { issueUpdate(id: $id, input: {stateId: "s"}) { success } }'
    )

    assert judge(document, {"id": name}, ISSUE) == Allowed("mutation", "Move")


@pytest.mark.parametrize(
    "fields",
    [
        'issueUpdate(id: "ENG-1", input: {title: "t", addedLabelIds: ["x"], trashed: false})',
        'issueAddLabel(id: "ENG-1", labelId: "x")',
        'commentCreate(input: {issueId: "ENG-1", body: "b"})',
        'reactionCreate(input: {issueId: "ENG-1", emoji: "+1"})',
        'attachmentCreate(input: {issueId: "ENG-1", url: "u", title: "t"})',
        'attachmentLinkURL(issueId: "ENG-1", url: "u")',
        'attachmentLinkGitHubPR(issueId: "ENG-1", url: "u", linkKind: closes)',
        'issueRelationCreate(input: {issueId: "ENG-1", relatedIssueId: "ENG-2", type: related})',
        'issueRelationCreate(input: {issueId: "ENG-2", relatedIssueId: "ENG-1", type: blocks})',
        'issueRelationCreate(input: {issueId: "ENG-1", relatedIssueId: "ENG-2", type: duplicate})',
        'fileUpload(contentType: "text/plain", filename: "f", size: 3, makePublic: false)',
        'a: issueAddLabel(id: "ENG-1", labelId: "x") { success } __typename',
    ],
)
def test_changes_of_the_own_issue_need_nothing_confirmed(fields: str) -> None:
    assert judge(f"mutation {{ {fields} }}", {}, ISSUE) == Allowed("mutation")


@pytest.mark.parametrize(
    ("fields", "target"),
    [
        (f'commentUpdate(id: "{THING}", input: {{body: "b"}})', Role.COMMENT),
        (f'commentResolve(id: "{THING}")', Role.COMMENT),
        (f'commentUnresolve(id: "{THING.upper()}")', Role.COMMENT),
        (
            f'commentCreate(input: {{issueId: "ENG-1", parentId: "{THING}"}})',
            Role.COMMENT,
        ),
        (
            f'reactionCreate(input: {{commentId: "{THING}", emoji: "+1"}})',
            Role.COMMENT,
        ),
        (f'attachmentUpdate(id: "{THING}", input: {{title: "t"}})', Role.ATTACHMENT),
        (f'issueRemoveLabel(id: "ENG-1", labelId: "{THING}")', Role.LABEL_OFF),
        (
            f'issueUpdate(id: "ENG-1", input: {{removedLabelIds: ["{THING}"]}})',
            Role.LABEL_OFF,
        ),
        (
            f'issueUpdate(id: "ENG-1", input: {{removedLabelIds: "{THING}"}})',
            Role.LABEL_OFF,
        ),
    ],
)
def test_what_the_document_does_not_show_has_to_be_confirmed(fields: str, target: Role) -> None:
    verdict = judge(f"mutation {{ {fields} }}", {}, ISSUE)

    assert verdict == Allowed("mutation", "", (Target(target, THING),))


@pytest.mark.parametrize(
    ("fields", "targets"),
    [
        ('issueUpdate(id: "eng-2", input: {})', (Target(Role.ISSUE, "ENG-2"),)),
        (f'issueAddLabel(id: "{OTHER}", labelId: "x")', (Target(Role.ISSUE, OTHER),)),
        (
            f'issueBatchUpdate(ids: ["{OWN}", "{OTHER}"], input: {{}})',
            (Target(Role.ISSUE, OTHER),),
        ),
        (
            f'issueCreate(input: {{teamId: "t", projectId: "{THING}", labelIds: ["x"]}})',
            (Target(Role.PROJECT, THING),),
        ),
        (
            'issueRelationCreate(input: {issueId: "ENG-1", relatedIssueId: "ENG-2", type: blocks})',
            (Target(Role.ISSUE, "ENG-2"),),
        ),
        (
            f'issueRelationUpdate(id: "{THING}", input: {{relatedIssueId: "ENG-3"}})',
            (Target(Role.ISSUE, "ENG-3"), Target(Role.RELATION, THING)),
        ),
    ],
)
def test_with_reach_project_other_issues_have_to_be_confirmed(
    fields: str, targets: tuple[Target, ...]
) -> None:
    assert judge(f"mutation {{ {fields} }}", {}, PROJECT) == Allowed("mutation", "", targets)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            'issueDelete(id: "ENG-1")',
            "`issueDelete` is never allowed through this tool.",
        ),
        ('issueArchive(id: "ENG-1")', "`issueArchive` is never allowed"),
        (f'commentDelete(id: "{THING}")', "`commentDelete` is never allowed"),
        ('teamUpdate(id: "t", input: {})', "`teamUpdate` is never allowed"),
        ('webhookCreate(input: {url: "u"})', "`webhookCreate` is never allowed"),
        ('userUpdate(id: "me", input: {})', "`userUpdate` is never allowed"),
        ('issueLabelDelete(id: "x")', "`issueLabelDelete` is never allowed"),
        ('issueSubscribe(id: "ENG-1")', "`issueSubscribe` is never allowed"),
        (
            'issueCreate(input: {teamId: "t", projectId: "p"})',
            "`issueCreate` is allowed only with `tracker.tool_writes: project`",
        ),
        (
            f'issueBatchUpdate(ids: ["{OWN}"])',
            "`issueBatchUpdate` is allowed only with",
        ),
        (
            'issueUpdate(id: "ENG-2", input: {})',
            "`issueUpdate` is for 'ENG-2', and only your own issue may be changed: name it "
            f"ENG-1 (id {OWN}). Only with `tracker.tool_writes: project`",
        ),
        ('issueUpdate(id: "", input: {})', "`id` of `issueUpdate` must be an id."),
        ("issueUpdate(id: 1, input: {}) { success }", "`id` of `issueUpdate` must be an id."),
        (
            "issueUpdate(input: {}) { success }",
            "`issueUpdate` does not say what it is for: give `id`;",
        ),
        ("issueUpdate(id: null) { success }", "`issueUpdate` does not say what it is for"),
        (
            'issueUpdate(id: "ENG-1", input: "x")',
            "The `input` of `issueUpdate` must be",
        ),
        (
            'issueUpdate(id: "ENG-1", input: {trashed: true})',
            "`issueUpdate` may not set `trashed`: that would delete the issue.",
        ),
        (
            'issueUpdate(id: "ENG-1", input: {labelIds: []})',
            "`issueUpdate` may not set `labelIds`: it replaces the labels that other people set; "
            "use addedLabelIds and removedLabelIds.",
        ),
        (
            'issueUpdate(id: "ENG-1", input: {labelIds: null})',
            "`issueUpdate` may not set",
        ),
        ('issueUpdate(id: "ENG-1", input: {teamId: "t"})', "`issueUpdate` may not set"),
        (
            'issueUpdate(id: "ENG-1", input: {projectId: null})',
            "`issueUpdate` may not set",
        ),
        ('issueUpdate(id: "ENG-1", input: {brandNew: 1})', "`issueUpdate` may not set"),
        (
            'issueUpdate(id: "ENG-1", brandNew: 1)',
            "`issueUpdate` may not set `brandNew`",
        ),
        (
            'issueUpdate(id: "ENG-1", input: {removedLabelIds: ["x"]})',
            "`removedLabelIds` of `issueUpdate` must be a UUID, and 'x' is none.",
        ),
        (
            'commentCreate(input: {body: "b"})',
            "`commentCreate` does not say what it is",
        ),
        (
            'commentCreate(input: {issueId: "ENG-1", projectId: "p"})',
            "`commentCreate` may not set `projectId`",
        ),
        ('commentUpdate(id: "x", input: {})', "`id` of `commentUpdate` must be a UUID"),
        ("fileUpload(makePublic: true) { success }", "`fileUpload` may not set `makePublic`"),
        (
            'issueRelationCreate(input: {issueId: "ENG-1", relatedIssueId: "ENG-2", type: blocks})',
            "A relation of the type blocks changes the issue in `relatedIssueId`, which must be",
        ),
        (
            'issueRelationCreate(input: {issueId: "A", relatedIssueId: "ENG-1", type: duplicate})',
            "A relation of the type duplicate changes the issue in `issueId`",
        ),
        (
            'issueRelationCreate(input: {issueId: "A-2", relatedIssueId: "A-3", type: related})',
            "A relation of the type related changes the issue in `issueId` or `relatedIssueId`",
        ),
        (
            'issueRelationCreate(input: {issueId: "ENG-1", relatedIssueId: "ENG-2"})',
            "The `type` of `issueRelationCreate` must be one of blocks, duplicate, related,",
        ),
        (
            'issueRelationCreate(input: {issueId: "ENG-1", type: related})',
            "`issueRelationCreate` needs `input.issueId` and `input.relatedIssueId`.",
        ),
        (
            'issueAddLabel(id: "ENG-1", labelId: "x") { success } b: issueDelete(id: "ENG-1")',
            "`issueDelete` is never allowed",
        ),
        (
            'issueUpdate(id: "ENG-1", id: "ENG-2", input: {})',
            "The argument id is there",
        ),
        (
            'commentCreate(input: {issueId: "ENG-1", issueId: "ENG-2"})',
            "The argument issueId is there twice.",
        ),
        ("...F", "The document has no fragment F."),
        ("", "The mutation asks for nothing."),
    ],
)
def test_a_mutation_outside_the_reach_is_refused_with_a_reason(fields: str, sentence: str) -> None:
    assert mutation(fields)[: len(sentence)] == sentence


def test_whoever_may_reach_the_project_may_still_not_leave_it_or_delete() -> None:
    said = [
        mutation(fields, reach=PROJECT)
        for fields in (
            'issueDelete(id: "ENG-2")',
            'issueRelationDelete(id: "x")',
            'issueCreate(input: {teamId: "t"})',
            'issueUpdate(id: "ENG-2", input: {projectId: "p"})',
            'issueUpdate(id: "not an issue", input: {})',
        )
    ]

    assert [sentence.partition(".")[0] for sentence in said] == [
        "`issueDelete` is never allowed through this tool",
        "`issueRelationDelete` is never allowed through this tool",
        "`issueCreate` does not say what it is for: give `input",
        "`issueUpdate` may not set `projectId`: the issue would leave its project",
        "'not an issue' is neither the UUID nor the identifier of an issue",
    ]


def test_with_writes_off_no_mutation_is_allowed_not_even_an_empty_one() -> None:
    document = 'mutation { issueAddLabel(id: "ENG-1", labelId: "x") { success } }'

    assert judge(document, {}, OFF) == Refused(
        "Changes by agents are switched off here (`tracker.tool_writes: off`). Queries are allowed."
    )


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ("", "The document is no valid GraphQL at line 1, column 1: Unexpected <EOF>"),
        ("query {\n  a(: 1)\n}", "The document is no valid GraphQL at line 2, column 5: "),
        ("fragment F on Issue { id }", "The document has no operation; send exactly one"),
        ("query A { a } mutation B { b }", "The document has 2 operations; send exactly one query"),
        ("{ a } { b }", "The document has 2 operations"),
        ("{ a } type Mine { a: Int }", "Only one operation and its fragments"),
        ("subscription { issueUpdated { id } }", "Subscriptions are never allowed"),
        ("mutation($a: Int, $a: Int) { issueAddLabel(id: $a) { s } }", "The variable a is there"),
        (
            "mutation { ...F } fragment F on Mutation { a } fragment F on Mutation { b }",
            "The fragment F is there twice.",
        ),
        ("\ud800", "The document is no valid GraphQL at line 1"),
    ],
)
def test_a_document_that_cannot_be_judged_is_refused(document: str, sentence: str) -> None:
    verdict = judge(document, {}, ISSUE)

    assert isinstance(verdict, Refused)
    assert verdict.sentence[: len(sentence)] == sentence


VARIABLES: dict[str, Json] = {"own": "ENG-1", "id": "ENG-2", "input": {"issueId": "ENG-2"}}


@pytest.mark.parametrize(
    "document",
    [
        "mutation($id: String!) { issueUpdate(id: $id, input: {}) { success } }",
        'mutation($no: String = "ENG-2") { issueUpdate(id: $no, input: {}) { success } }',
        'mutation($id: String = "ENG-1") { issueUpdate(id: $id, input: {}) { success } }',
        "mutation($no: String) { issueUpdate(id: $no, input: {}) { success } }",
        "mutation { issueUpdate(id: $own, input: {}) { success } }",
        "mutation($id: String!) { commentCreate(input: {issueId: $id}) { success } }",
        "mutation($input: CommentCreateInput!) { commentCreate(input: $input) { success } }",
        'mutation($i: X = {issueId: "ENG-2"}) { commentCreate(input: $i) { success } }',
        "mutation($no: String) { commentCreate(input: {issueId: $no}) { success } }",
        "mutation($id: X) { ...F } fragment F on Mutation { issueUpdate(id: $id) { success } }",
        "mutation($id: X) { ... on Mutation { ... { issueUpdate(id: $id) { success } } } }",
        'mutation { issueAddLabel(id: "ENG-1") { a } ...F } fragment F on Mutation '
        '{ ...G } fragment G on Query { issueAddLabel(id: "ENG-2") { a } ...F }',
        'mutation { ... @include(if: false) { issueDelete(id: "ENG-1") { success } } }',
        'mutation { issueDelete(id: "ENG-1") @skip(if: true) { success } }',
        'mutation { viewer: issueUpdate(id: "ENG\\u002d2", input: {}) { success } }',
        'mutation { issueUpdate(id: """ENG-2""", input: {}) { success } }',
    ],
)
def test_wherever_a_foreign_target_is_hidden_it_is_found(document: str) -> None:
    assert isinstance(judge(document, VARIABLES, ISSUE), Refused)


@pytest.mark.parametrize(
    "document",
    [
        "mutation($own: String!) { issueUpdate(id: $own, input: {}) { success } }",
        'mutation($no: String = "ENG-1") { issueUpdate(id: $no, input: {}) { success } }',
        'mutation($i: X = {issueId: "ENG-1"}) { commentCreate(input: $i) { success } }',
        "mutation($own: X, $no: X) { issueUpdate(id: $own, input: {trashed: $no}) { success } }",
        "mutation($own: X) { ...F } fragment F on Mutation { issueUpdate(id: $own) { success } }",
        'mutation { issueUpdate(id: "ENG\\u002d1", input: {}) { success } }',
    ],
)
def test_the_own_issue_is_found_wherever_it_is_named(document: str) -> None:
    assert isinstance(judge(document, VARIABLES, ISSUE), Allowed)


def test_a_whole_input_as_a_variable_is_judged_member_by_member() -> None:
    inputs: list[Json] = [
        {"stateId": "s"},
        {"stateId": "s", "trashed": True},
        {"labelIds": []},
        [1],
    ]

    verdicts = [judge(MOVE, {"i": given}, ISSUE) for given in inputs]

    assert [type(verdict) for verdict in verdicts] == [Allowed, Refused, Refused, Refused]


def test_more_targets_than_a_batch_may_have_are_refused() -> None:
    ids = [f"ENG-{number}" for number in range(2, 53)]
    fields = "issueBatchUpdate(ids: $ids, input: {}) { success }"
    document = f"mutation($ids: [UUID!]!) {{ {fields} }}"

    verdicts = [judge(document, {"ids": ids[:count]}, PROJECT) for count in (50, 51)]

    assert isinstance(verdicts[0], Allowed)
    assert verdicts[1] == Refused(
        "The mutation is about 51 things; at most 50 are allowed at once."
    )


@pytest.mark.parametrize(
    "document",
    [
        "{a" * 200_000,
        "mutation{issueUpdate(input:" + "[" * 500_000,
        "mutation{issueUpdate(input:" + "{a:" * 100 + "1" + "}" * 100 + "){s}}",
        "mutation{" + "...{" * 50_000 + "a" + "}" * 50_000 + "}",
        "mutation{...F0} "
        + " ".join(f"fragment F{n} on M{{...F{n + 1} ...F{n + 1}}}" for n in range(5_000))
        + " fragment F5000 on M{issueDelete}",
        "mutation{issueUpdate(id:" + "9" * 10_000 + "){s}}",
        "mutation{" + " ".join(f"a{n}:issueDelete" for n in range(20_000)) + "}",
        'mutation{issueUpdate(id:"' + "x" * 1_000_000 + '"){s}}',
    ],
    ids=lambda document: document[:24],
)
def test_a_monstrous_document_is_refused_in_a_short_sentence(document: str) -> None:
    verdict = judge(document, {}, ISSUE)

    assert isinstance(verdict, Refused)
    assert len(verdict.sentence) < 2_000
