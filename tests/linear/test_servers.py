"""Our own small server behaves as the stand-in does, which executes Linear's published schema.

Each case runs on both, and on the stand-in once more with every doubt decided the other way.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from tests.linear.asks import BY_FILTER, ONE, Asks, catch_up, code
from tests.linear.world import World


def test_an_issue_is_found_by_id_and_by_identifier(world: World, ask: Asks) -> None:
    made = world.create(state="Todo")
    catch_up(world)
    answers = [ask.data(ONE, id=made["id"]), ask.data(ONE, id="ENG-1")]
    issue = {"identifier": "ENG-1", "state": {"name": "Todo"}, "labelIds": []}
    assert answers == [{"issue": issue}, {"issue": issue}]


def test_a_moved_issue_is_in_its_new_state(world: World, ask: Asks) -> None:
    world.create(state="Todo")
    world.person.move("ENG-1", "Done")
    catch_up(world)
    assert world.issue("ENG-1")["state"] == "Done"
    assert ask.data(ONE, id="ENG-1")["issue"]["state"] == {"name": "Done"}


def test_filters_by_id_state_project_and_label(world: World, ask: Asks) -> None:
    first = world.create(state="Todo")
    world.create(state="Done")
    world.person.create(project=None, labels=["bug"])
    catch_up(world)
    found = [
        ask.found({"id": {"in": [first["id"], str(uuid.uuid4())]}}),
        ask.found({"state": {"name": {"in": ["Done"]}}}),
        ask.found({"state": {"name": {"eqIgnoreCase": "dOnE"}}}),
        ask.found({"state": {"name": {"eq": "done"}}}),
        ask.found({"state": {"type": {"nin": ["completed"]}}}),
        ask.found({"project": {"slugId": {"eq": world.project}}}),
        ask.found({"project": {"null": True}}),
        ask.found({"labels": {"name": {"eq": "bug"}}}),
        ask.found({"or": [{"number": {"gte": 3}}, {"state": {"name": {"eq": "Done"}}}]}),
        ask.found({"team": {"key": {"eq": "ENG"}}, "assignee": {"null": True}}),
    ]
    assert found == [
        ["ENG-1"],
        ["ENG-2"],
        ["ENG-2"],
        [],
        ["ENG-1", "ENG-3"],
        ["ENG-1", "ENG-2"],
        ["ENG-3"],
        ["ENG-3"],
        ["ENG-2", "ENG-3"],
        ["ENG-1", "ENG-2", "ENG-3"],
    ]


def test_pages_are_newest_first_and_end(world: World, ask: Asks) -> None:
    for number in range(5):
        world.create(f"Issue {number}")
    catch_up(world)
    pages, after = [], None
    for _ in range(3):
        page = ask.data(BY_FILTER, first=2, after=after, old=False)["issues"]
        after = page["pageInfo"]["endCursor"]
        names = [node["identifier"] for node in page["nodes"]]
        pages.append((names, page["pageInfo"]["hasNextPage"]))
    assert pages == [(["ENG-5", "ENG-4"], True), (["ENG-3", "ENG-2"], True), (["ENG-1"], False)]


def test_a_page_of_more_than_250_is_refused(world: World, ask: Asks) -> None:
    answer = ask(BY_FILTER, first=251)
    assert (code(answer), answer["data"]) == ("INVALID_INPUT", None)


def test_what_changed_since_a_date_or_a_duration(world: World, ask: Asks) -> None:
    world.create()
    world.create()
    then = datetime.now(UTC) - timedelta(hours=1)
    world.person.set("ENG-1", updatedAt=then)
    catch_up(world)
    dates = ["2020", (then + timedelta(minutes=1)).isoformat(), "-PT30M", "-PT2H"]
    found = [ask.found({"updatedAt": {"gte": date}}) for date in dates]
    assert found == [["ENG-1", "ENG-2"], ["ENG-2"], ["ENG-2"], ["ENG-1", "ENG-2"]]


def test_the_archive_and_the_trash_are_shown_on_request_only(world: World, ask: Asks) -> None:
    for _ in range(4):
        world.create()
    world.person.archive("ENG-1")
    world.person.trash("ENG-2")
    world.person.purge("ENG-3")
    catch_up(world)
    shown = ask.found({}), ask.found({}, old=True), world.issue("ENG-2")["trashed"]
    assert shown == (["ENG-4"], ["ENG-1", "ENG-2", "ENG-4"], True)


def test_an_issue_is_blocked_while_a_blocker_is_open(world: World, ask: Asks) -> None:
    for _ in range(3):
        world.create()
    world.person.relate("ENG-1", "ENG-3")
    world.person.relate("ENG-2", "ENG-3")
    catch_up(world)
    wanted = {"hasBlockedByRelations": {"eq": True}}
    found = [ask.found(wanted)]
    world.person.move("ENG-1", "Done")
    found.append(ask.found(wanted))
    world.person.trash("ENG-2")
    found.append(ask.found(wanted))
    world.person.move("ENG-2", "Canceled")
    found.append(ask.found(wanted))
    assert found == [["ENG-3"], ["ENG-3"], ["ENG-3"], []]


def test_one_missing_issue_leaves_nothing_of_the_answer(world: World, ask: Asks) -> None:
    world.create()
    catch_up(world)
    document = 'query Two { a: issue(id: "ENG-1") { id } b: issue(id: "ENG-9") { id } }'
    answer = ask(document)
    assert (answer["data"], answer["errors"][0]["message"], code(answer)) == (
        None,
        "Entity not found: Issue",
        "INPUT_ERROR",
    )


def test_stays_in_states_comments_and_pull_requests(world: World, ask: Asks) -> None:
    world.create(state="Todo")
    world.person.move("ENG-1", "Rework")
    world.person.comment("ENG-1", "Not yet")
    url = "https://github.com/acme/tool/pull/7"
    world.person.attach_pr("ENG-1", url, "merged", datetime(2026, 1, 5, 8, 0, tzinfo=UTC))
    catch_up(world)
    issue = ask.data(
        """query Deep { issue(id: "ENG-1") {
          stateHistory(first: 10) { nodes { state { name } endedAt } }
          comments(first: 10) { nodes { body user { name app isMe } botActor { id } } }
          attachments(first: 10, filter: {sourceType: {eq: "github"}}) { nodes { url metadata } } }
          }"""
    )["issue"]
    spans = {
        (node["state"]["name"], node["endedAt"] is None) for node in issue["stateHistory"]["nodes"]
    }
    (attachment,) = issue["attachments"]["nodes"]
    metadata = {name: attachment["metadata"][name] for name in ("status", "mergedAt", "number")}
    assert spans == {("Todo", False), ("Rework", True)}
    assert issue["comments"]["nodes"] == [
        {
            "body": "Not yet",
            "user": {"name": "Hanna Human", "app": False, "isMe": False},
            "botActor": None,
        }
    ]
    assert (attachment["url"], metadata) == (
        url,
        {"status": "merged", "mergedAt": "2026-01-05T08:00:00.000Z", "number": 7},
    )


def test_the_workspace_at_the_start(world: World, ask: Asks) -> None:
    data = ask.data(
        """query Start($slug: String!) {
          viewer { name app isMe } organization { urlKey }
          projects(first: 5, filter: {slugId: {eq: $slug}}) { nodes { name
            teams(first: 5) { nodes { key states(first: 50) { nodes { name type } } } } } } }""",
        slug=world.project,
    )
    (project,) = data["projects"]["nodes"]
    (team,) = project["teams"]["nodes"]
    states = {state["name"]: state["type"] for state in team["states"]["nodes"]}
    assert (data["viewer"], data["organization"], project["name"], team["key"], states) == (
        {"name": "Agent Bot", "app": True, "isMe": True},
        {"urlKey": "acme"},
        "Symphony",
        "ENG",
        {
            "Backlog": "backlog",
            "Todo": "unstarted",
            "In Progress": "started",
            "Human Review": "started",
            "Rework": "started",
            "Merging": "started",
            "Done": "completed",
            "Canceled": "canceled",
            "Duplicate": "duplicate",
        },
    )


def test_a_second_team_a_second_project_and_other_names(world: World, ask: Asks) -> None:
    world.reset("ENG", "OPS")
    world.add_project("Tea & cake", "tea-0c0ffee00001")
    world.rename_state("Rework", "Again", team="OPS")
    world.escape_names()
    data = ask.data(
        """query Names { projects(first: 5) { nodes { name teams(first: 5) { nodes { key } } } }
          workflowStates(first: 50, filter: {name: {in: ["Again", "Rework"]}}) {
            nodes { name team { key } } } }"""
    )
    projects = {p["name"]: len(p["teams"]["nodes"]) for p in data["projects"]["nodes"]}
    states = {s["team"]["key"]: s["name"] for s in data["workflowStates"]["nodes"]}
    assert (projects, states) == (
        {"Symphony": 2, "Tea &amp; cake": 2},
        {"ENG": "Rework", "OPS": "Again"},
    )


def test_an_issue_that_changes_its_team_is_found_by_its_old_name(world: World, ask: Asks) -> None:
    world.reset("ENG", "OPS")
    world.create(state="Rework")
    world.person.to_team("ENG-1", "OPS")
    catch_up(world)
    issue = ask.data(ONE, id="ENG-1")["issue"]
    assert (issue["identifier"], issue["state"]) == ("OPS-1", {"name": "Rework"})
