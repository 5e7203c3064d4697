from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from symphony_cli import clock
from symphony_cli.adapters.gitstore import gather, rescue
from symphony_cli.adapters.rescuenote import described
from symphony_cli.adapters.rescuestore import Store, restore, store_path
from symphony_cli.core.run import GitFacts
from symphony_cli.errors import WorkspaceError
from tests.adapters.gitworld import NOW, GitWorld, files_in, git_world

pytestmark = pytest.mark.real


@pytest.fixture
def world(tmp_path: Path) -> GitWorld:
    found = git_world(tmp_path)
    for number in range(3):
        found.commit(tmp_path / "seed", f"old{number}.txt", f"{number}\n")
    found.git(tmp_path / "seed", "push", "--quiet", str(found.origin), "main")
    return found


def work_in(world: GitWorld, place: Path) -> None:
    """One unpushed commit, a staged change under another one, a deletion, new and ignored files."""
    world.commit(place, "done.txt", "done\n")
    (place / "readme.txt").write_text("staged\n")
    world.git(place, "add", "readme.txt")
    (place / "readme.txt").write_bytes(b"changed\r\n")
    (place / "lib/code.txt").unlink()
    (place / "new é\n.bin").write_bytes(b"\0\r\n\xff")
    (place / "run.sh").write_text("#!/bin/sh\n")
    (place / "run.sh").chmod(0o755)
    (place / "link").symlink_to("/etc/passwd")
    (place / "noise.log").write_text("ignored\n")


def restored(world: GitWorld, ref: str) -> Path:
    into = world.folder / "restored" / ref.replace("/", "-")
    restore(store_path(world.root), ref, into)
    return into


def state_of(world: GitWorld, place: Path) -> tuple[str, ...]:
    """All that a rescue must not change and a restore must bring back."""
    questions = ("status --porcelain -z", "rev-parse HEAD", "symbolic-ref -q HEAD", "ls-files -s")
    return tuple(world.git(place, *words.split(), check=False) for words in questions)


def test_a_clean_and_pushed_workspace_has_nothing_to_lose(world: GitWorld) -> None:
    place = world.clone("A-1")
    head = world.git(place, "rev-parse", "HEAD")
    tree = world.git(place, "rev-parse", "HEAD^{tree}")
    expected = GitFacts(branch="symphony/A-1", head=head, tree=tree)
    assert rescue(world.site("A-1", head), NOW) == expected
    assert not store_path(world.root).exists()


def test_facts_name_what_is_uncommitted_and_unpushed(world: GitWorld) -> None:
    place = world.clone("A-1")
    base = world.git(place, "rev-parse", "HEAD")
    work_in(world, place)
    found = gather(world.site("A-1", base))
    assert found == GitFacts(
        branch="symphony/A-1",
        head=world.git(place, "rev-parse", "HEAD"),
        commits=1,
        commits_ahead=1,
        dirty_files=("lib/code.txt", "link", "new é\n.bin", "readme.txt", "run.sh"),
        diffstat=found.diffstat,
        tree=found.tree,
        ignored=("noise.log",),
    )
    assert found.diffstat.endswith("5 files changed, 3 insertions(+), 4 deletions(-)")


def test_the_tree_changes_when_the_work_does_and_only_then(world: GitWorld) -> None:
    place = world.clone("A-1")
    work_in(world, place)
    before = gather(world.site("A-1")).tree
    again = gather(world.site("A-1")).tree
    (place / "run.sh").write_text("#!/bin/bash\n")
    assert (again == before, gather(world.site("A-1")).tree == before) == (True, False)


def test_a_rescue_outlives_its_workspace_byte_for_byte(world: GitWorld) -> None:
    place = world.clone("A-1")
    work_in(world, place)
    (place / "noise.log").unlink()
    files, state = files_in(place), state_of(world, place)
    ref = rescue(world.site("A-1"), NOW).rescue
    shutil.rmtree(place)
    back = restored(world, ref)
    assert (ref, files_in(back)) == ("refs/symphony/rescue/A-1/1", files)
    assert state_of(world, back) == state
    assert os.readlink(back / "link") == "/etc/passwd"


