"""Who is next in line, and how much room there is.

First in, first out by place in the ledger. An entry that does not fit is passed over and holds
nobody up; waiting is not failing. Whether one may start is for `core.gate` to say.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from symphony_cli.core import holds
from symphony_cli.core.history import History
from symphony_cli.core.issue import Issue, norm
from symphony_cli.core.policy import Policy
from symphony_cli.core.reasons import Outcome
from symphony_cli.core.record import Record


def newcomers(issues: Iterable[Issue]) -> list[Issue]:
    """The order among issues first seen in one poll: priority, then age, then identifier."""

    def rank(issue: Issue) -> tuple[int, str, str]:
        urgent = issue.priority if issue.priority in (1, 2, 3, 4) else 5
        created = issue.created_at.isoformat() if issue.created_at else "9999"
        return (urgent, created, issue.identifier)

    return sorted(issues, key=rank)


def in_line(history: History, policy: Policy, first: Iterable[str] = ()) -> list[Record]:
    """Enrolled issues that do not run, in the order in which they are served.

    `first` are those that the last tick had no time for. A continuation comes before newcomers: it
    keeps the slot that it had. While the machine or the provider is thought unfit, those go first
    whose own runs failed least: the probe must not be the same issue for ever.
    """
    hurried = set(first)
    waiting = [r for r in history.records.values() if r.place is not None and not r.running]
    probing = {name for name, hold in history.holds.items() if holds.in_force(name, hold)}

    def turn(record: Record) -> tuple[bool, int, bool, int, int]:
        unfit = record.environment_in_row if holds.ENVIRONMENT in probing else 0
        unfit += record.provider_in_row if holds.PROVIDER in probing else 0
        urgent = record.issue.priority or 5 if policy.queue_order == "priority" else 0
        return (record.id not in hurried, unfit, not goes_on(record), urgent, record.place or 0)

    return sorted(waiting, key=turn)


def goes_on(record: Record) -> bool:
    """The last run of this stay in the queue ended only to be continued."""
    last = record.last
    if last is None or last.outcome is not Outcome.ROLLED_OVER:
        return False
    return record.enrolled_at is None or record.enrolled_at <= last.at


@dataclass(frozen=True, slots=True)
class Room:
    """What is taken: slots, and slots by state (normal form)."""

    running: int
    by_state: dict[str, int]

    def with_one_in(self, state: str) -> Room:
        """The room after one more was started."""
        name = norm(state)
        return Room(self.running + 1, {**self.by_state, name: self.by_state.get(name, 0) + 1})


def taken(history: History) -> Room:
    """Room as the ledger has it: an issue counts by the state it is in now."""
    room = Room(0, {})
    for record in history.records.values():
        if record.running is not None:
            room = room.with_one_in(record.issue.state)
    return room
