"""How a record changes with each fact about its issue: one function per kind of fact, all pure."""

from __future__ import annotations

from dataclasses import replace

from symphony_cli.core import events as e
from symphony_cli.core import holds, lanes
from symphony_cli.core.issue import Issue, norm
from symphony_cli.core.policy import label_of
from symphony_cli.core.reasons import (
    FAULT_OF_ISSUE,
    FRUITLESS,
    NEVER_SWEPT,
    BlockReason,
    Cause,
    Outcome,
)
from symphony_cli.core.record import (
    GONE,
    Block,
    LastRun,
    Passed,
    Record,
    Removal,
    Retry,
    Running,
    Stay,
)
from symphony_cli.core.run import Verdict
from symphony_cli.core.times import Wait
from symphony_cli.core.usage import Usage


def sighted(record: Record, event: e.Sighted) -> Record:
    """The tracker told something of the issue."""
    issue, old = event.issue, record.issue
    entered = norm(issue.state) != norm(old.state) or not record.entries
    names = record.aliases
    if issue.identifier not in names:
        names = (*names, issue.identifier)
    entries = record.entries
    if entered:
        state = norm(issue.state)
        entries = {**entries, state: entries.get(state, 0) + 1}
    return replace(
        record,
        issue=issue,
        aliases=names,
        missed=0,
        released="" if record.released == GONE else record.released,
        entries=entries,
        state_since=event.at if entered else record.state_since,
    )


def changed(record: Record, event: e.Event, position: int) -> Record:
    """Any other fact about the issue; `position` is that of its line, a place in the queue."""
    match event:
        case e.Missed():
            return replace(record, missed=record.missed + 1)
        case e.Enrolled():
            return replace(
                record, place=position, enrolled_at=event.at, released="", finished_at=None
            )
        case e.Released():
            return replace(record, place=None, released=event.why, retry=None, passed=None)
        case e.Finished():
            return replace(
                record,
                place=None,
                released="",
                retry=None,
                block=None,
                unanswered=None,
                passed=None,
                finished_at=event.at,
            )
        case e.Reopened():
            return replace(record, finished_at=None, released="")
        case e.Dispatched():
            return _dispatched(record, event)
        case e.PassedOver():
            return replace(record, passed=Passed(event.why, event.detail, event.at))
        case e.Blocked() | e.LabelSeen() | e.Unblocked() | e.ToppedUp() | e.Retried() | e.Warned():
            return _held_or_given(record, event)
        case e.RemovalAsked() | e.Removed() | e.Kept():
            return _of_removal(record, event)
        case _:
            return _of_run(record, event)


def _of_removal(record: Record, event: e.RemovalAsked | e.Removed | e.Kept) -> Record:
    """What becomes of the workspace of an issue that is over. Whoever asked last is answered."""
    match event:
        case e.RemovalAsked():
            return replace(record, removal=Removal(event.run, event.at))
        case _ if record.removal is None or record.removal.run != event.run:
            return record
        case e.Removed():
            gone = replace(record, removal=None, stay=None, workspace_bytes=0)
            return replace(gone, removed_at=event.at, saved=event.rescue)
        case e.Kept():
            times = record.stay.times + 1 if record.stay is not None else 1
            stay = Stay(event.why, Wait(event.at, event.wait), times)
            return replace(record, removal=None, stay=stay)


def _held_or_given(
    record: Record,
    event: e.Blocked | e.LabelSeen | e.Unblocked | e.ToppedUp | e.Retried | e.Warned,
) -> Record:
    """Blocks, what ends them, and what people give."""
    match event:
        case e.Blocked():
            return _blocked(record, event)
        case e.LabelSeen():
            seen = record.block and replace(record.block, label_seen=True)
            return replace(record, block=seen)
        case e.Unblocked():
            return _unblocked(record, event)
        case e.ToppedUp(tokens=tokens):
            return replace(record, extra_tokens=record.extra_tokens + tokens)
        case e.Retried():
            mine = record.block is not None and record.block.reason is BlockReason.OPERATOR
            return replace(record, retry=None, block=None if mine else record.block)
        case e.Warned(allowance=allowance):
            return replace(record, warned=allowance)


def _blocked(record: Record, event: e.Blocked) -> Record:
    is_merged = event.reason is BlockReason.MERGED
    return replace(
        record,
        block=Block(event.reason, event.detail, event.at, event.by),
        unanswered=None,
        passed=None,
        blocks=record.blocks + 1,
        merged_told=event.detail if is_merged else record.merged_told,
        merged_tip=record.tip if is_merged else record.merged_tip,
    )


def delivered(record: Record, label: str) -> Record:
    """The tracker has confirmed a label that we owed."""
    if record.block is None or label_of(record.block.reason) != label:
        return record
    return replace(record, block=replace(record.block, label_sent=True))


