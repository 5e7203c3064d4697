"""A tracker whose answers hold no secret: what comes in clean need not be cleaned at every way out.

It also keeps an idle tick idle: the ledger hides secrets, so an issue that quotes one would differ
from what we hold of it at every look.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from symphony_cli.core.budget import Gauge
from symphony_cli.core.issue import Comment, Issue
from symphony_cli.core.secrets import redact
from symphony_cli.core.shape import decode, encode
from symphony_cli.core.snapshot import Held, Read
from symphony_cli.ids import IssueId
from symphony_cli.ports import Tracker


@dataclass(frozen=True, slots=True)
class Discreet:
    """Implements `ports.Tracker` over another one; writes pass through as they are."""

    inner: Tracker
    secrets: tuple[str, ...]

    @property
    def kind(self) -> str:
        """As the inner one's."""
        return self.inner.kind

    @property
    def scope(self) -> str:
        """As the inner one's."""
        return self.inner.scope

    @property
    def requests(self) -> int:
        """As the inner one's."""
        return self.inner.requests

    def look(self, since: str, held: Sequence[Held], *, full: bool = False) -> Read:
        """What changed, without secrets."""
        return self._clean(self.inner.look(since, held, full=full))

    def read(
        self, ids: Sequence[IssueId], *, texts: bool = True, held: Sequence[Held] = ()
    ) -> Read:
        """These issues, without secrets."""
        return self._clean(self.inner.read(ids, texts=texts, held=held))

    def gauge(self) -> Gauge | None:
        """As the inner one's."""
        return self.inner.gauge()

    def comment(self, issue: IssueId, body: str, write: str) -> bool:
        """Post a comment."""
        return self.inner.comment(issue, body, write)

    def add_label(self, issue: IssueId, label: str) -> None:
        """Set a label."""
        self.inner.add_label(issue, label)

    def remove_label(self, issue: IssueId, label: str) -> None:
        """Take a label off."""
        self.inner.remove_label(issue, label)

    def set_state(self, issue: IssueId, state: str) -> None:
        """Move an issue."""
        self.inner.set_state(issue, state)

    def _clean(self, read: Read) -> Read:
        unknown = {issue: redact(why, self.secrets) for issue, why in read.unknown.items()}
        problems = tuple(redact(problem, self.secrets) for problem in read.problems)
        issues = tuple(map(self._issue, read.issues))
        notes = tuple(redact(note, self.secrets) for note in read.notes)
        pulls = {
            issue: (redact(url, self.secrets), date) for issue, (url, date) in read.pulls.items()
        }
        comments = {issue: tuple(map(self._comment, said)) for issue, said in read.comments.items()}
        return replace(
            read,
            issues=issues,
            unknown=unknown,
            problems=problems,
            notes=notes,
            pulls=pulls,
            comments=comments,
        )

    def _comment(self, comment: Comment) -> Comment:
        body, author = (redact(text, self.secrets) for text in (comment.body, comment.author))
        return replace(comment, body=body, author=author)

    def _issue(self, issue: Issue) -> Issue:
        text = json.dumps(encode(issue), ensure_ascii=False)
        clean = redact(text, self.secrets)
        return issue if clean == text else decode(Issue, json.loads(clean))
