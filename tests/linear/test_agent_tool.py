"""The tool `linear_graphql`, from a call to what a Linear has then, and what the model is told."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from symphony_cli import clock
from symphony_cli.adapters.linear.agent_targets import Scope
from symphony_cli.adapters.linear.allowance import Allowance
from symphony_cli.adapters.linear.guard import Reach
from symphony_cli.adapters.linear.tool import LONGEST_CALL, Tool, linear_graphql
from symphony_cli.adapters.linear.transport import Transport
from symphony_cli.core.budget import Told
from symphony_cli.core.shape import Json
from tests.linear.world import World

MOVE = """mutation Move($id: String!, $state: String!) {
  issueUpdate(id: $id, input: {stateId: $state}) { success issue { identifier } } }"""
SAY = """mutation($id: String!, $b: String!) {
  commentCreate(input: {issueId: $id, body: $b}) { success } }"""
EDIT = 'mutation($id: String!) { commentUpdate(id: $id, input: {body: "b"}) { success } }'
UNLABEL = 'mutation($id: String!) { issueRemoveLabel(id: "ENG-1", labelId: $id) { success } }'


@dataclass
class Agent:
    """Works on ENG-1 of a world with two issues in the project and one in none."""

    world: World
    root: Path
    writes: str = "issue"
    changing: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world.create("Mine")
        self.world.create("A neighbour's")
        self.world.person.create("Far away", project=None)
        self.allowance = Allowance(self.root, self.world.key, clock.now)
        self._linear = Transport(
            self.world.endpoint, self.world.key, self.allowance, timeout=lambda: 20.0
        )

    def call(self, query: str, **variables: Json) -> tuple[bool, str]:
        """Call the tool."""
        return self.send({"query": query, "variables": variables})

    def send(self, arguments: Json) -> tuple[bool, str]:
        reach = Reach(self.writes, self.world.issue("ENG-1")["id"], "ENG-1")
        scope = Scope(reach, self.world.project, ("stop-continue",))
        tool = Tool(self._linear, scope, lambda: self.changing.append(self.world.requests()))
        return linear_graphql(arguments, tool)

    def data(self, query: str, **variables: Json) -> Any:
        """The data of a query that works."""
        success, text = self.call(query, **variables)
        assert success, text
        return json.loads(text)["data"]

    def id_of(self, connection: str, name: str) -> str:
        """The id of a state, label, team or project by its name."""
        rows = self.data(f"{{ {connection}(first: 50) {{ nodes {{ id name }} }} }}")
        return str(next(row["id"] for row in rows[connection]["nodes"] if row["name"] == name))

    def comment_on(self, issue: str) -> str:
        """The id of a comment that the agent's user wrote there."""
        near, self.writes = self.writes, "project"
        assert self.call(SAY, id=issue, b="First")[0]
        self.writes = near
        query = "query($id: String!) { issue(id: $id) { comments(first: 9) { nodes { id } } } }"
        return str(self.data(query, id=issue)["issue"]["comments"]["nodes"][-1]["id"])

    def requests_of(self, query: str, **variables: Json) -> tuple[bool, str, int]:
        """The answer of a call, and how many requests it took."""
        before = self.world.requests()
        success, text = self.call(query, **variables)
        return success, text, self.world.requests() - before


@pytest.fixture
def agent(world: World, tmp_path: Path) -> Agent:
    world.lag(0)
    return Agent(world, tmp_path / "budget")


def test_the_own_issue_is_moved_with_one_request(agent: Agent) -> None:
    review = agent.id_of("workflowStates", "Human Review")

    answer = agent.requests_of(MOVE, id="eng-1", state=review)

    data = '{"issueUpdate":{"success":true,"issue":{"identifier":"ENG-1"}}}'
    assert answer == (True, f'{{"data":{data}}}', 1)
    assert agent.world.issue("ENG-1")["state"] == "Human Review"
    assert agent.world.operations()[-1] == "Move"


