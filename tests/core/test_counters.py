"""The counters that caps and budgets go by, at the places where such counters go wrong."""

from __future__ import annotations

from typing import Any

from symphony_cli.core import events as e
from symphony_cli.core.limits import rework_cycles, spent, tokens_left
from symphony_cli.core.policy import Policy
from symphony_cli.core.reasons import BlockReason, Cause, Outcome, Why
from symphony_cli.core.record import Record
from symphony_cli.core.run import ThreadRef
from symphony_cli.core.usage import Usage
from tests.builders import NOW, dispatched, ended, history, iid, later, record, sighted

ABC = iid("ABC-1")


def runs(*ends: dict[str, Any]) -> Record:
    """An issue after these runs, one after the other."""
    facts = [
        fact
        for number, end in enumerate(ends)
        for fact in (dispatched(run=f"r{number}"), ended(run=f"r{number}", **end))
    ]
    return record(*facts)


ROLLED, FAILED = {"outcome": Outcome.ROLLED_OVER}, {"outcome": Outcome.FAILED}
PROGRESS = {**ROLLED, "progress": True}


def test_cached_tokens_do_not_come_back_when_a_run_ends() -> None:
    usage = Usage(input=50_000, cached_input=49_000, output=500, total=50_500)
    found = runs({"spent": usage})
    assert tokens_left(found, Policy(max_tokens_per_issue=2000)) == 500


def test_a_thread_that_is_resumed_is_charged_for_what_each_run_adds() -> None:
    first, second = Usage(input=700, total=700), Usage(input=300, total=300)
    thread = ThreadRef("thread_1", total=first + second)
    found = runs({"spent": first}, {"spent": second, "thread": thread})
    assert found.usage.spend() == 1000


def test_continuations_with_progress_use_up_no_attempt_and_those_without_do() -> None:
    assert runs(PROGRESS, PROGRESS, PROGRESS).attempts_since_progress == 0
    assert runs(PROGRESS, ROLLED, ROLLED).attempts_since_progress == 2
    assert spent(runs(ROLLED, ROLLED), Policy(max_dispatch_attempts=2)) is not None


def test_a_clean_continuation_does_not_forget_the_failures_before_it() -> None:
    assert runs(FAILED, FAILED, PROGRESS).failures == 2


def test_a_start_counts_from_its_intent_on_whatever_became_of_it() -> None:
    assert record(dispatched()).runs == 1
    never = {"outcome": Outcome.INTERRUPTED, "reason": "never_started"}
    found = runs(never)
    assert (found.runs, found.attempts_since_progress) == (1, 0)


def test_waiting_is_not_failing() -> None:
    passed = [e.PassedOver(NOW, ABC, why) for why in list(Why)[:5]]
    found = record(*passed)
    assert (found.runs, found.failures, found.attempts_since_progress) == (0, 0, 0)


def test_rework_is_counted_on_entry_also_while_a_retry_waits() -> None:
    moves = ["Todo", "Rework", "Rework", "In Review", " rework ", "Todo"]
    facts = [sighted(state=state, at=later(n)) for n, state in enumerate(moves)]
    failed = (dispatched(), ended(outcome=Outcome.FAILED, wait=300.0))
    found = history(facts[0], *failed, *facts[1:]).records[ABC]
    assert rework_cycles(found, Policy()) == 2


def test_several_states_can_mean_rework() -> None:
    policy = Policy(rework_states=("rework", "changes requested"), max_rework_cycles=1)
    facts = [sighted(state=state) for state in ("Todo", "Rework", "Todo", "Changes Requested")]
    found = history(*facts).records[ABC]
    reason = spent(found, policy)
    assert reason is not None
    assert (reason[0], rework_cycles(found, policy)) == (BlockReason.REWORK, 2)


def test_what_was_blocked_under_an_old_limit_is_not_blocked_under_the_new_one() -> None:
    used = (dispatched(), ended(spent=Usage(input=9_000_000)))
    blocked = e.Blocked(NOW, ABC, BlockReason.BUDGET, "8 M are used")
    raised = e.Unblocked(NOW, ABC, Cause.LIMIT, "WORKFLOW.md")
    found = record(*used, blocked, raised)
    assert (found.block, spent(found, Policy(max_tokens_per_issue=50_000_000))) == (None, None)
