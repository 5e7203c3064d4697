"""What was written lately under issues that wait for an answer: one more list of a look.

All these issues share one list, newest first, from the oldest question on. A page is mostly enough.
When it is not, further pages are read, as many as there is time and allowance for. When even these
do not reach back to the question of an issue, that issue is left out: a later look tells of it.
Half of what was said would look like the whole, and our own comment might be in the other half.

Apart from `look_parts`, for an idle tick asks nobody and would pay for the making of the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from symphony_cli.adapters.linear import documents, look_parts
from symphony_cli.adapters.linear.documents import Listing, Part
from symphony_cli.adapters.linear.pulls import Reference
from symphony_cli.adapters.linear.wire import rows
from symphony_cli.adapters.linear.wire_texts import COMMENT, COMMENT_POINTS, CommentRow, comment
from symphony_cli.core.issue import Comment
from symphony_cli.core.snapshot import Held
from symphony_cli.core.times import stamp
from symphony_cli.errors import TrackerError
from symphony_cli.ids import IssueId

PAGE = 50
"""Comments of a page."""

MOST_PAGES = 20
"""Pages of comments that one look reads."""

_SINCE = "filter: { issue: { id: { in: $comments_ids } }, createdAt: { gte: $comments_since } }"


@dataclass(frozen=True, slots=True)
class WhereRow:
    """Under which issue a comment stands; none for one under a document or a project."""

    issue: Reference | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """Whose comments are wanted, since when, and the list that has them."""

    since: Mapping[IssueId, datetime]
    listing: Listing

    def read_on(self, ask: Callable[[Sequence[Part]], object]) -> None:
        """The pages after the first. What is not to be had now is left to a later look."""
        while self.listing.more and self.listing.pages < MOST_PAGES:
            try:
                ask([self.listing])
            except TrackerError:
                return

    def by_issue(self) -> dict[IssueId, tuple[Comment, ...]]:
        """All that was said since it was asked, oldest first, of each issue of which we have all.

        Raises:
            TrackerError: a row is not what it should be; nothing of the answer is believed.
        """
        told = rows(CommentRow, self.listing.rows, "comments")
        where = rows(WhereRow, self.listing.rows, "comments")
        heard: dict[str, list[CommentRow]] = {issue: [] for issue in self._whole(told)}
        # Newest come first, also among those of one date.
        for row, place in zip(reversed(told), reversed(where), strict=True):
            if place.issue is not None and place.issue.id in heard:
                heard[place.issue.id].append(row)
        return {
            issue: tuple(
                comment(row)
                for row in sorted(heard[issue], key=lambda row: row.createdAt)
                if row.createdAt >= since
            )
            for issue, since in self.since.items()
            if issue in heard
        }

    def _whole(self, told: Sequence[CommentRow]) -> list[IssueId]:
        """The issues of which no comment can be on a page that was not read."""
        if not self.listing.more:
            return list(self.since)
        if not told:
            return []
        oldest = min(row.createdAt for row in told)
        return [issue for issue, since in self.since.items() if since > oldest]


def answers(held: Sequence[Held], now: datetime) -> Answers:
    """The comments under the issues that wait for one, a page of issues at most, in turn."""
    waiting = {one.id: one.comments_since for one in held if one.comments_since is not None}
    ids = list(waiting)
    at = look_parts.turn(now) % len(ids) if len(ids) > documents.PAGE else 0
    since = {issue: waiting[issue] for issue in [*ids[at:], *ids[:at]][: documents.PAGE]}
    listing = Listing(
        alias="comments",
        root="comments",
        arguments=_SINCE,
        selection=f"{COMMENT} issue {{ id }}",
        row_points=1 + COMMENT_POINTS + 1.1,
        given={
            "comments_ids": ("[ID!]", sorted(since)),
            "comments_since": ("DateTimeOrDuration!", stamp(min(since.values()))),
        },
        first=PAGE,
    )
    return Answers(since, listing)
