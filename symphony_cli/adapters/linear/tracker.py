"""Linear as a tracker: the two reads and the few writes of `ports.Tracker`, put together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from symphony_cli.adapters.linear import cursor, documents, look, names_file
from symphony_cli.adapters.linear.exchange import Asks
from symphony_cli.adapters.linear.issues import Setting
from symphony_cli.adapters.linear.names import Names, with_labels
from symphony_cli.adapters.linear.names_parts import LabelsById
from symphony_cli.adapters.linear.wire import Row
from symphony_cli.core.budget import Gauge
from symphony_cli.core.policy import Rules
from symphony_cli.core.run import TrackerRef
from symphony_cli.core.snapshot import Held, Read
from symphony_cli.ids import IssueId

if TYPE_CHECKING:
    from symphony_cli.adapters.linear.writes import Writes

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
"""Linear refuses a whole list of ids for one that is none."""


class Counts(Asks, Protocol):
    """Sends documents, and knows how many."""

    @property
    def sent(self) -> int:
        """How many requests were sent so far, answered or not."""


class Gauges(Protocol):
    """Says what is left of the allowance (implemented by `allowance.Allowance`)."""

    def gauge(self) -> Gauge:
        """What is left, and how long a routine request would have to wait."""


@dataclass(slots=True)
class LinearTracker:
    """Implements `ports.Tracker`.

    `cache` is `state/tracker.json`; only the holder of `state/lock` may write it (`keeps`).
    `account` is a fingerprint of the key: who we are hangs on it. `time_left` is how many seconds
    a look may still take. `ours`: what is written is Symphony's own, not an agent's.
    """

    asks: Counts
    allowance: Gauges
    ref: TrackerRef
    rules: Rules
    cache: Path
    account: str
    now: Callable[[], datetime]
    time_left: Callable[[], float]
    keeps: bool = False
    ours: bool = True
    _names: Names | None = field(default=None, repr=False)

    @property
    def kind(self) -> str:
        """As in `tracker.kind`."""
        return "linear"

    @property
    def scope(self) -> str:
        """Ids are unique in all of Linear."""
        return self.ref.scope

    @property
    def requests(self) -> int:
        """How many requests it has sent since it was opened."""
        return self.asks.sent

    def look(self, since: str, held: Sequence[Held], *, full: bool = False) -> Read:
        """What changed since a cursor, and the issues that we hold.

        Raises:
            PutOff: our own budget says: not yet.
            ConfigError: Linear does not have the project.
            TrackerError: no answer, or none that can be believed.
        """
        before = self.requests
        names = self.names()
        new = self.requests > before
        place = look.Place(
            self.asks, self.ref, self.rules, self.account, self.now(), self.time_left
        )
        at = cursor.parse(since, look.scope_of(place, names))
        looking = look.Look(place, names, at, held, full, new)
        read = looking.read()
        self.keep(looking.names)
        return read

    def read(
        self, ids: Sequence[IssueId], *, texts: bool = True, held: Sequence[Held] = ()
    ) -> Read:
        """These issues by id. Linear forgets relations to what is deleted, so `held` adds nothing.

        Raises:
            TrackerError: no answer, or none that can be understood.
        """
        from symphony_cli.adapters.linear import detail  # ticks do without

        before = self.requests
        wanted = [issue for issue in dict.fromkeys(ids) if _UUID.fullmatch(issue)]
        if texts:
            told = (detail.whole(self.asks, issue, self._settle) for issue in wanted)
            found = [issue for issue in told if issue is not None]
        else:
            found = detail.lean(self.asks, wanted, self._settle)
        there = {issue.id for issue in found}
        return Read(
            issues=tuple(found),
            missing=tuple(issue for issue in dict.fromkeys(ids) if issue not in there),
            requests=self.requests - before,
        )

    def comment(self, issue: IssueId, body: str, write: str) -> bool:
        """Post a comment, once for each `write`.

        Raises:
            WriteRefused: it will never be taken.
            TrackerError: it may or may not have been taken.
        """
        return self._writes.comment(issue, body, write)

    def add_label(self, issue: IssueId, label: str) -> None:
        """Set a label; other labels stay. Made in the issue's team when nobody has it.

        Raises:
            WriteRefused: it will never be taken.
            TrackerError: it may or may not have been taken.
        """
        self._writes.add_label(issue, label)

    def remove_label(self, issue: IssueId, label: str) -> None:
        """Take a label off; other labels stay.

        Raises:
            WriteRefused: it will never be taken.
            TrackerError: it may or may not have been taken.
        """
        self._writes.remove_label(issue, label)

    def set_state(self, issue: IssueId, state: str) -> None:
        """Move an issue to a state of its team.

        Raises:
            WriteRefused: it will never be taken.
            TrackerError: it may or may not have been taken.
        """
        self._writes.set_state(issue, state)

    def gauge(self) -> Gauge | None:
        """What is left of the allowance; None without a key, for each key has its own."""
        return self.allowance.gauge() if self.account else None

    def names(self) -> Names:
        """What Linear calls things, as far as we know; asked for when we know nothing.

        Raises:
            ConfigError: Linear does not have the project.
            TrackerError: no answer, or none that can be understood.
        """
        if self._names is None:
            question = names_file.question(self.ref.endpoint, self.ref.project, self.account)
            self._names = names_file.load(self.cache, question)
        if self._names is None:
            from symphony_cli.adapters.linear.names_read import resolve  # once in a state folder

            where = self.ref.endpoint, self.ref.project, self.now()
            self.keep(resolve(self.asks, *where, account=self.account))
        assert self._names is not None, "resolved or loaded"
        return self._names

    def keep(self, names: Names) -> None:
        """Go by these names from now on, and so does the next tick."""
        if names != self._names:
            self._names = names
            if self.keeps:
                names_file.save(self.cache, names)

    def _settle(self, told: Iterable[Row]) -> Setting:
        """What rows are read against, with a name for each of their labels."""
        names = self.names()
        strange = sorted({label for row in told for label in row.labelIds}.difference(names.labels))
        if strange:
            part = LabelsById(strange[: documents.PAGE])
            document, variables = documents.compose("Labels", [part])
            part.take(self.asks.ask("Labels", document, variables).data)
            self.keep(with_labels(names, part.labels()))
        return Setting(self.names(), self.ref.project, self.rules)

    @property
    def _writes(self) -> Writes:
        from symphony_cli.adapters.linear.writes import Writes  # idle ticks do without

        return Writes(self.asks, self.names, self.keep, self.ours)