def test_a_rescue_only_reads_the_workspace(world: GitWorld) -> None:
    place = world.clone("A-1")
    work_in(world, place)
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in place.rglob("*") if p.is_file()}
    assert rescue(world.site("A-1"), NOW).rescue
    after = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in place.rglob("*") if p.is_file()}
    assert after == before


def test_the_same_work_is_kept_once_and_new_work_gets_a_new_ref(world: GitWorld) -> None:
    place = world.clone("A-1")
    work_in(world, place)
    refs = [rescue(world.site("A-1"), NOW + timedelta(hours=n)).rescue for n in range(2)]
    (place / "more.txt").write_text("more\n")
    refs.append(rescue(world.site("A-1"), NOW).rescue)
    assert [ref.rpartition("/")[2] for ref in refs] == ["1", "1", "2"]


def test_unpushed_commits_are_kept_when_nothing_is_dirty(world: GitWorld) -> None:
    place = world.clone("A-1")
    commit = world.commit(place, "done.txt", "done\n")
    ref = rescue(world.site("A-1"), NOW).rescue
    shutil.rmtree(place)
    assert world.git(restored(world, ref), "rev-parse", "HEAD") == commit


def test_pushed_commits_are_the_remotes_to_keep(world: GitWorld) -> None:
    place = world.clone("A-1")
    base = world.git(place, "rev-parse", "HEAD")
    world.commit(place, "done.txt", "done\n")
    world.git(place, "push", "--quiet", "origin", "HEAD")
    found = rescue(world.site("A-1", base), NOW)
    assert (found.commits, found.commits_ahead, found.rescue) == (1, 1, "")


def test_other_branches_and_every_stash_are_kept_too(world: GitWorld) -> None:
    place = world.clone("A-1")
    tips = set()
    for number in range(2):
        (place / "readme.txt").write_text(f"stash {number}\n")
        world.git(place, "stash", "--quiet")
        tips.add(world.git(place, "rev-parse", "refs/stash"))
    world.git(place, "checkout", "--quiet", "-b", "idea")
    tips.add(world.commit(place, "idea.txt", "idea\n"))
    world.git(place, "checkout", "--quiet", "symphony/A-1")
    ref = rescue(world.site("A-1"), NOW).rescue
    shutil.rmtree(place)
    store = Store(store_path(world.root))
    named = dict(described(store.commit(ref)).tips)
    assert set(named.values()) == tips
    assert {"refs/heads/idea", "refs/stash"} <= set(named)
    assert world.git(restored(world, ref), "show", f"{named['refs/heads/idea']}:idea.txt") == "idea"


def test_work_before_the_first_commit_is_kept(world: GitWorld) -> None:
    place = world.root / "A-1"
    place.mkdir(parents=True)
    world.git(place, "init", "--quiet", "-b", "start")
    (place / "first.txt").write_text("first\n")
    found = rescue(world.site("A-1"), NOW)
    assert (found.branch, found.head, found.dirty_files) == ("start", "", ("first.txt",))
    assert files_in(restored(world, found.rescue)) == {"first.txt": b"first\n"}


def test_a_conflict_is_kept_as_it_stands(world: GitWorld) -> None:
    place = world.clone("A-1")
    world.commit(place, "readme.txt", "mine\n")
    world.git(place, "checkout", "--quiet", "-b", "other", "HEAD~1")
    world.commit(place, "readme.txt", "theirs\n")
    world.git(place, "merge", "symphony/A-1", check=False)
    found = rescue(world.site("A-1"), NOW)
    assert found.dirty_files == ("readme.txt",)
    assert b"<<<<<<<" in files_in(restored(world, found.rescue))["readme.txt"]


def test_marks_that_hide_a_changed_file_are_not_believed(world: GitWorld) -> None:
    place = world.clone("A-1")
    world.git(place, "update-index", "--assume-unchanged", "readme.txt")
    world.git(place, "update-index", "--skip-worktree", "lib/code.txt")
    (place / "readme.txt").write_text("hidden\n")
    (place / "lib/code.txt").write_text("hidden too\n")
    assert gather(world.site("A-1")).dirty_files == ("lib/code.txt", "readme.txt")


