"""The tick's judgement: a snapshot, the history and the policy in, decisions out.

Pure and deterministic: no clock, no dice, no disk. Idempotent once performed: the facts that a
decision writes down make the next plan see it as done. Each stage sees what the ones before it
decided, because the plan takes its own facts into a copy of the history as it goes. Issues are
enrolled before it is asked what must wait for a person: one that comes back with its work merged,
or to rework once too often, must not start in the very tick that sees it come back.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator

from symphony_cli.core import blocks, gate, queue, retention
from symphony_cli.core.decisions import (
    Block,
    Decision,
    Deliver,
    Dispatch,
    Enrol,
    Fault,
    Finish,
    Grant,
    PassOver,
    Release,
    Reopen,
    Stop,
    Warn,
    facts,
)
from symphony_cli.core.history import History
from symphony_cli.core.intake import GONE_AFTER, intake
from symphony_cli.core.issue import Issue
from symphony_cli.core.lanes import lane, thread_for
from symphony_cli.core.limits import rework_breach, run_limits, warning_due
from symphony_cli.core.outbox import take_back, tell, warn
from symphony_cli.core.policy import Policy, Refusal, refusal
from symphony_cli.core.reasons import Outcome, RetryKind, Why
from symphony_cli.core.record import GONE, Record
from symphony_cli.core.settle import settle
from symphony_cli.core.snapshot import Snapshot
from symphony_cli.core.times import age
from symphony_cli.ids import IssueId, RunId


def plan(world: Snapshot, history: History, policy: Policy) -> tuple[Decision, ...]:
    """Everything this tick should do, in order."""
    return tuple(Planning(world, history.copy(), policy).decisions())


class Planning:
    """One plan being made: the snapshot, the policy, and the history as decided so far."""

    def __init__(self, world: Snapshot, history: History, policy: Policy) -> None:
        self.world = world
        self.history = history
        self.before = dict(history.records)
        self.policy = policy
        self.faulty: set[IssueId] = set()
        self.room = queue.Room(0, {})

    def decisions(self) -> Iterator[Decision]:
        """All decisions; each is taken into the history before the next is thought of."""
        for decision in self._stages():
            self.history.take_all(facts(decision, self.world.now, RunId("planned")))
            yield decision

    def _stages(self) -> Iterator[Decision]:
        yield from self._take_in()
        yield from self._each("settling", self._settle)
        yield from self._each("stopping", self._stop)
        yield from self._each("granting", self._grant)
        yield from self._each("unblocking", self._unblock)
        yield from self._newcomers()
        yield from self._each("blocking", self._block)
        yield from self._each("warning", self._warn)
        yield from self._each("releasing", self._release)
        yield from self._dispatch()
        yield from self._each("explaining", self._waiting)
        yield from retention.clean(self.history, self.world, self.policy)
        yield from self._announce()

    def _each(
        self, doing: str, think: Callable[[Record], Iterator[Decision]]
    ) -> Iterator[Decision]:
        """Think about every issue by itself: a bug met on one is that issue's trouble."""
        for issue in tuple(self.history.records):
            if issue not in self.faulty:
                yield from self._guarded(doing, self.history.records[issue], think)

    def _guarded(
        self, doing: str, record: Record, think: Callable[[Record], Iterator[Decision]]
    ) -> Iterator[Decision]:
        try:
            yield from think(record)
        except Exception as error:  # noqa: BLE001 - the item loop's one net; the issue says so
            self.faulty.add(record.id)
            yield from self._fault(doing, record.id, record.fault, error)

    def _fault(
        self, doing: str, issue: IssueId, known: str, error: Exception
    ) -> Iterator[Decision]:
        """A bug of ours met at an issue: written down once, told in every tick."""
        text = f"{type(error).__name__}: {error}"
        if known != f"{doing}: {text}":
            yield Fault(issue, doing, text, "".join(traceback.format_exception(error)))
        yield PassOver(issue, Why.BUG, f"{doing} it met a bug of ours: {text}")

    def _take_in(self) -> Iterator[Decision]:
        read = self.world.tracker.read
        if read is None:
            return
        taken = intake(read, self.history, self.policy.rules, self.world.doubts)
        if taken.news is not None:
            yield taken.news
        for issue, error in taken.faults.items():
            self.faulty.add(issue)
            record = self.history.find(issue)
            yield from self._fault("taking in", issue, record.fault if record else "", error)

    def _settle(self, record: Record) -> Iterator[Decision]:
        if record.running is None:
            return
        seen = self.world.runs.get(record.id)
        if seen is None:
            return
        decision = settle(
            record,
            record.running,
            seen,
            self.history,
            self.policy,
            self.world.now,
            self.world.looked_at,
            self.world.runs,
        )
        if decision is not None:
            yield decision

    def _stop(self, record: Record) -> Iterator[Decision]:
        running = record.running
        seen = self.world.runs.get(record.id)
        if running is None or seen is None or not seen.alive or running.recoveries:
            return
        if running.stop:
            if not seen.stop_there:
                yield Stop(record.id, running.run, running.stop, running.stop_detail, again=True)
            return
        wanted = self._stop_reason(record)
        if wanted is not None:
            yield Stop(record.id, running.run, *wanted)

    def _grant(self, record: Record) -> Iterator[Decision]:
        """Limits that changed since a run was started reach it while it works."""
        running, seen = record.running, self.world.runs.get(record.id)
        if running is None or seen is None or not seen.alive or self.world.policy_error:
            return  # the last good copy of WORKFLOW.md is no news for a run
        if running.stop or running.recoveries:
            return
        wanted = run_limits(record, self.policy)
        if wanted != running.limits:
            yield Grant(record.id, running.run, wanted)
        elif running.granted and seen.granted != wanted:
            yield Grant(record.id, running.run, wanted, again=True)

    def _stop_reason(self, record: Record) -> tuple[str, str] | None:
        if record.missed >= GONE_AFTER:
            return GONE, "two complete reads of the tracker did not have it"
        refused = self._refused(record)
        if refused is None:
            breach = rework_breach(record, self.policy)
            return None if breach is None else (breach[0].value, breach[1])
        if refused.why is Why.BLOCKER:
            return None
        if refused.at_once:
            return refused.why.value, refused.detail
        grace = self.policy.handoff_grace
        if age(self.world.now, record.state_since) > grace:
            return "handed_over", f"{refused.detail} for more than {grace:.0f} s"
        return None

    def _refused(self, record: Record) -> Refusal | None:
        """Why an issue is not ours any more; a name that the tracker lacks decides nothing."""
        refused = refusal(record.issue, self.policy.rules)
        if refused is None or not refused.stranger or refused.why is Why.ASSIGNEE:
            return refused
        key = {
            Why.PROJECT: "tracker.project_slug",
            Why.LABEL: "tracker.required_labels",
        }.get(refused.why, "tracker.active_states")
        if refused.why is Why.PROJECT and self.world.tracker.read is None:
            return None
        cancelled = refused.why is Why.NOT_ELIGIBLE and refused.at_once
        return None if key in self.world.misnamed and not cancelled else refused

    def _block(self, record: Record) -> Iterator[Decision]:
        over = self.policy.rules.is_terminal(record.issue.state)
        if record.block is not None or record.running is not None or over:
            return
        reason = blocks.cause_of(record, self.policy)
        if reason is not None:
            yield Block(
                record.id, *reason, owed=tell(self.history, record, *reason, self.world.now)
            )

    def _unblock(self, record: Record) -> Iterator[Decision]:
        if record.block is None or record.running is not None:
            return
        world = self.world
        scene = blocks.Scene(self.history, self.policy, world.tracker.read, self.before, world.now)
        over = blocks.ending(record, record.block, scene)
        if over is not None:
            yield over

    def _warn(self, record: Record) -> Iterator[Decision]:
        """Most of a budget is used: people hear of it while there is time to give more."""
        if record.block is not None or (record.place is None and record.running is None):
            return
        weight, seen = self.policy.cached_token_weight, self.world.runs.get(record.id)
        pid = seen.pid if seen is not None else None
        mine = pid is not None and record.running is not None and pid.run == record.running.run
        running = pid.spent.spend(weight) if pid is not None and mine else 0
        whole = warning_due(record, self.policy, running)
        if whole is None:
            return
        used = record.usage.spend(weight) + running
        owed = warn(self.history, record, used, whole, self.world.now)
        yield Warn(record.id, whole, f"{used:,} of {whole:,} tokens are used", owed)

    def _newcomers(self) -> Iterator[Decision]:
        if self.world.first_poll:
            return  # their order is known when all of them are
        eligible: list[Issue] = []

        def weigh(record: Record) -> Iterator[Decision]:
            if record.place is None and record.running is None and self._eligible(record):
                eligible.append(record.issue)
            yield from ()

        yield from self._each("enrolling", weigh)
        for issue in queue.newcomers(eligible):
            yield Enrol(issue.id)

    def _eligible(self, record: Record) -> bool:
        return not record.missed and refusal(record.issue, self.policy.rules) is None

    def _release(self, record: Record) -> Iterator[Decision]:
        if record.running is not None:
            return
        if record.finished_at is not None:
            yield from self._reopen(record)
            return
        if record.missed >= GONE_AFTER:
            if record.released != GONE:
                yield Release(record.id, GONE, "two complete reads did not have it")
            return
        if self.policy.rules.is_terminal(record.issue.state):
            block, now = record.block, self.world.now
            back = take_back(self.history, record, block, now) if block is not None else ()
            yield Finish(record.id, record.issue.state, back)
            return
        refused = self._refused(record)
        if refused is not None and refused.leaves and record.place is not None:
            yield Release(record.id, refused.why.value, refused.detail)

    def _reopen(self, record: Record) -> Iterator[Decision]:
        """One that may be worked is enrolled; one that must wait is at least seen to wait."""
        refused = refusal(record.issue, self.policy.rules)
        if refused is not None and not refused.leaves and not record.missed:
            yield Reopen(record.id)

    def _dispatch(self) -> Iterator[Decision]:
        self.room = queue.taken(self.history)
        for record in queue.in_line(self.history, self.policy, self.world.first):
            if record.id not in self.faulty:
                yield from self._guarded("dispatching", record, self._start)

    def _start(self, record: Record) -> Iterator[Decision]:
        reason = gate.refused(record, self.history, self.world, self.policy, self.room)
        if reason is not None:
            yield PassOver(record.id, *reason)
            return
        self.room = self.room.with_one_in(record.issue.state)
        yield dispatch(record, self.policy)

    def _waiting(self, record: Record) -> Iterator[Decision]:
        """An issue without a place that would have one but for a blocker or a label."""
        if record.place is not None or record.running or record.finished_at or record.missed:
            return
        refused = refusal(record.issue, self.policy.rules)
        if refused is not None and not refused.leaves:
            why = gate.blocked(record) or (refused.why, refused.detail)
            yield PassOver(record.id, *why)
        if refused is None and self.world.first_poll:
            yield PassOver(record.id, Why.TRACKER, gate.FIRST_POLL)

    def _announce(self) -> Iterator[Decision]:
        """Writes we owe, first in first out per issue, each not before its date."""
        if not self.world.tracker.reachable:
            return
        stuck: set[IssueId] = set()
        for write in tuple(self.history.outbox.values()):
            due = write.wait is None or write.wait.over(self.world.now)
            if write.issue not in stuck and due:
                yield Deliver(write.issue, write.id)
            stuck |= set() if due else {write.issue}


def dispatch(record: Record, policy: Policy) -> Dispatch:
    """The next run of an issue: it goes on with the same thread."""
    return Dispatch(
        issue=record.id,
        attempt=record.runs + 1,
        state=record.issue.state,
        limits=run_limits(record, policy),
        retry_kind=_retry_kind(record),
        thread=thread_for(record, policy),
        lane=lane(record, policy),
    )


_NOBODYS_FAULT = (Outcome.INTERRUPTED, Outcome.STOPPED, Outcome.ASKED, Outcome.TRACKER)


def _retry_kind(record: Record) -> RetryKind | None:
    if record.last is None:
        return None
    if record.last.outcome in (Outcome.ROLLED_OVER, Outcome.HANDED_OVER):
        return RetryKind.CONTINUATION
    if record.last.outcome in _NOBODYS_FAULT:
        return RetryKind.RESUMED
    return RetryKind.RETRY
