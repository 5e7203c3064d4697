"""Which thread an issue's next run goes on with.

An issue has one thread for its life. A state that `agent.fresh_thread_states` names (a review that
must not have seen the work being made) has a lane of its own: each stay of the issue in that state
begins a thread, and retries and continuations within the stay go on with it. When the issue is
elsewhere again, the thread of its life goes on where it was left: that context is paid for.
"""

from __future__ import annotations

from dataclasses import replace

from symphony_cli.core.issue import norm
from symphony_cli.core.policy import Policy
from symphony_cli.core.record import Aside, Record
from symphony_cli.core.run import ThreadRef


def lane(record: Record, policy: Policy) -> str:
    """The state (normal form) whose own thread a run would have now; empty for that of its life."""
    name = norm(record.issue.state)
    return name if name in policy.fresh_thread_states else ""


def thread_for(record: Record, policy: Policy) -> ThreadRef | None:
    """The thread to resume; None when the next run begins one."""
    name, aside = lane(record, policy), record.aside
    if not name:
        return record.thread
    same_stay = aside is not None and (aside.state, aside.since) == (name, record.state_since)
    return aside.thread if aside is not None and same_stay else None


def kept(record: Record, thread: ThreadRef | None, *, useless: bool) -> Record:
    """The record with what becomes of the thread of the run that ended: `thread` as its verdict
    tells it, None when the run had none. A useless one is dropped."""
    running = record.running
    if running is None or not running.lane:
        return replace(record, thread=None if useless else thread or record.thread)
    since = running.stay or running.since
    if useless:
        return replace(record, aside=None)
    if thread is None:
        return record
    return replace(record, aside=Aside(running.lane, since, thread))
