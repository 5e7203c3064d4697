"""What we believe of a board, against what is there."""

from __future__ import annotations

from dataclasses import replace

from symphony_cli.core.intake import GONE_AFTER, is_stranger
from symphony_cli.core.issue import Blocker, Issue
from symphony_cli.core.policy import refusal
from symphony_cli.core.record import Record
from symphony_cli.ids import IssueId
from symphony_cli.observe import held
from tests.linear.edits import Board
from tests.linear.ticking import LinearWorld
from tests.linear.world import Truth, World

CLOSED = ("Done", "Canceled", "Duplicate")

Facts = dict[str, object]


def there(linear: World, truth: Truth) -> Issue:
    """An issue as a reader who saw everything would have it."""
    assignee = truth["assignee"]
    return Issue(
        id=IssueId(truth["id"]),
        identifier=truth["identifier"],
        title=truth["title"],
        state=truth["state"],
        priority=truth["priority"] or None,
        labels=tuple(truth["labels"]),
        assignee=assignee,
        assignee_aliases=("me",) if assignee == "Agent Bot" else (),
        project=truth["project"],
        archived=truth["archivedAt"] is not None,
        blocked_by=tuple(_blocker(linear.issue(name)) for name in truth["blockedBy"]),
    )


def _blocker(truth: Truth) -> Blocker:
    is_open = truth["state"] not in CLOSED and truth["archivedAt"] is None
    return Blocker(truth["identifier"], truth["state"], is_open, IssueId(truth["id"]))


def facts(issue: Issue) -> Facts:
    """What of an issue must be right."""
    return {
        "identifier": issue.identifier,
        "title": issue.title,
        "state": issue.state,
        "priority": issue.priority,
        "labels": sorted(issue.labels),
        "project": issue.project,
        "archived": issue.archived,
        "assignee": issue.assignee,
        "blockers": sorted(b.identifier for b in issue.blocked_by if b.open is not False),
    }


def believed(record: Record) -> Facts:
    """The same of what we hold; people are called by their full names."""
    issue = record.issue
    names = [name for name in issue.assignee_aliases if " " in name]
    return facts(replace(issue, assignee=names[0] if names else None))


def wrong(world: LinearWorld, board: Board, *, complete: bool) -> dict[str, str]:
    """Issues of which we believe what is not so, with both.

    Before a `complete` poll those are left out that no delta could show: nobody holds them, and
    their last change has no date that is near.
    """
    ours = {one.id for one in held(world.history, world.bulletin.last())}
    found: dict[str, str] = {}
    for issue in map(IssueId, board.ids):
        excused = not complete and issue in board.hidden and issue not in ours
        trouble = "" if excused else _trouble(world, board, issue, issue in ours)
        if trouble:
            found[issue] = trouble
    return found


def _trouble(world: LinearWorld, board: Board, issue: IssueId, is_held: bool) -> str:
    record = world.history.find(issue)
    if issue in board.purged:
        kept = record is not None and record.finished_at is None and record.missed < GONE_AFTER
        return "it is gone, and we do not know" if kept else ""
    truth = there(board.linear, board.linear.issue(issue))
    rules = world.policy.rules
    if record is None:
        return "" if is_stranger(truth, rules) else f"never heard of: {facts(truth)}"
    refused = refusal(truth, rules)
    works = refused is None or not refused.leaves
    if not is_held and works:
        return f"it may be worked and is not held: {facts(truth)}"
    if not is_held and (issue in board.hidden or (world.forgets and is_stranger(truth, rules))):
        return ""
    ours, theirs = believed(record), facts(truth)
    if not is_held:
        ours["blockers"] = theirs["blockers"]
    differing = {name: (ours[name], theirs[name]) for name in theirs if ours[name] != theirs[name]}
    return f"{truth.identifier}, believed and there: {differing}" if differing else ""
