"""What we owe the tracker because of a block, and what becomes of it when the block ends."""

from __future__ import annotations

from datetime import datetime

from symphony_cli.core import events as e
from symphony_cli.core.history import History
from symphony_cli.core.policy import BUDGET_LABEL, STUCK_LABEL
from symphony_cli.core.reasons import BlockReason
from symphony_cli.core.record import Block, Record
from symphony_cli.ids import write_id


def label_of(reason: BlockReason) -> str:
    """The label that tells people of a block."""
    return BUDGET_LABEL if reason is BlockReason.BUDGET else STUCK_LABEL


def tell(
    history: History, record: Record, reason: BlockReason, detail: str, now: datetime
) -> tuple[e.Owed, ...]:
    """The label and the one comment that a block owes.

    Their ids are the block's, so that a plan that is made again owes the same and not more.
    """
    name = record.issue.identifier
    text = (
        f"Symphony has stopped working on this issue and waits for a person ({reason}).\n\n"
        f"{detail}\n\n"
        f"To let it go on: `symphony unblock {name}`."
    )
    about = (history.id, record.id, str(record.blocks))
    label = label_of(reason)
    return (
        e.Owed(now, record.id, write_id("label", *about), "add_label", label),
        e.Owed(now, record.id, write_id("comment", *about), "comment", text),
    )


def take_back(
    history: History, record: Record, block: Block, now: datetime
) -> tuple[e.Cancelled | e.Owed, ...]:
    """What ends with a block: writes that were not tried yet, and our label wherever it is.

    The label is taken off also when its write was never confirmed: a tick may have died between
    the write and its record. A block by a person has no label.
    """
    mine = [write for write in history.outbox.values() if write.issue == record.id]
    unsent = [write for write in mine if write.tries == 0 and write.kind != "remove_label"]
    cancelled = tuple(e.Cancelled(now, write.id) for write in unsent)
    if block.reason is BlockReason.OPERATOR:
        return cancelled
    removal = write_id("unlabel", history.id, record.id, str(record.blocks))
    owed = e.Owed(now, record.id, removal, "remove_label", label_of(block.reason))
    return (*cancelled, owed)