def test_a_change_is_noted_before_and_after_it_and_a_question_is_not(agent: Agent) -> None:
    before = agent.world.requests()

    agent.call("{ viewer { id } }")
    agent.call(SAY, id="ENG-1", b="Hello")
    agent.call(SAY, id="ENG-2", b="Hello")

    assert agent.changing == [before + 1, before + 2]


def test_a_foreign_issue_is_refused_without_any_request(agent: Agent) -> None:
    success, text, requests = agent.requests_of(MOVE, id="ENG-2", state="s")

    assert (success, requests) == (False, 0)
    assert text.startswith("`issueUpdate` is for 'ENG-2', and only your own issue may be changed")
    assert text.endswith("Nothing was sent.")


@pytest.mark.parametrize(
    ("document", "start"),
    [
        ("query A { viewer { id } } query B { viewer { id } }", "The document has 2 operations"),
        ("subscription { issueUpdated { id } }", "Subscriptions are never allowed"),
        ("{ viewer { id }", "The document is no valid GraphQL at line 1, column 16"),
        ('mutation { issueDelete(id: "ENG-1") { success } }', "`issueDelete` is never allowed"),
    ],
)
def test_what_the_guard_refuses_is_never_sent(agent: Agent, document: str, start: str) -> None:
    success, text, requests = agent.requests_of(document)

    assert (success, text[: len(start)], requests) == (False, start, 0)


def test_a_comment_on_the_own_issue_is_looked_up_and_changed(agent: Agent) -> None:
    comment = agent.comment_on("ENG-1")

    success, _, requests = agent.requests_of(EDIT, id=comment)

    assert (success, requests) == (True, 2)
    assert agent.world.issue("ENG-1")["comments"] == ["b"]


def test_a_comment_on_another_issue_is_looked_up_and_left(agent: Agent) -> None:
    comment = agent.comment_on("ENG-2")

    success, text, requests = agent.requests_of(EDIT, id=comment)

    assert (success, requests) == (False, 1)
    assert text.startswith(f"The comment {comment} is not on your own issue, ENG-1")
    assert agent.world.issue("ENG-2")["comments"] == ["First"]


def test_a_thing_that_is_not_there_is_refused(agent: Agent) -> None:
    success, text, requests = agent.requests_of(EDIT, id="0c0c0c0c-1111-4222-8333-444444444444")

    assert (success, requests, " was not found" in text) == (False, 1, True)


def test_only_a_person_takes_a_stop_label_off(agent: Agent) -> None:
    for name in ("bug", "stop-continue"):
        agent.world.person.label("ENG-1", name)
    bug, stop = (agent.id_of("issueLabels", name) for name in ("bug", "stop-continue"))

    answers = [agent.requests_of(UNLABEL, id=label) for label in (bug, stop)]

    assert [(success, requests) for success, _, requests in answers] == [(True, 2), (False, 1)]
    assert answers[1][1] == (
        "Only a person may remove the label 'stop-continue'. Nothing was sent."
    )
    assert agent.world.issue("ENG-1")["labels"] == ["stop-continue"]


def test_with_reach_project_a_neighbour_may_be_changed_and_a_stranger_not(agent: Agent) -> None:
    agent.writes = "project"
    id = agent.world.issue("ENG-2")["id"]

    answers = [agent.requests_of(SAY, id=name, b="x") for name in (id, "eng-2", "ENG-3", "ENG-99")]

    assert [answer[0] for answer in answers] == [True, True, False, False]
    assert [answer[2] for answer in answers] == [2, 2, 1, 1]
    assert answers[2][1].startswith("The issue ENG-3 does not belong to the project")
    assert answers[3][1].startswith("Linear does not have all of ENG-99: ")
    assert agent.world.issue("ENG-2")["comments"] == ["x", "x"]


