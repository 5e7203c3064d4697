"""Writes on our own small server and on the stand-in, and which changes move `updatedAt`."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from tests.linear.asks import CHANGE, COMMENT, LABELS, ONE, Asks, catch_up, code
from tests.linear.world import World

CHANGES: dict[str, Callable[[World], None]] = {
    "state": lambda world: world.person.move("ENG-1", "Done"),
    "title": lambda world: world.person.retitle("ENG-1", "Another"),
    "priority": lambda world: world.person.prioritise("ENG-1", 1),
    "assignee": lambda world: world.person.assign("ENG-1", "Rui Reviewer"),
    "labels": lambda world: world.person.label("ENG-1", "bug"),
    "project": lambda world: world.person.to_project("ENG-1", None),
    "comment": lambda world: world.person.comment("ENG-1", "hello"),
    "relation": lambda world: world.person.relate("ENG-2", "ENG-1"),
    "attachment": lambda world: world.person.attach_pr("ENG-1", "https://github.com/a/b/pull/1"),
    "archive": lambda world: world.person.archive("ENG-1"),
    "trash": lambda world: world.person.trash("ENG-1"),
}


def test_which_changes_move_updated_at(world: World) -> None:
    past = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
    moved = set()
    for name, change in CHANGES.items():
        world.reset()
        world.create()
        world.create()
        if world.name == "standin-strict":
            world.bump("trash", on=False)
        world.person.set("ENG-1", updatedAt=past)
        change(world)
        if world.issue("ENG-1")["updatedAt"] != "2026-01-05T08:00:00.000Z":
            moved.add(name)
    usual = {"state", "title", "priority", "assignee", "labels", "project"}
    doubtful = {"comment", "relation", "attachment", "archive"}
    assert moved == (usual | doubtful if world.name == "standin-strict" else usual)


def test_a_comment_with_an_id_of_ours_is_posted_once(world: World, ask: Asks) -> None:
    world.create()
    id = str(uuid.uuid4())
    first = ask(COMMENT, id=id, issue="ENG-1", body="Done")
    second = ask(COMMENT, id=id, issue="ENG-1", body="Done")
    error = second["errors"][0]
    assert first["data"]["commentCreate"]["comment"] == {"id": id, "body": "Done"}
    assert (error["message"], error["extensions"]["userPresentableMessage"]) == (
        "conflict on insert of Comment",
        f"Entity Comment with id {id} already exists.",
    )
    assert world.issue("ENG-1")["comments"] == ["Done"]


def test_an_archived_issue_can_be_read_but_takes_no_comment(world: World, ask: Asks) -> None:
    world.create()
    world.person.archive("ENG-1")
    catch_up(world)
    answer = ask(COMMENT, id=str(uuid.uuid4()), issue="ENG-1", body="Done")
    assert answer["errors"][0]["message"] == "Entity not found: Issue"
    assert ask.data(ONE, id="ENG-1")["issue"]["identifier"] == "ENG-1"


def test_labels_by_delta_leave_the_others_alone(world: World, ask: Asks) -> None:
    world.person.create(labels=["bug", "chore"])
    ids = {}
    for name in ("BUG", "Feature"):
        (label,) = ask.data(LABELS, name=name)["issueLabels"]["nodes"]
        ids[name] = label["id"]
    delta = {"addedLabelIds": [ids["Feature"]], "removedLabelIds": [ids["BUG"]]}
    ask.data(CHANGE, id="ENG-1", input=delta)
    ask.data(CHANGE, id="ENG-1", input=delta)
    assert world.issue("ENG-1")["labels"] == ["chore", "feature"]


def test_a_label_whose_name_is_taken_is_not_made_again(world: World, ask: Asks) -> None:
    world.add_label("Everywhere", team=None)
    team = ask.data("query Teams { teams(first: 5) { nodes { id } } }")["teams"]["nodes"][0]["id"]
    make = """mutation Make($name: String!, $team: String!) {
      issueLabelCreate(input: {name: $name, teamId: $team}) { success issueLabel { name } } }"""
    said = [ask(make, name=name, team=team) for name in ("Bug", "everywhere", "new")]
    world.labels_by_owners()
    said.append(ask(make, name="newer", team=team))
    assert [answer["errors"][0]["message"] for answer in said if "errors" in answer] == [
        "Duplicate label name",
        "Duplicate label name",
        "Forbidden",
    ]
    assert (said[2]["data"]["issueLabelCreate"]["issueLabel"], code(said[3])) == (
        {"name": "new"},
        "FORBIDDEN",
    )


def test_a_group_of_labels_cannot_be_put_on_an_issue(world: World, ask: Asks) -> None:
    world.create()
    world.add_label("area", group=True)
    (label,) = ask.data(LABELS, name="area")["issueLabels"]["nodes"]
    answer = ask(CHANGE, id="ENG-1", input={"addedLabelIds": [label["id"]]})
    assert (code(answer), world.issue("ENG-1")["labels"]) == ("INPUT_ERROR", [])


def test_an_issue_is_moved_by_the_id_of_a_state(world: World, ask: Asks) -> None:
    world.create(state="Todo")
    states = 'query S { workflowStates(first: 9, filter: {name: {eq: "Done"}}) { nodes { id } } }'
    (state,) = ask.data(states)["workflowStates"]["nodes"]
    moved = ask.data(CHANGE, id="ENG-1", input={"stateId": state["id"]})
    by_name = ask(CHANGE, id="ENG-1", input={"stateId": "Todo"})
    assert moved["issueUpdate"]["issue"] == {"labelIds": [], "state": {"name": "Done"}}
    assert (code(by_name), world.issue("ENG-1")["state"]) == ("INVALID_INPUT", "Done")


def test_what_is_done_before_a_failure_stays_done(world: World, ask: Asks) -> None:
    world.create()
    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    both = f"""mutation Both {{
      a: commentCreate(input: {{id: "{first}", issueId: "ENG-1", body: "one"}}) {{ success }}
      b: commentCreate(input: {{id: "{second}", issueId: "ENG-9", body: "two"}}) {{ success }} }}"""
    answer = ask(both)
    assert (answer["data"], world.issue("ENG-1")["comments"]) == (None, ["one"])
