"""The promises of the design as one function; every scenario, crash test and property ends here."""

from __future__ import annotations

from symphony_cli.commands.tick import TickResult
from symphony_cli.core import events as e
from symphony_cli.core.endings import ENDED_BY
from symphony_cli.core.history import History
from symphony_cli.core.holds import in_force
from symphony_cli.core.issue import norm
from symphony_cli.core.limits import is_spent
from symphony_cli.core.outbox import comment_id
from symphony_cli.core.policy import label_of, refusal
from symphony_cli.core.queue import goes_on
from symphony_cli.core.reasons import Cause, Why
from symphony_cli.core.retention import over_since
from symphony_cli.core.transitions import CUT_SHORT, NO_ATTEMPT
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
    _no_more_starts_than_allowed(world)
    _only_what_is_over_is_removed(world)
    for issue, usage in _spent(world, known).items():
        record = history.find(issue)
        assert record is not None, f"promise 4: {issue} was worked and is forgotten"
        assert record.usage == usage, f"promise 10: {issue} spent {usage}, not {record.usage}"


def _no_more_starts_than_allowed(world: FakeWorld) -> None:
    """Between two grants an issue is started as often without progress as its cap says; counted
    here from the lines alone. `world.caps` has the highest cap that was ever in force."""
    cap = world.caps.max_dispatch_attempts
    if cap is None:
        return
    starts: dict[IssueId, int] = {}
    extra: dict[IssueId, int] = {}
    for event in world.ledger.events():
        if isinstance(event, e.Dispatched):
            starts[event.issue] = starts.get(event.issue, 0) + 1
            allowed = cap + extra.get(event.issue, 0)
            assert starts[event.issue] <= allowed, f"{event.issue} was started too often"
        elif isinstance(event, e.Ended) and event.issue in starts:
            unused = event.verdict.outcome in (*NO_ATTEMPT, *CUT_SHORT)
            starts[event.issue] = 0 if event.progress else starts[event.issue] - unused
            extra[event.issue] = 0 if event.progress else extra.get(event.issue, 0)
        elif isinstance(event, e.Unblocked) and event.cause is not Cause.LIMIT:
            starts[event.issue] = 0
            extra[event.issue] = (event.helping and event.helping.attempts) or 0


def _only_what_is_over_is_removed(world: FakeWorld) -> None:
    """A workspace is asked to go only while it is there and its issue is over (row G5)."""
    events = world.ledger.events()
    if not any(isinstance(event, e.RemovalAsked) for event in events):
        return
    past = History(id="ledger", workflow="WORKFLOW.md", position=1)
    for event in events:
        if isinstance(event, e.RemovalAsked):
            record = past.find(event.issue)
            assert record is not None and record.has_workspace, f"{event.issue} has no workspace"
            assert over_since(record) is not None, f"{event.issue} is not over"
        past.take(event)


def check_order(world: FakeWorld, result: TickResult) -> None:
    """Nobody is started before an older entry that fitted (row Q1). Continuations go first, and a
    probe is whoever failed least."""
    started = {done.issue_id for done in result.decisions if done.kind == "dispatch"}
    if any(in_force(name, hold) for name, hold in world.history.holds.items()):
        return
    places = {record.id: record.place or 0 for record in world.history.records.values()}
    first = {i for i in started if goes_on(world.history.records[IssueId(i)])}
    youngest = max((places[IssueId(i)] for i in started - first), default=0)
    for passed in result.passed_over:
        place = places.get(IssueId(passed.issue))
        if passed.reason == Why.SLOTS and place:
            assert place > youngest, f"{passed.issue} is older than somebody who was started"
        if passed.reason == Why.STATE_CAP:
            state = norm(world.history.records[IssueId(passed.issue)].issue.state)
            running = [r for r in world.history.records.values() if r.running is not None]
            in_it = sum(norm(record.issue.state) == state for record in running)
            assert in_it >= world.policy.slots_by_state[state], f"{passed.issue} fitted"


def _blocks_have_causes(world: FakeWorld) -> None:
    """Every blocked issue has a cause that still holds (row Q6)."""
    for record in world.history.records.values():
        block, told = record.block, world.tracker.issues.get(record.id)
        if block is None or record.running is not None or told is None:
            continue
        causes, name = ENDED_BY[block.reason], f"{record.key}, blocked ({block.reason})"
        assert is_spent(block.reason, record, world.policy), f"{name}: WORKFLOW.md allows more"
        if world.shown.get((record.id, record.blocks), 0) >= 2:
            assert told.has_label(label_of(block.reason)), f"{name}: its label is off"
        ours = comment_id(world.history, record, record.blocks - 1)
        asked = [comment.created_at for comment in told.comments if comment.id == ours]
        for comment in told.comments if asked and Cause.COMMENT in causes else ():
            assert asked[0] is not None and comment.created_at is not None
            late = not comment.bot and comment.created_at > asked[0]
            assert not late, f"{name}: {comment.author} has answered"


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
    world.tick()
    result = world.tick()
    check(world)
    check_order(world, result)
    _blocks_have_causes(world)
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
        assert record.removal is None or record.running is None, f"{record.key}: run and removal"
        is_over = world.policy.rules.is_terminal(record.issue.state)
        if record.unanswered is not None and not is_over:
            assert record.block is not None, f"promise 4: the block of {record.key} is lost"
