from __future__ import annotations

import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from symphony_cli.adapters.gitstore import NO_COMMITS
from symphony_cli.adapters.ready import marker_path
from symphony_cli.adapters.workspaces import Workspace, branch_name, ensure, place
from symphony_cli.core.issue import Issue
from symphony_cli.core.run import Hooks, Order, WorkspaceSettings
from symphony_cli.errors import HookFailed, WorkspaceError
from symphony_cli.ids import IssueId, Key
from tests.adapters.gitworld import NOW, GitWorld, files_in, git_world

pytestmark = pytest.mark.real


@pytest.fixture
def world(tmp_path: Path) -> GitWorld:
    return git_world(tmp_path)


def made(world: GitWorld, order: Order) -> Workspace:
    return ensure(order, world.environment, world.folder / "agent.log", now=lambda: NOW)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_workspace_is_a_clone_on_a_branch_of_its_own(world: GitWorld) -> None:
    found = made(world, world.order("A-1"))
    head = world.git(world.origin, "rev-parse", "main")
    assert found == Workspace(world.root / "A-1", "symphony/A-1", head, created=True)
    assert world.git(found.path, "status", "--porcelain", "--branch") == "## symphony/A-1"
    assert world.git(found.path, "remote", "get-url", "origin") == str(world.origin)
    assert (mode(world.root), mode(found.path)) == (0o700, 0o700)


def test_a_branch_that_the_remote_has_is_taken_up(world: GitWorld) -> None:
    seed = world.folder / "seed"
    world.git(seed, "checkout", "--quiet", "-b", "symphony/A-1")
    tip = world.commit(seed, "begun.txt", "begun\n")
    world.git(seed, "push", "--quiet", str(world.origin), "symphony/A-1")
    found = made(world, world.order("A-1"))
    assert (found.branch, found.base) == ("symphony/A-1", tip)
    assert world.git(found.path, "rev-parse", "--abbrev-ref", "@{u}") == "origin/symphony/A-1"


def test_a_remote_without_commits_gives_a_workspace_without_commits(world: GitWorld) -> None:
    empty = world.folder / "empty.git"
    world.git(world.folder, "init", "--quiet", "--bare", str(empty))
    found = made(world, world.order("A-1", repo=str(empty)))
    assert found == Workspace(world.root / "A-1", "symphony/A-1", NO_COMMITS, created=True)


def test_objects_of_a_local_repository_are_copied_and_not_linked(world: GitWorld) -> None:
    found = made(world, world.order("A-1"))
    objects = [p for p in (found.path / ".git/objects").rglob("*") if p.is_file()]
    assert {path.stat().st_nlink for path in objects} == {1}


def test_a_second_run_finds_its_workspace_as_it_was_left(world: GitWorld) -> None:
    order = world.order("A-1", hooks=Hooks(after_create="echo x >> created"))
    first = made(world, order)
    (first.path / "mine.txt").write_text("work\n")
    commit = world.commit(first.path, "done.txt", "done\n")
    second = made(world, order)
    assert second == replace(first, base=commit, created=False)
    assert (first.path / "created").read_text() == "x\n"
    assert (first.path / "mine.txt").read_text() == "work\n"


def test_after_create_is_tried_again_on_a_clean_folder_until_it_succeeded(
    world: GitWorld,
) -> None:
    script = f"test ! -e litter\ntouch litter\ntest -e {world.folder}/fine"
    order = world.order("A-1", hooks=Hooks(after_create=script))
    for _ in range(2):
        with pytest.raises(HookFailed, match="after_create failed with exit status 1"):
            made(world, order)
    (world.folder / "fine").touch()
    assert made(world, order).created
    assert json.loads(marker_path(world.root, "A-1").read_text()) == {
        "state": "ready",
        "path": str(world.root / "A-1"),
        "at": "2026-03-01T12:00:00.000Z",
        "scope": "s",
        "repo": str(world.origin).removesuffix(".git"),
    }


def test_a_hook_may_clone_for_itself_into_the_empty_workspace(world: GitWorld) -> None:
    script = f"git clone --quiet {world.origin} ."
    found = made(world, world.order("A-1", repo="", hooks=Hooks(after_create=script)))
    head = world.git(world.origin, "rev-parse", "main")
    assert found == Workspace(world.root / "A-1", "main", head, created=True)


def test_a_workspace_needs_no_git(world: GitWorld) -> None:
    order = world.order("A-1", repo="")
    first, second = made(world, order), made(world, order)
    assert (first, files_in(first.path)) == (Workspace(world.root / "A-1", created=True), {})
    assert second == Workspace(world.root / "A-1", created=False)


