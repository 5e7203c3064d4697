"""Thousands of small histories: people edit, agents end, machines die, clocks move on."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from symphony_cli.commands.pause import pause, resume
from symphony_cli.commands.retry import retry
from symphony_cli.commands.stop import block, stop
from symphony_cli.commands.unblock import Asked, unblock
from symphony_cli.core.policy import Policy, Rules
from symphony_cli.core.reasons import Outcome
from symphony_cli.core.run import GitFacts
from symphony_cli.core.usage import Usage
from symphony_cli.errors import UsageError
from symphony_cli.ids import IssueId
from tests.fakes.world import FakeWorld
from tests.promises import check, check_at_rest, check_order

NAMES = ["A-1", "A-2", "a-3", "B/4"]
STATES = ["Todo", "In Progress", "Rework", "Human Review", "Done", "Cancelled"]
POLICY = Policy(
    Rules(active_states=("todo", "in progress", "rework")),
    interval=30.0,
    slots=2,
    slots_by_state={"in progress": 1},
    max_tokens_per_issue=400,
    max_tokens_per_day=5000,
    max_dispatch_attempts=2,
    max_rework_cycles=1,
    keep_workspaces=0,
)
OURS = ("symphony-stuck", "symphony-budget-exceeded")
REASONS = {Outcome.ASKED: "input", Outcome.FAILED: "prompt", Outcome.NOT_ELIGIBLE: "merged"}

names = st.sampled_from(NAMES)
some_ticks = st.sampled_from([0, 1, 1, 1, 2, 3])
"""How many ticks follow what somebody did: without them most worlds would stand still."""


class Worlds(RuleBasedStateMachine):
    """Any order of ticks, crashes, ends, edits and waits keeps the promises."""

    def __init__(self) -> None:
        super().__init__()
        self.world = FakeWorld(policy=POLICY)
        for name in NAMES[:3]:
            self.world.issue(name)
        self.ticks(1)

    def ticks(self, number: int) -> None:
        for _ in range(number):
            self.world.later(seconds=30)
            check_order(self.world, self.world.tick())

    # What people do in the tracker.

    @rule(name=names, state=st.sampled_from(STATES), ticks=some_ticks)
    def somebody_writes_or_moves_an_issue(self, name: str, state: str, ticks: int) -> None:
        if name in self.world.tracker.issues:
            self.world.edit(name, state=state)
        else:
            self.world.issue(name, state)
        self.ticks(ticks)

    @rule(name=names, labelled=st.booleans(), ticks=some_ticks)
    def somebody_labels_an_issue(self, name: str, labelled: bool, ticks: int) -> None:
        issue = self.world.tracker.issues.get(IssueId(name))
        if issue is not None:
            kept = tuple(label for label in issue.labels if label not in OURS)
            self.world.edit(name, labels=("symphony-stuck",) if labelled else kept)
        self.ticks(ticks)

    @rule(name=names, ticks=some_ticks)
    def somebody_answers(self, name: str, ticks: int) -> None:
        if name in self.world.tracker.issues:
            self.world.later(seconds=1)
            self.world.tracker.says(name, "Blue.", at=self.world.time)
        self.ticks(ticks)

    @rule(name=names, minutes=st.integers(-60, 60), ticks=some_ticks)
    def a_pull_request_is_merged(self, name: str, minutes: int, ticks: int) -> None:
        if name in self.world.tracker.issues:
            at = self.world.time + timedelta(minutes=minutes)
            self.world.edit(name, pr="https://example.org/pull/1", merged_at=at)
        self.ticks(ticks)

    @rule(name=names)
    def somebody_deletes_an_issue(self, name: str) -> None:
        self.world.tracker.issues.pop(IssueId(name), None)

    @rule(name=names, readable=st.booleans(), down=st.booleans())
    def the_tracker_has_troubles_or_none(self, name: str, readable: bool, down: bool) -> None:
        self.world.tracker.down = "it is being repaired" if down else ""
        self.world.tracker.unreadable.clear()
        if not readable:
            self.world.tracker.unreadable[IssueId(name)] = "it is half saved"
        self.ticks(1)
        self.world.tracker.down = ""

    # What people type, and write into WORKFLOW.md.

    @rule(
        tokens=st.sampled_from([None, 100, 400, 2000]),
        attempts=st.sampled_from([None, 1, 2, 5]),
        rework=st.sampled_from([None, 0, 1, 3]),
        ticks=some_ticks,
    )
    def somebody_edits_the_limits(
        self, tokens: int | None, attempts: int | None, rework: int | None, ticks: int
    ) -> None:
        self.world.configure(
            max_tokens_per_issue=tokens, max_dispatch_attempts=attempts, max_rework_cycles=rework
        )
        self.ticks(ticks)

    @rule(name=names, command=st.sampled_from([unblock, retry, stop, block]), ticks=some_ticks)
    def somebody_types_a_command(self, name: str, command: Any, ticks: int) -> None:
        with suppress(UsageError):
            command(self.world.sockets(), name, "kim")
        self.ticks(ticks)

    @rule(name=names, tokens=st.integers(1, 900), attempts=st.integers(1, 3), ticks=some_ticks)
    def somebody_grants(self, name: str, tokens: int, attempts: int, ticks: int) -> None:
        for asked in (Asked(tokens), Asked(attempts=attempts)):
            with suppress(UsageError):
                unblock(self.world.sockets(), name, "kim", asked)
        self.ticks(ticks)

    @rule(ticks=some_ticks)
    def somebody_pauses_and_resumes(self, ticks: int) -> None:
        pause(self.world.sockets(), "kim")
        self.ticks(ticks)
        resume(self.world.sockets(), "kim")

    # What happens by itself.

    @rule(spark=st.integers(1, 40))
    def a_tick_dies(self, spark: int) -> None:
        self.world.tick_until_power_cut(spark)

    @rule(seconds=st.sampled_from([1, 200, 700, -90]), ticks=some_ticks)
    def time_goes_by(self, seconds: int, ticks: int) -> None:
        self.world.later(seconds=seconds)
        self.ticks(ticks)

    @precondition(lambda self: self.world.agents.living())
    @rule(
        data=st.data(),
        outcome=st.sampled_from(Outcome),
        commits=st.integers(0, 1),
        ticks=some_ticks,
    )
    def a_run_ends(self, data: st.DataObject, outcome: Outcome, commits: int, ticks: int) -> None:
        run = data.draw(st.sampled_from(self.world.agents.living()))
        reason = data.draw(st.sampled_from(["", REASONS.get(outcome, "")]))
        git = GitFacts(head=f"c{run.order.run}", commits=commits, commits_ahead=commits)
        self.world.agents.end(run, outcome, self.world.time, reason=reason, git=git)
        self.ticks(ticks)

    @precondition(lambda self: self.world.agents.living())
    @rule(ticks=some_ticks)
    def a_run_comes_to_nothing(self, ticks: int) -> None:
        run = self.world.agents.living()[0]
        self.world.agents.end(run, Outcome.ROLLED_OVER, self.world.time, git=None)
        self.ticks(ticks)

    @precondition(lambda self: self.world.agents.living())
    @rule(ticks=some_ticks)
    def a_run_asks(self, ticks: int) -> None:
        run = self.world.agents.living()[0]
        self.world.agents.end(run, Outcome.ASKED, self.world.time, reason="input")
        self.ticks(ticks)

    @precondition(lambda self: self.world.agents.living())
    @rule(data=st.data(), tokens=st.integers(0, 900))
    def a_run_spends(self, data: st.DataObject, tokens: int) -> None:
        run = data.draw(st.sampled_from(self.world.agents.living()))
        if run.pid is not None:
            run.pid = replace(run.pid, spent=Usage(input=tokens))

    @precondition(lambda self: self.world.agents.living())
    @rule(data=st.data())
    def a_run_is_lost(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.world.agents.living())).alive = False

    @precondition(lambda self: self.world.agents.removing())
    @rule(data=st.data(), removed=st.booleans(), over=st.booleans(), ticks=some_ticks)
    def a_removal_ends(self, data: st.DataObject, removed: bool, over: bool, ticks: int) -> None:
        key = data.draw(st.sampled_from(self.world.agents.removing()))
        why = "" if removed else "somebody works in it"
        self.world.agents.remove_to_the_end(key, removed=removed, over=over, why=why)
        self.ticks(ticks)

    @precondition(lambda self: self.world.agents.removing())
    @rule(data=st.data())
    def a_removal_is_killed(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(self.world.agents.removing()))
        self.world.agents.removals[key].alive = False

    @invariant()
    def promises_hold(self) -> None:
        check(self.world)

    def teardown(self) -> None:
        self.world.tracker.unreadable.clear()
        for _ in range(3):
            self.world.tick()
            self.world.let_finishes_end()
            self.world.agents.let_removals_end()
            self.world.later(seconds=3000)
        check_at_rest(self.world)


TestRandomWorlds = pytest.mark.timeout(1200)(Worlds.TestCase)
TestRandomWorlds.settings = settings(
    max_examples=int(os.environ.get("SYMPHONY_WORLDS", "120")),
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
"""SYMPHONY_WORLDS in the environment: how many worlds."""
