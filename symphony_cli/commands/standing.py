"""Where an issue stands and why: one function for every command that tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from symphony_cli.core.cures import clear_by
from symphony_cli.core.gate import paused
from symphony_cli.core.history import History
from symphony_cli.core.policy import Policy, refusal
from symphony_cli.core.reasons import WHAT_CHANGES, Why
from symphony_cli.core.record import GONE, Record, Running
from symphony_cli.core.tickfile import PassedOver

SEEN_HERE = frozenset(
    {Why.PAUSED, Why.BLOCK, Why.BACKOFF, Why.NOT_ELIGIBLE}
    | {Why.LABEL, Why.ASSIGNEE, Why.PROJECT, Why.BLOCKER}
)
"""Reasons that the ledger tells by itself: where it does not, a person has typed something since
the last tick, or a wait is over, and what that tick said of them is old."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What an issue is for us, and why."""

    kind: str
    """running, queued, retrying, blocked, waiting, released or finished."""
    why: tuple[str, ...]
    reason: str = ""
    """Why it does not run, as one of the reasons to pass over; empty when it runs or is over."""
    change: str = ""
    """What would let it go on."""


def standing(
    record: Record,
    policy: Policy,
    passed: Mapping[str, PassedOver],
    now: datetime,
    history: History,
) -> Standing:
    """Where an issue stands, by what the ledger knows and the last tick said."""
    if record.running is not None:
        return _at_work(record, record.running)
    if record.finished_at is not None:
        return Standing("finished", (f"it reached {record.issue.state}",))
    if record.block is not None:
        block = record.block
        cure = clear_by(block.reason, record.issue.identifier)
        why = f"{block.reason.value}: {block.detail}"
        return Standing("blocked", (why,), Why.BLOCK.value, cure)
    found = _idle(record, policy, passed, now, history)
    return replace(found, change=found.change.replace("ISSUE", record.issue.identifier))


def _at_work(record: Record, running: Running) -> Standing:
    stop = f"told to stop: {running.stop}" if running.stop else ""
    since = f"run {record.runs} since {running.since:%Y-%m-%d %H:%M:%S} UTC"
    return Standing("running", tuple(text for text in (since, stop, _limits(running)) if text))


def _idle(
    record: Record,
    policy: Policy,
    passed: Mapping[str, PassedOver],
    now: datetime,
    history: History,
) -> Standing:
    """Neither running nor blocked nor over: in line, or kept from it."""
    if record.released == GONE:
        return Standing(
            "released", ("gone: two complete reads did not have it",), "gone", "its coming back"
        )
    refused = refusal(record.issue, policy.rules)
    entry = passed.get(record.id)
    if refused is not None:
        told = entry is not None and entry.reason == refused.why
        detail = entry.why if entry is not None and told else refused.detail
        return _for(refused.why, detail, "released" if refused.leaves else "waiting")
    if record.retry is not None and not record.retry.wait.over(now):
        left = record.retry.wait.left(now)
        return _for(
            Why.BACKOFF, f"next attempt in {left:.0f} s, after: {record.retry.error}", "retrying"
        )
    in_line = "queued" if record.place is not None else "waiting"
    if history.pause is not None:
        return _for(Why.PAUSED, paused(history.pause), in_line)
    if entry is None or entry.reason in SEEN_HERE:
        return Standing(in_line, ("the next tick decides",), "", "the next tick")
    return _for(Why(entry.reason), entry.why, in_line)


def _for(why: Why, detail: str, kind: str) -> Standing:
    return Standing(kind, (f"{why.value}: {detail}",), why.value, WHAT_CHANGES[why])


def _limits(running: Running) -> str:
    if running.limits is None:
        return ""
    changed = " (changed meanwhile)" if running.granted else ""
    return f"it may use {running.limits.words()}{changed}"
