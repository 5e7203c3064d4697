"""Removing workspaces now, with the hands of a tick, and hearing what became of them.

The lock of `state/` is held for moments only: ticks go on meanwhile, and may take in what we began.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime

from symphony_cli.core import events as e
from symphony_cli.core.decisions import Remove, SettleRemoval
from symphony_cli.core.record import Record
from symphony_cli.core.retention import MOST_AT_ONCE, due, settle
from symphony_cli.errors import IssueTrouble
from symphony_cli.ids import IssueId, Key, RunId
from symphony_cli.observe import removals
from symphony_cli.perform import describe, perform
from symphony_cli.ports import Agents, World

PAUSE = 0.25
"""Seconds between two looks at removals that go on."""

LOOKS = 2640
"""So many looks without any news, then nobody waits any longer: eleven minutes, since a removal
ends itself after ten."""


@dataclass(frozen=True, slots=True)
class Hands:
    """What a story needs that changes things and waits."""

    hold: Callable[[], AbstractContextManager[World]]
    """The world under the lock of `state/`, for a moment."""
    tell: Callable[[str], None]
    """Tells a person how it goes."""
    sleep: Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Going:
    """A removal that goes on."""

    key: Key
    run: RunId
    name: str


@dataclass(slots=True)
class Removals:
    """What was begun so far, and what became of it."""

    hands: Hands
    due: Collection[IssueId]
    """Only these are begun: a person has seen them in a list."""
    going: dict[IssueId, Going] = field(default_factory=dict)
    tried: set[IssueId] = field(default_factory=set)
    stays: dict[IssueId, str] = field(default_factory=dict)
    """Why a workspace is still there."""
    gone: dict[IssueId, str] = field(default_factory=dict)
    """What to know of one that is gone."""
    names: dict[IssueId, str] = field(default_factory=dict)
    fault: str = ""
    """Why nothing was touched: WORKFLOW.md cannot be used."""

    def run(self) -> None:
        """Remove what is due, at most `MOST_AT_ONCE` at a time, each at most once; what another
        process is removing is waited for as well."""
        while True:
            with self.hands.hold() as world:
                if world.policy_error and not self.tried:
                    self.fault = world.policy_error
                    return
                self._take_in(world)
                if not world.policy_error:
                    self._begin(world)
                agents = world.agents
            if not self.going or not self._wait(agents):
                break
        for issue, going in self.going.items():
            self.stays[issue] = "its removal goes on; a tick takes in what becomes of it"
            self.hands.tell(f"{going.name}: {self.stays[issue]}")

    def _take_in(self, world: World) -> None:
        """Settle what has ended, as a tick does; a tick may have done it."""
        history, now = world.ledger.history(), world.clock()
        for decision in settle(history, removals(world, history), now):
            perform(decision, world, now)
            self._note(world, decision)
        for issue, going in tuple(self.going.items()):
            record = history.find(issue)
            if record is None or record.removal is None or record.removal.run != going.run:
                del self.going[issue]
                if record is not None and issue not in self.stays | self.gone:
                    self._note_by_record(record)
        for record in history.records.values():
            if record.removal is not None and record.id not in self.going:
                self._await(record, record.removal.run)

    def _note(self, world: World, decision: SettleRemoval) -> None:
        became, going = decision.became, self.going.get(decision.issue)
        if going is None:
            return  # of a removal that ended before we came; it is tried again
        if isinstance(became, e.Kept):
            self.stays[decision.issue] = became.why
        else:
            kept = f"what only it had is kept as {became.rescue}" if became.rescue else ""
            self.gone[decision.issue] = "; ".join(filter(None, (kept, became.note)))
        self.hands.tell(f"{going.name}: {describe(decision)}")

    def _note_by_record(self, record: Record) -> None:
        if record.has_workspace:
            stay = record.stay.why if record.stay is not None else "it is worked again"
            self.stays[record.id] = stay
        else:
            self.gone[record.id] = ""
        word = "stays" if record.has_workspace else "is removed"
        self.hands.tell(f"{record.issue.identifier}: its workspace {word}")

    def _await(self, record: Record, run: RunId) -> None:
        name = record.issue.identifier
        self.going[record.id] = Going(record.key, run, name)
        self.tried.add(record.id)
        self.names[record.id] = name
        self.hands.tell(f"{name}: removing {record.workspace}")

    def _begin(self, world: World) -> None:
        """A wait after a workspace had to stay is not kept: a person asks now."""
        history, now = world.ledger.history(), world.clock()
        for issue, why in due(history, world.policy).items():
            if len(self.going) >= MOST_AT_ONCE:
                return
            if issue in self.due and issue not in self.tried:
                self.tried.add(issue)
                self.names[issue] = history.records[issue].issue.identifier
                self._begin_one(world, Remove(issue, why), now)

    def _begin_one(self, world: World, decision: Remove, now: datetime) -> None:
        try:
            done = perform(decision, world, now)
        except IssueTrouble as error:
            self.stays[decision.issue] = str(error)
            return
        record = world.ledger.history().records[decision.issue]
        if done.passed is not None:
            self.stays[decision.issue] = done.passed.detail
        elif record.removal is not None:
            self._await(record, record.removal.run)

    def _wait(self, agents: Agents) -> bool:
        """Until one of them has ended; False when they take too long."""
        for _ in range(LOOKS):
            sights = [agents.removal(going.key, going.run) for going in self.going.values()]
            if any(seen.verdict is not None or not seen.alive for seen in sights):
                return True
            self.hands.sleep(PAUSE)
        return False
