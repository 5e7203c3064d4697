"""A look at Linear: one request when nothing much happened, and nothing left out."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from symphony_cli.adapters.linear.blockers import UNNAMED
from symphony_cli.core.issue import Issue
from symphony_cli.core.policy import Rules
from symphony_cli.errors import ConfigError
from symphony_cli.ids import IssueId
from tests.linear.watch import Opener
from tests.linear.world import PROJECT, World

pytestmark = [pytest.mark.real]

LONG_AGO = datetime(2025, 11, 1, tzinfo=UTC)


def test_the_first_look_tells_everything_active_of_the_project(
    watching: Opener, world: World
) -> None:
    world.person.create("Away", project=None)
    world.create("Over", state="Done")
    made = world.person.create(
        "Mend it",
        state="In Progress",
        labels=["feature", "bug"],
        assignee="Agent Bot",
        priority=2,
        description="Long.",
        created=LONG_AGO,
    )
    watch = watching()

    read = watch.look()
    (told,) = read.issues
    me = told.assignee_aliases[0]
    assert (world.operations(), told) == (
        ["Names", "Look"],
        Issue(
            id=IssueId(made["id"]),
            identifier="ENG-3",
            title="Mend it",
            state="In Progress",
            url=told.url,
            priority=2,
            labels=("bug", "feature"),
            assignee="agentbot",
            assignee_aliases=(me, "Agent Bot", "agentbot@example.com", "me"),
            branch=told.branch,
            project=PROJECT,
            created_at=LONG_AGO,
            updated_at=told.updated_at,
        ),
    )
    assert told.url.startswith("https://linear.app/acme/issue/ENG-3")
    assert told.branch is not None
    assert "eng-3" in told.branch


def test_an_idle_look_is_one_request_and_no_news(watching: Opener, world: World) -> None:
    world.person.create("One", labels=["bug"], assignee="Rui Reviewer", priority=1)
    world.person.create("Two", blocked_by=["ENG-1"])
    world.person.attach_pr("ENG-1", "https://github.com/a/b/pull/1", "merged")
    watch = watching()
    watch.settle()
    before = watch.history.cursor, watch.history.position

    assert [watch.requests(watch.look) for _ in range(3)] == [1, 1, 1]
    assert (watch.taken, before) == (None, (watch.history.cursor, watch.history.position))


def test_what_blocks_an_issue_is_named_one_look_later_in_one_request_each(
    watching: Opener, world: World
) -> None:
    world.create("First")
    world.person.create("Waits", blocked_by=["ENG-1"])
    watch = watching()

    asked = [watch.requests(watch.look)]
    seen = [watch.known("ENG-2").blocked_by]
    for _ in range(2):
        asked.append(watch.requests(watch.look))
        seen.append(watch.known("ENG-2").blocked_by)

    named = [[(b.identifier, b.state, b.open) for b in one] for one in seen]
    later = [("ENG-1", "Todo", True)]
    assert (asked, named) == (
        [2, 1, 1],
        [[(UNNAMED.identifier, UNNAMED.state, UNNAMED.open)], later, later],
    )


def test_a_state_that_was_renamed_is_a_problem_from_the_next_complete_poll_on(
    watching: Opener, world: World
) -> None:
    watch = watching(named={"tracker.active_states": ("Todo", "In Progress")})
    assert watch.look().problems == ()
    world.rename_state("Todo", "To Do")
    watch.skipped = 3601.0

    (problem,) = watch.look().problems

    assert problem.startswith(
        "tracker.active_states names the state 'Todo', which the project Symphony does not have: "
        "correct it to 'To Do' or another of "
    )


def test_while_a_name_does_not_fit_each_look_asks_for_all_names_and_sees_it_mended(
    watching: Opener, world: World
) -> None:
    world.add_state("Ready")
    world.person.create("Is ready", state="Ready", created=LONG_AGO)
    rules = Rules(active_states=("todo", "redy"))
    watch = watching(named={"tracker.active_states": ("Todo", "Redy")}, rules=rules)
    first = watch.look().problems
    watch.skipped = 61.0
    second = watch.look().problems
    world.rename_state("Ready", "Redy")
    watch.skipped = 122.0
    third = watch.look().problems

    assert (len(first), first, third, watch.news) == (1, second, (), {"ENG-1": {"new": True}})


def test_a_project_that_is_not_there_is_answered_with_those_that_are(
    watching: Opener, world: World
) -> None:
    watch = watching(project="nowhere-0b0b0b0b0b0b")
    with pytest.raises(ConfigError, match=rf"no such project .* write one of {PROJECT} "):
        watch.look()


@pytest.mark.parametrize(
    "rules",
    [
        Rules(active_states=("todo", "human review")),
        Rules(required_labels=("bug",)),
        Rules(assignee="me"),
    ],
    ids=["states", "labels", "assignee"],
)
def test_other_rules_begin_anew(watching: Opener, world: World, rules: Rules) -> None:
    world.person.create(
        "In review", state="Human Review", labels=["bug"], assignee="Agent Bot", created=LONG_AGO
    )
    world.person.create(
        "Todo", state="Todo", labels=["bug"], assignee="Agent Bot", created=LONG_AGO
    )
    watch = watching()
    watch.settle()

    watch.rules = rules
    polls: list[bool] = []
    asked = watch.requests(lambda: polls.append(watch.look().first_poll))

    assert (asked, polls) == (1, [False])
    assert "walk_free_after" in watch.line.documents[-1][2]
    wanted = 2 if "human review" in rules.active_states else 1
    assert len(watch.held()) == wanted


def test_a_change_that_no_date_tells_is_found_by_a_look_at_everything(
    watching: Opener, world: World
) -> None:
    world.create("Hidden", state="Human Review")
    watch = watching()
    watch.settle()
    world.person.move("ENG-1", "Todo")
    world.person.set("ENG-1", updatedAt=LONG_AGO)

    watch.look()
    unseen = dict(watch.news)
    asked = watch.requests(lambda: watch.look(full=True))

    assert (unseen, asked, watch.news) == ({}, 1, {"ENG-1": {"new": True}})


def test_what_leaves_the_project_or_its_states_is_told_though_nobody_holds_it(
    watching: Opener, world: World
) -> None:
    for name in ("Stays", "Done", "Leaves", "Archived"):
        world.person.create(name, created=LONG_AGO)
    watch = watching()
    watch.look()
    world.person.move("ENG-2", "Done")
    world.person.to_project("ENG-3", None)
    world.person.archive("ENG-4")

    read = watch.tracker.look(watch.history.cursor, [])

    told = {(issue.identifier, issue.state, issue.project, issue.archived) for issue in read.issues}
    assert told == {
        ("ENG-2", "Done", PROJECT, False),
        ("ENG-3", "Todo", None, False),
        ("ENG-4", "Todo", PROJECT, True),
    }


def test_labels_that_nobody_told_of_are_asked_for_by_their_ids_once(
    watching: Opener, world: World
) -> None:
    world.person.create("One", labels=["bug"])
    world.clock(3600)
    watch = watching()
    watch.look()
    watch.forget_label("bug")

    asked = [watch.requests(watch.look) for _ in range(2)]

    assert (watch.known("ENG-1").labels, asked) == (("bug",), [2, 1])


def test_what_we_know_of_names_lasts_over_ticks_and_not_beyond_another_project(
    watching: Opener, world: World
) -> None:
    other = "elsewhere-0c0ffee00009"
    world.add_project("Elsewhere", other)
    world.person.create("There", project=other)
    world.create("Here")
    watch = watching()
    watch.settle()

    watch.project = other
    asked = watch.requests(watch.look)

    assert (asked, watch.news["ENG-1"]) == (2, {"new": True})


@pytest.mark.parametrize("offset", [-7200.0, -120.0, 120.0, 7200.0])
def test_changes_are_seen_however_wrong_our_clock_is(
    watching: Opener, world: World, offset: float
) -> None:
    watch = watching(skipped=offset)
    watch.settle()
    for state in ("Todo", "Human Review", "In Progress"):
        number = len(world.asked())
        if state == "Todo":
            world.create("One", state=state)
        else:
            world.person.move("ENG-1", state)
        watch.look()
        assert (watch.known("ENG-1").state, world.requests() - number) == (state, 1)
