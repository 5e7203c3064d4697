"""Rows of answers: strict in what we use, lenient in the rest; and what they mean."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from symphony_cli.adapters.linear import wire, wire_texts
from symphony_cli.adapters.linear.issues import (
    Found,
    Setting,
    aliases,
    is_ours,
    issue_of,
    plain,
    unknown_labels,
)
from symphony_cli.adapters.linear.names import Label, Names, Person, Project
from symphony_cli.adapters.linear.pulls import Pull
from symphony_cli.adapters.linear.wire import BlockerRow, ProjectRow, Row, StateRow, UserRow
from symphony_cli.adapters.linear.wire_texts import ActorRow, CommentRow, StayRow
from symphony_cli.core.issue import Comment, Entries, Issue
from symphony_cli.core.policy import Rules
from symphony_cli.errors import TrackerError
from symphony_cli.ids import IssueId

NOON = datetime(2025, 11, 20, 12, tzinfo=UTC)
ONE = datetime(2025, 11, 20, 13, tzinfo=UTC)

RAW: dict[str, Any] = {
    "id": "i1",
    "identifier": "ENG-1",
    "title": "Mend it",
    "state": {"id": "s1", "name": "Todo", "type": "unstarted"},
    "createdAt": "2025-11-20T12:00:00.000Z",
    "updatedAt": "2025-11-20T13:00:00.000Z",
}
ROW = Row("i1", "ENG-1", "Mend it", StateRow("Todo", "unstarted", "s1"), NOON, ONE)

NAMES = Names(
    "q",
    Project("p1", "Tea & cake", "tea-1"),
    {},
    {},
    {"l1": Label("l1", "bug"), "l2": Label("l2", "API")},
    Person("u1", "Agent Bot", "bot", "bot@example.com"),
    NOON,
)
SETTING = Setting(NAMES, "the-tea-1", Rules())


def test_a_row_needs_little_and_may_have_more_than_we_know() -> None:
    assert wire.rows(Row, [RAW | {"addedLastWeek": {"x": 1}}], "issues") == [ROW]


@pytest.mark.parametrize(
    ("member", "value", "said"),
    [
        ("id", None, "id: must be text, not NoneType"),
        ("priority", "high", "priority: must be a number, not str"),
        ("updatedAt", "yesterday", "updatedAt: 'yesterday' is no date"),
        ("labelIds", None, "labelIds: must be a list, not NoneType"),
        ("state", {"type": "started"}, "state: name is missing"),
        ("assignee", {"name": "Rui"}, "assignee: id is missing"),
    ],
)
def test_a_row_that_makes_no_sense_spoils_the_answer(member: str, value: Any, said: str) -> None:
    with pytest.raises(TrackerError, match="makes no sense") as caught:
        wire.rows(Row, [RAW, RAW | {member: value}], "held issues")
    assert f"among 'held issues' that makes no sense ({said})" in str(caught.value)


def test_a_row_without_what_we_use_spoils_the_answer() -> None:
    bare = {name: value for name, value in RAW.items() if name != "updatedAt"}
    with pytest.raises(TrackerError, match="updatedAt is missing"):
        wire.rows(Row, [bare], "issues")


@pytest.mark.parametrize(
    ("printed", "meant"),
    [(0, None), (1, 1), (2.0, 2), (3, 3), (4.0, 4), (5, None), (2.5, None), (-1, None)],
)
def test_a_priority_is_a_number_of_whatever_kind(printed: float, meant: int | None) -> None:
    (row,) = wire.rows(Row, [RAW | {"priority": printed}], "issues")
    assert wire.priority(row.priority) == meant


@pytest.mark.parametrize(
    ("archived", "trashed", "gone"),
    [(None, None, False), (None, False, False), (NOON, None, True), (None, True, True)],
)
def test_what_is_archived_or_in_the_bin_is_gone(
    archived: datetime | None, trashed: bool | None, gone: bool
) -> None:
    assert wire.is_gone(replace(ROW, archivedAt=archived, trashed=trashed)) is gone


@pytest.mark.parametrize(
    ("state", "type", "trashed", "shown", "open"),
    [
        ("Todo", "unstarted", False, "Todo", True),
        ("R&amp;D", "started", False, "R&D", True),
        ("Shipped", "completed", False, "Shipped", False),
        ("Wont do", "canceled", False, "Wont do", False),
        ("Same as", "duplicate", False, "Same as", False),
        ("Closed", "started", False, "Closed", False),
        ("Todo", "unstarted", True, "in the bin", False),
        ("Todo", "of a new kind", False, "Todo", True),
    ],
)
def test_a_blocker_is_over_by_its_kind_by_our_states_or_in_the_bin(
    state: str, type: str, trashed: bool, shown: str, open: bool
) -> None:
    row = BlockerRow("b1", "ENG-9", StateRow(state, type), trashed=trashed)
    told = wire.blocker(row, Rules())
    assert (told.identifier, told.state, told.open, told.id) == ("ENG-9", shown, open, "b1")


PERSON = UserRow("u2", "Rui Reviewer", "rui")


@pytest.mark.parametrize(
    ("row", "author", "bot"),
    [
        (CommentRow("c", "Hi", NOON, PERSON), "rui", False),
        (CommentRow("c", "Hi", NOON, UserRow("u3", "Bo &amp; Co")), "Bo & Co", False),
        (CommentRow("c", "Hi", NOON, None, ActorRow("GitHub")), "GitHub", True),
        (CommentRow("c", "Hi", NOON, None, None, ActorRow("A customer")), "A customer", False),
        (CommentRow("c", "Hi", NOON, None, ActorRow()), "", True),
        (CommentRow("c", "Hi", NOON, UserRow("u4", "Codex", "codex", app=True)), "codex", True),
        (CommentRow("c", "Hi", NOON), "", True),
    ],
    ids=["display name", "name", "a bot", "an outsider", "a bot without a name", "app", "nobody"],
)
def test_a_comment_says_who_wrote_it_and_whether_it_was_a_program(
    row: CommentRow, author: str, bot: bool
) -> None:
    assert wire_texts.comment(row) == Comment("Hi", author, NOON, "c", bot)


@pytest.mark.parametrize(
    ("body", "shown", "id"),
    [
        ("Stopped.\n\n<!-- symphony:w_1 -->", "Stopped.", "w_1"),
        ("Stopped.\n\n<!-- symphony:w_1 -->\n", "Stopped.", "w_1"),
        ("> <!-- symphony:w_1 -->\n\nWhy?", "> <!-- symphony:w_1 -->\n\nWhy?", "c"),
        ("Why?\n\n> <!-- symphony:w_1 -->", "Why?\n\n> <!-- symphony:w_1 -->", "c"),
        ("Text <!-- symphony:w_1", "Text <!-- symphony:w_1", "c"),
        ("```\n<!-- x -->", "```\n<!-- x -->", "c"),
    ],
    ids=["ours", "with a line end", "quoted", "quoted at the end", "never closed", "another mark"],
)
def test_a_comment_of_ours_is_known_by_its_mark_has_its_id_and_is_shown_without(
    body: str, shown: str, id: str
) -> None:
    told = wire_texts.comment(CommentRow("c", body, NOON, PERSON))
    assert (told.body, told.id, told.bot) == (shown, id, id == "w_1")


def test_a_long_text_is_cut_and_says_how_long_it_was() -> None:
    cut = wire_texts.cut("x" * 11, 10)
    assert (wire_texts.cut("x" * 10, 10), cut[:10]) == ("x" * 10, "x" * 10)
    assert cut[10:] == "\n\n[cut: the whole text has 11 characters]"


def test_each_stay_in_a_state_is_one_entry() -> None:
    names = ["Todo", "Rework", "R&amp;D", "REWORK"]
    stays = [StayRow(StateRow(name)) for name in names] + [StayRow()]
    assert wire_texts.entries(stays) == (
        Entries("r&d", 1),
        Entries("rework", 2),
        Entries("todo", 1),
    )


def test_a_row_becomes_an_issue_with_names() -> None:
    row = replace(
        ROW,
        state=StateRow("R&amp;D"),
        labelIds=("l1", "l2", "nobody knows"),
        url="https://linear.app/x",
        priority=2.0,
        branchName="bot/eng-1",
        project=ProjectRow("p1", "tea-1"),
        assignee=UserRow("u1", "Agent Bot", "bot", "bot@example.com"),
    )
    assert plain(row, SETTING) == Issue(
        id=IssueId("i1"),
        identifier="ENG-1",
        title="Mend it",
        state="R&D",
        url="https://linear.app/x",
        priority=2,
        labels=("API", "bug"),
        assignee="bot",
        assignee_aliases=("u1", "Agent Bot", "bot@example.com", "me"),
        branch="bot/eng-1",
        project="the-tea-1",
        created_at=NOON,
        updated_at=ONE,
    )


@pytest.mark.parametrize(
    ("project", "named"),
    [(None, None), (ProjectRow("p2", "other-2"), "other-2"), (ProjectRow("p1"), "the-tea-1")],
    ids=["none", "another", "ours, as WORKFLOW.md writes it"],
)
def test_a_project_is_ours_by_its_id(project: ProjectRow | None, named: str | None) -> None:
    row = replace(ROW, project=project)
    assert (plain(row, SETTING).project, is_ours(row, SETTING)) == (named, named == "the-tea-1")


def test_nobody_has_no_other_names_and_others_are_not_me() -> None:
    rui = UserRow("u2", "Rui &amp; Co", email=None)
    assert (aliases(rui, NAMES), plain(ROW, SETTING).assignee_aliases) == (("u2", "Rui & Co"), ())


def test_of_two_rows_in_one_look_the_later_one_counts_with_its_half() -> None:
    found = Found()
    halves = []
    for at, blocked in ((NOON, False), (ONE, True), (NOON, False), (ONE, False)):
        found.add(replace(ROW, updatedAt=at), blocked)
        halves.append(found.filtered["i1"])
    assert (found.rows, halves) == ({"i1": ROW}, [False, True, True, False])


def test_labels_without_a_name_are_learned_on_issues_that_concern_us_only() -> None:
    found = Found()
    for id, project in (("ours", "p1"), ("held", "p2"), ("strange", "p2")):
        row = replace(ROW, id=id, project=ProjectRow(project), labelIds=("l1", f"new-{id}"))
        found.add(row, False)
    held = {"held": plain(ROW, SETTING)}
    assert unknown_labels(found, SETTING, held) == ["new-held", "new-ours"]


def test_a_pull_request_stays_known_until_another_one_is_told() -> None:
    before = replace(plain(ROW, SETTING), pr="https://pr/1", merged_at=NOON)
    found = Found(rows={"i1": ROW})
    kept = issue_of(ROW, found, SETTING, before)
    found.pulls = {"i1": Pull("https://pr/2", None)}
    told = issue_of(ROW, found, SETTING, before)
    assert [(one.pr, one.merged_at) for one in (kept, told)] == [
        ("https://pr/1", NOON),
        ("https://pr/2", None),
    ]
