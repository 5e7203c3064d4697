"""Which thread a run goes on with, where some states have threads of their own."""

from __future__ import annotations

from dataclasses import replace

from symphony_cli.core.decisions import Dispatch
from symphony_cli.core.events import Event
from symphony_cli.core.policy import Policy, Rules
from symphony_cli.core.reasons import Outcome
from symphony_cli.core.record import Aside
from symphony_cli.core.run import PromptSettings, ThreadRef
from tests.builders import dispatched, ended, enrol_all, later, record, sighted
from tests.core.planning import POLICY, decided

LIFE, REVIEW, SECOND = ThreadRef("life"), ThreadRef("review"), ThreadRef("second")
REVIEWED = replace(
    POLICY,
    fresh_thread_states=("review",),
    rules=Rules(active_states=("todo", "review", "rework")),
)


def worked(run: str, state: str, thread: ThreadRef | None, **more: object) -> tuple[Event, ...]:
    """A run in this state, and its end."""
    lane = state.lower() if state == "Review" else ""
    return (
        dispatched(run=run, state=state, lane=lane),
        ended(run=run, thread=thread, **more),  # type: ignore[arg-type]
    )


def moved(state: str, seconds: float) -> Event:
    return sighted(state=state, at=later(seconds))


def next_thread(*events: Event, policy: Policy = REVIEWED) -> tuple[ThreadRef | None, str]:
    """The thread of the next dispatch, and its lane."""
    (found,) = [
        one
        for one in decided(*enrol_all("ABC-1"), *events, policy=policy, now=later(5000))
        if isinstance(one, Dispatch)
    ]
    return found.thread, found.lane


IMPLEMENTED = (*worked("run_1", "Todo", LIFE), moved("Review", 60))
REVIEWING = (*IMPLEMENTED, *worked("run_2", "Review", REVIEW))


def test_a_state_with_a_thread_of_its_own_begins_one() -> None:
    assert next_thread(*IMPLEMENTED) == (None, "review")


def test_the_same_stay_goes_on_with_the_thread_that_it_began() -> None:
    assert next_thread(*REVIEWING) == (REVIEW, "review")
    failed = worked("run_3", "Review", None, outcome=Outcome.FAILED)
    assert next_thread(*REVIEWING, *failed) == (REVIEW, "review")


def test_back_in_another_state_the_thread_of_its_life_goes_on() -> None:
    assert next_thread(*REVIEWING, moved("Rework", 120)) == (LIFE, "")


def test_each_stay_begins_anew() -> None:
    again = (*REVIEWING, moved("Rework", 120), moved("Review", 180))
    assert next_thread(*again) == (None, "review")
    (found, _) = next_thread(*again, *worked("run_3", "Review", SECOND))
    assert found == SECOND


def test_without_such_states_there_is_one_thread() -> None:
    assert next_thread(*IMPLEMENTED, policy=replace(REVIEWED, fresh_thread_states=())) == (LIFE, "")


def test_a_full_thread_of_a_stay_is_dropped_and_that_of_its_life_is_not() -> None:
    full = worked("run_2", "Review", REVIEW, outcome=Outcome.FAILED, reason="context")
    after = record(*IMPLEMENTED, *full)
    assert (after.thread, after.aside) == (LIFE, None)
    assert record(*REVIEWING).aside == Aside("review", later(60), REVIEW)


def test_a_part_is_named_by_the_states_that_have_it() -> None:
    prompts = PromptSettings("body", by_state={"rework": "again"}, fresh_states=("review",))
    states = ("Todo", " REWORK ", "Review", "In Progress")
    assert [prompts.part(state) for state in states] == [
        ("", ""),
        ("rework", ""),
        ("", "review"),
        ("", ""),
    ]


def test_a_run_has_seen_the_move_of_its_agent_before_the_tick_does() -> None:
    ends = {"outcome": Outcome.ROLLED_OVER, "reason": "prompt", "state": "Review", "at": later(60)}
    moved_by_agent = (dispatched(), ended(thread=LIFE, **ends))  # type: ignore[arg-type]
    assert next_thread(*moved_by_agent) == (None, "review")
    found = record(*moved_by_agent)
    assert (found.issue.state, found.entries["review"], found.state_since) == (
        "Review",
        1,
        later(60),
    )
