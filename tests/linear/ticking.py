"""A whole world in memory that looks at a Linear over HTTP: real ticks, fake agents, fake ledger.

Time is a variable on both sides: the server's clock stands still until `pass_time`, and ours goes
with it, so many seconds ahead or behind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from symphony_cli.adapters.linear.allowance import Allowance
from symphony_cli.adapters.linear.exchange import Answer
from symphony_cli.adapters.linear.tracker import LinearTracker
from symphony_cli.adapters.linear.transport import Transport
from symphony_cli.core.history import History
from symphony_cli.core.policy import Policy, Rules
from symphony_cli.core.run import TrackerRef
from symphony_cli.core.shape import Json
from symphony_cli.ports import World as Sockets
from tests.fakes.world import SETTINGS, START, FakeWorld
from tests.linear.world import PROJECT, World

TIMEOUT = 20.0
"""Seconds for one request: far more than a server in this machine takes."""

_LISTS = re.compile(r"((?:changed|walk)_\w+: issues\(first: )\d+")


@dataclass(slots=True)
class Between:
    """Stands between a tracker and its transport: pages are small, and things happen between two
    requests of one look."""

    inner: Transport
    page: int
    """Rows of a page of what changed, and of the complete poll."""
    meanwhile: list[Callable[[], None]] = field(default_factory=list)
    """What happens before the second request of a look, before the third ..."""
    vanishing: set[str] = field(default_factory=set)
    """Issues that the next look does not have, as if we had lost sight of them for a moment."""
    absent: set[str] = field(default_factory=set)
    """Those that this look does not have."""
    asked: int = 0
    looks: int = 0
    """How many looks were begun so far."""

    @property
    def sent(self) -> int:
        """How many requests were sent."""
        return self.inner.sent

    def ask(
        self,
        operation: str,
        document: str,
        variables: Mapping[str, Json],
        *,
        ours: bool = False,
    ) -> Answer:
        """As the transport, with pages of our size."""
        self.asked += 1
        self.looks += self.asked == 1
        if self.asked > 1 and self.meanwhile and not ours:
            self.meanwhile.pop(0)()
        small = _LISTS.sub(rf"\g<1>{self.page}", document)
        answer = self.inner.ask(operation, small, variables, ours=ours)
        return replace(answer, data=_without(answer.data, self.absent))

    def begin(self) -> None:
        """The next request is the first of a look."""
        self.absent, self.vanishing = self.vanishing, set()
        self.asked = 0


@dataclass
class LinearWorld(FakeWorld):
    """`FakeWorld` whose tracker is a `LinearTracker`; each tick opens its own, as processes do."""

    linear: World = field(kw_only=True)
    folder: Path = field(kw_only=True)
    """For the names, and for the budget unless `budget` is given."""
    budget: Path | None = field(default=None, kw_only=True)
    key: str = field(default="", kw_only=True)
    page: int = field(default=250, kw_only=True)
    skew: float = field(default=0.0, kw_only=True)
    """Seconds that our clock is ahead of the server's."""
    lags: float = field(default=1.0, kw_only=True)
    """What a second of lag is on this server, where it is made of real time."""
    forgets: bool = field(default=False, kw_only=True)
    """Finished issues have left the cache of the ledger, as after a tick that saved it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.vanished: set[str] = set()
        linear = self.linear
        self.linear.hold(START)
        self.time = START + timedelta(seconds=self.skew)
        self.ref = TrackerRef(
            "linear", linear.endpoint, "WORKFLOW.md", endpoint=linear.endpoint, project=PROJECT
        )
        key = self.key or linear.key
        self.allowance = Allowance(self.budget or self.folder, key, lambda: self.time)
        transport = Transport(linear.endpoint, key, self.allowance, timeout=lambda: TIMEOUT)
        self.asks = Between(transport, self.page)

    def close(self) -> None:
        """Close the connections that are open."""
        self.asks.inner.close()

    def pass_time(self, seconds: float) -> None:
        """Time goes by for everybody."""
        self.linear.advance(seconds)
        self.later(seconds=seconds)

    def set_clock(self, skew: float) -> None:
        """Our clock is put forward or back."""
        self.time += timedelta(seconds=skew - self.skew)
        self.skew = skew

    def sockets(self) -> Sockets:
        sockets = super().sockets()
        if self.forgets:
            _put_away(self.history)
        self.asks.begin()
        tracker = LinearTracker(
            asks=self.asks,
            allowance=self.allowance,
            ref=self.ref,
            rules=self.policy.rules,
            cache=self.folder / "tracker.json",
            account="a",
            now=lambda: self.time,
            time_left=lambda: TIMEOUT,
            keeps=True,
        )
        settings = replace(SETTINGS, tracker=self.ref, rules=self.policy.rules)
        return replace(sockets, tracker=tracker, settings=settings)


def _without(data: Mapping[str, Json], absent: set[str]) -> Mapping[str, Json]:
    """An answer whose lists lack these issues."""
    if not absent:
        return data
    return {
        name: {**part, "nodes": [node for node in part["nodes"] if node.get("id") not in absent]}
        if isinstance(part, dict) and "nodes" in part
        else part
        for name, part in data.items()
    }


def _put_away(history: History) -> None:
    records = history.records.items()
    over = {issue: one for issue, one in records if one.finished_at and one.running is None}
    history.records = {issue: one for issue, one in records if issue not in over}
    history.finished = over


def policy(**rules: object) -> Policy:
    """The default one for the first project."""
    return Policy(rules=Rules(project=PROJECT, **rules), interval=30.0, slots=2)  # type: ignore[arg-type]