def test_with_reach_project_issues_are_made_in_this_project_only(agent: Agent) -> None:
    agent.writes = "project"
    agent.world.add_project("Elsewhere", "elsewhere-0c0ffee11111")
    team = agent.id_of("teams", "Engineering")
    make = """mutation($team: String!, $project: String!) {
      issueCreate(input: {teamId: $team, projectId: $project, title: "New"}) { success } }"""

    answers = [
        agent.requests_of(make, team=team, project=agent.id_of("projects", name))
        for name in ("Symphony", "Elsewhere")
    ]

    assert [(success, requests) for success, _, requests in answers] == [(True, 2), (False, 1)]
    assert agent.world.issue("ENG-4")["project"] == agent.world.project


def test_what_linear_refuses_comes_with_its_errors(agent: Agent) -> None:
    success, text = agent.call('{ issue(id: "ENG-99") { id } }')

    reply = json.loads(text)
    assert (success, reply["errors"][0]["message"]) == (False, "Entity not found: Issue")


def test_what_was_just_written_may_not_be_found_yet_and_the_model_is_told(agent: Agent) -> None:
    agent.writes = "project"
    agent.world.lag(60)
    new = agent.world.create("Seconds old")["id"]

    assert agent.requests_of(SAY, id=new, b="x") == (
        False,
        f"The issue {new} was not found. If it is only seconds old, try again soon. "
        "Nothing was sent.",
        1,
    )


def test_a_change_without_an_answer_is_sent_once_and_may_have_been_made(agent: Agent) -> None:
    agent.world.fault("cut_after_apply")

    success, text, requests = agent.requests_of(SAY, id="ENG-1", b="Once")

    assert (success, requests) == (False, 1)
    assert text.endswith("The change may have been made: look before you repeat it.")
    assert agent.world.issue("ENG-1")["comments"] == ["Once"]
    assert len(agent.changing) == 2


def test_asked_too_often_the_model_is_told_when_to_try_again(agent: Agent) -> None:
    agent.world.fault("ratelimited", headers=False)

    limited = agent.requests_of("{ viewer { id } }")
    put_off = agent.requests_of(SAY, id="ENG-1", b="x")

    assert (limited[0], limited[2]) == (False, 1)
    assert (put_off[0], put_off[2]) == (False, 0)
    assert "Try again in 60 seconds." in limited[1]
    assert "Try again in " in put_off[1]


@pytest.mark.parametrize("query", ["{ viewer { id } }", SAY])
def test_an_agent_may_not_use_the_reserve_not_even_for_a_change(agent: Agent, query: str) -> None:
    agent.allowance.heard(Told(limit=2500, remaining=20))

    success, text, requests = agent.requests_of(query, id="ENG-1", b="x")

    assert (success, requests, "Try again in " in text) == (False, 0, True)


def test_a_rejected_key_is_told_without_the_key(agent: Agent) -> None:
    agent.world.revoke()

    answers = [agent.call("{ viewer { id } }"), agent.call(SAY, id="ENG-1", b="x")]

    assert [success for success, _ in answers] == [False, False]
    assert all("Linear does not accept the key" in text for _, text in answers)
    assert not any(agent.world.key in text for _, text in answers)


def test_a_key_that_somebody_wrote_into_an_issue_is_hidden(agent: Agent) -> None:
    agent.world.person.describe("ENG-1", f"It is {agent.world.key}!")

    text = agent.call('{ issue(id: "ENG-1") { description } }')[1]

    assert text == '{"data":{"issue":{"description":"It is [secret]!"}}}'


def test_a_description_of_ten_megabytes_is_refused_with_its_size(agent: Agent) -> None:
    success, text, requests = agent.requests_of(SAY, id="ENG-1", b="x" * 10_000_000)

    assert (success, requests) == (False, 0)
    assert text.startswith("The call has 1000")
    assert f"at most {LONGEST_CALL} are sent to Linear" in text


def test_variables_as_a_text_are_judged_like_others(agent: Agent) -> None:
    answers = [
        agent.send({"query": SAY, "variables": json.dumps({"id": name, "b": "x"})})
        for name in ("ENG-2", "ENG-1")
    ]

    assert [success for success, _ in answers] == [False, True]
