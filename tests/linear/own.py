"""`World` on our own small server."""

from __future__ import annotations

from datetime import datetime

from tests.fakes.linear import FakeLinear, Person
from tests.fakes.linear.complaints import Refusal
from tests.fakes.linear.control import PROJECT
from tests.fakes.linear.plan import rounded
from tests.linear.world import Asked, Bump, Kind, Truth


class OwnWorld:
    """A server in this process. A reset starts another one, at another address."""

    name = "own"
    lags = 0.0
    project = PROJECT

    def __init__(self) -> None:
        self._server = FakeLinear()

    def close(self) -> None:
        """End the server."""
        self._server.close()

    @property
    def server(self) -> FakeLinear:
        """For what the other kinds cannot do."""
        return self._server

    @property
    def endpoint(self) -> str:
        return self._server.endpoint

    @property
    def key(self) -> str:
        return self._server.key

    @property
    def person(self) -> Person:
        return self._server.person

    def reset(self, *teams: str) -> None:
        self._server.close()
        self._server = FakeLinear(teams or ("ENG",))

    def create(self, title: str = "Something to do", *, state: str = "Todo") -> Truth:
        return self.person.create(title, state=state)

    def issue(self, ref: str) -> Truth:
        try:
            return self._server.issue(ref)
        except Refusal as refusal:
            raise KeyError(ref) from refusal

    def add_team(self, key: str) -> None:
        self._server.add_team(key)

    def add_project(self, name: str, slug: str) -> None:
        self._server.add_project(name, slug)

    def add_state(self, name: str, type: str = "started", team: str = "ENG") -> None:
        self._server.add_state(name, type, team)

    def add_label(self, name: str, team: str | None = "ENG", *, group: bool = False) -> None:
        self._server.add_label(name, team, group=group)

    def rename_state(self, name: str, new: str, team: str = "ENG") -> None:
        self._server.rename_state(name, new, team)

    def rename_label(self, name: str, new: str) -> None:
        self._server.rename_label(name, new)

    def asked(self) -> list[Asked]:
        return self._server.asked()

    def requests(self) -> int:
        return len(self.asked())

    def operations(self) -> list[str]:
        return [asked.operation for asked in self.asked()]

    def max_points(self) -> float | None:
        costs = [asked.points for asked in self.asked() if asked.points is not None]
        return float(rounded(max(costs))) if costs else None

    def fault(
        self,
        kind: Kind,
        *,
        times: int = 1,
        operation: str = "",
        status: int | None = None,
        seconds: float = 3600.0,
        headers: bool = True,
    ) -> None:
        self._server.fault(
            kind,
            times=times,
            operation=operation,
            status=status,
            seconds=seconds,
            headers=headers,
        )

    def mend(self) -> None:
        self._server.mend()

    def drain(self, left: float = 0) -> None:
        self._server.drain(left)

    def limit(self, requests: float) -> None:
        self._server.limit(requests)

    def lag(self, seconds: float) -> None:
        self._server.lag(seconds)

    def clock(self, offset: float) -> None:
        self._server.clock(offset)

    def hold(self, at: datetime) -> None:
        self._server.hold(at)

    def advance(self, seconds: float) -> None:
        self._server.advance(seconds)

    def bump(self, kind: Bump, on: bool = True) -> None:
        self._server.bump(kind, on)

    def revoke(self, revoked: bool = True) -> None:
        self._server.revoke(revoked)

    def accept(self, key: str) -> None:
        self._server.service.keys.add(key)

    def labels_by_owners(self, on: bool = True) -> None:
        self._server.service.labels_by_owners = on

    def escape_names(self, on: bool = True) -> None:
        self._server.service.escaped = on
