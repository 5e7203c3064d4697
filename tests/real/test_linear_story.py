"""The whole story with Linear: ten issues, three slots, the real Codex; only the model is scripted,
and Linear is a stand-in that executes the published schema."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from symphony_cli.core.events import Dispatched
from symphony_cli.core.reasons import Outcome
from symphony_cli.core.usage import Usage
from tests.errands.world import until
from tests.linear.standin_process import stand_ins as linear_stand_ins
from tests.linear.world import Truth
from tests.real.codexes import CACHE
from tests.real.linear_house import Office, open_office, report, running_at_once
from tests.real.model import Entry, call, command, message, tokens, total

pytestmark = [pytest.mark.real, pytest.mark.codex, pytest.mark.shared, pytest.mark.slow]

SLOTS = 3
PRIORITIES = (4, 2, 0, 1, 3, 3, 2, 1, 0, 4)
IN_ORDER = [f"ENG-{number}" for number in (4, 8, 2, 7, 5, 6, 1, 10, 3, 9)]
"""Urgent ones first, those without a priority last, older ones before younger ones."""

THIEF, VICTIM = "ENG-8", "ENG-9"

COMMIT = "git add -A && git -c user.name=Agent -c user.email=agent@example.org commit -qm"
ANSWER = tokens(1000, 100, 10)

MOVE = """mutation Move($id: String!, $state: String!) {
  issueUpdate(id: $id, input: {stateId: $state}) { success issue { state { name } } } }"""
STEAL = MOVE.replace("Move", "Steal")
SAY = """mutation Say($id: String!, $body: String!) {
  commentCreate(input: {issueId: $id, body: $body}) { success } }"""


@pytest.fixture
def office(codex: str, stand_ins: Path, sandbox: None) -> Iterator[Office]:
    """One office outside of the temp directory; removed at the end."""
    if not (linear_stand_ins() / "linear" / "run.sh").is_file():
        pytest.skip(f"the stand-in for Linear is not there: {linear_stand_ins()}")
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=CACHE))
    opened = open_office(folder, codex, slots=SLOTS)
    yield opened
    opened.end()
    shutil.rmtree(folder)


def script(issue: Truth, victim: Truth, states: Mapping[str, str]) -> list[Entry]:
    """What the agent of an issue does."""
    name = issue["identifier"]
    only = {"match": f"Issue {name}:", **ANSWER}

    def linear(document: str, **variables: str) -> Entry:
        return call("linear_graphql", {"query": document, "variables": variables}, **only)

    theft = linear(STEAL, id=victim["id"], state=states["Canceled"])
    return [
        linear(MOVE, id=issue["id"], state=states["In Progress"]),
        *([theft] if name == THIEF else []),
        command(f"echo {name} > made.txt; {COMMIT} 'Make {name}'", **only),
        linear(SAY, id=issue["id"], body=f"{name} is made."),
        linear(MOVE, id=issue["id"], state=states["Done"]),
        message(f"Made {name}.", **only),
    ]


def test_ten_issues_of_linear_are_done_in_three_slots(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    linear, house = office.linear, office.house
    issues = [linear.person.create(priority=priority) for priority in PRIORITIES]
    names = [issue["identifier"] for issue in issues]
    victim = linear.issue(VICTIM)
    states = office.states()
    office.hire([entry for issue in issues for entry in script(issue, victim, states)])

    def done() -> bool:
        office.glance()
        return house.finished(*names)

    house.until(done, "all ten are done", seconds=150, pause=0.7)
    until(lambda: not house.alive(), what="the end of all processes")
    with capsys.disabled():
        print(report(office.counters(), len(house.ticks), house.asking()))
    assert_done_by_their_agents(office, names)
    assert_started_in_order(office, names)
    assert_asked_no_more_than_that(office, names)
    assert_nobody_stole(office)
    assert_the_key_stayed_where_it_was(office)


def assert_done_by_their_agents(office: Office, names: list[str]) -> None:
    """In Linear, in git and in the ledger alike."""
    for name in names:
        truth, record = office.linear.issue(name), office.house.record(name)
        assert (truth["state"], truth["comments"]) == ("Done", [f"{name} is made."])
        subjects = office.house.git(
            office.house.root / "workspaces" / name, "log", "--format=%an %s", "main.."
        )
        assert subjects == f"Agent Make {name}"
        answers = 6 if name == THIEF else 5
        assert record.last is not None
        told = (record.last.outcome, record.last.message, record.runs, record.usage)
        assert told == (Outcome.HANDED_OVER, f"Made {name}.", 1, total(*[ANSWER] * answers))
        assert record.usage != Usage()


def assert_started_in_order(office: Office, names: list[str]) -> None:
    """The most urgent first, each once, never more than three at a time."""
    house = office.house
    identifiers = {house.record(name).id: name for name in names}
    started = [identifiers[one.issue] for one in house.events() if isinstance(one, Dispatched)]
    assert started == IN_ORDER
    assert (max(running_at_once(house)), office.most) == (SLOTS, SLOTS)
    assert office.watch.found == []


def assert_asked_no_more_than_that(office: Office, names: list[str]) -> None:
    """One look for each tick that asked, one read for each dispatch, and nothing was refused.

    Ticks that runs start at their end tell nobody how often they asked: there is at most one for
    each run.
    """
    counted, linear = office.counters(), office.linear
    looks = counted["by_operation"]["Look"]
    assert office.house.asking() <= looks <= office.house.asking() + len(names)
    assert counted["by_operation"]["Issue"] == len(names)
    assert (counted["by_operation"]["Move"], counted["by_operation"]["Say"]) == (20, 10)
    assert (counted["ratelimited"], counted["by_error_code"]) == (0, {})
    points = linear.max_points()
    assert points is not None and points < 10_000


def assert_nobody_stole(office: Office) -> None:
    """The thief was told no, and Linear never heard of it."""
    assert office.model is not None
    asked = [asked["input"] for asked in office.model.requests() if THIEF in str(asked["input"])]
    outputs = [item for item in asked[-1] if item["type"] == "function_call_output"]
    assert "only your own issue may be changed" in str(outputs[1]["output"])
    assert str(outputs[1]["output"]).count("Nothing was sent.") == 1
    assert "Steal" not in office.linear.operations()


def assert_the_key_stayed_where_it_was(office: Office) -> None:
    """In the operator's own file, and in no other file, output or process."""
    office.house.symphony("status")
    assert office.linear.key not in "\n".join(office.house.said)
    assert (office.holding_the_key(), office.leaks) == ([], [])
