from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from symphony_cli import clock
from symphony_cli.adapters import borrowing, locks
from symphony_cli.adapters.mirror import Mirror, mirror, state, unfit, update
from symphony_cli.adapters.ready import marker_path, read
from symphony_cli.adapters.workspaces import Workspace, ensure
from symphony_cli.core.run import Order
from symphony_cli.errors import WorkspaceError
from tests.adapters.gitworld import NOW, GitWorld, files_in, git_world

pytestmark = pytest.mark.real


@pytest.fixture
def world(tmp_path: Path) -> GitWorld:
    return git_world(tmp_path)


def mirror_of(world: GitWorld, url: Path | None = None) -> Mirror:
    found = mirror(str(world.folder / "mirror.git"), str(url or world.origin))
    assert found is not None
    return found


def fetched(world: GitWorld, url: Path | None = None) -> str:
    """Make the mirror, or fetch; what went wrong."""
    one = mirror_of(world, url)
    lock = locks.take_run_lock(one.lock)
    assert lock is not None
    try:
        return update(one, world.environment, lock)
    finally:
        os.close(lock)


def order(world: GitWorld, key: str, repo: str | None = None) -> Order:
    plain = world.order(key, repo=repo)
    settings = plain.settings
    borrows = replace(settings.workspace, mirror=str(world.folder / "mirror.git"))
    return replace(plain, settings=replace(settings, workspace=borrows))


def made(world: GitWorld, key: str, repo: str | None = None) -> Workspace:
    log = world.folder / "agent.log"
    return ensure(order(world, key, repo), world.environment, log, now=lambda: NOW)


def log(world: GitWorld) -> str:
    path = world.folder / "agent.log"
    return path.read_text() if path.exists() else ""


def objects_in(workspace: Path) -> list[Path]:
    """Objects of a workspace's own, not borrowed."""
    folder = workspace / ".git/objects"
    return [p for p in folder.rglob("*") if p.is_file() and p.parent.name != "info"]


def pushed(world: GitWorld, name: str, text: str, *options: str) -> str:
    """A commit on the origin's main branch."""
    commit = world.commit(world.folder / "seed", name, text)
    world.git(world.folder / "seed", "push", "--quiet", *options, str(world.origin), "HEAD:main")
    return commit


def test_a_mirror_has_branches_and_tags_and_nothing_else_of_the_remote(world: GitWorld) -> None:
    head = world.git(world.origin, "rev-parse", "main")
    world.git(world.origin, "tag", "v1", "main")
    world.git(world.origin, "update-ref", "refs/pull/7/head", "main")
    assert fetched(world) == ""
    one = mirror_of(world)
    refs = world.git(one.path, "for-each-ref", "--format=%(refname) %(objectname)")
    assert refs.splitlines() == [f"refs/heads/main {head}", f"refs/tags/v1 {head}"]
    assert world.git(one.path, "symbolic-ref", "HEAD") == "refs/heads/main"
    assert unfit(one) == ""


def test_a_fetch_follows_the_remote_wherever_it_goes(world: GitWorld) -> None:
    world.git(world.origin, "branch", "a", "main")
    fetched(world)
    world.git(world.origin, "branch", "-m", "a", "a/b")
    world.git(world.origin, "branch", "trunk", "main")
    world.git(world.origin, "symbolic-ref", "HEAD", "refs/heads/trunk")
    assert fetched(world) == ""
    one = mirror_of(world)
    names = world.git(one.path, "for-each-ref", "--format=%(refname:short)").splitlines()
    assert names == ["a/b", "main", "trunk"]
    assert world.git(one.path, "symbolic-ref", "HEAD") == "refs/heads/trunk"


def test_a_remote_without_commits_is_mirrored_until_it_has_some(world: GitWorld) -> None:
    empty = world.folder / "empty.git"
    world.git(world.folder, "init", "--quiet", "--bare", "-b", "main", str(empty))
    assert fetched(world, empty) == ""
    assert made(world, "A-1", str(empty)).branch == "symphony/A-1"
    world.git(world.folder / "seed", "push", "--quiet", str(empty), "main")
    assert fetched(world, empty) == ""
    assert objects_in(made(world, "A-2", str(empty)).path) == []


def test_a_workspace_borrows_what_the_mirror_has(world: GitWorld) -> None:
    fetched(world)
    found = made(world, "A-1")
    head = world.git(world.origin, "rev-parse", "main")
    assert found == Workspace(world.root / "A-1", "symphony/A-1", head, created=True)
    assert objects_in(found.path) == []
    assert world.git(found.path, "remote", "get-url", "origin") == str(world.origin)
    assert world.git(found.path, "status", "--porcelain") == ""
    marker = read(marker_path(world.root, "A-1"))
    assert marker is not None and marker.lender == str(mirror_of(world).objects)
    assert log(world) == ""


