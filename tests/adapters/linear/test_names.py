"""What Linear calls things: resolving, what is new, the cache, and names that do not exist."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from symphony_cli.adapters.linear import names_documents
from symphony_cli.adapters.linear.exchange import Answer
from symphony_cli.adapters.linear.names import (
    Label,
    Names,
    Person,
    Project,
    State,
    Team,
    with_labels,
    with_states,
)
from symphony_cli.adapters.linear.names_check import problems
from symphony_cli.adapters.linear.names_documents import LABELS_SINCE_PART, PART, since_values
from symphony_cli.adapters.linear.names_file import load, question, save
from symphony_cli.adapters.linear.names_parts import AllNames, LabelsById, Where
from symphony_cli.adapters.linear.names_read import labels_since, resolve
from symphony_cli.core.policy import Rules
from symphony_cli.core.run import TrackerRef
from symphony_cli.core.shape import Json
from symphony_cli.errors import ConfigError, PutOff, TrackerError
from tests.adapters.linear.asked import (
    DATE,
    Script,
    label_row,
    page,
    points,
    state_row,
    team_row,
)

WHERE = "http://127.0.0.1/graphql"
SLUG = "my-project-0c0ffee00000"
ME = {"id": "me", "name": "Agent &amp; Bot", "displayName": "bot", "email": "bot@example.com"}
LATER = DATE + timedelta(hours=1)


def project_row(slug: str = "0c0ffee00000", teams: Json = None, name: str = "P") -> Json:
    """A project with its teams."""
    found = teams if teams is not None else page([team_row("t1", "ENG", [state_row("s1", "Todo")])])
    return {"id": f"id-{slug}", "name": name, "slugId": slug, "teams": found}


def told(*projects: Json, labels: Json = None) -> Json:
    """The answer to the document of a cold start."""
    return {
        "names_viewer": ME,
        "names_projects": {"nodes": list(projects)},
        "names_labels": labels if labels is not None else page([]),
    }


def resolved(*steps: tuple[str, Any], slug: str = SLUG) -> Names:
    """The names that come of these answers."""
    script = Script(list(steps))
    found = resolve(script, WHERE, slug, LATER)
    assert script.steps == []
    return found


def known(**more: Any) -> Names:
    """Two teams with states, labels of both and of the workspace."""
    states = [("Todo", "t1"), ("In Progress", "t1"), ("Done", "t1"), ("todo", "t2"), ("QA", "t2")]
    labels = [
        Label("l1", "bug"),
        Label("l2", "Ready", "t1"),
        Label("l3", "Type", "", group=True),
        Label("l4", "old", "", archived=True),
        Label("l5", "theirs", "t9"),
    ]
    names = Names(
        asked_for=question(WHERE, SLUG),
        project=Project("p1", "Symphony", "0c0ffee00000"),
        teams={"t1": Team("t1", "ENG", "Engineering"), "t2": Team("t2", "OPS", "Operations")},
        states={f"{t}-{n}": State(f"{t}-{n}", n, "started", t) for n, t in states},
        labels={label.id: label for label in labels},
        viewer=Person("me", "Agent", "agent", "agent@example.com"),
        as_of=DATE,
    )
    return replace(names, **more)


def test_a_cold_start_learns_all_names_in_one_request_and_takes_out_html() -> None:
    states = [state_row("s1", "Todo &amp; Co", "unstarted")]
    labels = [label_row("l1", "R&amp;D", "t1"), label_row("l2", "Kind", group=True)]

    names = resolved(
        (
            "Names",
            told(
                project_row(teams=page([team_row("t1", "ENG", states)]), name="A &lt;B&gt;"),
                labels=page(labels),
            ),
        )
    )

    assert names == Names(
        asked_for=f"{WHERE} {SLUG}",
        project=Project("id-0c0ffee00000", "A <B>", "0c0ffee00000"),
        teams={"t1": Team("t1", "ENG", "Team ENG")},
        states={"s1": State("s1", "Todo & Co", "unstarted", "t1")},
        labels={"l1": Label("l1", "R&D", "t1"), "l2": Label("l2", "Kind", "", True)},
        viewer=Person("me", "Agent & Bot", "bot", "bot@example.com"),
        as_of=DATE,
    )


def test_the_slug_of_the_address_bar_is_asked_for_whole_and_by_its_tail() -> None:
    script = Script([("Names", told(project_row()))])

    resolve(script, WHERE, SLUG, LATER)

    assert script.asked == [("Names", {"names_slug": SLUG, "names_tail": "0c0ffee00000"})]


def test_a_project_of_exactly_that_slug_wins() -> None:
    names = resolved(("Names", told(project_row("0c0ffee00000"), project_row(SLUG))))

    assert names.project.slug == SLUG


def test_an_answer_without_a_date_is_dated_by_our_clock() -> None:
    class Undated(Script):
        def ask(self, *args: Any, **more: Any) -> Answer:
            return replace(super().ask(*args, **more), date=None)

    assert resolve(Undated([("Names", told(project_row()))]), WHERE, SLUG, LATER).as_of == LATER


def test_a_project_that_does_not_exist_is_answered_with_those_that_do() -> None:
    there = [{"name": "Web &amp; App", "slugId": "web-1"}, {"name": "Ops", "slugId": "ops-2"}]
    answer = {"projects": {"nodes": there, "pageInfo": {"hasNextPage": True}}}

    with pytest.raises(ConfigError) as caught:
        resolved(("Names", told()), ("NamesProjects", answer), slug="nowhere")

    assert str(caught.value) == (
        "tracker.project_slug in WORKFLOW.md is 'nowhere', and Linear has no such project that "
        "the key may see: write one of ops-2 (Ops), web-1 (Web & App) and more."
    )


def test_a_key_that_sees_no_project_and_one_that_sees_no_team_need_access() -> None:
    nothing = {"projects": {"nodes": [], "pageInfo": {"hasNextPage": False}}}

    with pytest.raises(ConfigError, match="may see no project at all: give the key"):
        resolved(("Names", told()), ("NamesProjects", nothing))
    with pytest.raises(ConfigError, match="no team that the tracker's key may see"):
        resolved(("Names", told(project_row(teams=page([])))))


def test_everything_is_read_to_the_last_page() -> None:
    full = [state_row(f"s{n}", f"S{n}") for n in range(names_documents.TEAM_STATES)]
    first = page([team_row("t1", "ENG", full)], more=True, end="after-t1")
    states = page([*full, state_row("s98", "Last but one")], more=True, end="after-s98")
    names = resolved(
        ("Names", told(project_row(teams=first), labels=page([label_row("l1", "a")], True, "c1"))),
        ("NamesTeams", {"project": {"teams": page([team_row("t2", "OPS")])}}),
        ("NamesStates", {"team": {"states": states}}),
        ("NamesStates", {"team": {"states": page([state_row("s99", "Last")])}}),
        ("NamesLabels", {"issueLabels": page([label_row("l2", "b")], True, "c2")}),
        ("NamesLabels", {"issueLabels": page([label_row("l3", "c")])}),
    )

    found = (sorted(names.teams), len(names.states), list(names.labels), names.states["s99"].team)
    assert found == (["t1", "t2"], 42, ["l1", "l2", "l3"], "t1")


@pytest.mark.parametrize("end", [None, "c1"], ids=["no cursor", "the same cursor again"])
def test_a_page_that_promises_more_and_does_not_say_where_is_an_error(end: str | None) -> None:
    steps: list[tuple[str, Any]] = [("Names", told(project_row(), labels=page([], True, "c1")))]
    steps.append(("NamesLabels", {"issueLabels": page([], True, end)}))

    with pytest.raises(TrackerError, match="more labels and not where they begin"):
        resolved(*steps)


def test_an_answer_of_another_shape_is_an_error_that_names_the_member() -> None:
    broken, short = told(project_row()), told(project_row())
    broken["names_projects"]["nodes"][0]["teams"]["nodes"][0]["key"] = None
    del short["names_viewer"]

    with pytest.raises(TrackerError, match="names_projects: nodes: teams: nodes: key: must be"):
        resolved(("Names", broken))
    with pytest.raises(TrackerError, match="names_viewer is missing"):
        resolved(("Names", short))


def test_new_labels_are_learned_and_a_rename_takes_the_old_name_away() -> None:
    data = {"names_new_labels": page([label_row("l1", "Bug!"), label_row("l7", "new", "t1")])}

    after = labels_since(Script([]), Answer(data), known())

    assert after.label_names(["l1", "l7"]) == ("Bug!", "new")
    assert labels_since(Script([]), Answer(data), after) is after


def test_more_new_labels_than_fit_are_read_to_the_end_and_begun_after_next_time() -> None:
    first = {"names_new_labels": page([label_row("l1", "Bug!")], more=True, end="x")}
    script = Script([("NamesNewLabels", {"names_new_labels": page([label_row("l7", "new")])})])

    after = labels_since(script, Answer(first, DATE + timedelta(hours=1)), known())

    assert after.label_names(["l1", "l7"]) == ("Bug!", "new")
    assert (after.as_of, since_values(after)) == (
        known().as_of,
        {"names_since": "2025-11-20T09:50:00.000Z"},
    )
    assert script.asked[0][1] == {"names_since": "2025-11-20T08:50:00.000Z", "after": "x"}


@pytest.mark.parametrize("error", [PutOff("Not yet.", 5.0), TrackerError("No answer.")])
def test_new_labels_that_are_not_to_be_had_leave_those_that_are(error: Exception) -> None:
    data = {"names_new_labels": page([label_row("l1", "Bug!")], more=True, end="x")}

    after = labels_since(Script([("NamesNewLabels", error)]), Answer(data, DATE), known())

    assert after == with_labels(known(), [Label("l1", "Bug!")])


@pytest.mark.parametrize("error", [PutOff("Not yet.", 5.0), TrackerError("No answer.")])
def test_further_labels_that_are_not_to_be_had_stay_as_they_were_and_as_old(
    error: Exception,
) -> None:
    answer = told(project_row())
    answer["names_labels"] = page([label_row("l1", "Bug!")], more=True, end="x")
    script = Script([("NamesLabels", error)])
    part = AllNames(Where("E", SLUG, "", DATE), answer)
    before = replace(known(), as_of=DATE - timedelta(hours=1))

    names = part.names(script, DATE, before)

    assert names.labels == {**before.labels, "l1": Label("l1", "Bug!")}
    assert names.as_of == before.as_of


def test_new_labels_are_asked_for_from_ten_minutes_before_the_names() -> None:
    assert since_values(known()) == {"names_since": "2025-11-20T08:50:00.000Z"}


def test_names_are_looked_up_in_any_case_and_only_where_the_project_is() -> None:
    names = known()

    looked_up = (
        [state.id for state in names.states_called(" TODO ")],
        names.state_of("t2", "In Progress"),
        [label.id for label in names.labels_called("READY")],
        names.labels_called("theirs"),
        names.label_names(["l5", "l1"]),
        names.label_names(["l1", "l99"]),
        (names.is_me("me"), names.is_me("you"), names.only_team),
    )

    assert looked_up == (
        ["t1-Todo", "t2-todo"],
        None,
        ["l2"],
        (),
        ("theirs", "bug"),
        None,
        (True, False, None),
    )


def test_the_states_of_a_team_are_replaced_and_a_strange_team_is_not_taken_in() -> None:
    names = known()
    fresh = [State("s", "New", "started", "t2")]

    after = with_states(names, "t2", fresh)

    assert [state.name for state in after.states.values()] == ["Todo", "In Progress", "Done", "New"]
    assert with_states(after, "t2", fresh) is after
    assert with_states(names, "t9", [State("s", "New", "started", "t9")]) is names


def test_what_is_saved_is_loaded_for_the_same_question_only(tmp_path: Path) -> None:
    file = tmp_path / "tracker.json"
    names = known(asked_for=question(WHERE, SLUG, "abc"))

    save(file, names)

    answers = [load(file, question(*asked)) for asked in ((WHERE, SLUG, "abc"), (WHERE, SLUG))]
    assert answers == [names, None]
    assert load(tmp_path / "lost.json", names.asked_for) is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-20],
        lambda text: "[" * 100_000,
        lambda text: "\x00",
        lambda text: json.dumps({**json.loads(text), "format": 2}),
        lambda text: json.dumps({**json.loads(text), "teams": []}),
    ],
    ids=["torn", "deep", "no text", "another format", "another shape"],
)
def test_a_damaged_cache_is_none(tmp_path: Path, damage: Any) -> None:
    file = tmp_path / "tracker.json"
    save(file, known())

    file.write_text(damage(file.read_text()))

    assert load(file, known().asked_for) is None


def checked(names: Names | None = None, rules: Rules | None = None, **named: Any) -> list[str]:
    """The problems with these names in WORKFLOW.md; `a__b` is the key `a.b`."""
    keys = {key.replace("__", "."): tuple(value) for key, value in named.items()}
    ref = TrackerRef("linear", WHERE, "WORKFLOW.md", named=keys)
    return list(problems(names or known(), ref, rules or Rules()))


def test_names_that_exist_in_any_team_and_any_case_are_no_problem() -> None:
    found = checked(
        tracker__active_states=["TODO", "qa"],
        tracker__terminal_states=["Closed", "Cancelled", "done"],
        tracker__required_labels=["ready", "Bug"],
        agent__stop_continue_labels=["symphony-stuck", "Symphony-Budget-Exceeded"],
        agent__max_concurrent_agents_by_state=["QA"],
    )

    assert found == []


def test_a_state_that_does_not_exist_is_told_with_those_that_do_and_a_guess() -> None:
    assert checked(tracker__active_states=["In Progess", "todo"]) == [
        "tracker.active_states names the state 'In Progess', which the project Symphony does not "
        "have: correct it to 'In Progress' or another of Done, In Progress, QA, Todo."
    ]


def test_terminal_states_of_which_none_exists_are_a_problem() -> None:
    assert checked(tracker__terminal_states=["Closed", "Gone"]) == [
        "tracker.terminal_states names Closed, Gone, and the project Symphony has no such state: "
        "name at least one of Done, In Progress, QA, Todo."
    ]


def test_defaults_of_which_none_exists_are_a_problem() -> None:
    names = known(states={"s": State("s", "À faire", "unstarted", "t1")})

    assert checked(names, Rules(terminal_states=("à faire",))) == [
        "tracker.active_states is not set, and the project Symphony has no state of its default "
        "(todo, in progress): set it to some of À faire."
    ]


def test_a_label_must_exist_and_be_no_group_and_not_be_archived() -> None:
    assert checked(tracker__required_labels=["type", "old", "red"]) == [
        "tracker.required_labels names 'type', which is a group of labels, and groups cannot be "
        "applied to issues: name one of the labels in it.",
        "tracker.required_labels names the label 'old', which neither the teams of the project "
        "Symphony nor the workspace have: correct it to one of bug, Ready, or create it in Linear.",
        "tracker.required_labels names the label 'red', which neither the teams of the project "
        "Symphony nor the workspace have: correct it to 'Ready' or another of bug, Ready, or "
        "create it in Linear.",
    ]


def test_at_most_twenty_names_are_told() -> None:
    states = {f"s{n}": State(f"s{n}", f"S{n:02}", "started", "t1") for n in range(33)}

    (sentence,) = checked(
        known(states=states), Rules(terminal_states=("s01",)), tracker__active_states=["?"]
    )

    assert sentence.endswith("S17, S18, S19 and 13 more.")


def test_what_the_documents_cost_is_what_their_room_says() -> None:
    alone = [f"query Q({part.declares}) {{ {part.selects} }}" for part in (PART, LABELS_SINCE_PART)]
    further = (
        names_documents.LABELS_PAGE,
        names_documents.TEAMS_PAGE,
        names_documents.STATES_PAGE,
        names_documents.PROJECTS,
    )

    assert [points(text) for text in (*alone, *further)] == [
        3109.0,
        370.0,
        925.0,
        1091.0,
        251.0,
        115.0,
    ]


def test_a_label_that_the_key_may_not_see_is_asked_for_once_and_shown_nowhere() -> None:
    part = LabelsById(["seen", "hidden"])
    part.take(
        {
            "labels": {
                "nodes": [
                    {
                        "id": "seen",
                        "name": "bug",
                        "isGroup": False,
                        "archivedAt": None,
                        "team": None,
                    }
                ]
            }
        }
    )
    assert part.labels() == [Label("seen", "bug"), Label("hidden", "")]


def test_a_cache_that_the_disk_does_not_give_or_take_ends_no_tick(tmp_path: Path) -> None:
    """Names are kept in the middle of a write to Linear, which must not be lost for them."""
    file = tmp_path / "tracker.json"
    file.mkdir()

    save(file, known())

    assert load(file, known().asked_for) is None
