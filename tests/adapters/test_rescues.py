"""Reading the rescue store and bringing rescues back: `ports.Rescues`, fake and real."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from symphony_cli.adapters.gitstore import rescue
from symphony_cli.adapters.rescues import LocalRescues
from symphony_cli.adapters.rescuestore import Store, store_path
from symphony_cli.core.rescues import Change, Contents, Rescue
from symphony_cli.errors import UsageError, WorkspaceError
from symphony_cli.ports import Rescues
from tests.adapters.gitworld import NOW, GitWorld, files_in, git_world
from tests.fakes.rescues import FakeRescues

pytestmark = pytest.mark.real


@pytest.fixture
def world(tmp_path: Path) -> GitWorld:
    return git_world(tmp_path)


def work_in(world: GitWorld, place: Path) -> None:
    """Two unpushed commits, a changed, a new and a deleted file, an ignored one, a stash."""
    (place / "readme.txt").write_text("put aside\n")
    world.git(place, "stash", "--quiet")
    world.commit(place, "one.txt", "1\n")
    world.commit(place, "two.txt", "2\n")
    (place / "readme.txt").write_text("changed\n")
    (place / "new é.txt").write_text("new\n")
    (place / "one.txt").unlink()
    (place / "noise.log").write_text("noise\n")


def kept(world: GitWorld, name: str = "A-1", hours: int = 0) -> str:
    """Make a workspace with work in it, and rescue it; the ref."""
    place = world.root / name
    if not place.exists():
        work_in(world, world.clone(name))
    facts = rescue(replace(world.site(name), scope="s"), NOW + timedelta(hours=hours))
    assert facts.kept_because == ""
    return facts.rescue


def local(world: GitWorld) -> LocalRescues:
    return LocalRescues(world.environment)


def only(world: GitWorld) -> Rescue:
    """The one rescue there is."""
    (found,) = local(world).look([str(world.root)]).rescues
    return found


def operators(world: GitWorld, name: str = "own") -> Path:
    """A clone of the operator's, with work of its own in it."""
    place = world.folder / name
    world.git(world.folder, "clone", "--quiet", str(world.origin), str(place))
    (place / "mine.txt").write_text("mine\n")
    world.git(place, "add", "mine.txt")
    return place


def state_of(place: Path) -> dict[str, bytes]:
    """HEAD, index, shallow, reflogs, hooks and files: what a branch that is made must not touch."""
    inside = (".git/HEAD", ".git/index", ".git/shallow", ".git/logs/HEAD", ".git/FETCH_HEAD")
    there = {name: (place / name).read_bytes() for name in inside if (place / name).exists()}
    return files_in(place) | there


# --- the contract


@pytest.fixture(params=["fake", "real"])
def both(request: pytest.FixtureRequest, world: GitWorld) -> tuple[Rescues, GitWorld]:
    """A store with one rescue, and a repository beside it."""
    own = operators(world)
    kept(world)
    if request.param == "real":
        return local(world), world
    found = only(world)
    held = {found.commit: local(world).contents(found)}
    fake = FakeRescues({str(world.root): [found]}, held, repos={str(own): {"main": ""}})
    fake.folders[str(own)] = None
    return fake, world


def test_a_root_named_twice_is_looked_at_once_and_one_without_a_store_is_empty(
    both: tuple[Rescues, GitWorld],
) -> None:
    rescues, world = both
    root = str(world.root)
    shelf = rescues.look([root, root, str(world.folder / "nowhere")])
    assert ([one.ref for one in shelf.rescues], shelf.faults) == (
        ["refs/symphony/rescue/A-1/1"], (),
    )  # fmt: skip


def test_what_is_in_a_rescue_is_told(both: tuple[Rescues, GitWorld]) -> None:
    rescues, world = both
    (one,) = rescues.look([str(world.root)]).rescues
    found = rescues.contents(one)
    assert (one.branch, one.unpushed, one.changed, one.at) == ("symphony/A-1", 2, 3, NOW)
    assert found == Contents(
        commits=found.commits,
        files=(Change("A", "new é.txt"), Change("D", "one.txt"), Change("M", "readme.txt")),
        tips=found.tips,
        ignored=("noise.log",),
    )
    assert [commit.subject for commit in found.commits] == ["change two.txt", "change one.txt"]
    assert (found.commits[0].id, [tip.name for tip in found.tips]) == (one.head, ["refs/stash"])


def test_a_folder_or_branch_that_is_there_is_refused(both: tuple[Rescues, GitWorld]) -> None:
    rescues, world = both
    own = str(world.folder / "own")
    (one,) = rescues.look([str(world.root)]).rescues
    with pytest.raises(UsageError, match="is there already"):
        rescues.restore(one, own)
    with pytest.raises(UsageError, match="has a branch main already"):
        rescues.make_branch(one, "main", own)
    with pytest.raises(UsageError, match="is no git repository"):
        rescues.make_branch(one, "back", str(world.folder / "home"))
    rescues.make_branch(one, "back", own)
    with pytest.raises(UsageError, match="has a branch back already"):
        rescues.make_branch(one, "back", own)


