"""A tracker in memory: issues that people edit, and that can be made to fail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from symphony_cli.core.issue import Blocker, Comment, Issue
from symphony_cli.core.policy import Rules
from symphony_cli.core.snapshot import Held, Read
from symphony_cli.errors import SymphonyError, TrackerError, WriteRefused
from symphony_cli.ids import IssueId
from tests.fakes.fuse import Fuse


class FakeTracker:
    """`ports.Tracker` whose server is a dict. `now` is the date of what we write."""

    kind = "fake"
    scope = "fake"

    def __init__(self, fuse: Fuse | None = None) -> None:
        self.issues: dict[IssueId, Issue] = {}
        self.unreadable: dict[IssueId, str] = {}
        self.down: str = ""
        self.fails: SymphonyError | None = None
        self.dated = False
        self.problems: tuple[str, ...] = ()
        self.first_poll = False
        self.cursor = ""
        self.now = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
        self.asked: list[tuple[str, list[IssueId], bool]] = []
        self.refuses: bool = False
        self.writes: list[str] = []
        self.requests = 0
        self._ever: set[str] = set()
        self._fuse = fuse or Fuse()

    def look(self, since: str, held: Sequence[Held], *, full: bool = False) -> Read:
        ids = [one.id for one in held]
        self.asked.append((since, ids, full))
        self._up()
        self.requests += 1
        self._ever |= self.issues.keys()
        missing = [i for i in ids if i not in self.issues and i not in self.unreadable]
        return Read(
            issues=tuple(
                self._row(issue) for i, issue in self.issues.items() if i not in self.unreadable
            ),
            missing=tuple(missing),
            unknown=dict(self.unreadable),
            cursor=self.cursor,
            requests=1,
            problems=self.problems,
            first_poll=self.first_poll,
            comments={
                one.id: self._said_since(one.id, one.comments_since)
                for one in held
                if one.comments_since is not None
                and one.id in self.issues
                and one.id not in self.unreadable
            },
        )

    def says(self, issue: str, body: str, *, at: datetime, bot: bool = False) -> None:
        """Somebody writes under an issue, or a program."""
        known = self.issues[IssueId(issue)]
        author = "robot" if bot else "ana"
        said = Comment(body, author, at, f"c_{len(known.comments) + 1}", bot)
        self.issues[known.id] = replace(known, comments=(*known.comments, said))

    def gauge(self) -> None:
        """It has no limits."""

    def read(
        self, ids: Sequence[IssueId], *, texts: bool = True, held: Sequence[Held] = ()
    ) -> Read:
        self._up()
        unknown = {i: why for i, why in self.unreadable.items() if i in ids}
        readable = [i for i in ids if i not in unknown]
        found = tuple(self._told(self.issues[i]) for i in readable if i in self.issues)
        missing = tuple(i for i in readable if i not in self.issues)
        return Read(issues=found, missing=missing, unknown=unknown, requests=1)

    def comment(self, issue: IssueId, body: str, write: str) -> bool:
        known = self._for_writing(issue, f"comment {write}")
        if write in {comment.id for comment in known.comments}:
            return True
        comments = (*known.comments, Comment(body, "symphony", self.now, write, bot=True))
        self.issues[issue] = replace(known, comments=comments)
        self._fuse.spark("after the tracker took a comment")
        return True

    def add_label(self, issue: IssueId, label: str) -> None:
        known = self._for_writing(issue, f"+{label}")
        if not known.has_label(label):
            self.issues[issue] = replace(known, labels=(*known.labels, label))
        self._fuse.spark("after the tracker took a label")

    def remove_label(self, issue: IssueId, label: str) -> None:
        known = self._for_writing(issue, f"-{label}")
        left = tuple(name for name in known.labels if name.lower() != label.lower())
        self.issues[issue] = replace(known, labels=left)
        self._fuse.spark("after the tracker lost a label")

    def set_state(self, issue: IssueId, state: str) -> None:
        self.issues[issue] = replace(self._for_writing(issue, f"={state}"), state=state)

    def _said_since(self, issue: IssueId, since: datetime) -> tuple[Comment, ...]:
        dated = [(c.created_at, c) for c in self.issues[issue].comments if c.created_at is not None]
        return tuple(c for at, c in sorted(dated, key=lambda pair: pair[0]) if at >= since)

    def _row(self, issue: Issue) -> Issue:
        told = self._told(issue).facts()
        return told if self.dated else replace(told, updated_at=None)

    def _told(self, issue: Issue) -> Issue:
        """An issue with what is known of its blockers now."""
        return replace(issue, blocked_by=tuple(map(self._blocker, issue.blocked_by)))

    def _blocker(self, blocker: Blocker) -> Blocker:
        known = self.issues.get(IssueId(blocker.identifier))
        if known is None:
            gone = blocker.identifier in self._ever
            return replace(blocker, state="gone", open=False) if gone else blocker
        closed = Rules().is_terminal(known.state)
        return replace(blocker, state=known.state, open=not closed)

    def _up(self) -> None:
        if self.fails is not None:
            raise self.fails
        if self.down:
            raise TrackerError(self.down)

    def _for_writing(self, issue: IssueId, what: str) -> Issue:
        self._up()
        if self.refuses or issue not in self.issues:
            raise WriteRefused(f"{issue} does not take {what}.")
        self._fuse.spark(f"before {what}")
        self.writes.append(f"{issue} {what}")
        return self.issues[issue]
