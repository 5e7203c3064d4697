"""JSON, CSV and log lines."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime

from symphony_cli.commands.metrics import MetricsResult, MetricsRow
from symphony_cli.commands.tick import TickResult
from symphony_cli.core.shape import encode
from symphony_cli.core.times import stamp

COLUMNS = (
    "issue pr tokens turns rework_cycles retries wall_time merged_at state runs stalls "
    "input_tokens cached_input_tokens output_tokens first_dispatched_at finished_at "
    "cut_answers"
).split()
"""The first eight are a contract; what follows may grow."""


def as_json(result: object) -> str:
    """A result with all its members, for `--json`."""
    return json.dumps(encode(result, full=True), ensure_ascii=False, indent=2)


def as_csv(result: MetricsResult) -> str:
    """RFC 4180: CRLF, quotes where needed, UTC; an empty cell is unknown."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(_cells(row) for row in result.rows)
    return text.getvalue()


def _cells(row: MetricsRow) -> list[str]:
    return [_cell(getattr(row, column)) for column in COLUMNS]


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return stamp(value)
    return harmless(str(value))


def harmless(text: str) -> str:
    """A cell that a spreadsheet would take for a formula gets an apostrophe in front."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def log_lines(result: TickResult, at: datetime, *, as_objects: bool) -> list[str]:
    """One line per event with `issue_id`, `issue_identifier` and `session_id` (row O12)."""
    events: list[dict[str, str]] = []
    for acted in result.decisions:
        if acted.kind != "take_in":
            events.append(
                {
                    "at": stamp(at),
                    "event": acted.kind,
                    "issue_id": acted.issue_id,
                    "issue_identifier": acted.issue_identifier,
                    "session_id": acted.session_id,
                    "outcome": acted.outcome,
                    "detail": acted.detail,
                }
            )
    for passed in result.passed_over:
        events.append(
            {
                "at": stamp(at),
                "event": "passed_over",
                "issue_id": passed.issue,
                "issue_identifier": passed.issue_identifier,
                "session_id": "",
                "outcome": passed.reason,
                "detail": passed.why,
            }
        )
    if as_objects:
        events += _told_of_all(result, at)
        return [json.dumps(event, ensure_ascii=False) for event in events]
    return [" ".join(f"{name}={_word(text)}" for name, text in event.items()) for event in events]


def _told_of_all(result: TickResult, at: datetime) -> list[dict[str, str]]:
    """What is of no single issue: errors, and the summary when there is anything to sum up."""
    told = [("error", "failed", error) for error in result.errors]
    if not result.quiet:
        told.append(("tick", str(int(result.exit_code)), result.summary))
    common = {"issue_id": "", "issue_identifier": "", "session_id": ""}
    return [
        {"at": stamp(at), "event": event, **common, "outcome": outcome, "detail": detail}
        for event, outcome, detail in told
    ]


def _word(text: str) -> str:
    plain = text and not any(c in text for c in ' "=\n\r\t\\')
    return text if plain else json.dumps(text, ensure_ascii=False)