def test_what_a_stale_mirror_lacks_comes_from_the_remote(world: GitWorld) -> None:
    fetched(world)
    new = pushed(world, "new.txt", "new\n")
    found = made(world, "A-1")
    assert (found.base, files_in(found.path)["new.txt"]) == (new, b"new\n")
    assert objects_in(found.path) != []


def test_no_object_that_is_borrowed_ever_goes(world: GitWorld) -> None:
    lost = pushed(world, "lost.txt", "lost\n")
    world.git(world.origin, "branch", "gone", "main")
    fetched(world)
    workspace = made(world, "A-1").path
    seed = world.folder / "seed"
    world.git(seed, "reset", "--quiet", "--hard", "HEAD~1")
    pushed(world, "other.txt", "other\n", "--force")
    world.git(world.origin, "branch", "-D", "gone")
    assert fetched(world) == ""
    for words in (
        ["gc", "--prune=now"],
        ["prune", "--expire=now"],
        ["repack", "-a", "-d", "-f"],
        ["repack", "-d", "--geometric=2"],
        ["maintenance", "run", "--task=gc", "--task=loose-objects"],
        ["reflog", "expire", "--all", "--expire=now"],
    ):
        world.git(mirror_of(world).path, *words, check=False)
    world.git(workspace, "fsck", "--full", "--strict")
    assert world.git(workspace, "show", f"{lost}:lost.txt") == "lost"


@pytest.mark.parametrize("damage", ["objects cut short", "no HEAD"])
def test_a_broken_mirror_gives_a_plain_clone_and_is_told_in_the_log(
    world: GitWorld, damage: str
) -> None:
    fetched(world)
    one = mirror_of(world)
    if damage == "no HEAD":
        (one.path / "HEAD").unlink()
    else:
        for path in (p for p in one.objects.rglob("*") if p.is_file()):
            path.chmod(0o600)
            path.write_bytes(path.read_bytes()[:20])
    found = made(world, "A-1")
    assert world.git(found.path, "fsck") == ""
    assert not (found.path / ".git/objects/info/alternates").exists()
    assert found.notes == ()
    assert str(one.path) in log(world) and "plain clone" in log(world)
    marker = read(marker_path(world.root, "A-1"))
    assert marker is not None and marker.lender == ""
    told = log(world)
    made(world, "A-1")
    assert log(world) == told


def test_what_somebody_else_put_there_is_let_be(world: GitWorld) -> None:
    one = mirror_of(world)
    world.git(world.folder, "clone", "--quiet", "--mirror", str(world.origin), str(one.path))
    before = {p: p.stat().st_mtime_ns for p in one.path.rglob("*")}
    sentence = (
        f"{one.path} is there and is no mirror made by Symphony: move it away, or name another"
        " place in workspace.mirror_path."
    )
    assert (unfit(one), fetched(world)) == (sentence, sentence)
    assert not borrowing.is_due(one, clock.now())
    assert {p: p.stat().st_mtime_ns for p in one.path.rglob("*")} == before
    assert objects_in(made(world, "A-1").path) != []


def test_a_mirror_of_another_remote_lends_nothing(world: GitWorld) -> None:
    fetched(world)
    other = world.folder / "other.git"
    world.git(world.folder, "clone", "--quiet", "--bare", str(world.origin), str(other))
    assert objects_in(made(world, "A-1", str(other)).path) != []
    assert "is a mirror of" in log(world)
    assert "is a mirror of" in state(mirror_of(world, other)).error


@pytest.mark.parametrize("setting", ["shallow", "partial", "sha256"])
def test_a_mirror_that_git_cannot_borrow_from_is_done_without(
    world: GitWorld, setting: str
) -> None:
    fetched(world)
    one = mirror_of(world)
    match setting:
        case "shallow":
            (one.path / "shallow").write_text(world.git(one.path, "rev-parse", "main") + "\n")
        case "partial":
            world.git(one.path, "config", "remote.origin.promisor", "true")
        case _:
            world.git(one.path, "config", "extensions.objectFormat", "sha256")
    assert world.git(made(world, "A-1").path, "fsck") == ""
    assert "move it away when no workspace borrows from it" in log(world)


def test_a_shallow_remote_cannot_be_mirrored_and_says_so(world: GitWorld) -> None:
    pushed(world, "new.txt", "new\n")
    cut = world.folder / "cut.git"
    world.git(
        world.folder, "clone", "--quiet", "--bare", "--depth=1", world.origin.as_uri(), str(cut)
    )
    assert "is a shallow clone itself, and cannot be mirrored" in fetched(world, cut)
    assert not mirror_of(world).is_there
    found = made(world, "A-1", str(cut))
    assert files_in(found.path)["new.txt"] == b"new\n"


def test_a_remote_with_sha256_names_is_cloned_without_a_mirror(world: GitWorld) -> None:
    other = world.folder / "sha256"
    world.git(world.folder, "init", "--quiet", "--object-format=sha256", str(other))
    world.commit(other, "a.txt", "a\n")
    assert "git fetch failed" in fetched(world, other)
    assert files_in(made(world, "A-1", str(other)).path) == {"a.txt": b"a\n"}


