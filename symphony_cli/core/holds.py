"""What holds back all dispatch, because it is the matter of no issue: the machine, the provider.

    environment   failures before the model's first answer: clone, hook, launch, login, settings;
                  and a sandbox that does not work, which shows only after it
    provider      the model's provider cannot be reached or is overloaded
    usage_limit   it has told that what the account may use is used up

The first two hold from the third failure in a row on, for the steps of a backoff; the third at
once, until the reset that the provider named. When the wait is over one probe goes; its first
answer releases everybody (`core.queue`). A run that was started before the last failure is no
probe: its failing is the same trouble once more, and its answers are older than the trouble.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from symphony_cli.core.backoff import backoff
from symphony_cli.core.events import Ended
from symphony_cli.core.policy import Policy
from symphony_cli.core.reasons import Outcome
from symphony_cli.core.record import Hold
from symphony_cli.core.run import Verdict
from symphony_cli.core.times import Wait

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


def count(name: str, hold: Hold | None, verdict: Verdict, since: datetime) -> int:
    """Failures in a row with this one, of a run that was dispatched at `since`."""
    if hold is None:
        return 1
    fresh = since >= hold.wait.since
    if fresh and name != ENVIRONMENT and proves(hold, verdict.answered, verdict.turns):
        return 1
    return hold.count if in_force(name, hold) and not fresh else hold.count + 1


def seconds(
    verdict: Verdict, holds: Mapping[str, Hold], since: datetime, policy: Policy, now: datetime
) -> float:
    """How long everybody waits because of this end of a run that was dispatched at `since`."""
    name = kind_of(verdict)
    if name is None:
        return 0.0
    number = count(name, holds.get(name), verdict, since)
    if name == USAGE_LIMIT:
        return _until_reset(verdict.hold_until, number, policy, now)
    return backoff(number - HOLD_FROM + 1, policy.backoff_base, policy.backoff_cap, name)


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
    number = count(name, old, verdict, since)
    if old is not None and in_force(name, old) and since < old.wait.since:
        dated = name == USAGE_LIMIT and verdict.hold_until is not None
        wait = max(old.wait, wait, key=lambda one: one.due) if dated else old.wait
    return Hold(
        count=number,
        wait=wait,
        error=verdict.detail or verdict.reason,
        since=old.since if old is not None and number > 1 else event.at,
        reason=verdict.reason,
    )
