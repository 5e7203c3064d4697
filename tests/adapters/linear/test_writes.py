"""Our own writes: one request each when all is well, and nothing twice when it is not."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from symphony_cli.adapters.linear import write_documents
from symphony_cli.adapters.linear.exchange import Complaint
from symphony_cli.adapters.linear.names import Label, Names, Person, Project, State, Team
from symphony_cli.adapters.linear.wire_texts import MARK
from symphony_cli.adapters.linear.write_access import uuid_of
from symphony_cli.adapters.linear.writes import LONGEST_COMMENT, Writes, marked
from symphony_cli.core.shape import Json
from symphony_cli.errors import PutOff, TrackerError, WriteRefused
from tests.adapters.linear.asked import (
    CONFLICT,
    DATE,
    FORBIDDEN,
    GONE,
    NO_LABEL,
    TAKEN,
    Script,
    Step,
    label_row,
    page,
    points,
    state_row,
)

ENG = Team("t1", "ENG", "Engineering")
OPS = Team("t2", "OPS", "Operations")
CUT_OFF = TrackerError("No answer.")
DONE = {"issueUpdate": {"success": True}}
POSTED = {"commentCreate": {"success": True}}
WRONG_TEAM = Complaint("LabelIds for incorrect team", "INPUT_ERROR", "invalid input")
MADE = uuid_of("label", "t1", "new")


def known(*labels: Label, teams: tuple[Team, ...] = (ENG,)) -> Names:
    """What we believe: these teams, each with a Todo, and these labels."""
    return Names(
        asked_for="x",
        project=Project("p", "P", "slug"),
        teams={team.id: team for team in teams},
        states={f"todo-{t.id}": State(f"todo-{t.id}", "Todo", "unstarted", t.id) for t in teams},
        labels={label.id: label for label in labels},
        viewer=Person("me", "Me", "me", "me@example.com"),
        as_of=DATE,
    )


class Desk:
    """Writes over a script, and the names as they were kept last."""

    def __init__(self, names: Names, *steps: Step) -> None:
        self.names = names
        self.script = Script(list(steps))
        self.kept = 0
        self.writes = Writes(self.script, lambda: self.names, self._keep)

    def _keep(self, names: Names) -> None:
        self.kept += 1
        self.names = names

    @property
    def went(self) -> list[Any]:
        """What was asked with what is not the issue; all of it urgent, none of it left out."""
        assert self.script.steps == []
        assert all(self.script.urgent)
        return [
            (operation, *(value for name, value in values.items() if name != "issue"))
            for operation, values in self.script.asked
        ]


def seen(*labels: Json, team: Team = ENG, carried: tuple[str, ...] = ()) -> Step:
    """The answer to a look-up."""
    issue = {"labelIds": list(carried), "team": {"id": team.id, "key": team.key, "name": team.name}}
    return "WriteLookUp", {"issue": issue, "issueLabels": page(labels)}


def team_of(team: Team) -> Step:
    """The answer to the question for an issue's team."""
    return "WriteTeamOf", {"issue": {"team": {"id": team.id, "key": team.key, "name": "A &amp; B"}}}


def made(id: str = MADE, name: str = "new") -> Step:
    """The answer to a new label."""
    label = label_row(id, name, "t1")
    return "WriteMakeLabel", {"issueLabelCreate": {"success": True, "issueLabel": label}}


def looks(name: str) -> tuple[Any, ...]:
    """What a look-up asks for."""
    return ("WriteLookUp", name, name, None)


# Comments


def test_a_comment_is_one_request_with_our_own_id_and_an_invisible_mark() -> None:
    desk = Desk(known(), ("WriteComment", POSTED))

    assert desk.writes.comment("i1", "Hello.\n", "w_1") is True

    body = "Hello.\n\n<!-- symphony:w_1 -->"
    assert desk.script.asked == [
        ("WriteComment", {"id": uuid_of("comment", "w_1"), "issue": "i1", "body": body})
    ]
    assert body.rpartition(MARK)[2] == "w_1 -->"


def test_an_id_is_a_uuid_of_version_4_and_always_the_same() -> None:
    made = uuid.UUID(uuid_of("comment", "w_1"))

    assert (made.version, made.variant) == (4, uuid.RFC_4122)
    assert uuid_of("comment", "w_1") == str(made) != uuid_of("commentw", "_1")


def test_a_comment_whose_answer_was_lost_is_done_when_it_exists() -> None:
    desk = Desk(known(), ("WriteComment", CUT_OFF), ("WriteComment", CONFLICT))

    with pytest.raises(TrackerError, match=r"No answer\."):
        desk.writes.comment("i1", "Hello.", "w_1")
    assert desk.writes.comment("i1", "Hello.", "w_1") is True

    first, second = desk.script.asked
    assert first == second


