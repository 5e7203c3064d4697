"""Up to where we have heard everything: the cursor that the ledger keeps.

The rules, with the mistakes they prevent:

- Time is the server's: the newest change seen, never our clock (clocks differ by minutes).
- A look begins 120 s before the cursor and compares with "not earlier than": replicas answer late,
  and two changes may share a millisecond. What comes twice is known by what it says.
- The cursor never passes the `Date` of the first page: a row dated in the future would hide all
  changes until then. Without that header it stays two minutes behind our own clock.
- It moves in steps of some minutes, or when much has changed: a ledger need not grow because people
  work elsewhere in the team.
- Besides the delta there is a walk through everything, by creation, from time to time: rows dated
  in the past never show up in a delta.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from symphony_cli.core.shape import Malformed, decode, encode

FORMAT = 1
"""Of a cursor; one of another format begins anew."""

OVERLAP = timedelta(seconds=120)
STEP = timedelta(seconds=300)

MANY = 50
"""Changed rows after which the cursor moves, however little time has gone."""


@dataclass(frozen=True, slots=True)
class Walk:
    """A complete poll under way: the end of its last page in each of its two lists."""

    began: datetime
    free: str = ""
    blocked: str = ""
    free_done: bool = False
    blocked_done: bool = False

    @property
    def done(self) -> bool:
        """Whether it went through everything."""
        return self.free_done and self.blocked_done


@dataclass(frozen=True, slots=True)
class Cursor:
    """`scope` is a digest of what was asked for: another project or other states begin anew."""

    scope: str
    since: datetime | None = None
    full_at: datetime | None = None
    """When the last complete poll began, by our clock."""
    walk: Walk | None = None
    again: bool = False
    """The last look read its changes page by page: the next goes over them once more, because an
    issue that became blocked, or free, between two pages may have been on none of them."""
    format: int = FORMAT

    @property
    def first(self) -> bool:
        """Nobody has ever gone through everything."""
        return self.full_at is None


def parse(text: str, scope: str) -> Cursor:
    """The cursor that the ledger has; a fresh one for another scope, or when it makes no sense."""
    try:
        known = decode(Cursor, json.loads(text)) if text else None
    except (ValueError, RecursionError, Malformed):
        known = None
    if known is None or known.scope != scope or known.format != FORMAT:
        return Cursor(scope)
    return known


def to_text(cursor: Cursor) -> str:
    """As the ledger keeps it."""
    return json.dumps(encode(cursor), sort_keys=True)


def starts_at(cursor: Cursor) -> datetime | None:
    """From when on changes are asked for; None: there is nothing to compare with yet."""
    return None if cursor.since is None else cursor.since - OVERLAP


def is_due(cursor: Cursor, now: datetime, every: float) -> bool:
    """Whether a complete poll shall begin; with 0 seconds, `every` look is one. A date in the
    future counts as long ago."""
    if cursor.walk is not None:
        return False
    if cursor.full_at is None or every <= 0:
        return True
    gone = now - cursor.full_at
    return gone.total_seconds() >= every or gone < -OVERLAP


def skipped(cursor: Cursor, date: datetime | None, now: datetime) -> Cursor:
    """The cursor when too much has changed to be read: past all of it, for a complete poll begins.
    `date` is the first page's."""
    return replace(cursor, since=_limit(date, now), again=False, walk=Walk(now))


def _limit(date: datetime | None, now: datetime) -> datetime:
    """The moment up to which an answer can have told everything."""
    return date if date is not None else now - OVERLAP


def moved(
    cursor: Cursor,
    seen: Iterable[datetime],
    date: datetime | None,
    now: datetime,
    *,
    paged: bool = False,
) -> Cursor:
    """The cursor after a look that saw changes of these dates; `date` is the first page's. After
    one that was `paged` it stays where it is, once."""
    dates = list(seen)
    limit = _limit(date, now)
    newest = max((min(one, limit) for one in dates), default=None)
    if cursor.since is None:
        return replace(cursor, since=limit)
    if newest is None or newest <= cursor.since:
        return cursor
    if newest - cursor.since < STEP and len(dates) < MANY:
        return cursor
    if paged and not cursor.again:
        return replace(cursor, again=True)
    return replace(cursor, since=newest, again=False)


def walked(cursor: Cursor, walk: Walk, every: float) -> Cursor:
    """The cursor after a step of a complete poll. When `every` look is one (0 seconds), the date of
    the first one stays: nothing goes by it, and each new one would be a line in the ledger."""
    if not walk.done:
        return replace(cursor, walk=walk)
    keeps = every <= 0 and cursor.full_at is not None
    return replace(cursor, walk=None, full_at=cursor.full_at if keeps else walk.began)


def held_back(after: Cursor, before: Cursor, now: datetime) -> Cursor:
    """The cursor after a look whose answer could not be told whole: the next look asks for the same
    once more, and a complete poll that has begun since `before` begins anew."""
    if after.scope != before.scope:
        return Cursor(after.scope, since=before.since)
    begun = before.walk is None and (after.walk, after.full_at) != (None, before.full_at)
    return replace(before, walk=Walk(now)) if begun else before
