"""The rows, how they are found, and what a replica that lags behind shows of them."""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from tests.fakes.linear.complaints import bad_argument, exists, not_found
from tests.fakes.linear.times import ServerClock

CLOSED = frozenset({"completed", "canceled", "duplicate"})
"""Types of states in which an issue is over (published schema: `WorkflowState.type`)."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Row(dict[str, Any]):
    """A thing in the workspace: its fields by their names in the schema.

    Another thing is referred to by its row, so rows compare by identity. Names that begin with `_`
    belong to the server and are in no answer.
    """

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:  # type: ignore[override]
        return id(self)


class Store:
    """Everything in one workspace, oldest first."""

    def __init__(self, clock: ServerClock) -> None:
        self.clock = clock
        self.lag = 0.0
        """Seconds that queries lag behind writes. People measured that more than one is routine."""
        self._rows: dict[str, dict[str, Row]] = {}
        self._dice = random.Random(1)
        self._count = 0

    def add(
        self,
        kind: str,
        fields: Mapping[str, Any],
        id: str | None = None,
        at: datetime | None = None,
    ) -> Row:
        """A new row.

        Raises:
            Refusal: `id` is no UUID, or taken.
        """
        self._count += 1
        if id is not None:
            check_id("id", id)
        known = id or str(uuid.UUID(int=self._dice.getrandbits(128), version=4))
        if any(known in rows for rows in self._rows.values()):
            raise exists(kind, known)
        when = at or self.clock.now()
        row = Row(id=known, createdAt=when, updatedAt=when, archivedAt=None)
        row.update(fields)
        row["_kind"], row["_order"] = kind, self._count
        row["_seen_from"] = self.clock.elapsed() + self.lag if self.lag else 0.0
        self._rows.setdefault(kind, {})[known] = row
        return row

    def drop(self, row: Row) -> None:
        """Forget a row."""
        self._rows[row["_kind"]].pop(row["id"], None)

    def all(self, kind: str) -> list[Row]:
        """All rows of a type, as they are now."""
        return list(self._rows.get(kind, {}).values())

    def find(self, kind: str, id: str) -> Row:
        """One row by its id.

        Raises:
            Refusal: there is none.
        """
        row = self._rows.get(kind, {}).get(id)
        if row is None:
            raise not_found(kind)
        return row

    def issue(self, ref: str) -> Row:
        """An issue by id or by any identifier that it ever had (documented; also after it moved to
        another team: published schema, `previousIdentifiers`). Archived ones are found too.

        Raises:
            Refusal: there is none.
        """
        rows = self._rows.get("Issue", {})
        if ref in rows:
            return rows[ref]
        name = ref.upper()
        for row in rows.values():
            if row["identifier"] == name or name in row["previousIdentifiers"]:
                return row
        raise not_found("Issue")

    def named(self, kind: str, name: str) -> Row:
        """The first row of a type that goes by this name, key, slug or e-mail address."""
        for row in self.all(kind):
            if name in [row.get(field) for field in ("id", "name", "key", "slugId", "email")]:
                return row
        raise not_found(kind)

    # --- what a replica shows

    def keep_past(self, issue: Row) -> None:
        """To be called before an issue changes: readers see it as it is now for a while."""
        if not self.lag:
            return
        past = Row({n: list(v) if isinstance(v, list) else v for n, v in issue.items()})
        issue.setdefault("_past", []).append((self.clock.elapsed() + self.lag, past))

    def seen(self, rows: Iterable[Row]) -> list[Row]:
        """These rows as a replica shows them: new ones hidden, changed ones as they were."""
        now = self.clock.elapsed()
        return [self._version(row, now) for row in rows if row["_seen_from"] <= now]

    def as_seen(self, row: Row) -> Row:
        """One row as a replica shows it."""
        return self._version(row, self.clock.elapsed())

    def _version(self, row: Row, now: float) -> Row:
        if not row.get("_past"):
            return row
        row["_past"] = [(until, past) for until, past in row["_past"] if until > now]
        return row["_past"][0][1] if row["_past"] else row


def check_id(name: str, id: Any) -> None:
    """States, labels, projects, users and teams are named by UUID alone (measured).

    Raises:
        Refusal: it is none.
    """
    if not isinstance(id, str) or not _UUID.fullmatch(id):
        raise bad_argument(name, "must be a UUID")
