"""`symphony rescue`, on a world in memory."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from symphony_cli.commands.rescue import (
    RescueResult,
    RescuesResult,
    RestoredResult,
    Wanted,
    rescue,
)
from symphony_cli.core.reasons import Outcome
from symphony_cli.core.rescues import Change, Commit, Contents, Rescue, Tip
from symphony_cli.core.run import GitFacts
from symphony_cli.errors import ExitCode, UsageError, WorkspaceError
from symphony_cli.render.machine import as_json
from symphony_cli.render.text import as_text
from tests.fakes.rescues import FakeRescues
from tests.fakes.world import FakeWorld

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HELD = Contents(
    commits=(Commit("c" * 40, "add the form"),),
    more_commits=2,
    files=(Change("M", "readme.txt"), Change("A", "evil\x1b[31m.txt")),
    tips=(Tip("refs/stash", "d" * 40),),
    staged=True,
    ignored=("node_modules/",),
)


def one(key: str, number: int = 1, root: str = "/workspaces", **more: object) -> Rescue:
    facts = Rescue(
        store=f"{root}/.symphony/rescue.git",
        ref=f"refs/symphony/rescue/{key}/{number}",
        commit=f"{key}/{number}",
        key=key,
        number=number,
        at=AT + timedelta(hours=number),
        branch=f"symphony/{key}",
        head="c" * 40,
        scope="fake",
        unpushed=3,
        changed=2,
    )
    return replace(facts, **more)  # type: ignore[arg-type]


@pytest.fixture
def world() -> FakeWorld:
    """A-1 had a run in another root than today's; A-2 was only seen."""
    world = FakeWorld()
    for name in ("A-1", "A-2"):
        world.issue(name)
    world.tick()
    world.end("A-1", workspace="/before/A-1", root="/before")
    world.tick()
    return world


@pytest.fixture
def rescues() -> FakeRescues:
    stores = {
        "/workspaces": [one("A-1", 2), one("GONE-7"), one("X-9", scope="theirs")],
        "/before": [one("A-1", 1, "/before")],
    }
    everything = [each for store in stores.values() for each in store]
    return FakeRescues(stores, {each.commit: HELD for each in everything}, repos={"/own": {}})


def asked(world: FakeWorld, rescues: FakeRescues, *issue: str, **more: object) -> object:
    wanted = Wanted(*issue, **more)  # type: ignore[arg-type]
    return rescue(world.sockets(), rescues, wanted, "/own")


def test_all_rescues_of_the_workflow_are_listed_also_of_strangers_and_old_roots(
    world: FakeWorld, rescues: FakeRescues
) -> None:
    found = asked(world, rescues)
    assert isinstance(found, RescuesResult)
    rows = [(row.issue_identifier, row.number, row.known) for row in found.rescues]
    assert rows == [("A-1", 1, True), ("A-1", 2, True), ("GONE-7", 1, False)]
    assert (found.others, found.exit_code) == (1, ExitCode.DONE)


def test_the_list_fits_into_eighty_columns(world: FakeWorld, rescues: FakeRescues) -> None:
    rescues.stores["/workspaces"].append(one("A-3", branch="b" * 90, head=""))
    text = as_text(asked(world, rescues))
    assert "Kept in /before/.symphony/rescue.git as refs/symphony/rescue/KEY/N" in text
    rows = [line.split() for line in text.splitlines()]
    assert ["A-1", "1", "2026-03-01", "13:00", "symphony/A-1", "cccccccc", "3", "2"] in rows
    assert max(map(len, text.splitlines())) <= 80


def test_no_rescue_at_all_is_no_trouble(world: FakeWorld) -> None:
    found = asked(world, FakeRescues())
    assert as_text(found) == "No rescue: no run ended with work that was not pushed."


def test_a_store_that_cannot_be_read_is_told_beside_the_others(
    world: FakeWorld, rescues: FakeRescues
) -> None:
    rescues.faults = ("The rescue store /x cannot be read: it is gone.",)
    found = asked(world, rescues)
    assert isinstance(found, RescuesResult)
    assert (len(found.rescues), found.exit_code) == (3, ExitCode.PARTIAL)
    assert "Warning: The rescue store /x cannot be read" in as_text(found)
    with pytest.raises(WorkspaceError, match="rescue store /x cannot be read"):
        asked(world, rescues, "B-1")


@pytest.mark.parametrize("name", ["A-1", "a-1", "gone-7", "NEW-1"])
def test_an_issue_is_found_by_every_name_it_ever_had_and_by_a_key_nobody_knows(
    world: FakeWorld, rescues: FakeRescues, name: str
) -> None:
    world.edit("A-1", identifier="NEW-1")
    world.tick()
    found = asked(world, rescues, name)
    assert isinstance(found, RescueResult)
    assert found.rescue.key == ("GONE-7" if name == "gone-7" else "A-1")