def _of_run(record: Record, event: e.Event) -> Record:
    running = record.running
    if running is None or getattr(event, "run", None) != running.run:
        return record
    match event:
        case e.StopAsked():
            return replace(
                record, running=replace(running, stop=event.reason, stop_detail=event.detail)
            )
        case e.Granted(limits=limits):
            return replace(record, running=replace(running, limits=limits, granted=True))
        case e.Signalled():
            return replace(record, running=replace(running, signalled=event.signal))
        case e.Recovered():
            again = replace(running, recoveries=running.recoveries + 1, recovered_at=event.at)
            return replace(record, running=again)
        case _:
            return record


def _dispatched(record: Record, event: e.Dispatched) -> Record:
    return replace(
        record,
        running=Running(
            event.run,
            event.attempt,
            event.at,
            event.state,
            entries=dict(record.entries),
            limits=event.limits,
            lane=event.lane,
            stay=record.state_since,
        ),
        retry=None,
        unanswered=None,
        fault="",
        runs=record.runs + 1,
        attempts_since_progress=record.attempts_since_progress + 1,
        first_dispatched_at=record.first_dispatched_at or event.at,
    )


def _unblocked(record: Record, event: e.Unblocked) -> Record:
    """The block is over; what a person gives keeps the next tick from restoring it."""
    budget = record.block is not None and record.block.reason is BlockReason.BUDGET
    free = replace(record, block=None, unanswered=None, retry=None, failures_in_row=0)
    if event.cause is not Cause.LIMIT:
        free = replace(free, attempts_since_progress=0, extra_attempts=0)
    helping = event.helping
    if helping is None:  # a ledger from before helpings were written down
        return replace(free, granted_at=record.usage if budget else record.granted_at)
    if helping.tokens is not None:
        free = replace(free, granted_at=record.usage, extra_tokens=helping.tokens, warned=0)
    return replace(
        free,
        extra_attempts=free.extra_attempts if helping.attempts is None else helping.attempts,
        extra_rework=free.extra_rework if helping.rework is None else helping.rework,
        accepted_tip=helping.tip or free.accepted_tip,
    )


def ended(record: Record, event: e.Ended) -> Record:
    """The run that the record has is over."""
    verdict = event.verdict
    record = _moved(record, event)
    failed = verdict.outcome in FAULT_OF_ISSUE
    before = 0 if event.progress else record.failures_in_row
    unfit = verdict.outcome is Outcome.ENVIRONMENT
    error = verdict.detail or verdict.reason or verdict.outcome
    return replace(
        lanes.kept(record, verdict.thread, useless=_is_useless(record, verdict)),
        issue=_with_hints(record.issue, verdict.told),
        entries=_entries(record, verdict.told),
        running=None,
        retry=Retry(Wait(event.at, event.wait), error) if event.wait > 0 else None,
        unanswered=_question(verdict),
        failures=record.failures + failed,
        failures_in_row=before + failed,
        environment_in_row=record.environment_in_row + 1 if unfit else 0,
        provider_in_row=_provider_in_row(record, event),
        fruitless=record.fruitless + 1 if verdict.outcome in FRUITLESS else 0,
        attempts_since_progress=_attempts(record, event),
        extra_attempts=0 if event.progress else record.extra_attempts,
        turns=record.turns + verdict.turns,
        usage=record.usage + verdict.spent,
        cut_answers=record.cut_answers + verdict.cut_answers,
        fresh_threads=record.fresh_threads + _threads_lost(record, verdict),
        totals={**record.totals, **verdict.totals},
        workspace=record.workspace or verdict.workspace,
        root=record.root or (verdict.root if verdict.workspace else ""),
        branch=record.branch or verdict.branch,
        workspace_bytes=verdict.workspace_bytes or record.workspace_bytes,
        removed_at=None if verdict.workspace else record.removed_at,
        stay=None,
        began=record.began or verdict.base,
        tip=verdict.git.head if verdict.git and verdict.git.commits_ahead else record.tip,
        stalls=record.stalls + verdict.stalls,
        declines=record.declines + verdict.declines,
        last=LastRun(
            run=event.run,
            outcome=verdict.outcome,
            reason=verdict.reason,
            detail=_detail(verdict),
            at=event.at,
            turns=verdict.turns,
            message=verdict.last_message or (record.last.message if record.last else ""),
            git=verdict.git or (record.last.git if record.last else None),
            spent=verdict.spent,
        ),
    )


def _provider_in_row(record: Record, event: e.Ended) -> int:
    if holds.kind_of(event.verdict) != holds.PROVIDER:
        return 0
    return 1 if event.progress else record.provider_in_row + 1


