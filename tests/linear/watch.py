"""A tick's eyes alone: looks at a Linear over HTTP, and takes in what they tell as a tick does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from symphony_cli import clock
from symphony_cli.adapters.linear.allowance import Allowance
from symphony_cli.adapters.linear.exchange import Answer
from symphony_cli.adapters.linear.tracker import LinearTracker
from symphony_cli.adapters.linear.transport import Transport
from symphony_cli.core.decisions import TakeIn, facts
from symphony_cli.core.events import Sighted
from symphony_cli.core.history import History
from symphony_cli.core.intake import intake
from symphony_cli.core.issue import Blocker, Issue
from symphony_cli.core.policy import Rules
from symphony_cli.core.run import TrackerRef
from symphony_cli.core.shape import Json
from symphony_cli.core.snapshot import Held, Read
from symphony_cli.core.tickfile import TickFile
from symphony_cli.ids import IssueId, Key
from symphony_cli.observe import held
from tests.linear.world import World

UNTOLD = ("updated_at", "created_at", "url", "branch", "assignee_aliases")
"""Members that Linear makes, and that follow from others."""

News = dict[str, dict[str, Any]]
"""By identifier: the members that changed, as they are now; `new` and `missing` are told so."""


_LISTS = re.compile(r"((?:changed|walk)_\w+: issues\(first: )\d+")


@dataclass
class Line:
    """A transport of which a test can spoil the requests that are still to come."""

    inner: Transport
    page: int = 0
    """Rows of a page of what changed, and of a complete poll; 0: as many as we ask for."""
    before: Callable[[int], None] = lambda number: None
    """Called with the number of each request before it is sent: 1 is the first."""
    documents: list[tuple[str, str, Mapping[str, Json]]] = field(default_factory=list)

    @property
    def sent(self) -> int:
        return self.inner.sent

    def ask(
        self, operation: str, document: str, variables: Mapping[str, Json], *, ours: bool = False
    ) -> Answer:
        self.documents.append((operation, document, variables))
        self.before(len(self.documents))
        if self.page:
            document = _LISTS.sub(rf"\g<1>{self.page}", document)
        return self.inner.ask(operation, document, variables, ours=ours)


@dataclass
class Watch:
    """Looks again and again, and remembers what it saw. Time is real unless it is `skipped`."""

    world: World
    folder: Path
    rules: Rules = field(default_factory=Rules)
    project: str = ""
    full_every: float = 3600.0
    named: dict[str, tuple[str, ...]] = field(default_factory=dict)
    history: History = field(default_factory=History)
    running: frozenset[str] = frozenset()
    waits: dict[str, datetime] = field(default_factory=dict)
    """Since when comments are wanted, by id."""
    skipped: float = 0.0
    page: int = 0
    time_left: Callable[[], float] = lambda: 20.0
    news: News = field(default_factory=dict)
    """What the last look told that was not known; a new date alone is none."""
    taken: TakeIn | None = None
    """What the last look was worth to the ledger."""

    def __post_init__(self) -> None:
        self.allowance = Allowance(self.folder, self.world.key, self._budget_time)
        transport = Transport(
            self.world.endpoint, self.world.key, self.allowance, timeout=lambda: 20.0
        )
        self.line = Line(transport, self.page)
        self.tracker = self.opened()

    def now(self) -> datetime:
        """Our clock."""
        return clock.now() + timedelta(seconds=self.skipped)

    def opened(self) -> LinearTracker:
        """A tracker as the next tick opens it: what it knows is in files."""
        slug = self.project or self.world.project
        return LinearTracker(
            asks=self.line,
            allowance=self.allowance,
            ref=TrackerRef(
                kind="linear",
                scope="linear",
                workflow="W",
                endpoint=self.world.endpoint,
                project=slug,
                full_every=self.full_every,
                named=self.named,
            ),
            rules=replace(self.rules, project=slug),
            cache=self.folder / "tracker.json",
            account="nobody",
            now=self.now,
            time_left=lambda: self.time_left(),
            keeps=True,
        )

    def held(self) -> tuple[Held, ...]:
        """What the next look is told that we hold."""
        known = held(self.history, TickFile())
        return tuple(
            Held(one.issue, one.id in self.running, self.waits.get(one.id)) for one in known
        )

    def look(self, *, full: bool = False) -> Read:
        """One look, taken in."""
        self.tracker = self.opened()
        read = self.tracker.look(self.history.cursor, self.held(), full=full)
        found = intake(read, self.history, self.tracker.rules)
        assert not found.faults
        self.taken = found.news
        self.news = self._news(found.news) if found.news is not None else {}
        if found.news is not None:
            self.history.take_all(facts(found.news, self.now()))
        return read

    def settle(self) -> None:
        """Look until nothing is new."""
        for _ in range(4):
            self.look()
            if not self.news:
                return
        raise AssertionError(f"there is always something new: {self.news}")

    def known(self, identifier: str) -> Issue:
        """An issue as we hold it."""
        record = self.history.named(identifier)
        assert record is not None, identifier
        return record.issue

    def hold(self, ids: Iterable[str]) -> None:
        """Hold issues that nobody ever told of."""
        for number, id in enumerate(ids):
            name = f"X-{number}"
            issue = Issue(IssueId(id), name, f"Title of {name}", "Todo", project=self.project)
            self.history.take(Sighted(self.now(), issue, Key(name)))

    def forget_label(self, name: str) -> None:
        """Lose a label from what is known of names."""
        names = self.tracker.names()
        kept = {id: label for id, label in names.labels.items() if label.name != name}
        self.tracker.keep(replace(names, labels=kept))

    def requests(self, act: Callable[[], object]) -> int:
        """How many requests something takes."""
        before = self.world.requests()
        act()
        return self.world.requests() - before

    def close(self) -> None:
        """Close the connections that are open."""
        self.line.inner.close()

    @contextmanager
    def spoilt(self, number: int, spoil: Callable[[], None]) -> Iterator[None]:
        """Do something just before the request of that number, counted from now."""
        first = len(self.line.documents)

        def before(sent: int) -> None:
            if sent - first == number:
                spoil()

        self.line.before = before
        yield
        self.line.before = lambda sent: None

    def _budget_time(self) -> datetime:
        """A minute for each request, so that nothing is put off: that has tests of its own."""
        return self.now() + timedelta(minutes=len(self.line.documents))

    def _news(self, taken: TakeIn) -> News:
        told = {issue.identifier: self._changed(issue) for issue, _ in taken.sighted}
        gone = (self.history.records[issue].issue.identifier for issue in taken.missed)
        return {name: now for name, now in told.items() if now} | {
            name: {"missing": True} for name in gone
        }

    def _changed(self, now: Issue) -> dict[str, Any]:
        record = self.history.find(now.id)
        if record is None:
            return {"new": True}
        names = [one.name for one in fields(Issue) if one.name not in UNTOLD]
        pairs = ((name, getattr(record.issue, name), getattr(now, name)) for name in names)
        return {name: _shown(new) for name, old, new in pairs if new != old}


def _shown(value: Any) -> Any:
    """Blockers without their ids, which no test can know."""
    if isinstance(value, tuple):
        return tuple(
            (b.identifier, b.state, b.open) if isinstance(b, Blocker) else b for b in value
        )
    return value


Opener = Callable[..., Watch]


@pytest.fixture
def watching(world: World, tmp_path: Path) -> Iterator[Opener]:
    """Opens watches on a Linear whose readers see everything at once."""
    opened: list[Watch] = []

    def watch(**more: object) -> Watch:
        world.lag(0)
        folder = tmp_path / f"watch{len(opened)}"
        opened.append(Watch(world, folder, **more))  # type: ignore[arg-type]
        return opened[-1]

    yield watch
    for one in opened:
        one.close()
