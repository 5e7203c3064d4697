from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from symphony_cli.adapters.gitstore import gather, rescue
from symphony_cli.adapters.rescuenote import Described, described, essence, message
from symphony_cli.adapters.rescuestore import Store, restore, store_path
from symphony_cli.core.run import GitFacts, Verdict
from symphony_cli.core.shape import decode
from tests.adapters.gitworld import NOW, GitWorld, files_in, git_world

WHOLE = Described(
    head="a" * 40,
    branch="symphony/A 1\u2028é",
    index="b" * 40,
    tips=(("refs/stash", "c" * 40), ("stash of a day", "d" * 40)),
    scope="linear:https://example.org/graphql",
    unpushed=3,
    changed=0,
    edges=("e" * 40, "f" * 40),
    ignored=("node_modules/", 'a "b"\n\x85c', "… and 7 more"),
    key="A-1",
)


def as_commit(text: bytes, date: int = 0) -> bytes:
    return b"tree 1\nauthor Symphony @%d\ncommitter Symphony @%d\n\n" % (date, date) + text


@pytest.mark.parametrize("facts", [WHOLE, Described(key="A-1"), Described(unpushed=0, changed=0)])
def test_a_note_reads_back_as_it_was_written(facts: Described) -> None:
    assert described(as_commit(message(facts.key, facts))) == facts


def test_a_note_of_an_older_version_reads_as_before() -> None:
    old = b'Rescue of A-1\n\nhead %s main\nscope "s"\ntip %s refs/stash\n' % (b"a" * 40, b"c" * 40)
    tips = (("refs/stash", "c" * 40),)
    assert described(as_commit(old)) == Described("a" * 40, "main", "", tips, "s", key="A-1")


@pytest.mark.parametrize("text", [b"", b"hello", b"x\n\n\nscope nonsense\ncount many\nhead\n"])
def test_what_we_did_not_write_is_no_trouble(text: bytes) -> None:
    assert described(as_commit(text)).head == ""


def test_a_branch_with_a_line_break_in_its_name_forges_no_line() -> None:
    forged = Described(head="a" * 40, branch='x\nscope "theirs"', scope="ours")
    found = described(as_commit(message("A-1", forged)))
    assert (found.branch, found.scope) == ('x?scope "theirs"', "ours")


def test_what_is_pushed_or_ignored_makes_no_other_rescue_and_the_work_does() -> None:
    later = replace(WHOLE, unpushed=0, edges=(), ignored=("build/",))
    other = replace(WHOLE, head="9" * 40)
    first, second, third = (
        essence(as_commit(message("A-1", facts), date))
        for date, facts in enumerate((WHOLE, later, other))
    )
    assert (first == second, first == third) == (True, False)


def test_a_verdict_without_ignored_files_still_reads() -> None:
    old = {"run": "run_1", "issue": "A-1", "outcome": "lost", "git": {"branch": "main"}}
    assert decode(Verdict, old).git == GitFacts(branch="main", ignored=())


@pytest.fixture
def world(tmp_path: Path) -> GitWorld:
    return git_world(tmp_path)


@pytest.mark.real
def test_a_rescue_says_what_it_left_out_and_where_it_stands(world: GitWorld) -> None:
    place = world.clone("A-1")
    pushed = world.git(place, "rev-parse", "HEAD")
    world.commit(place, ".gitignore", "*.log\nnode_modules/\n")
    (place / "node_modules/left").mkdir(parents=True)
    (place / "node_modules/left/pad.js").write_text("x\n")
    (place / "lib/noise.log").write_text("x\n")
    (place / "new.txt").write_text("new\n")
    found = rescue(world.site("A-1"), NOW)
    note = described(Store(store_path(world.root)).commit(found.rescue))
    assert found.ignored == note.ignored == ("lib/noise.log", "node_modules/")
    assert (note.unpushed, note.changed, note.edges, note.key) == (1, 1, (pushed,), "A-1")


@pytest.mark.real
def test_many_ignored_files_are_named_up_to_twenty(world: GitWorld) -> None:
    place = world.clone("A-1")
    for number in range(23):
        (place / f"{number:02}.log").write_text("x\n")
    names = tuple(f"{number:02}.log" for number in range(20))
    assert gather(world.site("A-1")).ignored == (*names, "… and 3 more")


@pytest.mark.real
def test_new_ignored_files_alone_make_no_new_rescue(world: GitWorld) -> None:
    place = world.clone("A-1")
    (place / "new.txt").write_text("new\n")
    first = rescue(world.site("A-1"), NOW).rescue
    (place / "noise.log").write_text("x\n")
    second = rescue(world.site("A-1"), NOW)
    assert (second.rescue, second.ignored) == (first, ("noise.log",))


@pytest.mark.real
def test_work_on_a_branch_that_no_git_would_name_comes_back_detached(world: GitWorld) -> None:
    place = world.clone("A-1")
    commit = world.commit(place, "done.txt", "done\n")
    (place / ".git/refs/heads/odd\nname").write_text(f"{commit}\n")
    (place / ".git/HEAD").write_text("ref: refs/heads/odd\nname\n")
    ref = rescue(world.site("A-1"), NOW).rescue
    into = world.folder / "back"
    restore(store_path(world.root), ref, into)
    assert (files_in(into)["done.txt"], world.git(into, "rev-parse", "HEAD")) == (b"done\n", commit)
