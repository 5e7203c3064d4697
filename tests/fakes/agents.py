"""A launcher whose runs are values: they live until a test ends, loses or stops them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from symphony_cli.core.reasons import Outcome
from symphony_cli.core.removal import RemovalVerdict, Tidying
from symphony_cli.core.run import (
    GitFacts,
    Identity,
    Order,
    PidFile,
    RunLimits,
    StopNote,
    ThreadRef,
    Verdict,
)
from symphony_cli.core.snapshot import RemovalSight, Sighting
from symphony_cli.core.usage import Usage
from symphony_cli.errors import RunLocked
from symphony_cli.ids import IssueId, Key, RunId
from tests.fakes.fuse import Fuse


@dataclass(slots=True)
class FakeRun:
    """One run: its folder's files, and whether its lock is held."""

    order: Order
    alive: bool = False
    verdict: Verdict | None = None
    pid: PidFile | None = None
    stop: StopNote | None = None
    finishing: bool = False
    granted: RunLimits | None = None
    spent: Usage = Usage()


@dataclass(slots=True)
class FakeRemoval:
    """One removal of a workspace: at work until it says what became of it, or dies."""

    order: Order
    alive: bool = True
    verdict: RemovalVerdict | None = None


class FakeClaim:
    """The lock of one issue, held by a tick."""

    def __init__(self, agents: FakeAgents, key: Key) -> None:
        self._agents, self._key = agents, key
        agents.claimed.add(key)

    def drop(self) -> None:
        self._agents.claimed.discard(self._key)