# --- the stores


def test_rescues_of_several_stores_stand_together_by_key_and_time(world: GitWorld) -> None:
    kept(world, "b-1")
    kept(world, "A-1")
    (world.root / "A-1/more.txt").write_text("more\n")
    kept(world, "A-1", hours=1)
    other = GitWorld(world.folder / "other")
    other.folder.mkdir()
    shutil.copytree(world.root / ".symphony", other.root / ".symphony")
    shelf = local(world).look([str(world.root), str(other.root)])
    names = [(one.key, one.number) for one in shelf.rescues]
    assert names == [("A-1", 1)] * 2 + [("A-1", 2)] * 2 + [("b-1", 1)] * 2


def test_a_rescue_of_an_older_version_is_listed_and_shown(world: GitWorld) -> None:
    kept(world)
    store = store_path(world.root)
    old = [
        line
        for line in Store(store).commit("refs/symphony/rescue/A-1/1").split(b"\n")
        if not line.startswith((b"count ", b"edge ", b"ignored "))
    ]
    path = world.folder / "old"
    path.write_bytes(b"\n".join(old))
    commit = world.git(store, "hash-object", "-t", "commit", "-w", str(path))
    world.git(store, "update-ref", "refs/symphony/rescue/A-1/1", commit)
    found = only(world)
    contents = local(world).contents(found)
    assert (found.unpushed, found.changed, contents.ignored) == (None, None, ())
    assert (len(contents.commits), len(contents.files)) == (2, 3)


def test_commits_that_were_pushed_meanwhile_do_not_count(world: GitWorld) -> None:
    kept(world)
    place = world.root / "A-1"
    world.git(place, "push", "--quiet", "origin", "HEAD")
    world.commit(place, "three.txt", "3\n")
    kept(world, hours=1)
    newest = local(world).look([str(world.root)]).rescues[-1]
    subjects = [commit.subject for commit in local(world).contents(newest).commits]
    assert (newest.unpushed, subjects) == (1, ["change three.txt"])


def test_much_is_named_in_part(world: GitWorld) -> None:
    place = world.clone("A-1")
    for number in range(205):
        (place / f"{number:03}.txt").write_text("x\n")
    for number in range(53):
        world.git(place, "commit", "--quiet", "--allow-empty", "-m", f"c{number}")
    kept(world)
    found = local(world).contents(only(world))
    assert (len(found.commits), found.more_commits, found.commits[0].subject) == (50, 3, "c52")
    assert (len(found.files), found.more_files) == (200, 5)


def test_work_before_the_first_commit_is_shown(world: GitWorld) -> None:
    place = world.root / "A-1"
    place.mkdir(parents=True)
    world.git(place, "init", "--quiet", "-b", "start")
    (place / "first.txt").write_text("first\n")
    kept(world)
    found = only(world)
    assert (found.branch, found.head, found.unpushed) == ("start", "", 0)
    assert local(world).contents(found).files == (Change("A", "first.txt"),)


def spoil(world: GitWorld) -> None:
    """Take all objects out of the store."""
    for pack in (store_path(world.root) / "objects/pack").iterdir():
        pack.unlink()


def test_a_damaged_rescue_is_told_and_nothing_is_made_of_it(world: GitWorld) -> None:
    own = operators(world)
    kept(world)
    one = only(world)
    spoil(world)
    shelf = local(world).look([str(world.root)])
    assert (shelf.rescues, len(shelf.faults)) == ((), 1)
    assert "refs/symphony/rescue/A-1/1 of the rescue store" in shelf.faults[0]
    before = state_of(own)
    with pytest.raises(WorkspaceError, match="is damaged"):
        local(world).restore(one, str(world.folder / "back"))
    with pytest.raises(WorkspaceError, match="is damaged"):
        local(world).make_branch(one, "back", str(own))
    assert (state_of(own), (world.folder / "back").exists()) == (before, False)


def test_a_store_that_is_none_is_told(world: GitWorld) -> None:
    kept(world)
    store = store_path(world.root)
    shutil.rmtree(store)
    store.write_text("no repository\n")
    shelf = local(world).look([str(world.root)])
    assert shelf.rescues == () and shelf.faults[0].startswith(f"The rescue store {store} cannot be")


# --- into a folder


def test_a_folder_gets_the_workspace_back(world: GitWorld) -> None:
    kept(world)
    place, back = world.root / "A-1", world.folder / "new/back"
    (place / "noise.log").unlink()
    local(world).restore(only(world), str(back))
    status = [world.git(where, "status", "--porcelain", "--branch") for where in (place, back)]
    assert (files_in(back), status[0]) == (files_in(place), status[1])


