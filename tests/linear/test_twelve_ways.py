"""Whatever people do to an issue that we run or hold, the next tick acts on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from symphony_cli.commands.tick import TickResult
from symphony_cli.core.policy import Policy, Rules
from symphony_cli.core.reasons import Outcome
from tests.linear.asks import catch_up
from tests.linear.ticking import LinearWorld
from tests.linear.twelve_ways import ASSIGNEE, BEFORE, ELSEWHERE, LABEL, WAYS, Kind, Way, acted
from tests.linear.world import PROJECT, World

RULES = Rules(
    required_labels=(LABEL,),
    stop_labels=("stop-continue", *Rules().stop_labels),
    assignee=ASSIGNEE,
    project=PROJECT,
)

INTERVAL = 30.0


RUNNING = sum(way.kind == "running" for way in WAYS)


def policy(slots: int) -> Policy:
    return Policy(rules=RULES, interval=INTERVAL, slots=slots, queue_order="priority")


def said_of(issue: str, result: TickResult) -> str:
    decisions = [(one.issue_identifier, one.kind) for one in result.decisions]
    passed = [(one.issue_identifier, one.reason) for one in result.passed_over]
    return acted(issue, decisions, passed)


class Crowd:
    """An issue for each way, and one more in the queue that comes before its like."""

    def __init__(self, linear: World, folder: Path) -> None:
        self.linear, self.person = linear, linear.person
        catch_up(linear)
        linear.add_project("Elsewhere", ELSEWHERE)
        linear.add_label(LABEL)
        self.ticks = LinearWorld(linear=linear, folder=folder, policy=policy(0))
        self.issues: dict[str, str] = {}
        self.blockers: dict[str, str] = {}
        self.first = ""

    def write(self, kind: Kind, priority: int = 3) -> str:
        """A person writes an issue, and one that blocks it or may do so later."""
        blocker = self.person.create("It comes first", state="Backlog")["identifier"]
        made = self.person.create(
            labels=[LABEL],
            assignee=ASSIGNEE,
            priority=priority,
            blocked_by=[blocker] if kind == "waiting" else [],
        )
        self.blockers[made["identifier"]] = blocker
        return made["identifier"]

    def settle(self) -> None:
        """Everybody becomes what it is meant to be; then nothing happens any more."""
        begun = [way for way in WAYS if way.kind in ("running", "blocked")]
        self.issues = {way.name: self.write(way.kind) for way in begun}
        self.ticks.policy = policy(len(begun))
        self.tick()
        for way in begun:
            name = self.issues[way.name]
            self.person.move(name, "In Progress")
            if way.kind == "blocked":
                issue = self.linear.issue(name)["id"]
                self.ticks.end(issue, Outcome.ASKED, reason="input", detail="Which colour?")
        self.first = self.write("queued", priority=2)
        others = {way.name: self.write(way.kind) for way in WAYS if way not in begun}
        self.issues |= others
        self.ticks.policy = policy(RUNNING)
        while self.tick().decisions:
            pass

    def tick(self) -> TickResult:
        """The tick of a timer."""
        self.ticks.pass_time(INTERVAL)
        return self.ticks.tick()

    def change(self, way: Way) -> str:
        """A person changes an issue in this way: which one."""
        issue = self.issues[way.name]
        way.change(self.person, issue, self.blockers[issue])
        return issue


@pytest.fixture
def crowd(world: World, tmp_path: Path) -> Iterator[Crowd]:
    made = Crowd(world, tmp_path)
    made.settle()
    yield made
    made.ticks.close()


def test_a_change_in_any_of_twelve_ways_is_acted_on_at_the_next_tick(crowd: Crowd) -> None:
    quiet = crowd.tick()
    before = {way.name: said_of(crowd.issues[way.name], quiet) for way in WAYS}
    asked = len(crowd.linear.operations())
    after = {way.name: said_of(crowd.change(way), crowd.tick()) for way in WAYS}
    assert before == {way.name: BEFORE[way.kind] for way in WAYS}
    assert after == {way.name: way.acted for way in WAYS} and len(after) == 12
    # One look in each tick; and the one that was closed needs our label no more.
    operations = Counter(crowd.linear.operations()[asked:])
    assert operations == {"Look": 12, "WriteRemoveLabel": 1}


def test_what_was_made_urgent_starts_first_and_what_became_free_starts_too(crowd: Crowd) -> None:
    urgent = next(way for way in WAYS if way.acted == "first in line")
    freed = next(way for way in WAYS if way.acted == "enrol")
    queued = [crowd.issues[way.name] for way in WAYS if way.kind == "queued" and way != urgent]
    names = [crowd.change(urgent), crowd.first, *queued, crowd.change(freed)]
    crowd.ticks.policy = policy(RUNNING + len(names))
    result = crowd.tick()
    started = [one.issue_identifier for one in result.decisions if one.kind == "dispatch"]
    assert (started, said_of(names[-1], result)) == (names, "enrol, dispatch")