class FakeAgents:
    """`ports.Agents` that remembers everything it was asked for."""

    def __init__(self, fuse: Fuse) -> None:
        self.runs: dict[Key, list[FakeRun]] = {}
        self.claimed: set[Key] = set()
        self.signals: list[tuple[Key, str]] = []
        self.started: list[str] = []
        self.locked_elsewhere: set[Key] = set()
        self.removals: dict[Key, FakeRemoval] = {}
        self.tidied: datetime | None = None
        self.tidyings: list[Tidying] = []
        self._fuse = fuse

    def claim(self, issue: IssueId, key: Key) -> FakeClaim:
        alive = any(run.alive for run in self.runs.get(key, [])) or self._is_removing(key)
        if alive or key in self.claimed or key in self.locked_elsewhere:
            raise RunLocked(f"a run of {issue} is alive.")
        return FakeClaim(self, key)

    def start(self, claim: object, order: Order) -> int:
        self._fuse.spark("before the run folder is made")
        runs = self.runs.setdefault(order.key, [])
        run = FakeRun(order)
        runs.append(run)
        self._fuse.spark("after the order is written")
        assert not any(other.alive for other in runs), "two agents on one issue"
        assert not self._is_removing(order.key), "an agent in a workspace that is being removed"
        run.alive = True
        identity = Identity(4000 + len(self.started), 1, "boot")
        run.pid = PidFile(order.run, identity, "turn", order.ordered_at)
        self.started.append(order.issue.identifier)
        self._fuse.spark("after the run is alive")
        return len(runs)

    def finish(self, claim: object, key: Key, run: RunId) -> None:
        self._fuse.spark("before finish is started")
        found = self.find(key, run)
        found.alive = found.finishing = True
        self._fuse.spark("after finish is started")

    def sight(self, key: Key, run: RunId) -> Sighting:
        runs = self.runs.get(key, [])
        alive = any(r.alive for r in runs) or key in self.locked_elsewhere
        mine = [(n, r) for n, r in enumerate(runs, 1) if r.order.run == run]
        if not mine:
            return Sighting(alive=alive)
        number, found = mine[-1]
        stop_there = found.stop is not None
        return Sighting(
            alive,
            run,
            number,
            found.pid,
            found.verdict,
            stop_there=stop_there,
            granted=found.granted,
        )

    def grant(self, key: Key, run: RunId, limits: RunLimits) -> None:
        self._fuse.spark("before the grant")
        for found in self._there(key, run):
            found.granted = limits

    def stop(self, key: Key, run: RunId, note: StopNote) -> None:
        self._fuse.spark("before the stop file")
        for found in self._there(key, run):
            found.stop = found.stop or note
        self._fuse.spark("after the stop file")

    def signal(self, key: Key, run: RunId, name: str) -> bool:
        self._fuse.spark(f"before {name}")
        self.signals.append((key, name))
        if name == "KILL":
            self.find(key, run).alive = False
        self._fuse.spark(f"after {name}")
        return True

    def remove(self, claim: object, order: Order) -> None:
        self._fuse.spark("before the removal is started")
        assert not any(run.alive for run in self.runs.get(order.key, [])), "under a living run"
        self.removals[order.key] = FakeRemoval(order)
        self._fuse.spark("after the removal is started")

    def removal(self, key: Key, run: RunId) -> RemovalSight:
        found = self.removals.get(key)
        mine = found is not None and found.order.run == run
        alive = self._is_removing(key) or any(one.alive for one in self.runs.get(key, []))
        return RemovalSight(alive, found.verdict if found is not None and mine else None)

    def _is_removing(self, key: Key) -> bool:
        return key in self.removals and self.removals[key].alive

    def removing(self) -> list[Key]:
        """The issues whose workspaces are being removed."""
        return [key for key in self.removals if self._is_removing(key)]

    def let_removals_end(self) -> None:
        """Every removal succeeds."""
        for key in self.removing():
            self.remove_to_the_end(key)

    def remove_to_the_end(self, key: Key, **more: object) -> None:
        """The removal of a workspace comes to its end."""
        found = self.removals[key]
        verdict = RemovalVerdict(found.order.run, removed=True)
        found.verdict = replace(verdict, **more)  # type: ignore[arg-type]
        found.alive = False

    def tidied_at(self) -> datetime | None:
        return self.tidied

    def tidy(self, what: Tidying) -> None:
        self._fuse.spark("before tidying")
        self.tidied = what.at
        self.tidyings.append(what)
        self._fuse.spark("after tidying")

    def find(self, key: Key, run: RunId) -> FakeRun:
        return next(r for r in self.runs[key] if r.order.run == run)

    def _there(self, key: Key, run: RunId) -> list[FakeRun]:
        """The run, unless the tick that ordered it died before it had a folder, or it is over."""
        runs = self.runs.get(key, [])
        return [r for r in runs if r.order.run == run and r.verdict is None]

    def living(self) -> list[FakeRun]:
        return [run for runs in self.runs.values() for run in runs if run.alive]

    def beat(self, now: datetime, *, answered: bool = False) -> None:
        """All living runs give a sign of life."""
        for run in self.living():
            if run.pid is not None:
                run.pid = replace(run.pid, beat_at=now, answered=run.pid.answered or answered)

    def end(self, run: FakeRun, outcome: Outcome, now: datetime, **more: object) -> Verdict:
        """The run comes to its end and leaves a verdict."""
        order = run.order
        thread = order.thread or ThreadRef(f"thread-of-{order.key}")
        spent = Usage(100, 40, 10, 0, 110)
        verdict = Verdict(
            run=order.run,
            issue=order.issue.id,
            outcome=outcome,
            answered=outcome not in (Outcome.ENVIRONMENT, Outcome.NOT_ELIGIBLE),
            turns=1,
            thread=replace(thread, total=thread.total + spent),
            usage={thread.id: spent},
            totals={thread.id: thread.total + spent},
            workspace=f"/workspaces/{order.key}",
            branch=f"symphony/{order.key}",
            git=GitFacts(commits=1),
            started_at=order.ordered_at,
            ended_at=now,
        )
        run.verdict = replace(verdict, **more)  # type: ignore[arg-type]
        run.alive = False
        return run.verdict
