"""`FakeLinear`: a running server with an ordinary workspace, and what a test sets on it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

from tests.fakes.linear.asked import Asked
from tests.fakes.linear.columns import Bump
from tests.fakes.linear.faults import Fault, Kind
from tests.fakes.linear.labels import make_label
from tests.fakes.linear.limits import Limits
from tests.fakes.linear.person import Person
from tests.fakes.linear.service import KEY, Service
from tests.fakes.linear.truth import Truth, truth_of
from tests.fakes.linear.web import Web

PROJECT = "symphony-0c0ffee00000"
"""Slug of the first project."""

STATES = (
    ("Backlog", "backlog"),
    ("Todo", "unstarted"),
    ("In Progress", "started"),
    ("Human Review", "started"),
    ("Rework", "started"),
    ("Merging", "started"),
    ("Done", "completed"),
    ("Canceled", "canceled"),
    ("Duplicate", "duplicate"),
)

PEOPLE = ("Agent Bot", "Hanna Human", "Rui Reviewer")
"""The first is the viewer: the user whose key is used."""

LABELS = ("bug", "feature", "chore", "needs-human", "stop-continue")


class FakeLinear:
    """A server that listens until `close`, with one project and no issues."""

    def __init__(self, teams: Sequence[str] = ("ENG",)) -> None:
        self.service = Service()
        self.person = Person(self.service)
        self._furnish(teams)
        self._web = Web(self.service)
        self.endpoint, self.key, self.project = self._web.endpoint, KEY, PROJECT

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the server."""
        self._web.close()

    # --- the workspace

    def put_issue(self, title: str = "Something to do", **more: Any) -> Truth:
        """A person writes an issue; see `Person.create`."""
        return self.person.create(title, **more)

    def issue(self, ref: str) -> Truth:
        """An issue as it really is now, by id or identifier.

        Raises:
            Refusal: there is none.
        """
        with self.service.lock:
            return truth_of(self.service.store.issue(ref))

    def add_team(self, key: str) -> None:
        """A team with the usual states; projects made later belong to it too."""
        with self.service.lock:
            store = self.service.store
            name = "Engineering" if key == "ENG" else f"Team {key}"
            named = {"key": key, "name": name, "displayName": name, "private": False}
            store.add("Team", {**named, "_issues": 0})
            for state, type in STATES:
                self.add_state(state, type, team=key)

    def add_state(self, name: str, type: str = "started", team: str = "ENG") -> None:
        """One more state of a team."""
        with self.service.lock:
            store = self.service.store
            home = store.named("Team", team)
            place = float(len(store.all("WorkflowState")))
            fields = {"name": name, "type": type, "color": "#bec2c8", "position": place}
            store.add("WorkflowState", {**fields, "team": home})

    def add_project(self, name: str, slug: str) -> None:
        """A project of all teams that there are."""
        with self.service.lock:
            store = self.service.store
            fields = {"name": name, "slugId": slug, "description": "", "state": "started"}
            url = f"https://linear.app/acme/project/{slug}"
            store.add("Project", {**fields, "url": url, "teams": store.all("Team")})

    def add_label(self, name: str, team: str | None = "ENG", *, group: bool = False) -> None:
        """A label of a team or (None) of the workspace."""
        with self.service.lock:
            store = self.service.store
            home = None if team is None else store.named("Team", team)
            make_label(store, name, home, isGroup=group)

    def rename_state(self, name: str, new: str, team: str = "ENG") -> None:
        """Another name for a state of a team."""
        with self.service.lock:
            home = self.service.store.named("Team", team)
            for row in self.service.store.all("WorkflowState"):
                if row["team"] is home and row["name"] == name:
                    row.update(name=new, updatedAt=self.service.clock.now())

    def rename_label(self, name: str, new: str) -> None:
        """Another name for a label."""
        with self.service.lock:
            row = self.service.store.named("IssueLabel", name)
            row.update(name=new, updatedAt=self.service.clock.now())

    # --- the service

    def asked(self) -> list[Asked]:
        """All requests so far."""
        with self.service.lock:
            return list(self.service.log)

    def bump(self, kind: Bump, on: bool = True) -> None:
        """Whether such a change moves `updatedAt`."""
        with self.service.lock:
            (self.service.changes.bumps.add if on else self.service.changes.bumps.discard)(kind)

    def fault(self, kind: Kind, **more: Any) -> None:
        """Schedule a failure; see `faults.Fault`."""
        with self.service.lock:
            self.service.faults.append(Fault(kind, **more))

    def mend(self) -> None:
        """Forget all failures that are still to come."""
        with self.service.lock:
            self.service.faults.clear()

    def drain(self, left: float = 0) -> None:
        """Somebody else spent the bucket of requests down to `left`."""
        with self.service.lock:
            now, bucket = self.service.clock.now(), self.service.limits.requests
            bucket.left, bucket.as_of = left, now

    def limit(self, requests: float) -> None:
        """Another limit of requests per hour, with a full bucket."""
        with self.service.lock:
            now, bucket = self.service.clock.now(), self.service.limits.requests
            bucket.limit, bucket.left, bucket.as_of = requests, requests, now

    def lag(self, seconds: float) -> None:
        """Queries see from now on what was true so long ago."""
        with self.service.lock:
            self.service.store.lag = seconds

    def clock(self, offset: float) -> None:
        """The server's clock runs so many seconds ahead of ours (or behind)."""
        with self.service.lock:
            self.service.clock.offset = timedelta(seconds=offset)

    def hold(self, at: datetime) -> None:
        """The server's clock stands still at `at`; lag does too."""
        with self.service.lock:
            self.service.clock.held = at
            self.service.limits = Limits(at)

    def advance(self, seconds: float) -> None:
        """So many seconds go by on a clock that stands still."""
        with self.service.lock:
            self.service.clock.advance(seconds)

    def revoke(self, revoked: bool = True) -> None:
        """The key is not accepted any more."""
        with self.service.lock:
            self.service.keys = set() if revoked else {KEY}

    def _furnish(self, teams: Sequence[str]) -> None:
        store = self.service.store
        store.add("Organization", {"name": "Acme", "urlKey": "acme"})
        people = [store.add("User", _person(name)) for name in PEOPLE]
        self.service.viewer = people[0]
        for key in teams:
            self.add_team(key)
        self.add_project("Symphony", PROJECT)
        for name in LABELS:
            self.add_label(name, teams[0])


def _person(name: str) -> dict[str, object]:
    shown = name.lower().replace(" ", "")
    return {
        "name": name,
        "displayName": shown,
        "email": f"{shown}@example.com",
        "active": True,
        "app": name.endswith("Bot"),
        "url": f"https://linear.app/acme/profiles/{shown}",
    }
