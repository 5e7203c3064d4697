"""What an agent may have planted: nothing of it runs in our git, nothing leads outside."""

from __future__ import annotations

import os
import struct
from hashlib import sha1
from pathlib import Path

import pytest

from symphony_cli.adapters.gitstore import gather, rescue
from symphony_cli.adapters.rescuestore import restore, store_path
from symphony_cli.adapters.workspaces import ensure
from symphony_cli.core.run import Order
from tests.adapters.gitworld import NOW, GitWorld, files_in, git_world

pytestmark = pytest.mark.real

HOOKS = (
    "post-checkout pre-commit commit-msg reference-transaction post-index-change pre-auto-gc"
    " post-rewrite pre-rebase post-merge update post-update pre-receive applypatch-msg"
).split()


@pytest.fixture
def world(tmp_path: Path) -> GitWorld:
    return git_world(tmp_path)


@pytest.fixture
def order(world: GitWorld) -> Order:
    return world.order("A-1")


@pytest.fixture
def place(world: GitWorld, order: Order) -> Path:
    return ensure(order, world.environment, world.folder / "agent.log", now=lambda: NOW).path


def plant(world: GitWorld, place: Path) -> Path:
    """Every way to start a program that we know of; the folder in which each leaves a trace."""
    traces = world.folder / "traces"
    traces.mkdir()

    def program(name: str) -> str:
        path = world.folder / f"evil-{name}"
        path.write_text(f"#!/bin/sh\ntouch {traces}/{name}\nexec cat\n")
        path.chmod(0o755)
        return str(path)

    for hook in HOOKS:
        path = place / ".git/hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\ntouch {traces}/hook-{hook}\n")
        path.chmod(0o755)
    included = world.folder / "included"
    included.write_text(f"[core]\n\teditor = {program('editor')}\n")
    config = {
        "core.fsmonitor": program("fsmonitor"),
        "core.sshCommand": program("ssh"),
        "core.pager": program("pager"),
        "core.askPass": program("askpass"),
        "core.hooksPath": str(place / ".git/hooks"),
        "core.attributesFile": str(place / "evil-attributes"),
        "core.gitProxy": program("proxy"),
        "core.worktree": str(world.folder / "home"),
        "credential.helper": program("credential"),
        "diff.external": program("external"),
        "diff.evil.command": program("command"),
        "diff.evil.textconv": program("textconv"),
        "filter.evil.clean": program("clean"),
        "filter.evil.smudge": program("smudge"),
        "filter.evil.process": program("process"),
        "filter.evil.required": "true",
        "merge.evil.driver": program("merge"),
        "gpg.program": program("gpg"),
        "commit.gpgSign": "true",
        "uploadpack.packObjectsHook": program("packobjects"),
        "remote.origin.uploadpack": program("uploadpack"),
        "protocol.ext.allow": "always",
        "remote.origin.promisor": "true",
        "include.path": str(included),
    }
    for name, value in config.items():
        world.git(place, "config", name, value)
    for place_of in (place / ".gitattributes", place / "evil-attributes"):
        place_of.write_text("* filter=evil diff=evil merge=evil text eol=crlf ident\n")
    for name in ("json.py", "subprocess.py", "sitecustomize.py", "git", "git-upload-pack"):
        (place / name).write_text(f"#!/bin/sh\nopen('{traces}/py-{name}', 'w')\n")
        (place / name).chmod(0o755)
    return traces


def test_what_is_planted_would_run_in_an_ordinary_git(world: GitWorld, place: Path) -> None:
    traces = plant(world, place)
    world.git(place, "config", "--unset", "core.worktree")
    world.git(place, "add", "--all", check=False)
    world.git(place, "update-ref", "refs/heads/x", "HEAD")
    assert {"fsmonitor", "process", "hook-reference-transaction"} <= set(os.listdir(traces))


