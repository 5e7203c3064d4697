"""What an issue may use up, whether it is spent, and what a helping of it is.

Three things run out: tokens (`agent.max_tokens_per_issue`), runs without progress
(`agent.max_dispatch_attempts`) and rework cycles (`agent.max_rework_cycles`). Of each a limit of
WORKFLOW.md and what people gave on top of it make the allowance.
"""

from __future__ import annotations

from symphony_cli.core.helping import NOTHING, Helping
from symphony_cli.core.policy import Policy
from symphony_cli.core.reasons import BlockReason
from symphony_cli.core.record import Record
from symphony_cli.core.run import ReworkCap, RunLimits


def budget(record: Record, policy: Policy) -> int | None:
    """All that the issue may spend in its life, what people gave included; None without a limit."""
    if policy.max_tokens_per_issue is None:
        return None
    before = record.granted_at.spend(policy.cached_token_weight)
    return before + policy.max_tokens_per_issue + record.extra_tokens


def tokens_left(record: Record, policy: Policy) -> int | None:
    """Spend that is left of the issue's budget, never negative; None without a budget."""
    whole = budget(record, policy)
    if whole is None:
        return None
    return max(0, whole - record.usage.spend(policy.cached_token_weight))


def run_limits(record: Record, policy: Policy) -> RunLimits:
    """What a run of this issue may use up, the one that goes on now or the next: what was spent
    before it began is subtracted already."""
    return RunLimits(policy.max_turns, tokens_left(record, policy), policy.cached_token_weight)


def rework_cycles(record: Record, policy: Policy) -> int:
    """How often the issue was seen to enter a rework state."""
    return sum(record.entries.get(state, 0) for state in policy.rework_states)


def rework_cap(record: Record, policy: Policy) -> ReworkCap | None:
    """What a run checks with the tracker's own history, which knows more than polls saw."""
    cap = policy.max_rework_cycles
    return None if cap is None else ReworkCap(policy.rework_states, cap + record.extra_rework)


def spent(record: Record, policy: Policy) -> tuple[BlockReason, str] | None:
    """What ran out, with the figures that say so; None while nothing did."""
    return _budget(record, policy) or _attempts(record, policy) or rework_breach(record, policy)


def is_spent(reason: BlockReason, record: Record, policy: Policy) -> bool:
    """Whether what such a block is about is still used up."""
    ran_out = {
        BlockReason.BUDGET: _budget,
        BlockReason.ATTEMPTS: _attempts,
        BlockReason.REWORK: rework_breach,
    }
    return reason not in ran_out or ran_out[reason](record, policy) is not None


def _budget(record: Record, policy: Policy) -> tuple[BlockReason, str] | None:
    if tokens_left(record, policy) != 0:
        return None
    used, given = record.usage.spend(policy.cached_token_weight), budget(record, policy) or 0
    limit = policy.max_tokens_per_issue or 0
    more = "" if given == limit else f", with what people gave {given:,}"
    return (
        BlockReason.BUDGET,
        f"it has spent {used:,} tokens; `agent.max_tokens_per_issue` is {limit:,}{more}",
    )


def _attempts(record: Record, policy: Policy) -> tuple[BlockReason, str] | None:
    cap, runs = policy.max_dispatch_attempts, record.attempts_since_progress
    if cap is None or runs < cap + record.extra_attempts:
        return None
    return (
        BlockReason.ATTEMPTS,
        f"{runs} {'run' if runs == 1 else 'runs in a row'} made no progress; "
        f"`agent.max_dispatch_attempts` is {cap}{_given(record.extra_attempts)}",
    )


def rework_breach(record: Record, policy: Policy) -> tuple[BlockReason, str] | None:
    """The issue came back to rework more often than it may."""
    cap, cycles = policy.max_rework_cycles, rework_cycles(record, policy)
    if cap is None or cycles <= cap + record.extra_rework:
        return None
    times = "once" if cycles == 1 else f"{cycles} times"
    return (
        BlockReason.REWORK,
        f"it came to rework {times}; `agent.max_rework_cycles` is {cap}"
        f"{_given(record.extra_rework)}",
    )


def _given(extra: int) -> str:
    return "" if extra == 0 else f", with {extra:+,} given by people"


def helping(
    record: Record, policy: Policy, *, tokens: int | None = None, attempts: int | None = None
) -> Helping:
    """What lets a blocked issue go on: as many tokens or attempts as were asked for, and of what
    its block is about one more helping (a budget, a round of attempts, a rework cycle, its tip)."""
    given = _asked_for(record, policy, tokens, attempts)
    reason = record.block.reason if record.block is not None else None
    if reason is BlockReason.BUDGET and given.tokens is None:
        return Helping(tokens=0, attempts=given.attempts)
    if reason is BlockReason.REWORK:
        cycles = rework_cycles(record, policy) - (policy.max_rework_cycles or 0)
        rework = max(cycles, record.extra_rework)
        return Helping(tokens=given.tokens, attempts=given.attempts, rework=rework)
    if reason is BlockReason.MERGED:
        tip = record.tip or record.issue.pr or ""
        return Helping(tokens=given.tokens, attempts=given.attempts, tip=tip)
    return given


def _asked_for(record: Record, policy: Policy, tokens: int | None, attempts: int | None) -> Helping:
    """A number asked for is what is left from now on, or added to what is left."""
    given = NOTHING
    if tokens is not None and policy.max_tokens_per_issue is not None:
        left = tokens_left(record, policy) or 0
        given = Helping(tokens=left + tokens - policy.max_tokens_per_issue)
    if attempts is not None and policy.max_dispatch_attempts is not None:
        given = Helping(given.tokens, attempts - policy.max_dispatch_attempts)
    return given


def warning_due(record: Record, policy: Policy, running: int) -> int | None:
    """The budget of which so much is used that people are to be told, and were not yet; `running`
    is what a living run has spent by now, above what the record knows."""
    whole = budget(record, policy)
    if whole is None or record.warned >= whole:
        return None
    used = record.usage.spend(policy.cached_token_weight) + running
    return whole if whole * policy.budget_warning <= used < whole else None