def test_the_newest_rescue_is_shown_unless_another_is_named(
    world: FakeWorld, rescues: FakeRescues
) -> None:
    newest, first = asked(world, rescues, "A-1"), asked(world, rescues, "A-1", number=1)
    assert isinstance(newest, RescueResult) and isinstance(first, RescueResult)
    numbers = (newest.rescue.number, first.rescue.number, [r.number for r in first.rescues])
    assert numbers == (2, 1, [1, 2])


def test_a_rescue_of_another_project_is_shown_to_who_asks_for_it(
    world: FakeWorld, rescues: FakeRescues
) -> None:
    assert "tracker    theirs" in as_text(asked(world, rescues, "X-9"))


def test_one_rescue_is_told_whole(world: FakeWorld, rescues: FakeRescues) -> None:
    assert as_text(asked(world, rescues, "A-1")).splitlines() == [
        "A-1  rescue 2 of: 1, 2",
        "  kept at    2026-03-01 14:00:00 UTC",
        "  ref        refs/symphony/rescue/A-1/2",
        "  store      /workspaces/.symphony/rescue.git",
        "  branch     symphony/A-1",
        f"  head       {'c' * 40}",
        "  tracker    fake",
        "",
        "Unpushed commits",
        "  cccccccc add the form",
        "  … and 2 more",
        "",
        "Files that were not committed (what was staged is kept, too)",
        "  M readme.txt",
        "  A evil[31m.txt",
        "",
        "Other tips",
        "  dddddddd refs/stash",
        "",
        "Ignored files, which were left out",
        "  node_modules/",
        "",
        "Get it back",
        "  symphony rescue A-1 --number 2 --to rescue-A-1-2",
        "  symphony rescue A-1 --number 2 --branch rescue/A-1/2",
        "  git fetch /workspaces/.symphony/rescue.git refs/symphony/rescue/A-1/2",
        "The first makes a folder, the second a branch in your repository, the third is git's own.",
    ]


def test_programs_get_every_member(world: FakeWorld, rescues: FakeRescues) -> None:
    listed, shown = (json.loads(as_json(asked(world, rescues, *name))) for name in ((), ("A-1",)))
    assert (listed["rescues"][0]["ref"], listed["others"]) == ("refs/symphony/rescue/A-1/1", 1)
    assert (shown["contents"]["files"][0], shown["rescue"]["at"]) == (
        {"letter": "M", "path": "readme.txt"}, "2026-03-01T14:00:00.000Z",
    )  # fmt: skip


def test_a_rescue_is_restored_into_a_folder_or_a_branch(
    world: FakeWorld, rescues: FakeRescues
) -> None:
    folder = asked(world, rescues, "A-1", to="/back")
    branch = asked(world, rescues, "A-1", number=1, branch="back")
    assert isinstance(folder, RestoredResult) and isinstance(branch, RestoredResult)
    assert (rescues.folders, rescues.repos) == (
        {"/back": one("A-1", 2)}, {"/own": {"back": "A-1/1"}},
    )  # fmt: skip
    assert "into /back, on branch symphony/A-1" in as_text(folder).replace("\n", " ")
    assert "Made branch back in /own" in as_text(branch).replace("\n", " ")


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Wanted("A-1", to="/x", branch="y"), "Choose one of --to and --branch."),
        (Wanted("A-1", repo="/own"), "name one with --branch"),
        (Wanted(to="/x"), "Name the issue"),
        (Wanted(number=1), "Name the issue"),
        (Wanted("A-1", number=7), "A-1 has no rescue 7: choose one of 1, 2."),
        (Wanted("B-1"), "There is no issue 'B-1' and no rescue of one"),
        (Wanted("A-2"), "A-2 has no rescue: no run of it ended with work that was not pushed."),
        (Wanted("A-1", branch="b", repo="/nowhere"), "/nowhere is no git repository"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_in_a_sentence(
    world: FakeWorld, rescues: FakeRescues, wanted: Wanted, said: str
) -> None:
    with pytest.raises(UsageError, match=said.replace("(", r"\(")):
        rescue(world.sockets(), rescues, wanted, "/own")
    assert (rescues.folders, rescues.repos) == ({}, {"/own": {}})


def test_work_that_only_its_workspace_has_is_told(world: FakeWorld) -> None:
    git = GitFacts(kept_because="it has no git repository")
    world.end("A-2", Outcome.FAILED, workspace="/workspaces/A-2", git=git)
    world.tick()
    said = "A-2 has no rescue: its work is in /workspaces/A-2 only, because it has no git repo"
    with pytest.raises(UsageError, match=said):
        asked(world, FakeRescues(), "A-2")


def test_a_damaged_rescue_is_not_shown(world: FakeWorld, rescues: FakeRescues) -> None:
    del rescues.held["A-1/2"]
    with pytest.raises(WorkspaceError, match="A-1/2 is damaged"):
        asked(world, rescues, "A-1")
