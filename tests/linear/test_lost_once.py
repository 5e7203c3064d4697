"""Updates that were lost once, each found by a life or by thinking of one, played as a story."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from symphony_cli.core.reasons import Outcome
from symphony_cli.core.tickfile import TickFile
from symphony_cli.ids import IssueId
from tests.fakes.fuse import PowerCut
from tests.linear.own import OwnWorld
from tests.linear.ticking import LinearWorld, policy

pytestmark = [pytest.mark.real]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[LinearWorld]:
    """A world on our own server, with pages of one issue, that has ticked once."""
    linear = OwnWorld()
    made = LinearWorld(policy(), linear=linear, folder=tmp_path, page=1)
    made.tick()
    made.pass_time(30)
    yield made
    made.close()
    linear.close()


def after_ticks(world: LinearWorld, number: int) -> None:
    """So many ordinary ticks."""
    for _ in range(number):
        world.tick()
        world.pass_time(30)


def blockers(world: LinearWorld, issue: str) -> list[str]:
    """The open issues that we think the issue waits for."""
    return [one.identifier for one in world.record(issue).issue.blocked_by if one.open is not False]


def test_an_issue_that_becomes_blocked_between_two_pages_is_on_one_of_them_next_time(
    world: LinearWorld,
) -> None:
    person = world.linear.person
    old = person.create("the oldest is on the last page")["id"]
    world.pass_time(400)
    for name in ("newer", "newest"):
        new = person.create(name)["id"]
    world.asks.meanwhile.append(lambda: person.relate(new, old))

    after_ticks(world, 1)
    assert world.history.find(IssueId(old)) is None
    after_ticks(world, 1)
    assert world.record(old).issue.title == "the oldest is on the last page"


def test_when_more_has_changed_than_the_allowance_lets_us_read_a_complete_poll_finds_it(
    world: LinearWorld,
) -> None:
    issues = [world.linear.person.create(f"number {n}")["id"] for n in range(25)]

    after_ticks(world, 32)

    assert [world.record(issue).issue.title for issue in issues[::8]] == [
        "number 0",
        "number 8",
        "number 16",
        "number 24",
    ]


def test_a_reopened_issue_is_not_lost_though_two_ticks_die_before_they_note_their_doubt(
    world: LinearWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, year = world.linear.person, world.time.replace(year=world.time.year + 1)
    issue, other = person.create()["id"], person.create(state="Backlog")["id"]
    after_ticks(world, 1)
    person.move(issue, "Done")
    for one in (issue, other):
        person.set(one, updatedAt=year)
    world.end(issue, Outcome.HANDED_OVER)
    after_ticks(world, 2)
    assert world.record(issue).finished_at is not None

    person.move(issue, "Todo")
    for _ in range(2):
        world.pass_time(400)
        with monkeypatch.context() as patch, pytest.raises(PowerCut):
            patch.setattr(world.bulletin, "post", _dies)
            world.tick()
    world.pass_time(400)
    after_ticks(world, 2)

    assert world.record(issue).finished_at is None


def _dies(tick: TickFile) -> None:
    raise PowerCut("before tick.json")


def test_a_blocker_in_the_bin_does_not_hide_another_that_is_open(world: LinearWorld) -> None:
    person = world.linear.person
    first, second = person.create()["id"], person.create()["id"]
    issue = person.create(blocked_by=[first])["id"]
    after_ticks(world, 3)
    assert blockers(world, issue) == ["ENG-1"]

    person.relate(second, issue)
    person.trash(first)
    after_ticks(world, 2)

    assert blockers(world, issue) == ["ENG-2"]


def test_a_blocker_that_was_exchanged_for_another_is_named(world: LinearWorld) -> None:
    person = world.linear.person
    first, second = person.create()["id"], person.create()["id"]
    issue = person.create(blocked_by=[first])["id"]
    after_ticks(world, 3)

    person.relate(second, issue)
    person.unrelate(first, issue)
    after_ticks(world, 1)

    assert blockers(world, issue) == ["ENG-2"]
