from __future__ import annotations

import os
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from symphony_cli import clock
from symphony_cli.adapters.heal import heal
from symphony_cli.adapters.rescuestore import restore, store_path
from tests.adapters.gitworld import NOW, GitWorld, files_in, git_world

pytestmark = pytest.mark.real
BRANCH = "symphony/A-1"


@pytest.fixture
def world(tmp_path: Path) -> GitWorld:
    return git_world(tmp_path)


@pytest.fixture
def place(world: GitWorld) -> Path:
    """A workspace whose branch and a branch `other` change the same line."""
    place = world.clone("A-1")
    world.git(place, "checkout", "--quiet", "-b", "other")
    world.commit(place, "readme.txt", "theirs\n")
    world.git(place, "checkout", "--quiet", BRANCH)
    world.commit(place, "readme.txt", "mine\n")
    return place


def old(path: Path, seconds: float = 60) -> Path:
    """Make a file look `seconds` older than NOW."""
    moment = NOW.timestamp() - seconds
    os.utime(path, (moment, moment))
    return path


def lock(place: Path, name: str = "index.lock") -> Path:
    path = place / ".git" / name
    path.write_text("")
    return path


def test_a_healthy_workspace_gets_no_notes(world: GitWorld, place: Path) -> None:
    assert heal(world.site("A-1"), BRANCH, NOW) == ()


def test_locks_that_a_killed_git_left_are_removed(world: GitWorld, place: Path) -> None:
    locks = [old(lock(place, name)) for name in ("index.lock", f"refs/heads/{BRANCH}.lock")]
    notes = heal(world.site("A-1"), BRANCH, NOW)
    assert notes == tuple(
        f"Removed .git/{path.relative_to(place / '.git')}, left by a git that was killed."
        for path in locks
    )
    assert world.git(place, "commit", "--quiet", "--allow-empty", "-m", "fine") == ""


def test_a_young_lock_is_left_alone(world: GitWorld, place: Path) -> None:
    path = old(lock(place), seconds=0.5)
    assert (heal(world.site("A-1"), BRANCH, NOW), path.exists()) == ((), True)


def test_a_lock_that_somebody_holds_open_is_left_alone(world: GitWorld, place: Path) -> None:
    path = old(lock(place))
    with path.open():
        assert (heal(world.site("A-1"), BRANCH, NOW), path.exists()) == ((), True)


def test_a_workspace_in_which_somebody_runs_git_is_left_alone(world: GitWorld, place: Path) -> None:
    path = old(lock(place))
    person = subprocess.Popen(
        ["git", "cat-file", "--batch"], cwd=place / "lib", env=world.environment,
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = clock.monotonic() + 10
        while Path(f"/proc/{person.pid}/comm").read_text() != "git\n":
            assert clock.monotonic() < deadline
        notes = heal(world.site("A-1"), BRANCH, NOW)
    finally:
        person.kill()
        person.communicate()
    assert notes == ("Somebody runs git in the workspace, so it was left as it is.",)
    assert path.exists()


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (("merge", "other"), "merge"),
        (("cherry-pick", "other"), "cherry-pick"),
        (("rebase", "other"), "rebase"),
        (("rebase", "--apply", "other"), "rebase"),
        (("revert", "--no-edit", "HEAD"), "revert"),
    ],
)
def test_half_done_commands_are_aborted_and_their_work_is_kept(
    world: GitWorld, place: Path, command: tuple[str, ...], name: str
) -> None:
    if name == "revert":
        world.commit(place, "readme.txt", "mine again\n")
        command = (*command[:-1], "HEAD~1")
    head = world.git(place, "rev-parse", BRANCH)
    content = files_in(place)
    world.git(place, *command, check=False)
    (place / "new.txt").write_text("new\n")
    assert world.git(place, "ls-files", "--unmerged") != ""
    notes = heal(world.site("A-1"), BRANCH, NOW)
    ref = "refs/symphony/rescue/A-1/1"
    assert notes == (f"Aborted a half-done {name}; its work is kept as {ref}.",)
    assert world.git(place, "rev-parse", "HEAD", "--abbrev-ref", "HEAD") == f"{head}\n{BRANCH}"
    assert world.git(place, "status").splitlines()[0] == f"On branch {BRANCH}"
    assert (world.git(place, "status", "--porcelain"), files_in(place)) == (
        "?? new.txt", content | {"new.txt": b"new\n"},
    )  # fmt: skip
    into = world.folder / "back"
    restore(store_path(world.root), ref, into)
    assert b"<<<<<<<" in files_in(into)["readme.txt"]


