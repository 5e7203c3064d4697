"""Whose a workspace is: roots that are kept, roots that are shared, and folders made anew."""

from __future__ import annotations

import json
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from symphony_cli.adapters import ready
from symphony_cli.adapters.cloning import repository_name
from symphony_cli.adapters.gitstore import gather, rescue, site
from symphony_cli.adapters.rescuestore import newest, store_path
from symphony_cli.adapters.workspaces import Workspace, ensure, rooted, standing
from symphony_cli.core.run import Brief, Hooks, Order
from symphony_cli.errors import HookFailed, WorkspaceError
from tests.adapters.gitworld import NOW, GitWorld, files_in, git_world

pytestmark = pytest.mark.real


@pytest.fixture
def world(tmp_path: Path) -> GitWorld:
    return git_world(tmp_path)


def made(world: GitWorld, order: Order) -> Workspace:
    return ensure(order, world.environment, world.folder / "agent.log", now=lambda: NOW)


def with_root(order: Order, root: Path) -> Order:
    place = replace(order.settings.workspace, root=str(root))
    return replace(order, settings=replace(order.settings, workspace=place))


# The root of the first run.


def test_all_of_an_issue_stays_in_the_root_of_its_order(world: GitWorld) -> None:
    first = made(world, world.order("A-1"))
    order = world.order("A-1", path=str(first.path), attempt=2)
    (first.path / "mine.txt").write_text("work\n")
    again = made(world, order)
    found = rescue(site(order, Brief(str(again.path), again.branch, again.base)), NOW)
    assert (again, found.rescue) == (
        replace(first, created=False),
        "refs/symphony/rescue/A-1/1",
    )
    assert sorted(path.name for path in (world.root / ".symphony").iterdir()) == [
        "making", "ready", "rescue.git", "rescue.lock", "scratch",
    ]  # fmt: skip


def test_a_root_that_was_not_recorded_is_the_folder_that_our_marker_is_in(
    world: GitWorld,
) -> None:
    first = made(world, world.order("A-1"))
    order = with_root(world.order("A-1", path=str(first.path)), world.folder / "other")
    found = rooted(order)
    assert found.settings.workspace.root == str(world.root)
    assert made(world, found) == replace(first, created=False)
    assert not (world.folder / "other").exists()


@pytest.mark.parametrize("case", ["no path", "inside", "no marker"])
def test_an_order_keeps_its_root_otherwise(world: GitWorld, case: str) -> None:
    path = {
        "no path": "",
        "inside": str(world.root / "A-1"),
        "no marker": str(world.folder / "elsewhere/A-1"),
    }[case]
    order = world.order("A-1", path=path)
    assert rooted(order) == order


def test_a_path_outside_of_the_root_is_refused_and_not_touched_by_finish(world: GitWorld) -> None:
    path = world.folder / "elsewhere/A-1"
    order = world.order("A-1", path=str(path))
    with pytest.raises(WorkspaceError, match=f"set workspace.root to {path.parent}, or make"):
        made(world, order)
    assert (standing(order), path.exists()) == ("", False)


def test_finish_knows_the_workspace_of_earlier_runs(world: GitWorld) -> None:
    first = made(world, world.order("A-1"))
    orders = [world.order("A-1", path=str(first.path)), world.order("A-1")]
    assert [standing(order) for order in orders] == [str(first.path), ""]


# A root that two workflows share.


def test_two_projects_never_work_in_one_clone(world: GitWorld) -> None:
    first = made(world, world.order("A-1", scope="markdown:/one"))
    before = files_in(first.path)
    other = world.order("A-1", scope="markdown:/two", path=str(first.path))
    with pytest.raises(WorkspaceError) as caught:
        made(world, other)
    marker, repo = ready.marker_path(world.root, "A-1"), repository_name(str(world.origin))
    assert str(caught.value) == (
        f"{first.path} belongs to A-1 of markdown:/one, a clone of {repo}: give each workflow a"
        " workspace.root of its own. If that is this project under another name, remove"
        f" {marker} and it is taken as it is."
    )
    assert (standing(other), files_in(first.path)) == ("", before)


@pytest.mark.parametrize("state", ["making", "ready"])
def test_a_place_is_anothers_before_and_after_its_folder_is_there(
    world: GitWorld, state: str
) -> None:
    hooks = Hooks(after_create="exit 1")
    if state == "making":
        with pytest.raises(HookFailed):
            made(world, world.order("A-1", scope="one", hooks=hooks))
    else:
        made(world, world.order("A-1", scope="one"))
        shutil.rmtree(world.root / "A-1")
    with pytest.raises(WorkspaceError, match="belongs to A-1 of one"):
        made(world, world.order("A-1", scope="two"))


def test_another_repository_of_the_same_tracker_is_another_project(world: GitWorld) -> None:
    made(world, world.order("A-1"))
    with pytest.raises(WorkspaceError, match=r"a clone of .*/origin: give each workflow"):
        made(world, world.order("A-1", repo=str(world.folder / "seed")))
    assert not made(world, world.order("A-1", repo="")).created


