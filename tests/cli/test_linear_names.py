"""Names in WORKFLOW.md that Linear does not have, or not any more (rows T7, T11): what does exist
is listed, agents and the line stay as they are, and the cure is seen at the next tick."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from symphony_cli import clock
from symphony_cli.core.times import stamp
from tests.cli.house import Told, until
from tests.cli.linear_house import BUSY, LABELS, STATES, LinearHouse, Tick
from tests.linear.asks import Asks
from tests.linear.own import OwnWorld

pytestmark = pytest.mark.real

ONE_SLOT = "agent: {max_concurrent_agents: 1}"

NO_PROJECT = (
    "tracker.project_slug in WORKFLOW.md is 'atlas', and Linear has no such project that the key "
    "may see: write one of 0123456789ab (R&D), symphony-0c0ffee00000 (Symphony)."
)
NO_PROJECT_BUT_ONE = NO_PROJECT.replace("0123456789ab (R&D), ", "")
NO_TEAM = (
    "tracker.project_slug in WORKFLOW.md is 'empty-ba9876543210', and the project has no team that "
    "the tracker's key may see: give the key, or its user, access to the team."
)
TYPO = (
    "tracker.active_states names the state 'Tdo', which the project Symphony does not have: "
    f"correct it to 'Todo' or another of {STATES}."
)
NO_LABEL = (
    "tracker.required_labels names the label 'bugs', which neither the teams of the project "
    f"Symphony nor the workspace have: correct it to 'bug' or another of {LABELS}, "
    "or create it in Linear."
)
GROUP = (
    "tracker.required_labels names 'Kinds', which is a group of labels, and groups cannot be "
    "applied to issues: name one of the labels in it."
)


def at_work(linear: LinearHouse) -> None:
    """ENG-1 runs, ENG-2 is in line."""
    linear.script(default=BUSY)
    linear.configure(ONE_SLOT)
    linear.world.create()
    linear.world.create()
    linear.run("tick")
    linear.busy("ENG-1")


def left_alone(linear: LinearHouse) -> bool:
    """Whether ENG-1 still runs and ENG-2 has its place."""
    running = [row["issue_identifier"] for row in linear.status()["running"]]
    return (running, linear.events("stopasked"), linear.events("released")) == (["ENG-1"], [], [])


def age_names(linear: LinearHouse) -> None:
    """Let what we know of Linear's names be five minutes old."""
    path = linear.state / "tracker.json"
    names = json.loads(path.read_text())
    long_ago = stamp(clock.now() - timedelta(minutes=5))
    path.write_text(json.dumps({**names, "as_of": long_ago}))


def test_a_project_that_is_not_there_is_answered_with_those_that_are(linear: LinearHouse) -> None:
    linear.world.create()
    linear.world.add_project("R&amp;D", "0123456789ab")
    linear.configure(project_slug="atlas")
    ticks = [linear.tick(), linear.tick()]
    linear.configure()
    cured = linear.tick()

    assert [tick.outcome for tick in ticks] == [(78, 2, [NO_PROJECT])] * 2
    assert ticks[0].did == []
    assert (cured.code, cured.did) == (0, ["enrol ENG-1", "dispatch ENG-1"])


def test_the_slug_may_be_pasted_from_the_address_bar(linear: LinearHouse) -> None:
    linear.world.add_project("R&D", "0123456789ab")
    linear.world.person.create(project="0123456789ab")
    linear.configure(project_slug="r-and-d-0123456789ab")
    assert linear.tick().did == ["enrol ENG-1", "dispatch ENG-1"]


def test_a_project_whose_team_the_key_cannot_see_is_no_empty_project(
    linear: LinearHouse, own: OwnWorld
) -> None:
    own.add_project("Empty", "ba9876543210")
    own.server.service.store.all("Project")[-1]["teams"] = []
    linear.configure(project_slug="empty-ba9876543210")
    assert linear.tick().outcome == (78, 1, [NO_TEAM])


def test_a_slug_with_a_typo_stops_no_agent_and_costs_no_place(linear: LinearHouse) -> None:
    at_work(linear)
    linear.configure(ONE_SLOT, project_slug="atlas")
    broken = linear.tick()
    alone = left_alone(linear)
    linear.configure(ONE_SLOT)
    cured = linear.tick()

    assert (broken.outcome, broken.did, alone) == ((78, 2, [NO_PROJECT_BUT_ONE]), [], True)
    assert (cured.code, cured.did, list(cured.passed)) == (0, [], ["ENG-2"])


def test_a_state_with_a_typo_stops_no_agent_and_costs_no_place(linear: LinearHouse) -> None:
    at_work(linear)
    linear.configure(ONE_SLOT, active_states=["Tdo", "In Progress"])
    broken = linear.tick()
    alone = left_alone(linear)
    linear.configure(ONE_SLOT)
    cured = linear.tick()

    assert (broken.code, broken.errors, broken.did, alone) == (78, [TYPO], [], True)
    assert (cured.code, cured.did, list(cured.passed)) == (0, [], ["ENG-2"])


def test_a_state_that_is_made_in_linear_is_seen_at_the_next_tick(linear: LinearHouse) -> None:
    linear.configure(active_states=["Tdo", "In Progress"])
    broken = linear.tick()
    linear.world.add_state("Tdo", "unstarted")
    linear.world.create(state="Tdo")
    cured = linear.tick()

    assert broken.outcome == (78, 2, [TYPO])
    assert (cured.code, cured.did) == (0, ["enrol ENG-1", "dispatch ENG-1"])


