"""What lies on disk, and whether it goes and why: `symphony gc` (row G5)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from symphony_cli.core import events as e
from symphony_cli.core.history import History
from symphony_cli.core.holdings import Found, Kind, Wanted, books, judge, wanted
from symphony_cli.core.policy import Policy
from symphony_cli.core.record import GONE
from symphony_cli.core.run import ThreadRef
from symphony_cli.core.usage import Usage
from symphony_cli.ids import Key
from tests.builders import NOW, dispatched, ended, enrolled, history, iid, later, rid, sighted

ROOT = "/workspaces"
DAY = 86400.0
KEEP_ONE = Policy(keep_workspaces=1)


def worked(name: str, root: str = ROOT, **more: Any) -> tuple[e.Event, ...]:
    """An issue with one run, which left a workspace and two threads."""
    place: dict[str, Any] = {"workspace": f"{root}/{name}", "root": root}
    thread = ThreadRef(f"thread_of_{name}", home="/home/codex")
    totals = {thread.id: Usage(), f"helper_of_{name}": Usage()}
    run = f"run_of_{name}"
    made = ended(name, run, **{"thread": thread, "totals": totals, **place, **more})
    return (sighted(name), enrolled(name), dispatched(name, run), made)


def finished(name: str, days: float = 0.0, **more: Any) -> tuple[e.Event, ...]:
    """The same, over for so many days."""
    over = e.Finished(later(-days * DAY), iid(name), "Done")
    return (*worked(name, **more), sighted(name, "Done"), over)


def folder(name: str, **more: Any) -> Found:
    return Found(Kind.FOLDER, ROOT, name, f"{ROOT}/{name}", key=name, **more)


def judged(
    found: Found, past: History, policy: Policy = KEEP_ONE, sessions: bool = False
) -> tuple[bool, str]:
    verdict = judge(found, books(past, policy, NOW, sessions=sessions))
    return verdict.goes, verdict.why


# --- workspaces


def test_the_workspaces_of_issues_that_are_over_go_by_retention() -> None:
    past = history(*finished("A", 2), *finished("B", 1))
    why = "only the newest of finished issues stays (`workspace.keep_last_n`)"
    assert judged(folder("A", marked=True), past) == (True, why)
    assert judged(folder("B", marked=True), past) == (
        False,
        "it is the newest of finished issues",
    )


def test_one_that_had_to_stay_is_tried_again_when_a_person_asks() -> None:
    asked = e.RemovalAsked(NOW, iid("A"), rid("r"), "too many")
    kept = e.Kept(NOW, iid("A"), rid("r"), "pid 7 works in it", 600.0)
    past = history(*finished("A", 2), *finished("B", 1), asked, kept)
    assert judged(folder("A"), past) == (
        True,
        "only the newest of finished issues stays (`workspace.keep_last_n`); last time it stayed:"
        " pid 7 works in it",
    )


def test_one_that_is_being_removed_goes() -> None:
    asked = e.RemovalAsked(NOW, iid("A"), rid("r"), "too many")
    past = history(*finished("A", 2), *finished("B", 1), asked)
    assert judged(folder("A"), past) == (True, "it is being removed since 2025-11-20 09:00 UTC")


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (folder("A", marked=True), "A is not finished"),
        (folder("A"), "A is not finished"),
        (folder("N", marked=True), "N is not finished"),
        (folder("N"), "not made by Symphony"),
        (folder("Z", marked=True), "made for an issue that the ledger does not know"),
        (folder("Z"), "not made by Symphony"),
        (folder("A", marked=True, stranger="A of linear:x"), "of another project: A of linear:x"),
        (replace(folder("M", marked=True), path="/other/M"), "M is worked in /workspaces/M now"),
        (folder("deep"), "workspaces lie in it"),
        (Found(Kind.LINK, ROOT, "A", f"{ROOT}/A"), "a link, which is never followed"),
        (Found(Kind.FILE, ROOT, "x", f"{ROOT}/x"), "not made by Symphony"),
        (Found(Kind.ROOT, ROOT, "x", f"{ROOT}/x"), "a workspace root itself, listed apart"),
        (Found(Kind.STORE, ROOT, "s", f"{ROOT}/s"), "work that was not pushed (`symphony rescue`)"),
    ],
)
def test_what_is_not_known_to_be_over_and_ours_stays(found: Found, why: str) -> None:
    first_run = (sighted("N"), enrolled("N"), dispatched("N", "run_of_N"))
    deep = worked("D", root=f"{ROOT}/deep/er")
    past = history(*worked("A"), *first_run, *finished("M"), *deep)
    assert judged(found, past, Policy(keep_workspaces=0)) == (False, why)


def test_a_folder_that_no_run_told_of_is_left_alone() -> None:
    lost = finished("A", workspace="", root="")
    assert judged(folder("A", marked=True), history(*lost), Policy(keep_workspaces=0)) == (
        False,
        "no run of A said that it worked here",
    )


# --- what was left


def test_what_a_killed_run_left_goes_when_no_run_can_be_using_it() -> None:
    left = Found(Kind.LEFTOVER, ROOT, ".symphony/making/A", f"{ROOT}/.symphony/making/A", key="A")
    running = (*worked("A"), dispatched("A", "run_2"))
    assert [
        judged(left, history(*worked("A"))),
        judged(left, history(*running)),
        judged(replace(left, stranger="A of x"), history(*worked("A"))),
        judged(left, history()),
    ] == [
        (True, "left by a run that was killed"),
        (False, "A may be using it"),
        (False, "of another project: A of x"),
        (False, "of an issue that the ledger does not know"),
    ]


def test_trash_goes_whosever_it_was() -> None:
    trash = Found(Kind.TRASH, ROOT, ".trash/A.x", f"{ROOT}/.trash/A.x")
    assert judged(trash, history())[0]


# --- run folders and threads


def test_old_run_folders_are_those_that_a_tick_would_tidy() -> None:
    past = history(*finished("A", 91), *finished("B", 15), *finished("C", 13), *worked("D"))
    found = wanted(past, Policy(keep_run_days=90), "/now", NOW)
    threads = {f"{kind}_of_{name}" for kind in ("thread", "helper") for name in "ABC"}
    assert found == Wanted(
        roots=("/now", ROOT),
        transcripts=(Key("B"),),
        runs=(Key("A"),),
        threads=frozenset(threads),
        homes=("/home/codex",),
    )
    runs = Found(Kind.RUNS, "/state/runs", "A", "/state/runs/A", key="A")
    texts = replace(runs, kind=Kind.TRANSCRIPTS, key="B")
    assert judged(runs, past) == (True, "A is over for more than 90 days (`state.keep_days`)")
    assert judged(texts, past) == (True, "B is over for more than 14 days")


def test_a_workspace_is_looked_for_where_it_was_though_its_root_is_not_on_record() -> None:
    past = history(*worked("A", workspace="/before/A", root=""))
    assert wanted(past, KEEP_ONE, "/now", NOW).roots == ("/now", "/before")


def test_a_thread_goes_only_after_its_run_folders_and_when_a_person_says_so() -> None:
    past = history(*finished("A", 91), *finished("B", 89), *worked("C"))
    old, young, living = (
        Found(Kind.SESSION, "/home/codex", "s", f"/home/codex/{name}", key=f"helper_of_{name}")
        for name in "ABC"
    )
    assert [
        judged(old, past),
        judged(old, past, sessions=True),
        judged(replace(old, busy=True), past, sessions=True),
        judged(young, past, sessions=True),
        judged(living, past, sessions=True),
    ] == [
        (False, "`symphony gc --sessions` removes it"),
        (True, "A is over for more than 90 days"),
        (False, "a Codex has it open"),
        (False, "B is over for 89 days, not for 90 (`state.keep_days`)"),
        (False, "of an issue that is not finished"),
    ]


def test_an_issue_that_the_tracker_lost_is_over_too() -> None:
    past = history(*worked("A"), e.Released(NOW, iid("A"), GONE, "two reads"))
    assert judged(folder("A"), past, Policy(keep_workspaces=0))[0]