@pytest.mark.parametrize(
    ("complaint", "said"),
    [
        (GONE, "the issue is archived, in the bin or gone"),
        (FORBIDDEN, r"lacks the right \(You may not do that\); give its user that right"),
        (Complaint("x", "", "", "Too long."), "cannot be posted. Linear refused the request: Too"),
    ],
    ids=["gone", "forbidden", "anything else"],
)
def test_a_comment_that_linear_does_not_want_is_refused_for_good(
    complaint: Complaint, said: str
) -> None:
    with pytest.raises(WriteRefused, match=said):
        Desk(known(), ("WriteComment", complaint)).writes.comment("i1", "Hello.", "w_1")


def test_a_write_that_is_put_off_or_not_confirmed_is_no_refusal() -> None:
    desk = Desk(
        known(),
        ("WriteComment", PutOff("Not yet.", 5)),
        ("WriteComment", {"commentCreate": {"success": False}}),
    )

    with pytest.raises(PutOff):
        desk.writes.comment("i1", "Hello.", "w_1")
    with pytest.raises(TrackerError, match="tried again later") as caught:
        desk.writes.comment("i1", "Hello.", "w_1")
    assert not isinstance(caught.value, WriteRefused)


def test_a_comment_that_is_too_long_is_cut_with_a_note_and_keeps_its_mark() -> None:
    text = marked("x" * 200_000, "w_1")

    note = "\n\n[cut: the comment was 200000 characters long]\n\n<!-- symphony:w_1 -->"
    assert (len(text), text[-len(note) :]) == (LONGEST_COMMENT, note)


def test_an_empty_comment_is_refused_and_half_a_character_is_not_sent() -> None:
    with pytest.raises(WriteRefused, match="says nothing"):
        marked(" \n", "w_1")
    assert marked("a\ud800", "w").startswith("a?")


# Labels


@pytest.mark.parametrize(
    ("labels", "teams"),
    [
        ((Label("l1", "Bug"),), (ENG, OPS)),
        ((Label("l1", "Bug", "t1"),), (ENG,)),
        ((Label("l2", "bug", "t1", archived=True), Label("l1", "BUG", "t1")), (ENG,)),
    ],
    ids=["of the workspace", "of the only team", "beside an archived one"],
)
def test_setting_a_label_that_we_know_is_one_request(
    labels: tuple[Label, ...], teams: tuple[Team, ...]
) -> None:
    desk = Desk(known(*labels, teams=teams), ("WriteAddLabel", DONE))

    desk.writes.add_label("i1", " bug ")

    assert desk.went == [("WriteAddLabel", ["l1"])]


def test_with_several_teams_the_issues_own_decides_which_label_is_set() -> None:
    both = (Label("l1", "bug", "t1"), Label("l2", "bug", "t2"))
    rows = [label_row("l1", "bug", "t1"), label_row("l2", "bug", "t2")]
    desk = Desk(known(*both, teams=(ENG, OPS)), seen(*rows, team=OPS), ("WriteAddLabel", DONE))

    desk.writes.add_label("i1", "bug")

    assert desk.went == [looks("bug"), ("WriteAddLabel", ["l2"])]


@pytest.mark.parametrize("complaint", [NO_LABEL, WRONG_TEAM], ids=["gone", "of another team"])
def test_a_label_that_is_refused_is_looked_up_and_tried_once_more(complaint: Complaint) -> None:
    desk = Desk(
        known(Label("old", "bug", "t1")),
        ("WriteAddLabel", complaint),
        seen(label_row("l2", "Bug", "t2"), team=OPS),
        ("WriteAddLabel", DONE),
    )

    desk.writes.add_label("i1", "bug")

    assert desk.went == [("WriteAddLabel", ["old"]), looks("bug"), ("WriteAddLabel", ["l2"])]
    assert desk.names.labels == {"l2": Label("l2", "Bug", "t2")}


def test_a_label_that_is_refused_twice_is_refused_for_good() -> None:
    only_one = Complaint("x", "", "", "Only one label of a group can be applied.")
    row = label_row("l1", "bug", "t1")
    desk = Desk(
        known(Label("l1", "bug", "t1")),
        ("WriteAddLabel", only_one),
        seen(row),
        ("WriteAddLabel", only_one),
    )

    with pytest.raises(WriteRefused, match=r"'bug' cannot be set. .*Only one label of a group"):
        desk.writes.add_label("i1", "bug")
    assert (len(desk.went), desk.kept) == (3, 0)


