"""What people type beside a Linear: the forms of a tick, status, unblock; and how many requests
each costs (rows T2, T9, O2 to O4)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.house import fingerprint
from tests.cli.linear_house import LinearHouse

pytestmark = pytest.mark.real

SPENDING = [{"say": "I spend.", "usage": {"input": 90, "output": 9}}, {"say": "No more."}]
LIMITED = "agent: {max_tokens_per_issue: 50}"
EXCEEDED = "symphony-budget-exceeded"


def blocked(linear: LinearHouse) -> None:
    """ENG-1 has spent too much, and the next tick finds out."""
    linear.configure(LIMITED)
    linear.script(default=SPENDING)
    linear.world.person.create(labels=["bug"])
    linear.run("tick")
    linear.verdict("ENG-1")


def test_the_first_tick_asks_twice_and_an_idle_one_once(linear: LinearHouse) -> None:
    linear.world.create(state="Backlog")
    first, idle, again = linear.tick(), linear.tick(), linear.tick()

    assert [tick.outcome for tick in (first, idle, again)] == [(0, 2, []), (0, 1, []), (0, 1, [])]
    assert [tick.json["requests"] for tick in (first, idle, again)] == [2, 1, 1]
    assert linear.world.operations() == ["Names", "Look", "Look", "Look"]


def test_an_idle_tick_writes_nothing_but_its_own_file_and_says_nothing(
    linear: LinearHouse,
) -> None:
    linear.world.person.create(state="Backlog")
    linear.run("tick")
    linear.run("tick")
    before = files(linear.state)
    told, requests = linear.asked("tick")
    after = files(linear.state)

    assert (told.code, told.out, told.err, requests) == (0, "", "", 1)
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    assert changed == {"tick.json", "lock"}


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_full_tick_goes_through_everything_in_one_request_more_or_none(
    linear: LinearHouse,
) -> None:
    linear.world.create(state="Backlog")
    linear.tick()
    full = linear.tick("--full")

    asked = linear.world.asked()[-1]
    assert full.outcome == (0, 1, [])
    assert (asked.operation, "issues" in asked.fields) == ("Look", True)


def test_a_dry_run_asks_and_writes_nothing_but_the_budget(linear: LinearHouse) -> None:
    linear.configure(required_labels=["bug"])
    linear.world.create()
    linear.tick()
    linear.world.person.label("ENG-1", "bug")
    before, budget = fingerprint(linear.project), files(linear.user_state)
    dry = linear.tick("--dry-run")
    after, spent = fingerprint(linear.project), files(linear.user_state)
    wet = linear.tick()

    changed = {name for name in budget | spent if budget.get(name) != spent.get(name)}
    assert (dry.outcome, [one["outcome"] for one in dry.json["decisions"]]) == (
        (0, 1, []),
        ["would"] * 3,
    )
    assert (after == before, [name[:7] for name in changed]) == (True, ["budget-"])
    assert wet.did == ["enrol ENG-1", "dispatch ENG-1"]


def test_a_dry_run_before_the_first_tick_makes_no_state_and_names_issues_as_people_do(
    linear: LinearHouse,
) -> None:
    linear.world.create()
    told, requests = linear.asked("tick", "--dry-run")

    would = [line.split() for line in told.lines if "would" in line]
    assert (told.code, requests, linear.state.exists()) == (0, 2, False)
    assert would == [["ENG-1", "would", "enrol"], ["ENG-1", "would", "dispatch"]]


def test_status_says_how_fresh_its_facts_are_and_what_is_left(linear: LinearHouse) -> None:
    before = linear.run("status").out
    linear.tick()
    told, requests = linear.asked("status")
    line: dict[str, Any] = linear.status()["tracker"]

    left = r"2,(?:49\d|500) of 2,500 requests left\."
    assert "Linear project symphony-0c0ffee00000: never read yet; 2,500 of" in before
    assert "No tick has run yet: type `symphony tick`" in before
    assert "Nothing to do" not in before
    assert requests == 0
    assert re.search(
        rf"^Linear project symphony-0c0ffee00000: read \d+s ago; {left}$", told.out, re.MULTILINE
    )
    assert re.fullmatch(r"20.*Z", line.pop("as_of"))
    assert 2490 < line.pop("remaining") <= 2500, "a request or two come back in seconds"
    assert line == {
        "kind": "linear",
        "project": "symphony-0c0ffee00000",
        "requests": 2,
        "ask_at": None,
        "limit": 2500,
        "wait_s": 0.0,
        "why": "",
    }


def test_status_of_an_issue_names_the_blocker_that_it_waits_for(linear: LinearHouse) -> None:
    linear.world.create(state="Backlog")
    linear.world.person.create(blocked_by=["ENG-1"])
    linear.tick()
    linear.tick()
    told, requests = linear.asked("status", "ENG-2", "--json")

    assert (told.code, requests, told.json["kind"], told.json["why"]) == (
        0,
        0,
        "waiting",
        ["blocker: ENG-1 must close first (it is Backlog)"],
    )


def test_a_block_sets_one_label_and_one_comment_and_unblock_takes_only_the_label_off(
    linear: LinearHouse,
) -> None:
    blocked(linear)
    settled = linear.tick()
    linear.world.person.label("ENG-1", "feature")
    linear.tick()
    shown = linear.world.issue("ENG-1")
    told, requests = linear.asked("unblock", "ENG-1")
    after = linear.world.issue("ENG-1")
    linear.tick()
    writes = [name for name in linear.world.operations() if name.startswith("Write")]

    assert settled.did == ["settle ENG-1", "block ENG-1", "deliver ENG-1", "deliver ENG-1"]
    assert (shown["labels"], len(shown["comments"])) == (["bug", "feature", EXCEEDED], 1)
    assert (told.code, requests, after["labels"]) == (0, 1, ["bug", "feature"])
    assert len(linear.world.issue("ENG-1")["comments"]) == 1
    assert writes[2:] == ["WriteAddLabel", "WriteComment", "WriteRemoveLabel"]


NO_RIGHT = (
    f"There is no label '{EXCEEDED}', and the tracker's key may not make labels in the team "
    "Engineering (ENG): an owner of the team must make it, there or in the workspace."
)


def test_a_label_that_we_may_not_make_is_shown_and_never_tried_again(linear: LinearHouse) -> None:
    linear.world.labels_by_owners()
    blocked(linear)
    settled = linear.tick()
    later = [linear.tick(), linear.tick()]
    issue, lost = linear.world.issue("ENG-1"), linear.status()["undeliverable"]

    assert (settled.code, settled.errors) == (0, [])
    assert (issue["labels"], len(issue["comments"])) == (["bug"], 1)
    assert [tick.outcome for tick in later] == [(0, 1, []), (0, 1, [])]
    assert lost == [f"ENG-1: add_label: {NO_RIGHT}"]


def test_a_description_of_ten_megabytes_is_cut_and_the_prompt_says_so(
    linear: LinearHouse,
) -> None:
    linear.world.person.create(description="Do it. " * 1_500_000)
    linear.configure(prompt="Issue {{ issue.identifier }}.\n{{ issue.description }}")
    linear.script(ENG_1=[linear.moves("ENG-1", "Done"), {"say": "It is done."}])
    linear.run("tick")
    verdict = linear.verdict("ENG-1")
    brief = json.loads((linear.folder("ENG-1") / "brief.json").read_text())
    ended = linear.tick()

    assert (verdict["outcome"], ended.code) == ("handed_over", 0)
    assert len(brief["prompt"]) < 300_000
    assert brief["prompt"].rstrip().endswith("[cut: the whole text has 10500000 characters]")
    assert linear.ledger.stat().st_size < 50_000


def test_a_torn_file_of_names_costs_one_request_and_is_no_news(linear: LinearHouse) -> None:
    linear.tick()
    path = linear.state / "tracker.json"
    whole = json.loads(path.read_text())
    path.write_text('{"asked_for": "htt')
    torn, after = linear.asked("tick"), linear.tick()

    mended = json.loads(path.read_text())
    assert (torn[0].code, torn[0].out, torn[0].err, torn[1]) == (0, "", "", 2)
    assert after.outcome == (0, 1, [])
    assert {**mended, "as_of": ""} == {**whole, "as_of": ""}
