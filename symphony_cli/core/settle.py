"""Which runs are over, and what that means for the next one.

The kernel lock is the only truth about life: `Sighting.alive` is never second-guessed. A run that
is not alive is over; its verdict says how, and where there is none its last act is started again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial

from symphony_cli.core import events as e
from symphony_cli.core import holds
from symphony_cli.core.backoff import backoff
from symphony_cli.core.decisions import Recover, Settle, Signal
from symphony_cli.core.history import History
from symphony_cli.core.issue import norm
from symphony_cli.core.policy import Policy
from symphony_cli.core.reasons import FAULT_OF_ISSUE, FRUITLESS, NEVER_SWEPT, Outcome
from symphony_cli.core.record import Record, Running
from symphony_cli.core.refresh import SETTLES
from symphony_cli.core.run import BEAT_EVERY, SILENT_AFTER, GitFacts, Verdict
from symphony_cli.core.snapshot import Sighting
from symphony_cli.core.times import age
from symphony_cli.ids import IssueId

NO_RUNS: Mapping[IssueId, Sighting] = {}

MOST_RECOVERIES = 5
"""How often finish may die on one run before the run is settled as lost without it."""

MOVED = (Outcome.ROLLED_OVER, "prompt")
"""How a run ends whose issue has come to a state with a part of its own."""

LONGEST_FRUITLESS = 3600.0
"""Seconds at most between runs of an issue that can never be read, or is never eligible."""

QUIET_AFTER = 3 * BEAT_EVERY
"""Seconds without a sign of life that the tick before must have seen."""


def settle(
    record: Record,
    running: Running,
    seen: Sighting,
    history: History,
    policy: Policy,
    now: datetime,
    looked_at: datetime | None = None,
    runs: Mapping[IssueId, Sighting] = NO_RUNS,
) -> Settle | Recover | Signal | None:
    """What to do about a run that the ledger thinks is running; None: let it work.

    `looked_at` is when the tick before this one looked; `runs` are all that go on.
    """
    if seen.alive:
        return _silent(record, running, seen, now, looked_at)
    if seen.run is None and seen.trouble:
        # An order that cannot be read is no proof that nothing was started: people must look.
        return None
    if seen.run != running.run:
        never = Verdict(
            running.run,
            record.id,
            Outcome.INTERRUPTED,
            "never_started",
            "the tick that ordered this run ended before it could start it",
        )
        return Settle(record.id, ended(record, running, never, history, policy, now, runs))
    if seen.verdict is not None:
        return Settle(record.id, ended(record, running, seen.verdict, history, policy, now, runs))
    if running.recoveries < MOST_RECOVERIES:
        return Recover(record.id, running.run)
    lost = replace(
        seen.remains or Verdict(running.run, record.id, Outcome.LOST),
        outcome=Outcome.LOST,
        reason=NEVER_SWEPT,
        detail=f"its last act died {running.recoveries} times, so what the run left behind may"
        " still be at work: see agent.log in its run folder, end what is there, then unblock",
    )
    return Settle(record.id, ended(record, running, lost, history, policy, now, runs))


def _silent(
    record: Record,
    running: Running,
    seen: Sighting,
    now: datetime,
    looked_at: datetime | None,
) -> Signal | None:
    """Signals for a living run whose heart has stopped: TERM, then KILL, then nothing more.

    The tick before must have seen it quiet as well: after a suspend, or when a clock was put
    forward, every heart looks stopped until its next beat.
    """
    mine = seen.pid is not None and seen.pid.run == running.run
    beat = seen.pid.beat_at if seen.pid is not None and mine else running.since
    beat = max(beat, running.recovered_at or beat)
    if age(now, beat) < SILENT_AFTER or running.signalled == "KILL":
        return None
    if looked_at is not None and age(looked_at, beat) < QUIET_AFTER:
        return None
    name = "KILL" if running.signalled == "TERM" else "TERM"
    return Signal(record.id, running.run, name)


def ended(
    record: Record,
    running: Running,
    verdict: Verdict,
    history: History,
    policy: Policy,
    now: datetime,
    runs: Mapping[IssueId, Sighting] = NO_RUNS,
) -> e.Ended:
    """The fact that a verdict becomes: was there progress, and how long must the next one wait."""
    progress = made_progress(record, running, verdict)
    others = partial(holds.beside, verdict.issue, history.records.values(), runs)
    hold, row = holds.weigh(verdict, history.holds, running.since, others, policy, now)
    return e.Ended(
        at=now,
        issue=record.id,
        run=running.run,
        verdict=verdict,
        progress=progress,
        wait=_wait(record, verdict, progress, policy),
        hold=hold,
        row=row,
    )


def made_progress(record: Record, running: Running, verdict: Verdict) -> bool:
    """A new commit on the branch, a changed work tree, or another state in the tracker.

    A run that ended because its agent had moved the issue has seen the new state; the tick, which
    may read from a replica that lags, may see it later.
    """
    if verdict.outcome is Outcome.HANDED_OVER or (verdict.outcome, verdict.reason) == MOVED:
        return True
    if norm(record.issue.state) != norm(running.state):
        return True
    git = verdict.git
    if git is None:
        return False
    before = record.last.git if record.last is not None and record.last.git else GitFacts()
    return git.commits > 0 or bool(git.dirty_files and git.tree != before.tree)


def _wait(record: Record, verdict: Verdict, progress: bool, policy: Policy) -> float:
    """Seconds before this issue's next attempt."""
    base, cap = policy.backoff_base, policy.backoff_cap
    if verdict.outcome in FAULT_OF_ISSUE:
        failures = 1 if progress else record.failures_in_row + 1
        return backoff(failures, base, cap, record.id)
    if verdict.outcome is Outcome.ENVIRONMENT:
        return backoff(record.environment_in_row + 1, base, cap, record.id)
    if holds.kind_of(verdict) == holds.PROVIDER:
        # A stream that is cut at the same answer each time is trouble of this issue alone.
        return backoff(1 if progress else record.provider_in_row + 1, base, cap, record.id)
    if verdict.outcome in FRUITLESS:
        # Tick and run do not see the same; asking again at once would only start more runs.
        wait = backoff(record.fruitless + 1, policy.interval, LONGEST_FRUITLESS, record.id)
        return max(policy.interval, wait)
    if verdict.outcome in (Outcome.HANDED_OVER, Outcome.STOPPED):
        # A replica of the tracker may still show the issue as it was before its agent moved it.
        return SETTLES + 1
    return 0.0
