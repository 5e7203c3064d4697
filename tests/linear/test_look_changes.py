"""Whatever people change, the next look tells it, in one request, on every Linear at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest

from symphony_cli.adapters.linear.blockers import UNNAMED
from tests.linear.own import OwnWorld
from tests.linear.watch import News, Watch
from tests.linear.world import PROJECT, Bump, World

pytestmark = [pytest.mark.real]

ELSEWHERE = "elsewhere-0c0ffee00009"
PR = "https://github.com/acme/tool/pull/7"
MERGED = datetime(2025, 11, 19, 8, tzinfo=UTC)


@dataclass(frozen=True)
class Change:
    """What somebody does, and what the next look tells that was not known."""

    does: Callable[[World], None]
    told: News
    before: Callable[[World], None] = lambda world: None
    """Done before, and known."""
    unmoved: tuple[Bump, ...] = get_args(Bump)
    """The kinds of change that may leave `updatedAt` where it is, and still are seen."""


def move(issue: str, state: str) -> Callable[[World], None]:
    return lambda world: world.person.move(issue, state)


def label_in_use(world: World) -> None:
    world.person.label("ENG-1", "bug")


def archived(world: World) -> None:
    world.person.archive("ENG-1")


def linked(world: World) -> None:
    world.person.attach_pr("ENG-1", PR)


def made_and_set(world: World) -> None:
    world.add_label("brand new")
    world.person.label("ENG-1", "brand new")


def created(world: World) -> None:
    world.create("New")


def created_blocked(world: World) -> None:
    world.person.create("New", blocked_by=["ENG-2"])


def created_in_a_new_team(world: World) -> None:
    world.add_team("FAR")
    world.person.create("New", team="FAR")


NEEDS_A_DATE: tuple[Bump, ...] = ("comment", "relation", "attachment", "archive", "trash", "noop")
"""For what we do not hold, a change of the issue itself must move its date."""

CHANGES: dict[str, Change] = {
    "moved": Change(move("ENG-1", "In Progress"), {"ENG-1": {"state": "In Progress"}}),
    "moved out of the active states": Change(
        move("ENG-1", "Human Review"), {"ENG-1": {"state": "Human Review"}}
    ),
    "done": Change(move("ENG-1", "Done"), {"ENG-1": {"state": "Done"}}),
    "label added": Change(label_in_use, {"ENG-1": {"labels": ("bug",)}}),
    "label removed": Change(
        lambda world: world.person.unlabel("ENG-1", "bug"),
        {"ENG-1": {"labels": ()}},
        before=label_in_use,
    ),
    "new label made and added": Change(made_and_set, {"ENG-1": {"labels": ("brand new",)}}),
    "label renamed": Change(
        lambda world: world.rename_label("bug", "defect"),
        {"ENG-1": {"labels": ("defect",)}},
        before=label_in_use,
    ),
    "assigned": Change(
        lambda world: world.person.assign("ENG-1", "Rui Reviewer"),
        {"ENG-1": {"assignee": "ruireviewer"}},
    ),
    "assigned to nobody": Change(
        lambda world: world.person.assign("ENG-1", None),
        {"ENG-1": {"assignee": None}},
        before=lambda world: world.person.assign("ENG-1", "Rui Reviewer"),
    ),
    "moved to another project": Change(
        lambda world: world.person.to_project("ENG-1", ELSEWHERE), {"ENG-1": {"project": ELSEWHERE}}
    ),
    "taken out of all projects": Change(
        lambda world: world.person.to_project("ENG-1", None), {"ENG-1": {"project": None}}
    ),
    "moved to another team": Change(
        lambda world: world.person.to_team("ENG-1", "OPS"), {"OPS-1": {"identifier": "OPS-1"}}
    ),
    "archived": Change(archived, {"ENG-1": {"archived": True}}),
    "unarchived": Change(
        lambda world: world.person.unarchive("ENG-1"),
        {"ENG-1": {"archived": False}},
        before=archived,
    ),
    "trashed": Change(lambda world: world.person.trash("ENG-1"), {"ENG-1": {"archived": True}}),
    "purged": Change(lambda world: world.person.purge("ENG-1"), {"ENG-1": {"missing": True}}),
    "title": Change(
        lambda world: world.person.retitle("ENG-1", "Better"), {"ENG-1": {"title": "Better"}}
    ),
    "priority": Change(
        lambda world: world.person.prioritise("ENG-1", 1), {"ENG-1": {"priority": 1}}
    ),
    "blocker added": Change(
        lambda world: world.person.relate("ENG-2", "ENG-1"),
        {"ENG-1": {"blocked_by": ((UNNAMED.identifier, UNNAMED.state, None),)}},
    ),
    "blocker moved": Change(
        move("ENG-2", "In Progress"),
        {
            "ENG-2": {"state": "In Progress"},
            "ENG-3": {"blocked_by": (("ENG-2", "In Progress", True),)},
        },
    ),
    "blocker closed": Change(
        move("ENG-2", "Done"), {"ENG-2": {"state": "Done"}, "ENG-3": {"blocked_by": ()}}
    ),
    "blocker cancelled": Change(
        move("ENG-2", "Canceled"), {"ENG-2": {"state": "Canceled"}, "ENG-3": {"blocked_by": ()}}
    ),
    "blocker trashed": Change(
        lambda world: world.person.trash("ENG-2"),
        {
            "ENG-2": {"archived": True},
            "ENG-3": {"blocked_by": (("ENG-2", "in the bin", False),)},
        },
    ),
    "blocker purged": Change(
        lambda world: world.person.purge("ENG-2"),
        {"ENG-2": {"missing": True}, "ENG-3": {"blocked_by": ()}},
    ),
    "blocker in another project closed": Change(
        move("ENG-4", "Done"),
        {"ENG-1": {"blocked_by": ()}},
        before=lambda world: world.person.relate("ENG-4", "ENG-1"),
    ),
    "relation removed": Change(
        lambda world: world.person.unrelate("ENG-2", "ENG-3"), {"ENG-3": {"blocked_by": ()}}
    ),
    "pull request linked": Change(linked, {"ENG-1": {"pr": PR}}),
    "pull request merged": Change(
        lambda world: world.person.attach_pr("ENG-1", PR, "merged", MERGED),
        {"ENG-1": {"merged_at": MERGED}},
        before=linked,
    ),
    "brand new": Change(created, {"ENG-6": {"new": True}}),
    "brand new and blocked": Change(created_blocked, {"ENG-6": {"new": True}}),
    "brand new in a team that is new to the project": Change(
        created_in_a_new_team, {"FAR-1": {"new": True}}
    ),
    "came into the project": Change(
        lambda world: world.person.to_project("ENG-4", PROJECT),
        {"ENG-4": {"new": True}},
        unmoved=NEEDS_A_DATE,
    ),
    "became active": Change(move("ENG-5", "Todo"), {"ENG-5": {"new": True}}, unmoved=NEEDS_A_DATE),
}


def watching(world: World, folder: Path) -> Iterator[Watch]:
    """Somebody who knows a board of two teams: ENG-2 blocks ENG-3, ENG-4 is in another project,
    and ENG-5 is nobody's to work."""
    world.reset("ENG", "OPS")
    world.lag(0)
    world.add_project("Elsewhere", ELSEWHERE)
    world.create("Something")
    world.create("A blocker")
    world.person.create("Waits", blocked_by=["ENG-2"])
    world.person.create("Far away", project=ELSEWHERE)
    world.create("In review", state="Human Review")
    one = Watch(world, folder)
    one.settle()
    yield one
    one.close()


@pytest.fixture
def watch(world: World, tmp_path: Path) -> Iterator[Watch]:
    yield from watching(world, tmp_path)


@pytest.fixture
def own_watch(tmp_path: Path) -> Iterator[Watch]:
    world = OwnWorld()
    yield from watching(world, tmp_path)
    world.close()


@pytest.mark.parametrize("name", CHANGES)
def test_the_next_look_tells_what_somebody_changed(watch: Watch, name: str) -> None:
    change, world = CHANGES[name], watch.world
    change.before(world)
    watch.settle()

    change.does(world)

    assert (watch.requests(watch.look), watch.news) == (1, change.told)


@pytest.mark.parametrize("name", CHANGES)
def test_it_is_told_whether_its_date_moves_or_not(own_watch: Watch, name: str) -> None:
    """On the strict stand-in, above, every change moves the date; here only those that must."""
    change, world = CHANGES[name], own_watch.world
    change.before(world)
    own_watch.settle()
    for kind in get_args(Bump):
        world.bump(kind, on=kind not in change.unmoved)

    change.does(world)
    own_watch.look()

    assert own_watch.news == change.told