def test_a_marker_of_before_is_accepted_and_gets_its_owner(world: GitWorld) -> None:
    first = made(world, world.order("A-1"))
    marker = ready.marker_path(world.root, "A-1")
    told = json.loads(marker.read_text())
    old = {name: told[name] for name in ("state", "path", "at")}
    marker.write_text(json.dumps(old))
    again = made(world, world.order("A-1"))
    assert (again, json.loads(marker.read_text())) == (replace(first, created=False), told)


def test_of_two_that_come_at_once_one_gets_the_place(world: GitWorld) -> None:
    refused: list[str] = []

    def come(scope: str) -> None:
        try:
            made(world, world.order("A-1", scope=scope))
        except WorkspaceError as error:
            refused.append(str(error))

    callers = [threading.Thread(target=come, args=(f"tracker {n}",)) for n in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    found = ready.read(ready.marker_path(world.root, "A-1"))
    assert found is not None and (found.state, len(refused)) == ("ready", 3)
    assert all(f"belongs to A-1 of {found.scope}," in text for text in refused)


@pytest.mark.parametrize(
    ("repo", "name"),
    [
        ("https://ada:s3cr3t@GitHub.com/ada/shop.git", "github.com/ada/shop"),
        ("git@github.com:ada/shop.git", "github.com/ada/shop"),
        ("ssh://git@github.com:22/ada/shop/", "github.com/ada/shop"),
        ("https://x:p@ss@host", "host"),
        ("https://host/a?token=s3cr3t", "host/a"),
        ("file:///srv/shop.git", "/srv/shop"),
        ("/srv/a:b/shop.git", "/srv/a:b/shop"),
        ("", ""),
    ],
)
def test_a_repository_has_one_name_however_it_is_reached(repo: str, name: str) -> None:
    assert repository_name(repo) == name


def test_rescues_of_two_trackers_share_numbers_and_are_told_apart(world: GitWorld) -> None:
    place = world.clone("A-1")
    (place / "mine.txt").write_text("one\n")
    sites = [replace(world.site("A-1"), scope=scope) for scope in ("one", "two é")]
    refs = [rescue(site, NOW).rescue for site in (*sites, *sites)]
    assert [ref.rpartition("/")[2] for ref in refs] == ["1", "2", "1", "2"]
    found = [newest(world.root, "A-1", scope) for scope in ("one", "two é", "three")]
    assert found == [refs[0], refs[1], ""]


def test_a_rescue_of_before_may_be_anybodys(world: GitWorld) -> None:
    place = world.clone("A-1")
    (place / "mine.txt").write_text("one\n")
    ref = rescue(world.site("A-1"), NOW).rescue
    assert newest(world.root, "A-1", "any") == ref


# A folder that somebody deleted.


def test_an_agent_is_told_that_its_folder_was_made_anew_and_what_was_rescued(
    world: GitWorld,
) -> None:
    first = made(world, world.order("A-1"))
    world.commit(first.path, "done.txt", "done\n")
    ref = rescue(replace(world.site("A-1"), scope="s"), NOW).rescue
    shutil.rmtree(first.path)
    again = made(world, world.order("A-1", path=str(first.path), attempt=2))
    store = store_path(world.root)
    note = (
        f"{first.path} was gone and was made anew: files and commits of earlier runs are in it only"
        f" as far as the remote has them. The newest rescue of earlier work is {ref}:"
        f" `git fetch {store} {ref}` gets it."
    )
    assert (again.created, again.notes) == (True, (note,))
    world.git(again.path, "fetch", "--quiet", str(store), ref)
    assert world.git(again.path, "show", "FETCH_HEAD:done.txt") == "done"


def test_without_a_rescue_it_is_told_that_the_folder_was_made_anew(world: GitWorld) -> None:
    first = made(world, world.order("A-1"))
    shutil.rmtree(world.root)
    (note,) = made(world, world.order("A-1", path=str(first.path), attempt=2)).notes
    assert note.endswith("only as far as the remote has them.")


def test_an_issue_that_never_had_a_folder_misses_none(world: GitWorld) -> None:
    with pytest.raises(HookFailed):
        made(world, world.order("A-1", hooks=Hooks(after_create="exit 1")))
    assert made(world, world.order("A-1", attempt=2)).notes == ()


# What counts as a new commit.


@pytest.mark.parametrize(("with_base", "commits"), [(True, 1), (False, 0)])
def test_commits_count_from_a_known_base_only(
    world: GitWorld, with_base: bool, commits: int
) -> None:
    first = made(world, world.order("A-1"))
    world.commit(first.path, "done.txt", "done\n")
    assert gather(world.site("A-1", first.base if with_base else "")).commits == commits


def test_all_commits_count_where_there_was_none(world: GitWorld) -> None:
    empty = world.folder / "empty.git"
    world.git(world.folder, "init", "--quiet", "--bare", str(empty))
    first = made(world, world.order("A-1", repo=str(empty)))
    for name in ("one", "two"):
        world.commit(first.path, name, name)
    assert gather(world.site("A-1", first.base)).commits == 2


def test_a_history_that_a_hook_brings_into_a_bare_folder_is_not_new(world: GitWorld) -> None:
    first = made(world, world.order("A-1", repo=""))
    world.git(first.path, "clone", "--quiet", str(world.origin), ".")
    assert (first.base, gather(world.site("A-1", first.base)).commits) == ("", 0)