def test_an_empty_folder_is_filled(world: GitWorld) -> None:
    kept(world)
    back = world.folder / "back"
    back.mkdir()
    local(world).restore(only(world), str(back))
    assert "two.txt" in files_in(back)


# --- into the operator's repository


def test_a_branch_is_made_and_nothing_else_is_touched(world: GitWorld) -> None:
    own = operators(world)
    hook = own / ".git/hooks/reference-transaction"
    hook.write_text(f"#!/bin/sh\ntouch {world.folder}/hooked\n")
    hook.chmod(0o755)
    kept(world)
    one, before = only(world), state_of(own)
    local(world).make_branch(one, "rescue/A-1", str(own / "lib"))
    assert (state_of(own), (world.folder / "hooked").exists()) == (before, False)
    assert world.git(own, "rev-parse", "rescue/A-1", "rescue/A-1^1").split() == [
        one.commit, one.head,
    ]  # fmt: skip
    assert world.git(own, "show", "rescue/A-1:readme.txt") == "changed"
    assert world.git(own, "rev-parse", "--is-shallow-repository") == "false"
    assert world.git(own, "fsck", "--full", "--connectivity-only") == ""
    assert world.git(own, "rev-list", "--count", one.head) == "3"


def behind(world: GitWorld) -> tuple[Path, Rescue]:
    """A repository that lacks the commit of the remote which a rescue builds on."""
    own = operators(world)
    seed = world.folder / "seed"
    world.commit(seed, "later.txt", "later\n")
    world.git(seed, "push", "--quiet", str(world.origin), "main")
    kept(world)
    return own, only(world)


def test_a_repository_that_lacks_the_base_is_told_to_fetch_and_never_gets_shallow(
    world: GitWorld,
) -> None:
    own, one = behind(world)
    before, objects = state_of(own), world.git(own, "count-objects", "-v")
    with pytest.raises(UsageError, match="run `git fetch` there first"):
        local(world).make_branch(one, "back", str(own))
    assert (state_of(own), world.git(own, "count-objects", "-v")) == (before, objects)
    world.git(own, "fetch", "--quiet")
    local(world).make_branch(one, "back", str(own))
    assert world.git(own, "rev-list", "--count", "back^1") == "4"
    assert not (own / ".git/shallow").exists()


def test_a_base_that_no_branch_leads_to_any_more_is_enough(world: GitWorld) -> None:
    own, one = behind(world)
    world.git(own, "fetch", "--quiet")
    world.git(own, "update-ref", "refs/remotes/origin/main", "HEAD")
    local(world).make_branch(one, "back", str(own))
    assert world.git(own, "fsck", "--full", "--connectivity-only") == ""


def test_a_shallow_repository_keeps_its_own_edge(world: GitWorld) -> None:
    own = world.folder / "own"
    url = f"file://{world.origin}"
    world.commit(world.folder / "seed", "later.txt", "later\n")
    world.git(world.folder / "seed", "push", "--quiet", str(world.origin), "main")
    world.git(world.folder, "clone", "--quiet", "--depth=1", url, str(own))
    kept(world)
    before = state_of(own)
    local(world).make_branch(only(world), "back", str(own))
    assert (state_of(own), ".git/shallow" in before) == (before, True)


def test_a_repository_without_commits_or_files_can_take_a_branch(world: GitWorld) -> None:
    place = world.root / "A-1"
    place.mkdir(parents=True)
    world.git(place, "init", "--quiet")
    (place / "first.txt").write_text("first\n")
    kept(world)
    bare = world.folder / "bare.git"
    world.git(world.folder, "init", "--quiet", "--bare", str(bare))
    local(world).make_branch(only(world), "back", str(bare))
    assert world.git(bare, "show", "back:first.txt") == "first"


@pytest.mark.parametrize("name", ["a b", "-x", "HEAD", "a..b", "x.lock"])
def test_what_git_takes_for_no_branch_is_refused(world: GitWorld, name: str) -> None:
    one = Rescue("/s", "refs/symphony/rescue/A-1/1", "", "A-1", 1, datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(UsageError, match="is no name for a branch"):
        local(world).make_branch(one, name, str(world.folder))


def test_a_branch_below_another_one_is_refused(world: GitWorld) -> None:
    own = operators(world)
    kept(world)
    with pytest.raises(WorkspaceError, match="does not come into"):
        local(world).make_branch(only(world), "main/back", str(own))


def test_variables_of_a_hook_lead_nowhere_else(world: GitWorld) -> None:
    own, other = operators(world), operators(world, "other")
    kept(world)
    environment = world.environment | {"GIT_DIR": str(other / ".git")}
    LocalRescues(environment).make_branch(only(world), "back", str(own))
    assert world.git(other, "branch", "--list", "back") == ""
    assert world.git(own, "branch", "--list", "back") == "back"
