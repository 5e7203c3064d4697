"""Looks at more than fits: pages, turns, complete polls, and what happens when one is lost."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from symphony_cli.adapters.linear.blockers import UNNAMED
from symphony_cli.core.snapshot import Read
from symphony_cli.errors import TrackerError
from symphony_cli.ids import IssueId
from tests.linear.watch import Opener
from tests.linear.world import World

pytestmark = [pytest.mark.real]

LONG_AGO = datetime(2025, 11, 1, tzinfo=UTC)


def many(world: World, number: int) -> None:
    for n in range(number):
        world.person.create(f"Issue {n}", created=LONG_AGO)
    world.person.create("The last one waits", blocked_by=["ENG-1"], created=LONG_AGO)


def test_fifty_running_two_hundred_queued_thirty_blocked_and_twenty_waiting_are_one_request(
    watching: Opener, world: World
) -> None:
    made = [world.person.create(f"Issue {n}", created=LONG_AGO)["id"] for n in range(280)]
    for n in range(20):
        blocker = world.person.create(f"Blocker {n}", project=None, created=LONG_AGO)
        world.person.create(f"Waits {n}", blocked_by=[blocker["id"]], created=LONG_AGO)
    watch = watching(running=frozenset(made[:50]))
    for _ in range(4):
        watch.look()

    assert (len(watch.held()), watch.requests(watch.look), watch.taken) == (300, 1, None)
    assert all(one.issue.blocked_by != (UNNAMED,) for one in watch.held())
    assert (world.max_points() or 0) <= 10_000


def test_when_more_is_held_than_fits_running_issues_are_always_asked_for_and_the_rest_in_turn(
    watching: Opener, world: World
) -> None:
    watch = watching()
    watch.look()
    ids = [f"0a0a0a0a-0000-4000-8000-{n:012}" for n in range(1500)]
    watch.hold(ids)
    watch.running = frozenset(ids[:50])
    known = watch.history.cursor

    asked: list[set[IssueId]] = []
    while len(asked) < 40 and not set.union(set(), *asked) >= set(ids):
        asked.append(set(watch.look().missing))

    assert set.union(*asked) == set(ids)
    assert watch.history.cursor == known
    assert all(watch.running <= one for one in asked)
    assert {len(one) for one in asked} == {len(asked[0])}
    assert (world.max_points() or 0) <= 10_000


def test_six_hundred_changed_issues_are_read_to_the_last_page(
    watching: Opener, world: World
) -> None:
    watch = watching()
    watch.look()
    for n in range(600):
        world.create(f"Issue {n}")

    assert (watch.requests(watch.look), len(watch.news)) == (3, 600)


def test_an_issue_that_is_edited_while_pages_are_read_is_not_skipped(
    watching: Opener, world: World
) -> None:
    watch = watching(page=25)
    watch.settle()
    for n in range(60):
        world.create(f"Issue {n}")

    with watch.spoilt(2, lambda: world.person.retitle("ENG-3", "Better")):
        watch.look()

    assert (len(watch.news), watch.known("ENG-3").title) == (60, "Better")


def test_a_first_poll_of_seven_hundred_issues_reads_all_pages_while_there_is_time(
    watching: Opener, world: World
) -> None:
    many(world, 700)
    watch = watching()

    polls: list[Read] = []
    assert watch.requests(lambda: polls.append(watch.look())) == 4
    assert (len(watch.news), polls[0].first_poll) == (701, False)


def test_a_first_poll_goes_on_at_the_next_look_when_time_ends(
    watching: Opener, world: World
) -> None:
    many(world, 70)
    watch = watching(page=25, time_left=lambda: 0.0)

    polls: list[Read] = []
    asked = [watch.requests(lambda: polls.append(watch.look())) for _ in range(3)]

    assert (asked, [one.first_poll for one in polls]) == ([2, 1, 1], [True, True, False])
    assert len(watch.held()) == 71


def test_a_first_poll_goes_on_though_the_row_where_it_stopped_is_gone(
    watching: Opener, world: World
) -> None:
    many(world, 40)
    watch = watching(page=25, time_left=lambda: 0.0)
    watch.look()
    free = [one.issue for one in watch.held() if not one.issue.blocked_by]
    last = min(int(issue.identifier.removeprefix("ENG-")) for issue in free)
    world.person.purge(f"ENG-{last}")

    polls = [watch.look() for _ in range(2)]

    assert [one.first_poll for one in polls] == [True, False]
    assert len(watch.held()) == 41


def test_a_page_of_a_complete_poll_that_is_lost_is_left_to_the_next_look(
    watching: Opener, world: World
) -> None:
    many(world, 70)
    watch = watching(page=25)
    with watch.spoilt(3, lambda: world.fault("cut", times=2)):
        polls = [watch.look()]
    polls.append(watch.look())

    assert [one.first_poll for one in polls] == [True, False]
    assert len(watch.held()) == 71


def test_nothing_is_believed_when_a_page_of_what_changed_is_lost(
    watching: Opener, world: World
) -> None:
    world.create("Known")
    watch = watching(page=25)
    watch.settle()
    before = watch.history.copy()
    for n in range(60):
        world.create(f"Issue {n}")

    with watch.spoilt(2, lambda: world.fault("cut", times=2)), pytest.raises(TrackerError):
        watch.look()

    assert watch.history == before
    watch.look()
    assert len(watch.news) == 60


def test_when_there_is_no_time_for_all_that_changed_a_complete_poll_finds_the_rest(
    watching: Opener, world: World
) -> None:
    watch = watching(page=25)
    watch.settle()
    for n in range(40):
        world.create(f"Issue {n}")
    world.clock(600)
    watch.time_left = lambda: 0.0

    polls: list[Read] = []
    asked = [watch.requests(lambda: polls.append(watch.look())) for _ in range(4)]

    assert (asked, [one.first_poll for one in polls]) == ([1] * 4, [False] * 4)
    assert (len(watch.held()), watch.news) == (40, {})


def test_whoever_asks_for_everything_gets_all_pages_at_once(watching: Opener, world: World) -> None:
    many(world, 60)
    watch = watching(page=25)
    watch.settle()

    read: list[Read] = []
    asked = watch.requests(lambda: read.append(watch.look(full=True)))

    assert (asked, len(read[0].issues), read[0].first_poll) == (3, 61, False)


def test_a_complete_poll_by_the_hour_is_one_request_a_look_names_first_then_pages(
    watching: Opener, world: World
) -> None:
    many(world, 40)
    watch = watching(page=25)
    watch.settle()
    world.create("Late", state="Human Review")
    world.person.move("ENG-42", "Todo")
    world.person.set("ENG-42", updatedAt=LONG_AGO)
    watch.skipped = 3601.0

    told = []
    for _ in range(4):
        asked = watch.requests(watch.look)
        variables = watch.line.documents[-1][2]
        kind = [name for name in ("names_slug", "walk_free_after") if name in variables]
        told.append((asked, kind, sorted(watch.news)))

    assert told == [
        (1, ["names_slug"], []),
        (1, ["walk_free_after"], ["ENG-42"]),
        (1, ["walk_free_after"], []),
        (1, [], []),
    ]
