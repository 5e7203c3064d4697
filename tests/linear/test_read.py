"""Issues by id: one with everything that a run needs, or several without texts in one request."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from symphony_cli.adapters.linear.wire_texts import LONGEST_TEXT
from symphony_cli.core.issue import Entries, Issue
from symphony_cli.core.snapshot import Read
from symphony_cli.errors import TrackerError
from symphony_cli.ids import IssueId
from tests.linear.watch import Watch
from tests.linear.world import PROJECT, World

pytestmark = [pytest.mark.real]

PR = "https://github.com/acme/tool/pull/7"
MERGED = datetime(2026, 1, 5, 8, tzinfo=UTC)


@pytest.fixture
def reader(world: World, tmp_path: Path) -> Iterator[Watch]:
    """Somebody who knows the names already."""
    world.lag(0)
    watch = Watch(world, tmp_path)
    watch.tracker.names()
    yield watch
    watch.close()


def read(reader: Watch, *issues: str, texts: bool = True) -> tuple[Read, int]:
    """The answer, and how many requests it took, which the answer says too."""
    told: list[Read] = []
    ids = [IssueId(issue) for issue in issues]
    asked = reader.requests(lambda: told.append(reader.tracker.read(ids, texts=texts)))
    assert told[0].requests == asked
    return told[0], asked


def whole(reader: Watch, issue: str) -> tuple[Issue, int]:
    answer, asked = read(reader, reader.world.issue(issue)["id"])
    (told,) = answer.issues
    return told, asked


def test_an_issue_comes_whole_in_one_request(reader: Watch) -> None:
    world = reader.world
    for name, state in (("Open", "Todo"), ("Closed", "Done"), ("Binned", "Todo")):
        world.create(name, state=state)
    blockers = ["ENG-1", "ENG-2", "ENG-3"]
    world.person.create("One", blocked_by=blockers, labels=["bug"], description="What to do.")
    world.person.trash("ENG-3")
    for state in ("Rework", "In Progress", "Rework"):
        world.person.move("ENG-4", state)
    world.person.comment("ENG-4", "First.")
    world.person.comment("ENG-4", "Second.", "Rui Reviewer")
    world.person.attach_pr("ENG-4", PR, "merged", MERGED)

    issue, asked = whole(reader, "ENG-4")

    blocked_by = {(one.identifier, one.state, one.open) for one in issue.blocked_by}
    assert (asked, issue.description, issue.labels, issue.project) == (
        *(1, "What to do.", ("bug",)),
        PROJECT,
    )
    assert [(one.body, one.author, one.bot) for one in issue.comments] == [
        ("First.", "hannahuman", False),
        ("Second.", "ruireviewer", False),
    ]
    assert blocked_by == {
        ("ENG-1", "Todo", True),
        ("ENG-2", "Done", False),
        ("ENG-3", "in the bin", False),
    }
    assert issue.entries == (Entries("in progress", 1), Entries("rework", 2), Entries("todo", 1))
    assert (issue.pr, issue.merged_at) == (PR, MERGED)


def test_long_lists_of_an_issue_are_read_to_their_ends_oldest_comment_first(reader: Watch) -> None:
    world = reader.world
    blockers = [world.create(f"Blocker {n}")["identifier"] for n in range(55)]
    made = world.person.create("One", blocked_by=blockers)["identifier"]
    for n in range(120):
        world.person.comment(made, f"Comment {n}")
    for _ in range(60):
        world.person.move(made, "Rework")
        world.person.move(made, "Todo")

    issue, asked = whole(reader, made)

    assert [one.body for one in issue.comments] == [f"Comment {n}" for n in range(120)]
    assert {one.identifier for one in issue.blocked_by} == set(blockers)
    assert issue.entries == (Entries("rework", 60), Entries("todo", 61))
    assert asked == 1 + 2 + 1 + 1


def test_a_comment_of_ours_comes_without_its_mark_and_as_a_programs(reader: Watch) -> None:
    made = reader.world.create()["id"]
    reader.tracker.comment(IssueId(made), "Stopped.", "w_1")

    (comment,) = whole(reader, "ENG-1")[0].comments

    assert (comment.body, comment.bot) == ("Stopped.", True)
    assert reader.world.issue("ENG-1")["comments"] == ["Stopped.\n\n<!-- symphony:w_1 -->"]


def test_what_is_archived_or_in_the_bin_is_read_as_such_and_what_is_gone_is_missing(
    reader: Watch,
) -> None:
    world = reader.world
    ids = [world.create()["id"] for _ in range(3)]
    world.person.archive("ENG-1")
    world.person.trash("ENG-2")
    world.person.purge("ENG-3")
    nobody = str(uuid.uuid4())

    for texts, requests in ((True, 4), (False, 1)):
        answer, asked = read(reader, *ids, nobody, texts=texts)
        found = {issue.identifier: issue.archived for issue in answer.issues}
        assert (found, answer.missing, asked) == (
            {"ENG-1": True, "ENG-2": True},
            (ids[2], nobody),
            requests,
        )


def test_many_issues_without_texts_are_one_request(reader: Watch) -> None:
    world = reader.world
    ids = [world.person.create(f"Issue {n}", description="Long.")["id"] for n in range(60)]
    world.person.comment("ENG-1", "Hello.")

    answer, asked = read(reader, *ids, *ids, texts=False)

    told = {(issue.description, issue.comments, issue.entries) for issue in answer.issues}
    assert (asked, len(answer.issues), told) == (1, 60, {("", (), ())})
    assert (world.max_points() or 0) <= 10_000


def test_more_issues_than_a_document_can_name_are_several_requests(reader: Watch) -> None:
    ids = [str(uuid.uuid4()) for _ in range(1600)]

    answer, asked = read(reader, *ids, texts=False)

    assert (answer.missing, asked) == (tuple(ids), 2)
    assert (reader.world.max_points() or 0) <= 10_000


def test_ids_that_can_be_none_of_linears_are_missing_without_a_request(reader: Watch) -> None:
    names = ("ENG-1", "../one", "", "0a0a0a0a-1111-4222-8333-44444444444", "id) { id } }")
    for texts in (True, False):
        answer, asked = read(reader, *names, texts=texts)
        assert (answer.missing, answer.issues, asked) == (names, (), 0)


def test_a_label_that_nobody_told_us_of_is_asked_for_once(reader: Watch) -> None:
    world = reader.world
    world.add_label("brand new")
    world.create()
    world.person.label("ENG-1", "brand new")

    told = [whole(reader, "ENG-1") for _ in range(2)]

    assert [(issue.labels, asked) for issue, asked in told] == [
        (("brand new",), 2),
        (("brand new",), 1),
    ]


def test_a_description_of_a_megabyte_is_cut_with_its_length(reader: Watch) -> None:
    reader.world.person.create("One", description="x" * 1_000_000)

    issue, _ = whole(reader, "ENG-1")

    assert issue.description == (
        "x" * LONGEST_TEXT + "\n\n[cut: the whole text has 1000000 characters]"
    )


def test_an_issue_that_loses_a_page_is_not_read_in_part(reader: Watch) -> None:
    world = reader.world
    made = IssueId(world.create()["id"])
    for n in range(60):
        world.person.comment("ENG-1", f"Comment {n}")
    world.fault("partial", operation="IssueComments", times=2)

    with pytest.raises(TrackerError):
        reader.tracker.read([made])

    world.mend()
    with (
        reader.spoilt(2, lambda: world.person.purge("ENG-1")),
        pytest.raises(TrackerError, match="lost an issue between two pages of it"),
    ):
        reader.tracker.read([made])
