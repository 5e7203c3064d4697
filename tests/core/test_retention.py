"""What goes of issues that are over (row G5): workspaces by number and size, run folders by age."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from symphony_cli.core import events as e
from symphony_cli.core.decisions import Decision, Remove, SettleRemoval, Tidy
from symphony_cli.core.history import History
from symphony_cli.core.plan import plan
from symphony_cli.core.policy import Policy
from symphony_cli.core.reasons import BlockReason
from symphony_cli.core.removal import RemovalVerdict
from symphony_cli.core.retention import due, fate, over_since
from symphony_cli.core.snapshot import RemovalSight, Snapshot
from symphony_cli.ids import IssueId, Key
from tests.builders import (
    NOW,
    dispatched,
    ended,
    enrolled,
    history,
    iid,
    later,
    rid,
    sighted,
    snapshot,
)

GB = 10**9
DAY = 86400.0
KEEP_ONE = Policy(interval=30.0, slots=3, keep_workspaces=1)
ROOT = "/workspaces"


def worked(name: str, size: int = GB) -> tuple[e.Event, ...]:
    """An issue with one run, which left a workspace of that size."""
    place: dict[str, Any] = {"workspace": f"{ROOT}/{name}", "root": ROOT, "workspace_bytes": size}
    run = f"run_of_{name}"
    return (
        sighted(name),
        enrolled(name),
        dispatched(name, run),
        ended(name, run, **place),
    )


def finished(name: str, at: datetime = NOW, size: int = GB) -> tuple[e.Event, ...]:
    return (*worked(name, size), sighted(name, "Done"), e.Finished(at, iid(name), "Done"))


def asked(name: str, run: str = "removal_1", at: datetime = NOW) -> e.RemovalAsked:
    return e.RemovalAsked(at, iid(name), rid(run), "too many")


def three(*more: e.Event) -> History:
    """Three finished issues, C being the newest."""
    parts = (finished(name, later(n)) for n, name in enumerate("ABC"))
    return history(*(event for part in parts for event in part), *more)


def cleaned(past: History, policy: Policy = KEEP_ONE, **world: Any) -> list[Decision]:
    seen: Snapshot = replace(snapshot(now=later(60)), **world)
    return [d for d in plan(seen, past, policy) if isinstance(d, (Remove, SettleRemoval, Tidy))]


def names(reasons: dict[IssueId, str]) -> list[str]:
    return [issue.removeprefix("id-") for issue in reasons]


def test_all_but_the_newest_go_the_oldest_first() -> None:
    why = "only the newest of finished issues stays (`workspace.keep_last_n`)"
    assert cleaned(three()) == [Remove(iid("A"), why), Remove(iid("B"), why)]


def test_what_is_newest_is_a_matter_of_when_it_was_over_not_of_when_it_began() -> None:
    past = history(*finished("late", later(50)), *finished("early", later(5)))
    assert names(due(past, KEEP_ONE)) == ["early"]


def test_above_a_total_size_the_oldest_go_even_if_there_are_few() -> None:
    policy = replace(KEEP_ONE, keep_workspaces=9, max_workspaces_bytes=2 * GB)
    reasons = due(three(), policy)
    assert names(reasons) == ["A"]
    assert reasons[iid("A")] == (
        "it and the newer ones of finished issues take 3.0 GB, more than the 2 of"
        " `workspace.max_total_gb`"
    )


def test_one_that_is_too_large_by_itself_goes_too() -> None:
    policy = replace(KEEP_ONE, keep_workspaces=9, max_workspaces_bytes=GB)
    assert names(due(history(*finished("A", size=2 * GB)), policy)) == ["A"]


@pytest.mark.parametrize(
    "after",
    [
        (),
        (e.Released(NOW, iid("A"), "assignee", "it is not assigned to ana"),),
        (e.Blocked(NOW, iid("A"), BlockReason.INPUT, "which colour?", "tick"),),
        (*finished("A")[-2:], enrolled("A")),
        (*finished("A")[-2:], enrolled("A"), dispatched("A", "run_2")),
    ],
    ids=["waiting", "released", "blocked", "reopened", "running again"],
)
def test_an_issue_that_is_not_over_keeps_its_workspace(after: tuple[e.Event, ...]) -> None:
    past = history(*worked("A"), *after)
    none = Policy(interval=30.0, slots=3, keep_workspaces=0, max_workspaces_bytes=1)
    record = past.records[iid("A")]
    assert (due(past, none), over_since(record)) == ({}, None)
    assert fate(record, {}, none) == (False, "A is not finished")


def test_an_issue_that_the_tracker_lost_is_over_since_its_last_run() -> None:
    past = history(*worked("A"), e.Released(later(9), iid("A"), "gone", "two reads"))
    assert over_since(past.records[iid("A")]) == NOW
    assert names(due(past, replace(KEEP_ONE, keep_workspaces=0))) == ["A"]


def test_an_issue_without_a_workspace_counts_for_nobody() -> None:
    idle = (sighted("Z", "Done"), e.Finished(later(99), iid("Z"), "Done"))
    assert names(due(three(*idle), KEEP_ONE)) == ["A", "B"]


def test_two_removals_go_on_at_once_and_one_more_when_one_has_ended() -> None:
    none = replace(KEEP_ONE, keep_workspaces=0)
    past = three(asked("A", "r_a"), asked("B", "r_b"))
    busy = {iid("A"): RemovalSight(alive=True), iid("B"): RemovalSight(alive=True)}
    assert cleaned(past, none, removals=busy) == []
    gone = RemovalVerdict(rid("r_a"), True, rescue="refs/symphony/rescue/A/2")
    busy[iid("A")] = RemovalSight(alive=True, verdict=gone)
    settled, begun = cleaned(past, none, removals=busy)
    removed = e.Removed(later(60), iid("A"), rid("r_a"), "refs/symphony/rescue/A/2")
    assert (settled, begun) == (
        SettleRemoval(iid("A"), removed),
        Remove(iid("C"), "no workspace of a finished issue stays (`workspace.keep_last_n`)"),
    )


def test_a_removed_workspace_is_no_workspace_until_the_next_run_makes_one() -> None:
    gone = (asked("A"), e.Removed(NOW, iid("A"), rid("removal_1"), "ref"))
    past = history(*finished("A"), *gone)
    record = past.records[iid("A")]
    assert (record.has_workspace, record.removal, record.workspace_bytes) == (False, None, 0)
    again = past.take_all([enrolled("A"), dispatched("A", "run_2"), *worked("A")[-1:]])
    assert not again.records[iid("A")].has_workspace, "that one was of the first run"
    made = ended("A", "run_2", workspace=f"{ROOT}/A", workspace_bytes=5)
    record = again.take_all([made]).records[iid("A")]
    assert (record.has_workspace, record.workspace_bytes) == (True, 5)


def test_the_answer_to_an_older_removal_means_nothing() -> None:
    past = three(asked("A", "r_1"), asked("A", "r_2"), e.Removed(NOW, iid("A"), rid("r_1")))
    record = past.records[iid("A")]
    assert record.has_workspace and record.removal is not None and record.removal.run == "r_2"


def test_what_could_not_be_removed_is_tried_again_after_a_growing_wait() -> None:
    waits = []
    past = three()
    for n in range(12):
        past = past.take_all([asked("A", f"r_{n}")])
        busy = RemovalVerdict(rid(f"r_{n}"), False, "pid 7 works in it")
        seen = {iid("A"): RemovalSight(alive=False, verdict=busy)}
        first, *_ = cleaned(past, removals=seen)
        assert isinstance(first, SettleRemoval) and isinstance(first.became, e.Kept)
        waits.append(first.became.wait)
        past = past.take_all([first.became])
    assert waits[0] < waits[1] < waits[2] and 500 < waits[0] < 700
    assert max(waits) <= DAY
    assert Remove(iid("A"), due(past, KEEP_ONE)[iid("A")]) not in cleaned(past)
    over_it = cleaned(past, now=later(2 * DAY))
    assert iid("A") in {d.issue for d in over_it if isinstance(d, Remove)}
    assert fate(past.records[iid("A")], due(past, KEEP_ONE), KEEP_ONE) == (
        False,
        "only the newest of finished issues stays (`workspace.keep_last_n`); but it could not be"
        " removed: pid 7 works in it",
    )


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (RemovalSight(), "its removal ended without a word; its agent.log may say more"),
        (RemovalSight(trouble="exit.json is torn"), "exit.json is torn"),
    ],
)
def test_a_removal_that_was_killed_is_told_and_tried_again(seen: RemovalSight, why: str) -> None:
    settled = cleaned(three(asked("A")), removals={iid("A"): seen})[0]
    assert isinstance(settled, SettleRemoval) and isinstance(settled.became, e.Kept)
    assert (settled.became.why, settled.became.wait > 0) == (why, True)


def test_an_issue_that_is_worked_again_is_not_waited_for() -> None:
    again = RemovalVerdict(rid("removal_1"), False, "its state is Todo again", over=False)
    settled = cleaned(three(asked("A")), removals={iid("A"): RemovalSight(verdict=again)})[0]
    assert settled == SettleRemoval(
        iid("A"), e.Kept(later(60), iid("A"), rid("removal_1"), "its state is Todo again", 0.0)
    )


def test_without_a_workflow_file_nothing_is_removed_but_ends_are_taken_in() -> None:
    seen = {iid("A"): RemovalSight(verdict=RemovalVerdict(rid("removal_1"), True))}
    decisions = cleaned(three(asked("A")), removals=seen, policy_error="WORKFLOW.md is torn")
    assert [type(decision) for decision in decisions] == [SettleRemoval]


def test_once_a_day_what_is_old_goes_transcripts_before_folders() -> None:
    past = history(
        *finished("old", later(-91 * DAY)),
        *finished("mid", later(-15 * DAY)),
        *finished("new", later(-13 * DAY)),
        *worked("busy"),
    )
    all_stay = replace(KEEP_ONE, keep_workspaces=9, keep_run_days=90)
    assert cleaned(past, all_stay, tidied_at=later(-DAY - 60)) == [
        Tidy((ROOT,), (Key("mid"),), (Key("old"),))
    ]
    assert cleaned(past, all_stay, tidied_at=later(-DAY + 120)) == []
    assert cleaned(past, all_stay) == [], "there are no run folders at all"


def test_the_page_of_a_kept_one_says_that_it_is_among_the_newest() -> None:
    past = three(asked("A"))
    goes = due(past, KEEP_ONE)
    assert fate(past.records[iid("C")], goes, KEEP_ONE) == (
        False,
        "it is the newest of finished issues",
    )
    assert fate(past.records[iid("B")], goes, KEEP_ONE) == (True, goes[iid("B")])
    assert fate(past.records[iid("A")], goes, KEEP_ONE) == (
        True,
        "it is being removed since 2025-11-20 09:00 UTC",
    )
