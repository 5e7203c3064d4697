"""Blocks: what puts an issue into a person's hands, and what ends that (row Q6).

| reason | put on when | its cause is over when |
| --- | --- | --- |
| `budget`, `attempts`, `rework` | that ran out | WORKFLOW.md allows more than was used |
| `input`, `approval`, `elicitation`, `agent` | it asked or gave up | a person wrote a comment |
| `merged` | its work is merged and it is to be worked again | |
| `invalid` | it has more text than a prompt holds | |
| `operator` | a person stopped or held it | `symphony retry` |

Each is also ended by `symphony unblock`, and each but `operator` by a person who takes our label
off in the tracker. Nothing else ends a block: no restart, no new state, no time. docs/blocks.md
tells it to people; a test holds that page to `ENDED_BY`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from symphony_cli.core.decisions import SeeLabel, Unblock
from symphony_cli.core.endings import ENDED_BY
from symphony_cli.core.helping import NOTHING
from symphony_cli.core.history import History
from symphony_cli.core.intake import is_older
from symphony_cli.core.issue import Comment
from symphony_cli.core.limits import helping, is_spent, spent
from symphony_cli.core.outbox import comment_id, take_back
from symphony_cli.core.policy import Policy, label_of
from symphony_cli.core.reasons import BlockReason, Cause
from symphony_cli.core.record import Block, Record
from symphony_cli.core.snapshot import Read
from symphony_cli.ids import IssueId


def cause_of(record: Record, policy: Policy) -> tuple[BlockReason, str] | None:
    """Why the issue must wait for a person, and the fact that says so; None when it need not."""
    if record.unanswered is not None and record.last is not None:
        return record.unanswered, record.last.detail
    if record.place is None:
        return None
    return merged(record) or spent(record, policy)


def merged(record: Record) -> tuple[BlockReason, str] | None:
    """The work is merged: a block has said so of this very tip, or the tracker tells that its pull
    request was merged after our last run.

    What git tells of it, `errands.prepare` finds out before anything is spent, once for a tip.
    """
    if _is_accepted(record):
        return None
    if record.tip and record.tip == record.merged_tip:
        return BlockReason.MERGED, record.merged_told
    at, last = record.issue.merged_at, record.last
    if at is None or last is None or at <= last.at:
        return None
    tip = f" Its branch ended at {record.tip[:12]}." if record.tip else ""
    return (
        BlockReason.MERGED,
        f"{record.issue.pr or 'its pull request'} was merged at {at:%Y-%m-%d %H:%M} UTC, after the"
        f" last run.{tip} New work is better told in a new issue",
    )


def _is_accepted(record: Record) -> bool:
    accepted = record.accepted_tip
    return accepted != "" and accepted in (record.tip, record.issue.pr)


@dataclass(frozen=True, slots=True)
class Scene:
    """What the end of a block is judged by."""

    history: History
    policy: Policy
    read: Read | None
    """What the tracker says now; None when it says nothing."""
    before: Mapping[IssueId, Record]
    """The records as the last tick left them."""
    now: datetime


def ending(record: Record, block: Block, scene: Scene) -> SeeLabel | Unblock | None:
    """Whether the cause of a block is over."""
    causes = ENDED_BY[block.reason]
    if Cause.LIMIT in causes and not is_spent(block.reason, record, scene.policy):
        return _cleared(record, block, Cause.LIMIT, "WORKFLOW.md", scene)
    if scene.read is None:
        return None
    if Cause.COMMENT in causes:
        answer = _answer(record, scene.read, scene.history)
        if answer is not None:
            by = answer.author or "a person in the tracker"
            return _cleared(record, block, Cause.COMMENT, by, scene)
    return _label(record, block, scene.read, scene) if Cause.LABEL in causes else None


def _answer(record: Record, read: Read, history: History) -> Comment | None:
    """The first thing that a person wrote after our question, by the tracker's own dates."""
    told = read.comments.get(record.id, ())
    mine = comment_id(history, record, record.blocks - 1)
    asked = next((one.created_at for one in told if one.bot and one.id == mine), None)
    if asked is None:
        return None
    later = (c for c in told if not c.bot and c.created_at is not None and c.created_at > asked)
    return next(later, None)


def _label(record: Record, block: Block, read: Read, scene: Scene) -> SeeLabel | Unblock | None:
    """Our label decides once it was seen after it was confirmed; its absence, when two reads
    running tell of it. A row older than what we hold tells nothing."""
    row = next((issue for issue in read.issues if issue.id == record.id), None)
    if row is None or not block.label_sent or is_older(row, scene.history):
        return None
    label, before = label_of(block.reason), scene.before.get(record.id)
    if row.has_label(label):
        return None if block.label_seen else SeeLabel(record.id)
    if not block.label_seen or before is None or before.issue.has_label(label):
        return None
    return _cleared(record, block, Cause.LABEL, "a person in the tracker", scene)


def _cleared(record: Record, block: Block, cause: Cause, by: str, scene: Scene) -> Unblock:
    """Taking our label off is as good as `symphony unblock`: one more helping."""
    off = cause is Cause.LABEL
    note = f"took the label {label_of(block.reason)} off" if off else ""
    given = helping(record, scene.policy) if off else NOTHING
    back = take_back(scene.history, record, block, scene.now, label_is_off=off)
    return Unblock(record.id, cause, by, note, given, back)
