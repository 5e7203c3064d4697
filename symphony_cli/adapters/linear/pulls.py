"""Pull requests, as Linear's GitHub integration tells of them: hints, never proof.

An attachment of source type `github` has `metadata` that the schema leaves open. People have seen
`status` (open, draft, merged, closed) and `mergedAt` in it; a link that somebody typed has neither.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from symphony_cli.core.shape import Json
from symphony_cli.core.times import parse_stamp

FILTER = 'sourceType: { eq: "github" }'


@dataclass(frozen=True, slots=True)
class Reference:
    """An id."""

    id: str


@dataclass(frozen=True, slots=True)
class PullRow:
    """An attachment that links a pull request."""

    url: str | None = None
    metadata: Json = None
    updatedAt: datetime | None = None
    issue: Reference | None = None


@dataclass(frozen=True, slots=True)
class Pull:
    """The pull request of an issue."""

    url: str
    merged_at: datetime | None


def pull_of(rows: Iterable[PullRow]) -> Pull | None:
    """The one that counts when an issue has several: the one that changed last."""
    linked = [row for row in rows if row.url]
    if not linked:
        return None
    last = max(linked, key=lambda row: row.updatedAt or _LONG_AGO)
    return Pull(last.url or "", merged_at(last.metadata))


_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def merged_at(metadata: Json) -> datetime | None:
    """When it was merged, if the metadata say so in a way that makes sense."""
    said = metadata.get("mergedAt") if isinstance(metadata, dict) else None
    if not isinstance(said, str):
        return None
    try:
        return parse_stamp(said)
    except ValueError:
        return None


def by_issue(rows: Iterable[PullRow]) -> dict[str, Pull]:
    """The pull requests of several issues."""
    sorted_out: dict[str, list[PullRow]] = {}
    for row in rows:
        if row.issue is not None:
            sorted_out.setdefault(row.issue.id, []).append(row)
    found = {issue: pull_of(mine) for issue, mine in sorted_out.items()}
    return {issue: pull for issue, pull in found.items() if pull is not None}
