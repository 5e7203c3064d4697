"""What becomes of a run that gave the tracker up, and of one whose issue left the project."""

from __future__ import annotations

from dataclasses import replace

from symphony_cli.core.decisions import Dispatch, PassOver, Settle
from symphony_cli.core.policy import Rules
from symphony_cli.core.reasons import Outcome, Why
from symphony_cli.core.run import ThreadRef
from tests.builders import dispatched, enrol_all, history, later, over, verdict
from tests.core.planning import ABC, POLICY, RUNNING, decided


def gave_up() -> Settle:
    """The decision about such a run, at noon."""
    told = verdict(outcome=Outcome.TRACKER, reason="tracker", thread=ThreadRef("t1"), turns=2)
    (settled, waits) = decided(*RUNNING, runs={ABC: over(told)})
    assert isinstance(settled, Settle) and isinstance(waits, PassOver)
    assert (settled.ended.wait, waits.why) == (POLICY.interval, Why.BACKOFF)
    return settled


def test_it_is_nobodys_failure_and_keeps_the_issues_place() -> None:
    past = (*enrol_all("ABC-1", "ABC-2"), dispatched())

    before = history(*past).find(ABC)
    after = history(*past, gave_up().ended).find(ABC)

    assert before is not None and after is not None
    assert (after.place, after.failures, after.failures_in_row) == (before.place, 0, 0)
    assert (after.attempts_since_progress, after.turns, after.block) == (0, 2, None)


def test_the_next_run_resumes_its_thread_before_those_that_came_later() -> None:
    policy = replace(POLICY, slots=1)
    past = (*enrol_all("ABC-1", "ABC-2"), dispatched(), gave_up().ended)

    found = decided(*past, policy=policy, now=later(31))

    (first,) = [one for one in found if isinstance(one, Dispatch)]
    assert (first.issue, first.attempt, first.thread) == (ABC, 2, ThreadRef("t1"))


def test_a_run_that_was_stopped_for_its_project_is_not_started_again() -> None:
    policy = replace(POLICY, rules=Rules(project="shop"))
    told = verdict(outcome=Outcome.STOPPED, reason="project", thread=ThreadRef("t1"))

    found = decided(*RUNNING, runs={ABC: over(told)}, policy=policy)

    assert [type(one).__name__ for one in found] == ["Settle", "Release"]