def test_a_folder_that_was_there_before_is_taken_as_it_is(world: GitWorld) -> None:
    folder = world.clone("A-1")
    (folder / "mine.txt").write_text("work\n")
    found = made(world, world.order("A-1", hooks=Hooks(after_create="touch created")))
    note = f"{folder} was there already and was taken as it is; after_create did not run."
    assert (found.created, found.notes) == (False, (note,))
    assert "mine.txt" in files_in(folder) and "created" not in files_in(folder)


def test_a_clone_that_fails_leaves_no_workspace(world: GitWorld) -> None:
    with pytest.raises(WorkspaceError, match=r"nowhere.git cannot be cloned: git clone failed"):
        made(world, world.order("A-1", repo=str(world.folder / "nowhere.git")))
    assert not (world.root / "A-1").exists()


def test_leftovers_of_a_killed_clone_are_removed(world: GitWorld) -> None:
    leftover = world.root / ".symphony/making/A-1/tmpx/workspace/.git"
    leftover.mkdir(parents=True)
    made(world, world.order("A-1"))
    assert not (world.root / ".symphony/making/A-1").exists()


def test_git_gets_the_environment_of_the_agent(world: GitWorld) -> None:
    (world.folder / "home/.gitconfig").write_text(
        f'[url "{world.origin}"]\n\tinsteadOf = https://example.org/it\n'
    )
    assert made(world, world.order("A-1", repo="https://example.org/it")).created


@pytest.mark.parametrize("bad", ["file", "link out", "link inside", "outside", "root", "hidden"])
def test_a_workspace_is_a_folder_of_its_own_inside_the_root(tmp_path: Path, bad: str) -> None:
    root, key = tmp_path / "root", Key("A-1")
    (root / "B-1").mkdir(parents=True)
    settings = WorkspaceSettings(str(root))
    match bad:
        case "file":
            (root / key).write_text("")
        case "link out":
            (root / key).symlink_to(tmp_path)
        case "link inside":
            (root / key).symlink_to(root / "B-1")
        case "outside":
            settings = replace(settings, path=str(tmp_path / "elsewhere"))
        case "root":
            settings = replace(settings, path=str(root))
        case "hidden":
            settings = replace(settings, path=str(root / ".symphony/x"))
    with pytest.raises(WorkspaceError) as caught:
        place(settings, key)
    assert bad != "outside" or str(caught.value) == (
        f"The workspace {settings.path} lies outside of workspace.root {root}: set workspace.root"
        f" to {tmp_path}, or make {root} a link to that folder."
    )


def test_the_root_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "root").symlink_to(tmp_path / "disk")
    found = place(WorkspaceSettings(str(tmp_path / "root")), Key("A-1"))
    assert found == tmp_path / "disk/A-1"
    assert os.listdir(tmp_path / "disk") == []


def test_a_parent_that_leads_out_of_the_root_is_refused(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root/team").symlink_to(tmp_path)
    settings = WorkspaceSettings(str(tmp_path / "root"), path=str(tmp_path / "root/team/A-1"))
    with pytest.raises(WorkspaceError, match=r"lies outside of workspace\.root"):
        place(settings, Key("A-1"))


@pytest.mark.parametrize(
    ("setting", "tracker", "key", "expected"),
    [
        ("", None, "A-1", "symphony/A-1"),
        ("", "ada/a-1-title", "A-1", "ada/a-1-title"),
        ("", "--upload-pack=x", "A-1", "symphony/A-1"),
        ("agents/{key}", "ada/a-1", "A-1", "agents/A-1"),
        ("", None, "A..1", "symphony/A__1-21cee257"),
    ],
)
def test_a_branch_is_named_by_the_operator_the_tracker_or_the_key(
    setting: str, tracker: str | None, key: str, expected: str
) -> None:
    issue = Issue(IssueId("i"), "A-1", "Title", "Todo", branch=tracker)
    assert branch_name(WorkspaceSettings("/r", branch=setting), issue, Key(key)) == expected


def test_a_branch_that_git_would_not_take_is_the_operators_to_correct() -> None:
    issue = Issue(IssueId("i"), "A-1", "Title", "Todo")
    with pytest.raises(WorkspaceError, match=r"workspace\.branch gives 'a b/A-1'"):
        branch_name(WorkspaceSettings("/r", branch="a b/{key}"), issue, Key("A-1"))
