"""What holds back all dispatch, because it is the matter of no issue: the machine, the provider.

    environment   failures before the model's first answer: clone, hook, launch, login, settings;
                  and a sandbox that does not work, which shows only after it
    provider      the model's provider cannot be reached or is overloaded
    usage_limit   it has told that what the account may use is used up

The first two hold from the third failure in a row on, for the steps of a backoff; the third at
once, until the reset that the provider named. When the wait is over one probe goes; its first
answer releases everybody (`core.queue`). A run that was started before the last failure is no
probe: its failing is the same trouble once more, and its answers are older than the trouble. An
issue that fails again and again while the agents of others work is in trouble alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from symphony_cli.core.backoff import backoff
from symphony_cli.core.events import Ended
from symphony_cli.core.policy import Policy
from symphony_cli.core.reasons import Outcome
from symphony_cli.core.record import Hold, Record
from symphony_cli.core.run import Verdict
from symphony_cli.core.snapshot import Sighting
from symphony_cli.core.times import Wait
from symphony_cli.ids import IssueId

ENVIRONMENT, PROVIDER, USAGE_LIMIT = "environment", "provider", "usage_limit"

SANDBOX = "sandbox"
"""The reason of a run whose commands could not be confined: its model has answered, and still the
machine is unfit. Only a turn that was completed shows that it is mended."""

HOLD_FROM = 3
"""So many failures in a row hold all dispatch; a usage limit does at once."""

RESET_MARGIN = 5.0
"""Seconds after the provider's reset: its clock and ours differ."""

HOLD_WHEN_PAST, LONGEST_HOLD = 60.0, 7 * 86400.0
"""Seconds: a reset that seems past still holds, and dates may be wrong."""


def kind_of(verdict: Verdict) -> str | None:
    """The row of failures that this end of a run belongs to; None: to none."""
    if verdict.outcome is Outcome.PROVIDER:
        return USAGE_LIMIT if verdict.reason == USAGE_LIMIT else PROVIDER
    unfit = not verdict.answered or verdict.reason == SANDBOX
    return ENVIRONMENT if verdict.outcome is Outcome.ENVIRONMENT and unfit else None


def in_force(name: str, hold: Hold) -> bool:
    """Whether it holds anybody yet."""
    return name == USAGE_LIMIT or hold.count >= HOLD_FROM


def proves(hold: Hold, answered: bool, turns: int) -> bool:
    """Whether a run that was started after the last failure shows that the trouble is over."""
    return turns > 0 if hold.reason == SANDBOX else answered


def is_fit(hold: Hold, seen: Sighting | None) -> bool:
    """Whether a run that goes on has got further than what failed."""
    pid = seen.pid if seen is not None and seen.alive else None
    return pid is not None and proves(hold, pid.answered, pid.turns - 1)


class Beside(NamedTuple):
    """What the runs of other issues show at the moment at which one fails."""

    proved: bool = False
    """One that was started after the last failure has got further than what failed."""
    answering: bool = False
    """One has, whenever it was started."""


NOBODY = Beside()


def beside(
    issue: IssueId, records: Iterable[Record], runs: Mapping[IssueId, Sighting], hold: Hold
) -> Beside:
    """What the runs of all other issues show about the trouble that a hold stands for."""
    others = [(r, r.running) for r in records if r.running is not None and r.id != issue]
    fit = [running for record, running in others if is_fit(hold, runs.get(record.id))]
    return Beside(any(one.since >= hold.wait.since for one in fit), bool(fit))


class Row(NamedTuple):
    """The how manieth failure in a row one is, and whether everybody waits anew because of it."""

    number: int
    renews: bool = True


def count(
    name: str,
    hold: Hold | None,
    verdict: Verdict,
    since: datetime,
    others: Beside = NOBODY,
) -> Row:
    """Failures in a row with this one, of a run that was dispatched at `since`.

    An issue that fails again and again while the agents of others work is in trouble alone: it
    counts once.
    """
    if hold is None or others.proved:
        return Row(1)
    fresh = since >= hold.wait.since
    if fresh and name != ENVIRONMENT and proves(hold, verdict.answered, verdict.turns):
        return Row(1)
    if verdict.issue in hold.issues and others.answering:
        return Row(hold.count, renews=False)
    if in_force(name, hold) and not fresh:
        return Row(hold.count, renews=name == USAGE_LIMIT and verdict.hold_until is not None)
    return Row(hold.count + 1)


def weigh(
    verdict: Verdict,
    holds: Mapping[str, Hold],
    since: datetime,
    others: Callable[[Hold], Beside],
    policy: Policy,
    now: datetime,
) -> tuple[float, int]:
    """How many seconds everybody waits because of this end of a run that was dispatched at `since`,
    and the how manieth failure in a row it is; nothing twice when it is none."""
    name = kind_of(verdict)
    if name is None:
        return 0.0, 0
    hold = holds.get(name)
    row = count(name, hold, verdict, since, NOBODY if hold is None else others(hold))
    if not row.renews:
        return 0.0, row.number
    if name == USAGE_LIMIT:
        return _until_reset(verdict.hold_until, row.number, policy, now), row.number
    steps = row.number - HOLD_FROM + 1
    return backoff(steps, policy.backoff_base, policy.backoff_cap, name), row.number


def _until_reset(reset: datetime | None, number: int, policy: Policy, now: datetime) -> float:
    left = (reset - now).total_seconds() if reset is not None else 0.0
    if left > 0:
        return min(LONGEST_HOLD, left + RESET_MARGIN)
    if reset is not None and number == 1:
        return HOLD_WHEN_PAST
    return min(policy.provider_hold_cap, policy.provider_hold * float(2 ** min(number - 1, 10)))


def after(holds: Mapping[str, Hold], event: Ended, since: datetime) -> dict[str, Hold]:
    """The holds once a run that was dispatched at `since` has ended."""
    verdict, mine = event.verdict, kind_of(event.verdict)
    kept = {
        name: hold
        for name, hold in holds.items()
        if name == mine
        or not proves(hold, verdict.answered, verdict.turns)
        or (in_force(name, hold) and since < hold.wait.since)
    }
    if mine is not None:
        kept[mine] = _more(mine, holds.get(mine), event, since)
    return kept


def _more(name: str, old: Hold | None, event: Ended, since: datetime) -> Hold:
    verdict, wait = event.verdict, Wait(event.at, event.hold)
    # Ledgers from before rows were written down leave the counting to us.
    row = Row(event.row, event.hold > 0) if event.row else count(name, old, verdict, since)
    if old is None or row.number < old.count:
        old = None  # a new row
    elif not row.renews:
        wait = old.wait
    elif row.number == old.count:
        wait = max(old.wait, wait, key=lambda one: one.due)
    return Hold(
        count=row.number,
        wait=wait,
        error=verdict.detail or verdict.reason,
        since=old.since if old is not None else event.at,
        reason=verdict.reason,
        issues=tuple(dict.fromkeys((*(old.issues if old is not None else ()), event.issue))),
    )
