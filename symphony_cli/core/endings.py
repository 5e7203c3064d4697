"""What may end a block of each reason: one table for the plan, for texts and for docs/blocks.md."""

from __future__ import annotations

from symphony_cli.core.reasons import BlockReason, Cause

_ALWAYS = frozenset({Cause.UNBLOCK, Cause.LABEL})
_LIMIT = _ALWAYS | {Cause.LIMIT}
_ANSWER = _ALWAYS | {Cause.COMMENT}

ENDED_BY: dict[BlockReason, frozenset[Cause]] = {
    BlockReason.BUDGET: _LIMIT,
    BlockReason.ATTEMPTS: _LIMIT,
    BlockReason.REWORK: _LIMIT,
    BlockReason.INPUT: _ANSWER,
    BlockReason.APPROVAL: _ANSWER,
    BlockReason.ELICITATION: _ANSWER,
    BlockReason.AGENT: _ANSWER,
    BlockReason.MERGED: _ALWAYS,
    BlockReason.INVALID: _ALWAYS,
    BlockReason.OPERATOR: frozenset({Cause.UNBLOCK}),
}
"""What may end a block of each reason."""