def test_a_dead_remote_leaves_the_mirror_as_it_was_and_says_since_when(world: GitWorld) -> None:
    fetched(world)
    one, good = mirror_of(world), state(mirror_of(world))
    world.origin.rename(world.folder / "away.git")
    error = fetched(world)
    world.origin.mkdir()
    bad = state(one)
    assert good.fetched_at is not None and good.error == ""
    assert (bad.fetched_at, bad.error) == (good.fetched_at, error)
    assert error.startswith("git ls-remote failed") and bad.tried_at != good.tried_at
    assert unfit(one) == ""


def test_leftovers_of_a_fetch_that_was_killed_are_cleared_by_the_next(world: GitWorld) -> None:
    fetched(world)
    one = mirror_of(world)
    litter = [
        one.path / "HEAD.lock",
        one.path / "refs/heads/main.lock",
        one.objects / "pack/tmp_pack_x",
        one.path.with_name(".mirror.git.new-x"),
    ]
    for path in litter:
        path.write_text("")
    assert fetched(world) == ""
    assert [path for path in litter if path.exists()] == []


def test_a_workspace_whose_mirror_is_gone_says_what_to_do(world: GitWorld) -> None:
    fetched(world)
    made(world, "A-1")
    one = mirror_of(world)
    one.path.rename(world.folder / "moved.git")
    with pytest.raises(WorkspaceError, match=rf"the mirror {one.path}, which is not there .*link"):
        made(world, "A-1")
    one.path.symlink_to(world.folder / "moved.git")
    assert not made(world, "A-1").created


def test_a_workspace_that_made_itself_independent_needs_no_mirror(world: GitWorld) -> None:
    fetched(world)
    workspace = made(world, "A-1").path
    world.git(workspace, "repack", "--quiet", "-a", "-d")
    (workspace / ".git/objects/info/alternates").unlink()
    mirror_of(world).path.rename(world.folder / "moved.git")
    assert not made(world, "A-1").created


def test_a_fetch_is_due_ten_minutes_after_the_last_and_a_minute_after_a_failure(
    world: GitWorld,
) -> None:
    one = mirror_of(world)
    assert borrowing.is_due(one, clock.now())
    fetched(world)
    known = state(one)
    assert known.fetched_at is not None
    assert not borrowing.is_due(one, known.fetched_at)
    late = known.fetched_at.timestamp() + borrowing.FRESH
    at = known.fetched_at.fromtimestamp
    zone = known.fetched_at.tzinfo
    assert borrowing.is_due(one, at(late + 1, zone))
    assert borrowing.is_due(one, at(late - 10_000, zone))
    world.origin.rename(world.folder / "away.git")
    fetched(world)
    failed = state(one).tried_at
    assert failed is not None
    assert not borrowing.is_due(one, at(failed.timestamp() + borrowing.FRESH - 1, zone))


def test_whoever_waits_for_a_mirror_waits_no_longer_than_somebody_makes_it(
    world: GitWorld,
) -> None:
    path, url = str(world.folder / "mirror.git"), str(world.origin)
    assert borrowing.lender(path, url, lambda: None, patience=60.0) == (
        None,
        f"The mirror {path} could not be made.",
    )
    lock = locks.take_run_lock(mirror_of(world).lock)
    assert lock is not None
    waited = borrowing.lender(path, url, lambda: None, patience=0.3)
    assert waited == (None, f"The mirror {path} is still being made.")
    os.close(lock)
    assert borrowing.lender(path, url, lambda: fetched(world)) == (mirror_of(world), "")


def test_a_git_that_outlives_its_errand_keeps_the_lock(world: GitWorld) -> None:
    script = world.folder / "slow"
    script.write_text(
        f"#!/bin/sh\necho $$ > {world.folder}/begun.new\n"
        f"mv {world.folder}/begun.new {world.folder}/begun\nexec sleep 60\n"
    )
    script.chmod(0o700)
    (world.folder / "home/.gitconfig").write_text(
        f'[core]\n\tsshCommand = "{script}"\n[ssh]\n\tvariant = simple\n'
    )
    one = mirror_of(world)
    lock = locks.take_run_lock(one.lock)
    assert lock is not None
    code = (
        "import os, sys; from pathlib import Path; from symphony_cli.adapters.mirror import *;"
        "update(Mirror(Path(sys.argv[1]), 'ssh://example.org/it'), dict(os.environ), "
        "int(sys.argv[2]))"
    )
    errand = subprocess.Popen(
        [sys.executable, "-c", code, str(one.path), str(lock)],
        env=world.environment, pass_fds=(lock,), start_new_session=True,
    )  # fmt: skip
    os.close(lock)
    while not (world.folder / "begun").exists():
        clock.sleep(0.02)
    errand.kill()
    errand.wait()
    assert locks.is_held(one.lock)
    os.kill(int((world.folder / "begun").read_text()), signal.SIGKILL)
    while locks.is_held(one.lock):
        clock.sleep(0.02)