def _moved(record: Record, event: e.Ended) -> Record:
    """The record with the state that a run saw the issue in at its end: the run asked after its
    agent's own change, and a tick may read from a replica that lags."""
    state, issue = event.verdict.state, record.issue
    if not state or norm(state) == norm(issue.state):
        return record
    times = record.entries.get(norm(state), 0) + 1
    return replace(
        record,
        issue=replace(issue, state=state),
        entries={**record.entries, norm(state): times},
        state_since=event.at,
    )


def _with_hints(issue: Issue, told: Issue | None) -> Issue:
    """What only a read by id tells: the pull request."""
    if told is None or told.pr is None:
        return issue
    return replace(issue, pr=told.pr, merged_at=told.merged_at or issue.merged_at)


def _entries(record: Record, told: Issue | None) -> dict[str, int]:
    """How often each state was entered: what polls saw, and what they had missed before the run by
    the tracker's own history. A stay that began between poll and run is left to the next poll."""
    counted, running = dict(record.entries), record.running
    if told is None or running is None:
        return counted
    for entry in told.entries:
        fresh = norm(told.state) == entry.state != norm(running.state)
        missed = entry.times - fresh - running.entries.get(entry.state, 0)
        counted[entry.state] = counted.get(entry.state, 0) + max(0, missed)
    return {state: times for state, times in counted.items() if times}


def _detail(verdict: Verdict) -> str:
    if not verdict.survivors:
        return verdict.detail
    pids = ", ".join(map(str, verdict.survivors))
    return f"processes of its run could not be ended: pid {pids}; end them, then unblock"


def _question(verdict: Verdict) -> BlockReason | None:
    """The block that a verdict calls for."""
    if verdict.survivors or verdict.reason == NEVER_SWEPT:
        return BlockReason.AGENT
    if (verdict.outcome, verdict.reason) in CALLS_FOR:
        return CALLS_FOR[verdict.outcome, verdict.reason]
    if verdict.outcome is not Outcome.ASKED:
        return None
    known = {reason.value: reason for reason in BlockReason}
    return known.get(verdict.reason, BlockReason.AGENT)


TOO_LONG = "prompt"
"""A run failed because the issue has more text than a prompt holds."""

CALLS_FOR = {
    (Outcome.NOT_ELIGIBLE, BlockReason.MERGED.value): BlockReason.MERGED,
    (Outcome.FAILED, TOO_LONG): BlockReason.INVALID,
}
"""Ends of a run that only a person can do something about."""

CONTEXT = "context"
"""A run failed because its thread is full and compacting did not help: the next has a new one."""

CONVERSATION = "conversation"
"""The provider will not go on with what the thread has come to: the next run has a new one."""

COMPACTION = "compaction"
"""A thread is full, and making it shorter failed for a reason of its own."""

MODEL = "model"
"""The provider does not have the model; a thread keeps the one it began with."""


def _threads_lost(record: Record, verdict: Verdict) -> int:
    """How many conversations the issue lost by this run: one that the run could not resume, and
    one that it filled up or spoilt, so that the next run begins anew."""
    spoilt = _is_spoilt(record, verdict) and verdict.thread is not None
    return verdict.fresh_thread + spoilt


def _is_useless(record: Record, verdict: Verdict) -> bool:
    """Whether a thread is not worth resuming: it is full or spoilt, or was born wrong and
    never answered."""
    unused = verdict.thread is not None and verdict.thread.total == Usage()
    return _is_spoilt(record, verdict) or (verdict.reason == MODEL and unused)


def _is_spoilt(record: Record, verdict: Verdict) -> bool:
    """A conversation that the provider does not take is given up when it does so twice in a row:
    once may be whatever stands between us and the provider."""
    again = record.last is not None and record.last.reason == verdict.reason
    return verdict.reason == CONTEXT or (verdict.reason in (CONVERSATION, COMPACTION) and again)


NO_ATTEMPT = frozenset({Outcome.NOT_ELIGIBLE, Outcome.ENVIRONMENT, Outcome.PROVIDER})
"""Outcomes that are the matter of nobody's work: they use up none of an issue's attempts."""

CUT_SHORT = frozenset({Outcome.INTERRUPTED, Outcome.STOPPED, Outcome.TRACKER})
"""Outcomes of runs that somebody else ended: an attempt once the model has answered, for then
tokens were spent, and nothing otherwise."""


def _attempts(record: Record, event: e.Ended) -> int:
    """Runs since the last progress, whatever their outcome, that had a chance to make some."""
    if event.progress:
        return 0
    verdict = event.verdict
    idle = verdict.outcome in CUT_SHORT and not verdict.answered
    none = idle or verdict.outcome in NO_ATTEMPT
    return max(0, record.attempts_since_progress - none)