@pytest.mark.parametrize("complaint", [GONE, FORBIDDEN], ids=["gone", "forbidden"])
def test_a_label_for_an_issue_that_is_not_there_or_not_ours_is_refused_at_once(
    complaint: Complaint,
) -> None:
    desk = Desk(known(Label("l1", "bug")), *[("WriteAddLabel", complaint)])

    with pytest.raises(WriteRefused, match="'bug' cannot be set"):
        desk.writes.add_label("i1", "bug")
    assert desk.went == [("WriteAddLabel", ["l1"])]


def test_a_label_that_nobody_has_is_made_in_the_issues_team_and_kept() -> None:
    desk = Desk(known(), seen(), made(), ("WriteAddLabel", DONE), ("WriteAddLabel", DONE))

    desk.writes.add_label("i1", "new")
    desk.writes.add_label("i2", "NEW")

    assert desk.went == [
        looks("new"),
        ("WriteMakeLabel", MADE, "t1", "new"),
        ("WriteAddLabel", [MADE]),
        ("WriteAddLabel", [MADE]),
    ]


def test_a_label_that_a_person_deleted_is_made_again_under_a_new_id() -> None:
    again = uuid_of("label", "t1", "new", MADE)
    desk = Desk(
        known(), seen(label_row(MADE, "new", "t1", gone=True)), made(again), ("WriteAddLabel", DONE)
    )

    desk.writes.add_label("i1", "new")

    assert desk.went[1:] == [("WriteMakeLabel", again, "t1", "new"), ("WriteAddLabel", [again])]


@pytest.mark.parametrize("complaint", [TAKEN, CONFLICT], ids=["name", "id"])
def test_a_label_that_another_made_at_the_same_moment_is_looked_up_and_used(
    complaint: Complaint,
) -> None:
    desk = Desk(
        known(),
        seen(),
        ("WriteMakeLabel", complaint),
        seen(label_row("l9", "NEW")),
        ("WriteAddLabel", DONE),
    )

    desk.writes.add_label("i1", "new")

    assert desk.went[2:] == [looks("new"), ("WriteAddLabel", ["l9"])]


def test_a_label_that_exists_and_is_not_shown_yet_is_set_by_the_id_that_we_gave_it() -> None:
    steps: list[Step] = [seen(), ("WriteMakeLabel", CONFLICT), seen()]
    ours = Desk(known(), *steps, ("WriteAddLabel", DONE))
    theirs = Desk(known(), *steps, ("WriteAddLabel", NO_LABEL))

    ours.writes.add_label("i1", "new")
    with pytest.raises(TrackerError, match="does not show it yet: it is tried again") as caught:
        theirs.writes.add_label("i1", "new")

    assert ours.went[-1] == theirs.went[-1] == ("WriteAddLabel", [MADE])
    assert not isinstance(caught.value, WriteRefused)


def test_a_group_and_a_label_out_of_reach_are_refused_with_what_to_do() -> None:
    group = Desk(known(Label("g", "Kind", group=True)), seen(label_row("g", "Kind", group=True)))
    hidden = seen(label_row("a", "new", "t1", gone=True))
    elsewhere = Desk(known(), hidden, ("WriteMakeLabel", TAKEN), hidden)

    with pytest.raises(WriteRefused, match="'Kind' is a group of labels in Linear"):
        group.writes.add_label("i1", "Kind")
    with pytest.raises(WriteRefused, match=r"issues of Engineering \(ENG\) cannot use it: restore"):
        elsewhere.writes.add_label("i1", "new")


def test_a_team_whose_owners_make_labels_is_named() -> None:
    desk = Desk(known(), seen(), ("WriteMakeLabel", FORBIDDEN))

    with pytest.raises(WriteRefused) as caught:
        desk.writes.add_label("i1", "new")

    assert str(caught.value) == (
        "There is no label 'new', and the tracker's key may not make labels in the team "
        "Engineering (ENG): an owner of the team must make it, there or in the workspace."
    )


def test_taking_a_label_off_takes_off_every_one_of_that_name_in_one_request() -> None:
    labels = [Label("l1", "bug"), Label("l2", "BUG", "t1"), Label("l3", "Bug", "", group=True)]
    desk = Desk(known(*labels), ("WriteRemoveLabel", DONE))

    desk.writes.remove_label("i1", "Bug")

    assert desk.went == [("WriteRemoveLabel", ["l1", "l2"])]


def test_a_label_that_nobody_knows_is_off_already() -> None:
    desk = Desk(known(), seen())

    desk.writes.remove_label("i1", "bug")

    assert desk.went == [looks("bug")]