def test_a_change_right_after_the_checkout_that_keeps_the_size_is_seen(world: GitWorld) -> None:
    place = world.clone("A-1")
    (place / "readme.txt").write_text("READ ME\n")
    second = int(clock.now().timestamp())
    while int(clock.now().timestamp()) == second:
        clock.sleep(0.01)
    assert gather(world.site("A-1")).dirty_files == ("readme.txt",)


def test_files_that_a_sparse_checkout_leaves_out_are_no_deletions(world: GitWorld) -> None:
    place = world.clone("A-1")
    world.git(place, "sparse-checkout", "set", "--cone", "lib")
    world.git(place, "sparse-checkout", "set", "--no-cone", "/lib/")
    assert not (place / "readme.txt").exists()
    assert gather(world.site("A-1")).dirty_files == ()


@pytest.mark.parametrize("how", ["split", "damaged", "absent"])
def test_an_index_that_cannot_be_used_is_made_anew(world: GitWorld, how: str) -> None:
    place = world.clone("A-1")
    match how:
        case "split":
            world.git(place, "update-index", "--split-index")
        case "damaged":
            (place / ".git/index").write_bytes(b"DIRC nonsense")
        case "absent":
            (place / ".git/index").unlink()
    (place / "readme.txt").write_text("changed\n")
    assert rescue(world.site("A-1"), NOW).dirty_files == ("readme.txt",)


def test_a_shallow_clone_is_rescued_whole(world: GitWorld) -> None:
    place = world.root / "A-1"
    world.root.mkdir()
    world.git(world.folder, "clone", "--quiet", "--depth=1", f"file://{world.origin}", str(place))
    commit = world.commit(place, "done.txt", "done\n")
    ref = rescue(world.site("A-1"), NOW).rescue
    shutil.rmtree(place)
    assert world.git(restored(world, ref), "rev-list", "--count", commit) == "2"


def test_a_rescue_takes_no_history_of_the_remote_and_cuts_none_of_the_work(
    world: GitWorld,
) -> None:
    first = world.clone("A-1")
    unpushed = world.commit(first, "one.txt", "1\n")
    ref = rescue(world.site("A-1"), NOW).rescue
    world.git(first, "push", "--quiet", "origin", "HEAD")
    second = world.clone("B-1")
    world.git(second, "reset", "--quiet", "--hard", "origin/symphony/A-1")
    world.commit(second, "two.txt", "2\n")
    other = rescue(world.site("B-1"), NOW).rescue
    store = store_path(world.root)
    counts = [world.git(store, "rev-list", "--count", name) for name in (unpushed, ref, other)]
    assert counts == ["2", "3", "4"]
    assert "missing" not in world.git(store, "fsck", "--full")


def test_an_older_base_than_the_store_knows_is_brought_along(world: GitWorld) -> None:
    world.commit(world.clone("A-1"), "one.txt", "1\n")
    assert rescue(world.site("A-1"), NOW).rescue
    old = world.clone("B-1")
    world.git(old, "reset", "--quiet", "--hard", "HEAD~2")
    world.git(old, "update-ref", "-d", "refs/remotes/origin/HEAD")
    world.git(old, "update-ref", "refs/remotes/origin/main", "HEAD")
    world.commit(old, "two.txt", "2\n")
    found = rescue(world.site("B-1"), NOW)
    assert (found.kept_because, files_in(restored(world, found.rescue))["two.txt"]) == ("", b"2\n")


def test_a_rescue_can_be_fetched_into_a_full_clone(world: GitWorld) -> None:
    place = world.clone("A-1")
    commit = world.commit(place, "done.txt", "done\n")
    ref = rescue(world.site("A-1"), NOW).rescue
    full = world.clone("B-1")
    world.git(full, "fetch", "--quiet", str(store_path(world.root)), f"{ref}:refs/heads/back")
    assert world.git(full, "rev-list", "--count", "back^1") == "5"
    assert world.git(full, "rev-parse", "back^1") == commit


