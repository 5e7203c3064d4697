"""`symphony status ISSUE` for an issue in every place, and for each reason to wait (row O3)."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.house import DONE, House, until
from tests.cli.test_limits import COST, spent
from tests.cli.test_parts import play

pytestmark = [pytest.mark.real, pytest.mark.slow]

BUSY: list[Any] = [{"say": "I begin.", **COST}, {"wait": 100}]
ASK = {"ask": {"kind": "user_input", "question": "Which?"}}


@dataclass(frozen=True)
class Page:
    """What is said of an issue, to a program and to a person."""

    kind: str
    reason: str
    change: str
    why: tuple[str, ...]
    text: str


def explained(house: House, name: str) -> Page:
    told = house.run("status", name, "--json").json
    text = house.run("status", name).out
    return Page(told["kind"], told["reason"], told["change"], tuple(told["why"]), text)


def edit(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text().replace(old, new))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Page]]:
    """The pages of one issue in each place; the one whose wait runs is looked at first."""
    house = House(tmp_path_factory.mktemp("crowd")).begin(
        "tracker: {kind: markdown, terminal_states: [Done], assignee: ana}"
    )
    house.script(default=DONE, ASKS=[{"say": "I ask."}, ASK], WORKS=BUSY)
    everybody = ("ASKS", "ENDS", "MOVES", "LEAVES", "GONE", "WORKS", "NEEDS", "LABELLED")
    for name in everybody:
        held = name in ("MOVES", "LEAVES", "GONE", "NEEDS")
        more = {"blocked_by": "[WORKS]"} if held else {}
        house.issue(name, assignee="ana", **more)
    edit(house.issues / "LABELLED.md", "assignee", "labels: [symphony-stuck]\nassignee")
    house.work("ASKS", "ENDS")
    edit(house.issues / "MOVES.md", "state: Todo", "state: Human Review")
    edit(house.issues / "LEAVES.md", "ana", "rui")
    (house.issues / "GONE.md").unlink()
    play(house, FAILS=[[{"say": "I try."}, {"fail": {"message": "No luck."}}]])
    house.issue("FAILS", assignee="ana")
    house.run("tick")
    house.verdict("FAILS")
    house.run("tick")
    yield {name: explained(house, name) for name in ("FAILS", *everybody)}
    house.end()


PLACES = [
    ("WORKS", "running", "", "", r"run 1 since \d{4}-.* UTC"),
    (
        "ASKS",
        "blocked",
        "block",
        "`symphony unblock ASKS` lets it go on; so does a comment on the issue or taking the label "
        "symphony-stuck off",
        r"input: Which\? \[A \| B\]",
    ),
    (
        "FAILS",
        "retrying",
        "backoff",
        "time, or `symphony retry FAILS`",
        r"backoff: next attempt in \d+ s, after: The turn failed \(No luck\.\)\. .*",
    ),
    (
        "NEEDS",
        "waiting",
        "blocker",
        "closing, cancelling or deleting what blocks it",
        r"blocker: WORKS must close first \(it is Todo\)",
    ),
    (
        "LABELLED",
        "waiting",
        "label",
        "its labels in the tracker",
        r"label: it carries the stop label symphony-stuck; take it off to let it run",
    ),
    (
        "MOVES",
        "released",
        "not_eligible",
        "its state in the tracker",
        r"not_eligible: its state is Human Review",
    ),
    (
        "LEAVES",
        "released",
        "assignee",
        "its assignee in the tracker, or `tracker.assignee`",
        r"assignee: it is not assigned to ana",
    ),
    ("GONE", "released", "gone", "its coming back", r"gone: two complete reads did not have it"),
    ("ENDS", "finished", "", "", r"it reached Done"),
]


@pytest.mark.parametrize(("name", "kind", "reason", "change", "why"), PLACES)
def test_where_an_issue_is_and_what_changes_that(
    pages: dict[str, Page], name: str, kind: str, reason: str, change: str, why: str
) -> None:
    page = pages[name]
    shown = " ".join(page.text.split())
    long = [line for line in page.text.splitlines() if len(line) > 80]

    assert (page.kind, page.reason, page.change) == (kind, reason, change)
    assert re.fullmatch(why, page.why[0])
    assert shown.startswith(f"{name} About {name} {kind} why ")
    assert f"remedy {change} state " in shown or not change
    assert [line for line in long if len(line.split()) > 1] == [], "only a path may be longer"


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One issue runs and has spent 600 tokens; another is in line and never gets to start."""
    house = House(tmp_path_factory.mktemp("line")).begin("agent: {max_concurrent_agents: 1}")
    play(house, A_1=[BUSY])
    house.issue("A-1", priority="1")
    house.issue("A-2")
    house.run("tick")
    until(lambda: spent(house, 600), "the first answer")
    yield house
    house.end()


def unreadable(house: House) -> None:
    house.issue("A-2", priority="high")


def away(house: House) -> None:
    """The tracker is gone until three intervals are over."""
    house.configure("polling: {interval_ms: 100}")
    shutil.move(house.issues, house.root / "away")
    until(lambda: "too old" in house.run("tick", "--json").out, "that facts are old")


