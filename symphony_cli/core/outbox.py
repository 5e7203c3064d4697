"""What we owe the tracker because of a block or a budget, and what becomes of it when a block ends.

Nothing but these comments and labels is ever written there on our own account.
"""

from __future__ import annotations

from datetime import datetime

from symphony_cli.core import events as e
from symphony_cli.core.cures import clear_by
from symphony_cli.core.history import History
from symphony_cli.core.policy import label_of
from symphony_cli.core.reasons import BlockReason
from symphony_cli.core.record import Block, Record
from symphony_cli.ids import write_id


def tell(
    history: History, record: Record, reason: BlockReason, detail: str, now: datetime
) -> tuple[e.Owed, ...]:
    """The label and the one comment that a block owes; of the same merged work people hear once.

    Their ids are the block's, so that a plan that is made again owes the same and not more.
    """
    name = record.issue.identifier
    text = (
        f"Symphony has stopped working on this issue and waits for a person ({reason}).\n\n"
        f"{detail}\n\n"
        f"{clear_by(reason, name)}."
    )
    number = record.blocks
    label = e.Owed(
        now, record.id, _write("label", history, record, number), "add_label", label_of(reason)
    )
    if reason is BlockReason.MERGED and detail == record.merged_told:
        return (label,)
    return (label, e.Owed(now, record.id, comment_id(history, record, number), "comment", text))


def _write(kind: str, history: History, record: Record, number: int) -> str:
    return write_id(kind, history.id, record.id, str(number))


def comment_id(history: History, record: Record, number: int) -> str:
    """The id of the comment on an issue's block of that number, from 0."""
    return _write("comment", history, record, number)


def warn(
    history: History, record: Record, used: int, allowance: int, now: datetime
) -> tuple[e.Owed, ...]:
    """The one comment that a budget nearly used up owes."""
    name = record.issue.identifier
    text = (
        f"Symphony: this issue has used {used:,} of its {allowance:,} tokens. "
        f"When all are used its agent is stopped.\n\n"
        f"To give it more: `symphony unblock {name} --grant-tokens N`, or raise "
        "`agent.max_tokens_per_issue` in WORKFLOW.md."
    )
    about = write_id("warning", history.id, record.id, str(allowance), str(record.granted_at.total))
    return (e.Owed(now, record.id, about, "comment", text),)


def take_back(
    history: History, record: Record, block: Block, now: datetime, *, label_is_off: bool = False
) -> tuple[e.Cancelled | e.Owed, ...]:
    """What ends with a block: writes that were not tried yet, and our label wherever it is.

    The label is taken off also when its write was never confirmed: a tick may have died between
    the write and its record. A block by a person has no label.
    """
    mine = [write for write in history.outbox.values() if write.issue == record.id]
    unsent = [write for write in mine if write.tries == 0 and write.kind != "remove_label"]
    cancelled = tuple(e.Cancelled(now, write.id) for write in unsent)
    label = label_of(block.reason)
    if not label or label_is_off:
        return cancelled
    removal = _write("unlabel", history, record, record.blocks)
    return (*cancelled, e.Owed(now, record.id, removal, "remove_label", label))