def _too_large(place: Path) -> None:
    (place / "large.bin").write_bytes(os.urandom(3000))


def _nested(place: Path) -> None:
    shutil.copytree(place / ".git", place / "inner/.git")


def _no_git(place: Path) -> None:
    shutil.rmtree(place / ".git")


def _linked_git(place: Path) -> None:
    (place / ".git").rename(place / "real")
    (place / ".git").write_text("gitdir: real\n")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_too_large, "its changed and new files have 3000 bytes, more than the 2000 of"),
        (_nested, "it has a repository of its own inside, inner"),
        (_no_git, "it has no git repository"),
        (_linked_git, "its .git is a link or a file that leads elsewhere"),
    ],
)
def test_what_cannot_be_kept_says_why(
    world: GitWorld, spoil: Callable[[Path], None], reason: str
) -> None:
    place = world.clone("A-1")
    spoil(place)
    found = rescue(replace(world.site("A-1"), most=2000), NOW)
    assert (found.rescue, found.kept_because.startswith(reason)) == ("", True)


def test_unpushed_commits_that_are_too_large_say_so(world: GitWorld) -> None:
    place = world.clone("A-1")
    (place / "large.bin").write_bytes(os.urandom(5000))
    world.git(place, "add", ".")
    world.git(place, "commit", "--quiet", "-m", "large")
    found = rescue(replace(world.site("A-1"), most=2000), NOW)
    assert found.kept_because.startswith("its unpushed work has 5")


def test_a_submodule_that_is_filled_keeps_the_workspace(world: GitWorld) -> None:
    place = world.clone("A-1")
    world.git(
        place, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add",
        str(world.origin), "sub",
    )  # fmt: skip
    world.git(place, "commit", "--quiet", "-m", "sub")
    world.git(place, "push", "--quiet", "origin", "HEAD")
    assert rescue(world.site("A-1"), NOW).kept_because.endswith("inside, sub")
    shutil.rmtree(place / "sub")
    (place / "sub").mkdir()
    assert rescue(world.site("A-1"), NOW).kept_because == ""


def test_damaged_objects_are_not_taken_for_a_rescue(world: GitWorld) -> None:
    place = world.clone("A-1")
    world.commit(place, "done.txt", "done\n")
    blob = world.git(place, "rev-parse", "HEAD:done.txt")
    other = world.git(place, "hash-object", "-w", "--stdin", data="something else\n")
    objects = place / ".git/objects"
    victim = objects / blob[:2] / blob[2:]
    victim.unlink()
    shutil.copy(objects / other[:2] / other[2:], victim)
    found = rescue(world.site("A-1"), NOW)
    assert found.rescue == "" and found.kept_because
    assert Store(store_path(world.root)).refs() == ()


def test_a_restore_never_writes_over_something(world: GitWorld) -> None:
    place = world.clone("A-1")
    work_in(world, place)
    ref = rescue(world.site("A-1"), NOW).rescue
    with pytest.raises(WorkspaceError, match="is there already: name a new folder"):
        restore(store_path(world.root), ref, place)


def test_keys_that_git_would_refuse_in_a_ref_are_kept_apart(world: GitWorld) -> None:
    place = world.clone("A-1")
    place.rename(world.root / "A..1")
    (world.root / "A..1/x.txt").write_text("x\n")
    assert rescue(world.site("A..1"), NOW).rescue == "refs/symphony/rescue/A__1-21cee257/1"


@pytest.mark.slow
def test_twenty_rescues_at_once_all_arrive(world: GitWorld) -> None:
    names = [f"A-{number}" for number in range(20)]
    for name in names:
        (world.clone(name) / "mine.txt").write_text(f"{name}\n")
    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(lambda name: rescue(world.site(name), NOW), names))
    assert [facts.kept_because for facts in found] == [""] * 20
    store = Store(store_path(world.root))
    kept = {facts.rescue: store.git("show", f"{facts.rescue}:mine.txt") for facts in found}
    assert kept == {f"refs/symphony/rescue/{name}/1": f"{name}\n".encode() for name in names}