def test_nothing_that_an_agent_planted_runs(
    world: GitWorld, order: Order, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.commit(place, "done.txt", "done\n")
    world.git(place, "checkout", "--quiet", "-b", "other", "HEAD~1")
    world.commit(place, "done.txt", "theirs\n")
    world.git(place, "merge", "symphony/A-1", check=False)
    traces = plant(world, place)
    monkeypatch.setenv("PATH", f".:{os.environ['PATH']}")
    monkeypatch.chdir(place)
    healed = ensure(order, world.environment, world.folder / "agent.log", now=lambda: NOW)
    facts = rescue(world.site("A-1"), NOW)
    assert healed.notes[0].startswith("Aborted a half-done merge; its work is kept as ")
    assert facts.kept_because == "" and facts.rescue and gather(world.site("A-1")).tree
    assert sorted(os.listdir(traces)) == []
    assert sorted(os.listdir(world.folder / "home")) == []


def test_the_bytes_of_files_are_kept_whatever_attributes_say(world: GitWorld, place: Path) -> None:
    plant(world, place)
    (place / "utf16.txt").write_bytes(b"no utf-16\r\n$Id: x$\r\n")
    with (place / ".gitattributes").open("a") as stream:
        stream.write("utf16.txt working-tree-encoding=UTF-16\n")
    ref = rescue(world.site("A-1"), NOW).rescue
    into = world.folder / "back"
    restore(store_path(world.root), ref, into)
    assert files_in(into) == files_in(place)


def test_a_nested_repository_is_not_entered(world: GitWorld, place: Path) -> None:
    inner = place / "inner"
    world.git(world.folder, "clone", "--quiet", str(world.origin), str(inner))
    world.git(place, "add", "inner")
    world.git(place, "commit", "--quiet", "-m", "a link to it")
    traces = plant(world, inner)
    (inner / "readme.txt").write_text("changed\n")
    found = rescue(world.site("A-1"), NOW)
    assert found.kept_because == "it has a repository of its own inside, inner"
    assert sorted(os.listdir(traces)) == []


def test_an_index_that_names_places_outside_is_not_believed(world: GitWorld, place: Path) -> None:
    victim = world.root / "victim.txt"
    victim.write_text("precious\n")
    world.git(place, "checkout", "--quiet", "-b", "other")
    world.commit(place, "readme.txt", "theirs\n")
    world.git(place, "checkout", "--quiet", "symphony/A-1")
    world.commit(place, "readme.txt", "mine\n")
    world.git(place, "merge", "other", check=False)
    (place / ".git/index").write_bytes(_index_of(b"../victim.txt"))
    order = world.order("A-1")
    healed = ensure(order, world.environment, world.folder / "agent.log", now=lambda: NOW)
    assert healed.notes[0].startswith("Aborted a half-done merge")
    assert victim.read_text() == "precious\n"
    assert "victim" not in " ".join(gather(world.site("A-1")).dirty_files)


def _index_of(path: bytes) -> bytes:
    """A version 2 index with one entry, as in gitformat-index(5)."""
    entry = struct.pack(">10I20sH", *([0] * 6), 0o100644, 0, 0, 0, b"\1" * 20, len(path)) + path
    entry += b"\0" * (8 - len(entry) % 8)
    body = struct.pack(">4sII", b"DIRC", 2, 1) + entry
    return body + sha1(body).digest()


def test_files_behind_links_are_not_read(world: GitWorld, place: Path) -> None:
    outside = world.folder / "outside"
    outside.mkdir()
    (outside / "code.txt").write_text("private\n")
    (place / "lib/code.txt").unlink()
    (place / "lib").rmdir()
    (place / "lib").symlink_to(outside)
    found = rescue(world.site("A-1"), NOW)
    store = world.root / ".symphony/rescue.git"
    names = world.git(store, "ls-tree", "-r", "--name-only", found.rescue).splitlines()
    assert (found.dirty_files, names) == (
        ("lib", "lib/code.txt"), [".gitignore", "lib", "readme.txt"],
    )  # fmt: skip


def test_pipes_and_huge_files_in_the_git_folder_do_not_block(world: GitWorld, place: Path) -> None:
    for name in ("index", "packed-refs", "shallow", "info/exclude", "refs/heads/pipe"):
        path = place / ".git" / name
        path.unlink(missing_ok=True)
        os.mkfifo(path)
    os.mkfifo(place / "pipe")
    (place / "readme.txt").unlink()
    os.mkfifo(place / "readme.txt")
    found = rescue(world.site("A-1"), NOW)
    assert (found.dirty_files, found.kept_because) == (("readme.txt",), "")


@pytest.mark.parametrize("name", ["objects", "refs", "logs", "info"])
def test_parts_of_git_that_lead_elsewhere_are_not_followed(
    world: GitWorld, place: Path, name: str
) -> None:
    (place / ".git" / name).rename(world.folder / "elsewhere")
    (place / ".git" / name).symlink_to(world.folder / "elsewhere")
    (place / "new.txt").write_text("new\n")
    before = files_in(world.folder / "elsewhere")
    found = rescue(world.site("A-1"), NOW)
    assert found.kept_because == f"its .git/{name} is a link, and Symphony does not follow it"
    assert files_in(world.folder / "elsewhere") == before


def test_a_pipe_in_place_of_a_pack_is_not_opened(world: GitWorld, place: Path) -> None:
    (place / ".git/objects/pack").mkdir(exist_ok=True)
    os.mkfifo(place / ".git/objects/pack/pack-1.idx")
    reason = "its .git/objects/pack/pack-1.idx is no plain file, and git would wait for it"
    assert gather(world.site("A-1")).kept_because == reason