def test_a_removal_that_is_refused_is_repeated_with_what_the_issue_carries() -> None:
    rows = [label_row("l2", "bug", "t1"), label_row("l3", "bug", "t2"), label_row("l4", "bug!")]
    desk = Desk(
        known(Label("gone", "bug", "t1")),
        ("WriteRemoveLabel", NO_LABEL),
        seen(*rows, label_row("l5", "bug", "t9", gone=True), carried=("l5", "l4")),
        ("WriteRemoveLabel", DONE),
    )

    desk.writes.remove_label("i1", "bug")

    assert desk.went[2] == ("WriteRemoveLabel", ["l2", "l5"])


def test_a_look_up_reads_every_page_and_asks_for_both_spellings() -> None:
    issue = {"labelIds": [], "team": {"id": "t1", "key": "ENG", "name": "E"}}
    rows = page([label_row("l1", "R&amp;D", "t2")], more=True, end="c1")
    first = ("WriteLookUp", {"issue": issue, "issueLabels": rows})
    desk = Desk(known(), first, seen(label_row("l2", "r&amp;d", "t1")), ("WriteAddLabel", DONE))

    desk.writes.add_label("i1", "R&D")

    assert desk.went == [
        ("WriteLookUp", "R&D", "R&amp;D", None),
        ("WriteLookUp", "R&D", "R&amp;D", "c1"),
        ("WriteAddLabel", ["l2"]),
    ]


def test_an_empty_label_is_none() -> None:
    with pytest.raises(WriteRefused, match="name one"):
        Desk(known()).writes.add_label("i1", " ")


# States


def test_moving_an_issue_of_the_only_team_is_one_request() -> None:
    desk = Desk(known(), ("WriteState", DONE))

    desk.writes.set_state("i1", "todo")

    assert desk.went == [("WriteState", "todo-t1")]


def test_moving_an_issue_of_one_of_several_teams_asks_for_its_team_first() -> None:
    desk = Desk(known(teams=(ENG, OPS)), team_of(OPS), ("WriteState", DONE))

    desk.writes.set_state("i1", "Todo")

    assert desk.went == [("WriteTeamOf",), ("WriteState", "todo-t2")]


def test_a_state_that_we_do_not_know_yet_is_read_and_kept() -> None:
    states = {"team": {"states": page([state_row("s9", "Q&amp;A")])}}
    desk = Desk(
        known(), team_of(ENG), ("NamesStates", states), ("WriteState", DONE), ("WriteState", DONE)
    )

    desk.writes.set_state("i1", "q&a")
    desk.writes.set_state("i1", "Q&A")

    assert [step[0] for step in desk.went] == [
        "WriteTeamOf",
        "NamesStates",
        "WriteState",
        "WriteState",
    ]
    assert desk.names.states == {"s9": State("s9", "Q&A", "started", "t1")}


def test_an_issue_that_moved_to_another_team_gets_the_state_of_that_team() -> None:
    wrong = Complaint("Discrepancy between issue team and state", "INPUT_ERROR", "invalid input")
    states = {"team": {"states": page([state_row("s9", "Todo")])}}
    desk = Desk(
        known(), ("WriteState", wrong), team_of(OPS), ("NamesStates", states), ("WriteState", DONE)
    )

    desk.writes.set_state("i1", "Todo")

    assert desk.went[-1] == ("WriteState", "s9")
    assert desk.kept == 0


def test_a_state_that_the_team_does_not_have_is_refused_with_those_it_has() -> None:
    states = {"team": {"states": page([state_row("s2", "Todo"), state_row("s1", "Done")])}}
    desk = Desk(known(), team_of(ENG), ("NamesStates", states))

    with pytest.raises(WriteRefused) as caught:
        desk.writes.set_state("i1", "Ready")

    assert str(caught.value) == (
        "The team A & B (ENG) has no state 'Ready': name one of Done, Todo."
    )


@pytest.mark.parametrize("names", [known(), known(teams=(ENG, OPS))], ids=["one", "two teams"])
def test_an_issue_that_is_gone_is_not_moved(names: Names) -> None:
    first = "WriteState" if names.only_team else "WriteTeamOf"

    with pytest.raises(WriteRefused, match="'Todo': the issue is archived, in the bin or gone"):
        Desk(names, (first, GONE)).writes.set_state("i1", "Todo")


def test_no_document_of_ours_replaces_labels_and_all_are_cheap() -> None:
    documents = {
        name: text
        for name, text in vars(write_documents).items()
        if name.isupper() and "Write" in text
    }

    costs = {name: points(text) for name, text in documents.items()}

    assert costs == {
        "COMMENT": 1.1,
        "ADD_LABELS": 1.1,
        "REMOVE_LABELS": 1.1,
        "MAKE_LABEL": 3.6,
        "SET_STATE": 1.1,
        "TEAM_OF": 2.3,
        "LOOK_UP": 927.4,
    }
    assert not any("labelIds:" in text for text in documents.values())
