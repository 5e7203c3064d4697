"""Long ledgers made of real events: finished issues with a history of runs behind them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

from symphony_cli import files, ids
from symphony_cli.adapters.ledger import FileLedger
from symphony_cli.core import events as e
from symphony_cli.core.issue import Issue
from symphony_cli.core.reasons import Outcome
from symphony_cli.core.run import GitFacts, ThreadRef, Verdict
from symphony_cli.core.usage import Usage
from symphony_cli.ids import IssueId, Key, RunId
from symphony_cli.paths import StatePaths

AT = datetime(2025, 11, 20, 9, 0, tzinfo=UTC)
FINISHED = 1_000
_NAME = "@NAME@"
"""Stands for the identifier in the lines of one issue, which are made only once."""

_IN_A_CYCLE = 4


def write(paths: StatePaths, workflow: str, count: int) -> None:
    """A ledger of `count` events about 1,000 finished issues; no cache.

    Raises:
        StateError: the folder cannot be written.
    """
    FileLedger(paths, workflow, lambda: AT, ids.new_ledger_id)
    each = count // FINISHED
    lines = [json.dumps(e.to_json(event)) + "\n" for event in story(each)]
    text = "".join(lines)
    for number in range(FINISHED):
        data = text.replace(_NAME, f"OLD-{number}").encode()
        files.append(paths.ledger, data, durable=False)


def story(count: int) -> Iterator[e.Event]:
    """So many events (at least six) of one issue: found, worked in many runs, finished, and its
    workspace removed."""
    issue = IssueId(_NAME)
    yield _sighted("Todo")
    yield e.Enrolled(AT, issue)
    cycles, more = divmod(count - 6, _IN_A_CYCLE)
    for number in range(cycles):
        yield from _cycle(number)
    for number in range(more):
        yield _polled(number)
    yield _sighted("Done")
    yield e.Finished(AT, issue, "Done")
    removal = RunId(f"removal_{_NAME}")
    yield e.RemovalAsked(AT, issue, removal, "only the 5 newest of finished issues stay")
    yield e.Removed(AT, issue, removal)


def _cycle(number: int) -> Iterator[e.Event]:
    issue, run = IssueId(_NAME), RunId(f"run_{_NAME}_{number:08d}")
    yield e.Dispatched(AT, issue, run, number + 1, "In Progress")
    yield _sighted("In Progress")
    yield _polled(number)
    yield e.Ended(AT, issue, run, _verdict(run, number), progress=True, wait=10.0)


def _polled(number: int) -> e.Event:
    return e.Polled(AT, f"2025-11-20T09:00:00.{number % 1000:03d}Z")


def _sighted(state: str) -> e.Event:
    issue = Issue(
        id=IssueId(_NAME),
        identifier=_NAME,
        title=f"The report of {_NAME} is empty",
        state=state,
        priority=2,
        labels=("bug",),
        branch=f"bench/{_NAME}",
        created_at=AT,
    )
    return e.Sighted(AT, issue, Key(_NAME))


def _verdict(run: RunId, number: int) -> Verdict:
    total = Usage(40_000 * number, 30_000 * number, 2_000 * number, 500 * number, 42_000 * number)
    spent = Usage(40_000, 30_000, 2_000, 500, 42_000)
    thread = ThreadRef(f"thread_{_NAME}", "codex-home", "0.169.0", ("issue_update",), total)
    return Verdict(
        run=run,
        issue=IssueId(_NAME),
        outcome=Outcome.ROLLED_OVER,
        answered=True,
        turns=4,
        thread=thread,
        usage={thread.id: spent},
        totals={thread.id: total},
        last_message="The test fails as it should, and the fix is half done: " + "more. " * 20,
        workspace=f"workspaces/{_NAME}",
        branch=f"bench/{_NAME}",
        git=GitFacts(f"bench/{_NAME}", "1" * 40, 1, 2, ("report.py",), "1 file changed"),
        started_at=AT,
        ended_at=AT,
    )
