"""What people said about an issue that its agent was not shown yet (row W2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from symphony_cli import runfolder
from symphony_cli.core.issue import Comment, Issue
from symphony_cli.core.report import IssueRead, Line, ThreadBegan, TurnBegan
from symphony_cli.core.run import Order, ThreadRef
from symphony_cli.errors import StateError
from symphony_cli.paths import RunPaths


def new_comments(issue: Issue, since: datetime | None) -> tuple[Comment, ...]:
    """Comments of people that came after `since` (all of them when that is None). The tracker flags
    what a program wrote, and we above all: a person who quotes us is a person."""
    return tuple(
        comment
        for comment in issue.comments
        if not comment.bot
        and (since is None or comment.created_at is None or comment.created_at > since)
    )


def last_shown(paths: RunPaths, thread: ThreadRef | None) -> datetime | None:
    """The date of the newest comment that the agent on this thread got to see, by the tracker's
    clock; where there was none, when that run was ordered. What was said since is new to it.

    What a run on another thread was shown, a reviewer's say, is not known to this one; a thread
    that is yet to begin was shown nothing (None). A run that ended before its first turn showed its
    comments to nobody.
    """
    if thread is None:
        return None
    names = [folder.name for folder in paths.folder.parent.iterdir() if folder.name.isdigit()]
    earlier = [number for number in map(int, names) if number < paths.number]
    for number in sorted(earlier, reverse=True):
        before = RunPaths(paths.folder.parent / str(number))
        try:
            order = runfolder.load(Order, before.order)
            told = runfolder.report_lines(before)
        except StateError:
            continue
        if order is not None and _had_a_turn_on(thread, told):
            read = [line.commented_at for line in told if isinstance(line, IssueRead)]
            return next((date for date in read if date is not None), order.ordered_at)
    return None


def _had_a_turn_on(thread: ThreadRef, told: Sequence[Line]) -> bool:
    threads = [line.thread.id for line in told if isinstance(line, ThreadBegan)]
    return thread.id in threads and any(isinstance(line, TurnBegan) for line in told)
