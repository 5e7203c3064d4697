"""The promises of the design as one function; every scenario, crash test and property ends here."""

from __future__ import annotations

from symphony_cli.core.policy import refusal
from symphony_cli.core.usage import Usage
from symphony_cli.ids import IssueId, RunId
from tests.fakes.ledger import fold
from tests.fakes.world import FakeWorld


def check(world: FakeWorld) -> None:
    """What must hold at any moment, also in the middle of a crash."""
    history = fold(world.ledger.lines)
    alive = [run.order.key for run in world.agents.living()]
    assert len(alive) == len(set(alive)), "promise 1: two agents work on one issue"
    known: set[RunId] = {
        record.running.run for record in history.records.values() if record.running is not None
    }
    for run in world.agents.living():
        assert run.order.run in known, "promise 2: an agent runs that the ledger does not know"
    assert len(alive) <= world.policy.slots, "more agents than slots"
    for issue, usage in _spent(world, known).items():
        record = history.find(issue)
        assert record is not None, f"promise 4: {issue} was worked and is forgotten"
        assert record.usage == usage, f"promise 10: {issue} spent {usage}, not {record.usage}"


def _spent(world: FakeWorld, unsettled: set[RunId]) -> dict[IssueId, Usage]:
    """What the runs that are settled have spent, by their own verdicts."""
    spent: dict[IssueId, Usage] = {}
    for runs in world.agents.runs.values():
        for run in runs:
            if run.verdict is not None and run.order.run not in unsettled:
                issue = run.order.issue.id
                spent[issue] = spent.get(issue, Usage()) + run.verdict.spent
    return spent


def check_at_rest(world: FakeWorld) -> None:
    """What must hold after an undisturbed tick."""
    check(world)
    result = world.tick()
    check(world)
    history = world.history
    passed = {entry.issue for entry in result.passed_over}
    for issue in world.tracker.issues.values():
        if refusal(issue, world.policy.rules) is not None or world.tracker.down:
            continue
        record = history.find(issue.id)
        assert record is not None, f"promise 4: {issue.identifier} was never taken in"
        if record.running is None:
            assert issue.id in passed, f"promise 7: nothing says why {issue.identifier} waits"
    for record in history.records.values():
        if record.unanswered is not None:
            assert record.block is not None, f"promise 4: the block of {record.key} is lost"
