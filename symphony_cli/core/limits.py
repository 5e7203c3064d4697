"""What an issue may use up, and whether it is spent."""

from __future__ import annotations

from symphony_cli.core.policy import Policy
from symphony_cli.core.reasons import BlockReason
from symphony_cli.core.record import Record
from symphony_cli.core.run import RunLimits


def tokens_left(record: Record, policy: Policy) -> int | None:
    """Spend that is left of the issue's budget, never negative; None without a budget."""
    if policy.max_tokens_per_issue is None:
        return None
    weight = policy.cached_token_weight
    spent = record.usage.spend(weight) - record.granted_at.spend(weight)
    return max(0, policy.max_tokens_per_issue - spent)


def run_limits(record: Record, policy: Policy) -> RunLimits:
    """What a run of this issue may use up, the one that goes on now or the next: what was spent
    before it began is subtracted already."""
    return RunLimits(policy.max_turns, tokens_left(record, policy), policy.cached_token_weight)


def spent(record: Record, policy: Policy) -> tuple[BlockReason, str] | None:
    """What ran out, with the figures that say so; None while nothing did."""
    left = tokens_left(record, policy)
    if left == 0:
        used = record.usage.spend(policy.cached_token_weight)
        limit = policy.max_tokens_per_issue
        return (
            BlockReason.BUDGET,
            f"it has spent {used:,} tokens; `agent.max_tokens_per_issue` is {limit:,}",
        )
    cap = policy.max_dispatch_attempts
    if cap is not None and record.attempts_since_progress >= cap:
        return (
            BlockReason.ATTEMPTS,
            f"{record.attempts_since_progress} runs in a row made no progress; "
            f"`agent.max_dispatch_attempts` is {cap}",
        )
    return None
