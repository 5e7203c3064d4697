"""`symphony metrics`: one row per issue that ever finished (or ever started), lifetime totals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from symphony_cli.core.history import History
from symphony_cli.core.policy import Policy
from symphony_cli.core.record import Record
from symphony_cli.core.times import age
from symphony_cli.errors import ExitCode


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsRow:
    """One issue; None is unknown and an empty cell. `wall_time` is in whole seconds."""

    issue: str
    pr: str | None
    tokens: int
    turns: int
    rework_cycles: int
    retries: int
    wall_time: int | None
    merged_at: datetime | None
    state: str
    runs: int
    stalls: int
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    first_dispatched_at: datetime | None
    finished_at: datetime | None
    cut_answers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsResult:
    """All rows, oldest finish first."""

    rows: tuple[MetricsRow, ...]
    exit_code: ExitCode = ExitCode.DONE


def metrics(
    history: History, policy: Policy, *, everything: bool = False, since: datetime | None = None
) -> MetricsResult:
    """Rows of issues that finished after `since`; with `everything` those that ever started."""
    records = {**history.finished, **history.records}.values()
    chosen = [
        record
        for record in records
        if (record.finished_at if not everything else record.first_dispatched_at) is not None
        and (since is None or _moment(record) >= since)
    ]
    ordered = sorted(chosen, key=lambda record: (_moment(record), record.key))
    return MetricsResult(rows=tuple(_row(record, policy) for record in ordered))


def _moment(record: Record) -> datetime:
    return record.finished_at or record.first_dispatched_at or record.first_at


def _row(record: Record, policy: Policy) -> MetricsRow:
    began, over = record.first_dispatched_at, record.finished_at
    return MetricsRow(
        issue=record.issue.identifier,
        pr=record.issue.pr,
        tokens=record.usage.spend(policy.cached_token_weight),
        turns=record.turns,
        rework_cycles=record.entries.get("rework", 0),
        retries=record.failures,
        wall_time=int(age(over, began)) if began and over else None,
        merged_at=record.issue.merged_at,
        state=record.issue.state,
        runs=record.runs,
        stalls=record.stalls,
        input_tokens=record.usage.input,
        cached_input_tokens=record.usage.cached_input,
        output_tokens=record.usage.output,
        first_dispatched_at=began,
        finished_at=over,
        cut_answers=record.cut_answers,
    )