RENAMED = (
    "tracker.active_states names the state 'Todo', which the project Symphony does not have: "
    "correct it to one of Backlog, Canceled, Done, Duplicate, Human Review, In Progress, Merging, "
    "Ready, Rework."
)


def test_a_state_that_is_renamed_is_noticed_with_the_next_complete_poll(
    linear: LinearHouse,
) -> None:
    linear.tick()
    linear.world.rename_state("Todo", "Ready")
    linear.world.create(state="Ready")
    age_names(linear)
    told = linear.tick("--full")
    linear.configure(active_states=["Ready"])
    cured = linear.tick()

    assert (told.code, told.errors) == (78, [RENAMED])
    assert (cured.code, cured.did) == (0, ["enrol ENG-1", "dispatch ENG-1"])


def test_a_state_that_is_renamed_under_what_we_hold_is_noticed_at_once(
    linear: LinearHouse,
) -> None:
    at_work(linear)
    linear.world.rename_state("Todo", "Ready")
    told = linear.tick()

    assert (told.outcome, told.did, left_alone(linear)) == ((78, 1, [RENAMED]), [], True)


@pytest.mark.parametrize(("name", "sentence"), [("bugs", NO_LABEL), ("kinds", GROUP)])
def test_a_required_label_that_nobody_can_carry_is_an_error_until_it_exists(
    linear: LinearHouse, name: str, sentence: str
) -> None:
    linear.world.add_label("Kinds", group=True)
    linear.world.create()
    linear.configure(required_labels=[name])
    told = linear.tick()
    linear.configure(required_labels=["Agents"])
    linear.tick()
    linear.world.add_label("agents", None)
    linear.world.person.label("ENG-1", "agents")
    cured = linear.tick()

    quoted = sentence.replace("'Kinds'", f"{name!r}")
    assert (told.outcome, told.did) == ((78, 2, [quoted]), [])
    assert (cured.outcome, cured.did) == ((0, 1, []), ["enrol ENG-1", "dispatch ENG-1"])


def test_names_with_html_entities_mean_what_people_read(linear: LinearHouse) -> None:
    linear.world.rename_state("Todo", "Q&amp;A")
    linear.world.rename_label("bug", "R&amp;D &lt;now&gt;")
    linear.world.create(state="Q&amp;A")
    linear.world.person.label("ENG-1", "R&amp;D &lt;now&gt;")
    linear.configure(active_states=["Q&A"], required_labels=["r&d <now>"])
    told = linear.tick()

    assert (told.outcome, told.did) == ((0, 2, []), ["enrol ENG-1", "dispatch ENG-1"])


def test_a_stop_label_stops_an_agent_and_its_removal_lets_it_go_on(linear: LinearHouse) -> None:
    linear.script(default=BUSY)
    linear.configure("agent: {stop_continue_labels: [needs-human]}")
    linear.world.create()
    linear.run("tick")
    linear.busy("ENG-1")
    linear.world.person.label("ENG-1", "needs-human")
    stopped = linear.tick()
    verdict = linear.verdict("ENG-1")
    waiting = linear.tick()
    linear.world.person.unlabel("ENG-1", "needs-human")

    def started() -> Tick | None:
        tick = linear.tick()
        return tick if tick.did else None

    again = until(started, "the end of the short wait after a stop")

    why = "it carries the stop label needs-human; take it off to let it run"
    assert (stopped.did, verdict["outcome"], verdict["detail"]) == (["stop ENG-1"], "stopped", why)
    assert waiting.passed == {"ENG-1": f"label: {why}"}
    assert again.did == ["dispatch ENG-1"]


PEOPLE = "query People { users(first: 9) { nodes { id name } } }"


def person_id(linear: LinearHouse, name: str) -> str:
    people = Asks(linear.world).data(PEOPLE)["users"]["nodes"]
    return str(next(person["id"] for person in people if person["name"] == name))


@pytest.mark.parametrize("who", ["id", "HANNAHUMAN@example.com", "hanna human", "hannahuman"])
def test_an_assignee_is_known_by_anything_that_names_one_person(
    linear: LinearHouse, who: str
) -> None:
    linear.world.create()
    linear.world.person.create(assignee="Hanna Human")
    linear.configure(assignee=person_id(linear, "Hanna Human") if who == "id" else who)
    assert linear.tick().did == ["enrol ENG-2", "dispatch ENG-2"]


def test_me_is_the_user_of_the_key(linear: LinearHouse) -> None:
    linear.world.person.create(assignee="Hanna Human")
    linear.world.person.create(assignee="Agent Bot")
    linear.configure(assignee="me")
    assert linear.tick().did == ["enrol ENG-2", "dispatch ENG-2"]


def test_an_assignee_whom_nobody_knows_is_named_where_people_look(linear: LinearHouse) -> None:
    linear.world.create()
    linear.configure(assignee="hana@example.com")
    told = linear.tick()
    shown = linear.run("status", "ENG-1")

    sentence = (
        "symphony: No tick has ever seen an issue 'ENG-1'. For Symphony to take one up it must be "
        "in the tracker that WORKFLOW.md names; its state must be one of: todo, in progress; it "
        "must be assigned to hana@example.com. Then the next tick takes it in.\n"
    )
    assert (told.outcome, told.did) == ((0, 2, []), [])
    assert shown == Told(64, "", sentence)
