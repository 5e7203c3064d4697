"""What of an answer of the tracker is news: which issues concern us, and what changed of them.

A row is old news only when every field of it equals what we hold. A row that the tracker dates
older than what we hold (a replica that lags, a clock that stepped, an import) changes nothing
until a second read says the same: it is a doubt, kept from one tick to the next in `tick.json`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from symphony_cli.core.decisions import TakeIn
from symphony_cli.core.history import History
from symphony_cli.core.issue import Issue
from symphony_cli.core.policy import Rules, refusal
from symphony_cli.core.record import GONE, Record
from symphony_cli.core.shape import encode
from symphony_cli.core.snapshot import Read
from symphony_cli.ids import IssueId, Key, digest, key_for

GONE_AFTER = 2
"""So many complete reads in a row without an issue mean that it is gone."""


@dataclass(frozen=True, slots=True)
class Intake:
    """News, and the issues whose telling met a bug of ours: their trouble, the rest is taken in."""

    news: TakeIn | None
    faults: dict[IssueId, Exception] = field(default_factory=dict)


def intake(
    read: Read, history: History, rules: Rules, doubts: Mapping[IssueId, str] | None = None
) -> Intake:
    """Compare an answer with what we hold; `doubts` are those of the tick before."""
    before = doubts or {}
    sighted: list[tuple[Issue, Key]] = []
    faults: dict[IssueId, Exception] = {}
    taken: set[str] | None = None
    moves = read.cursor != history.cursor
    for issue in whole(read, history):
        try:
            told = _news(issue, history, rules)
            if told is not None and _is_doubtful(told, history, before):
                # Nobody asks for a finished issue by its id until tick.json has the doubt.
                moves = moves and issue.id in before
                told = None
        except Exception as error:  # noqa: BLE001 - one issue's trouble; the plan says so
            faults[issue.id] = error
            continue
        if told is None:
            continue
        record = history.find(issue.id)
        if record is not None:
            sighted.append((told, record.key))
            continue
        # All keys ever given are only needed, and only read, when somebody new comes.
        taken = set(history.keys()) if taken is None else taken
        key = key_for(issue.identifier, taken)
        taken.add(key.lower())
        sighted.append((told, key))
    missed = tuple(issue for issue in read.missing if _may_be_missed(issue, history))
    cursor = read.cursor if moves else None
    worth = sighted or missed or (cursor is not None and read.requests)
    return Intake(TakeIn(tuple(sighted), missed, cursor) if worth else None, faults)


def _news(issue: Issue, history: History, rules: Rules) -> Issue | None:
    """The facts to write down, or None when they are known or no concern of ours."""
    stranger = is_stranger(issue, rules)
    record = history.records.get(issue.id)
    if record is None and stranger:
        return None
    record = record or history.finished.get(issue.id)
    told = issue.facts()
    if record is not None and _is_old_news(record, told, history, rules):
        return None
    return told


def whole(read: Read, history: History) -> list[Issue]:
    """The issues of an answer; what it does not tell of some of them is as we held it. A pull
    request that is told alone is news of an issue that we know."""
    issues = [_filled(issue, read, history) for issue in read.issues]
    there = {issue.id for issue in issues}
    for issue, (url, merged_at) in read.pulls.items():
        record = history.find(issue)
        if record is not None and issue not in there:
            issues.append(replace(record.issue, pr=url, merged_at=merged_at))
    return issues


def _filled(issue: Issue, read: Read, history: History) -> Issue:
    record = history.find(issue.id)
    if issue.id in read.partial and record is not None:
        issue = replace(issue, pr=record.issue.pr, merged_at=record.issue.merged_at)
    if issue.id in read.pulls:
        url, merged_at = read.pulls[issue.id]
        issue = replace(issue, pr=url, merged_at=merged_at)
    return issue


def doubts(read: Read, history: History, rules: Rules) -> dict[IssueId, str]:
    """The rows of this answer that nobody may believe before a second read says the same."""
    told = [issue for issue in whole(read, history) if is_older(issue, history)]
    return {issue.id: _said(issue) for issue in told if _news(issue, history, rules) is not None}


def is_older(told: Issue, history: History) -> bool:
    """Whether the tracker dates this row older than what we hold of the issue."""
    record = history.find(told.id)
    if record is None or record.issue.updated_at is None or told.updated_at is None:
        return False
    return told.updated_at < record.issue.updated_at


def _is_doubtful(told: Issue, history: History, before: Mapping[IssueId, str]) -> bool:
    return is_older(told, history) and before.get(told.id) != _said(told)


def _said(told: Issue) -> str:
    """What a row says, in short; without what other rows say of the issue, or what we knew."""
    row = replace(told.facts(), blocked_by=(), pr=None, merged_at=None)
    return digest(json.dumps(encode(row), sort_keys=True), 16)


def is_stranger(issue: Issue, rules: Rules) -> bool:
    """An issue that was never meant for us; not worth remembering if we never worked it."""
    refused = refusal(issue, rules)
    return issue.archived or (refused is not None and refused.stranger)


def _is_old_news(record: Record, told: Issue, history: History, rules: Rules) -> bool:
    """Nothing changed; but one that left the cache as finished and may be worked comes back."""
    back = record.id not in history.records and refusal(told, rules) is None
    return record.issue == told and not record.missed and not back


def _may_be_missed(issue: IssueId, history: History) -> bool:
    record = history.records.get(issue)
    return (
        record is not None
        and record.finished_at is None
        and record.missed < GONE_AFTER
        and not (record.released == GONE and record.running is None)
    )
