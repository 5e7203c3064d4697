"""What a person does about a block or a reason to wait, in words."""

from __future__ import annotations

from symphony_cli.core.endings import ENDED_BY
from symphony_cli.core.policy import label_of
from symphony_cli.core.reasons import BlockReason, Cause

_LIMITS = {
    BlockReason.BUDGET: "agent.max_tokens_per_issue",
    BlockReason.ATTEMPTS: "agent.max_dispatch_attempts",
    BlockReason.REWORK: "agent.max_rework_cycles",
}

_HELPINGS = {
    BlockReason.BUDGET: "gives it one more budget",
    BlockReason.ATTEMPTS: "gives it one more round of attempts",
    BlockReason.REWORK: "allows this rework cycle",
    BlockReason.MERGED: "lets it go on with work that is merged already",
    BlockReason.INVALID: "lets it try again (shorten the issue first)",
}


def clear_by(reason: BlockReason, name: str) -> str:
    """What a person does to end a block: docs/blocks.md in a sentence."""
    if reason is BlockReason.OPERATOR:
        return f"`symphony retry {name}` lets it go on"
    causes, others = ENDED_BY[reason], []
    if Cause.COMMENT in causes:
        others.append("a comment on the issue")
    if Cause.LIMIT in causes:
        others.append(f"a higher `{_LIMITS[reason]}`")
    others.append(f"taking the label {label_of(reason)} off")
    helping = f"`symphony unblock {name}` {_HELPINGS.get(reason, 'lets it go on')}"
    return f"{helping}; so does {' or '.join(others)}"