def test_what_a_rebase_has_put_aside_is_kept(world: GitWorld, place: Path) -> None:
    (place / "lib/code.txt").write_text("put aside\n")
    world.git(place, "rebase", "--autostash", "other", check=False)
    aside = (place / ".git/rebase-merge/autostash").read_text().strip()
    heal(world.site("A-1"), BRANCH, NOW)
    store = store_path(world.root)
    assert world.git(store, "show", f"{aside}:lib/code.txt") == "put aside"
    assert aside in world.git(store, "rev-list", "--all")


def test_a_half_done_merge_stays_when_its_work_cannot_be_kept(world: GitWorld, place: Path) -> None:
    world.git(place, "merge", "other", check=False)
    before = files_in(place)
    notes = heal(world.site("A-1", most=1), BRANCH, NOW)
    assert len(notes) == 1
    assert notes[0].startswith("A half-done merge was left as it is, because its changed")
    assert (files_in(place), (place / ".git/MERGE_HEAD").exists()) == (before, True)


@pytest.mark.parametrize("gone", [False, True])
def test_a_detached_head_is_put_on_the_branch_of_the_issue(
    world: GitWorld, place: Path, gone: bool
) -> None:
    world.commit(place, "more.txt", "more\n")
    world.git(place, "checkout", "--quiet", "--detach")
    if gone:
        world.git(place, "branch", "--quiet", "-D", BRANCH)
    (place / "new.txt").write_text("new\n")
    head, before = world.git(place, "rev-parse", "HEAD"), files_in(place)
    notes = healed(world)
    how = "was gone and was made anew there" if gone else "was at the same commit"
    assert notes == (
        f"HEAD was detached at {head[:12]} and is on the branch {BRANCH} again, which {how}.",
    )
    assert world.git(place, "symbolic-ref", "HEAD") == f"refs/heads/{BRANCH}"
    assert world.git(place, "rev-parse", "HEAD", BRANCH) == f"{head}\n{head}"
    assert world.git(place, "status", "--porcelain") == "?? new.txt"
    assert (files_in(place), healed(world)) == (before, ())


def test_a_detached_head_elsewhere_and_a_branch_without_commits_are_told(
    world: GitWorld, place: Path
) -> None:
    world.git(place, "checkout", "--quiet", "--detach")
    head = world.commit(place, "more.txt", "more\n")
    assert healed(world) == (f"HEAD is detached at {head[:12]}.",)
    world.git(place, "checkout", "--quiet", BRANCH)
    world.git(place, "update-ref", "-d", f"refs/heads/{BRANCH}")
    assert healed(world) == (f"The branch {BRANCH} has no commit.",)
    assert (place / "readme.txt").exists()


def test_no_branch_is_made_through_a_link(world: GitWorld, place: Path) -> None:
    world.git(place, "checkout", "--quiet", "--detach")
    world.git(place, "branch", "--quiet", "-D", BRANCH)
    heads, elsewhere = place / ".git/refs/heads/symphony", world.folder / "elsewhere"
    elsewhere.mkdir()
    shutil.rmtree(heads, ignore_errors=True)
    heads.symlink_to(elsewhere)
    assert healed(world)[-1] == f"The branch {BRANCH} is gone."
    assert list(elsewhere.iterdir()) == []


def healed(world: GitWorld) -> tuple[str, ...]:
    return heal(world.site("A-1"), BRANCH, NOW + timedelta(days=1))


def test_a_git_folder_that_leads_elsewhere_is_not_touched(world: GitWorld, place: Path) -> None:
    (place / ".git").rename(world.folder / "elsewhere")
    (place / ".git").symlink_to(world.folder / "elsewhere")
    path = old(world.folder / "elsewhere/HEAD")
    notes = heal(world.site("A-1"), BRANCH, NOW)
    assert len(notes) == 1 and notes[0].startswith("The workspace was left as it is: its .git is")
    assert path.exists()