def set_to(front: str) -> Callable[[House], None]:
    def change(house: House) -> None:
        house.configure(front)

    return change


HOLDS: list[tuple[Callable[[House], object], str, str, str]] = [
    (
        set_to("agent: {max_concurrent_agents: 1}"),
        "slots",
        r"the only slot is taken \(`agent.max_concurrent_agents`\)",
        "a run that ends, or a higher `agent.max_concurrent_agents`",
    ),
    (
        set_to("agent: {max_concurrent_agents_by_state: {Todo: 1}}"),
        "state_cap",
        r"the only slot for Todo is taken",
        "a run in this state that ends, or a higher `agent.max_concurrent_agents_by_state`",
    ),
    (
        set_to("agent: {max_tokens_per_day: 500}"),
        "day_budget",
        r"600 tokens were spent in 24 hours; `agent.max_tokens_per_day` is 500",
        "time, or a higher `agent.max_tokens_per_day`",
    ),
    (
        set_to("workspace: {root: ../workspaces, min_free_gb: 100000000}"),
        "disk",
        r"\d+\.\d GB free in /.*, below the floor of 100000000\.0 GB",
        "free room for workspaces (`symphony gc`), or a lower floor in WORKFLOW.md",
    ),
    (
        lambda house: house.run("pause", "release day"),
        "paused",
        r"paused by .* since .* UTC: release day",
        "`symphony resume`",
    ),
    (
        set_to("agent: {max_concurrent_agents: many}"),
        "policy",
        r".*WORKFLOW\.md, line \d: .*max_concurrent_agents.*",
        "mending WORKFLOW.md",
    ),
    (
        unreadable,
        "tracker",
        r".*A-2\.md: line \d: `priority` must be 1 \(urgent\) to 4 .*, not 'high'.*",
        "the next read of the tracker that succeeds",
    ),
    (
        away,
        "tracker",
        r"what we know of the tracker is too old to start on: The issue folder .* is not there: .*",
        "the next read of the tracker that succeeds",
    ),
]


@pytest.mark.parametrize(("hold", "reason", "why", "change"), HOLDS)
def test_why_an_issue_in_line_does_not_start(
    line: House, hold: Callable[[House], object], reason: str, why: str, change: str
) -> None:
    hold(line)
    line.run("tick")
    page = explained(line, "A-2")
    if (line.root / "away").exists():
        shutil.move(line.root / "away", line.issues)
    if reason == "paused":
        line.run("resume")
    line.issue("A-2")
    line.configure("agent: {max_concurrent_agents: 1}")

    assert (page.kind, page.reason, page.change) == ("queued", reason, change)
    assert re.fullmatch(f"{reason}: {why}", page.why[0])
    assert f"queued why {reason}: " in " ".join(page.text.split())


def test_a_machine_that_is_not_fit_holds_everybody_and_says_what_broke(house: House) -> None:
    house.configure("codex: {command: no-such-codex app-server}")
    for number in (1, 2, 3):
        house.issue(f"A-{number}")
    house.work("A-1", "A-2", "A-3")
    house.issue("A-4")
    house.run("tick")
    page, shown = explained(house, "A-4"), house.status()["holds"]

    change = "mending what the error names: a probe goes after the wait and lets all go on"
    assert (page.kind, page.reason, page.change) == ("queued", "environment", change)
    assert re.fullmatch(
        r"environment: 3 failures in a row \(.*no-such-codex.*\); one probe in \d+ s", page.why[0]
    )
    assert list(shown) == ["environment"]


def test_a_provider_that_has_had_enough_holds_everybody(house: House) -> None:
    enough = {"fail": {"message": "You have hit your limit.", "info": "usageLimitExceeded"}}
    house.script(A_1=[{"say": "I begin."}, enough])
    house.issue("A-1")
    house.work("A-1")
    house.issue("A-2")
    house.run("tick")
    page = explained(house, "A-2")

    change = "time: a probe goes when the wait is over, and its first answer lets all go on"
    assert (page.kind, page.reason, page.change) == ("queued", "provider", change)
    assert re.fullmatch(r"provider: .*You have hit your limit.*; one probe in .*", page.why[0])


def test_an_issue_that_was_never_seen_or_never_read_is_told_what_it_lacks(house: House) -> None:
    house.configure(
        "tracker: {kind: markdown, assignee: ana, required_labels: [ready], active_states: [Todo]}"
    )
    path = house.issue("A-1", priority="high")
    house.run("tick")
    told = {name: house.run("status", name) for name in ("A-1", "X-1")}

    assert {name: (one.code, one.out, one.err) for name, one in told.items()} == {
        "A-1": (
            64,
            "",
            f"symphony: A-1 cannot be read: {path.name}: line 4: `priority` must be 1 (urgent) to "
            "4 (low) or empty, not 'high'. Correct it there.\n",
        ),
        "X-1": (
            64,
            "",
            "symphony: No tick has ever seen an issue 'X-1'. For Symphony to take one up it must "
            "be in the tracker that WORKFLOW.md names; its state must be one of: todo; it must "
            "carry: ready; it must be assigned to ana. Then the next tick takes it in.\n",
        ),
    }
