"""What a test may do to a Linear, whichever it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from tests.fakes.linear.asked import Asked
from tests.fakes.linear.columns import Bump
from tests.fakes.linear.control import PROJECT, STATES
from tests.fakes.linear.faults import ENDLESS, Kind
from tests.fakes.linear.person import HUMAN
from tests.fakes.linear.truth import Truth

__all__ = [
    "ENDLESS",
    "HUMAN",
    "PROJECT",
    "STATES",
    "Asked",
    "Bump",
    "Kind",
    "PersonAtTheBoard",
    "Truth",
    "World",
]


class PersonAtTheBoard(Protocol):
    """What people do. Issues go by identifier or id, projects by slug, the rest by name."""

    def create(
        self,
        title: str = "Something to do",
        *,
        state: str = "Todo",
        team: str = "ENG",
        project: str | None = "",
        labels: Sequence[str] = (),
        blocked_by: Sequence[str] = (),
        assignee: str | None = None,
        priority: int = 0,
        description: str | None = None,
        created: datetime | None = None,
    ) -> Truth:
        """Write an issue: ENG-1 is the first. `project` "" is the first project, None is none."""

    def move(self, issue: str, state: str) -> None: ...
    def label(self, issue: str, name: str) -> None: ...
    def unlabel(self, issue: str, name: str) -> None: ...
    def assign(self, issue: str, user: str | None) -> None: ...
    def to_project(self, issue: str, project: str | None) -> None: ...
    def to_team(self, issue: str, team: str) -> None: ...
    def retitle(self, issue: str, title: str) -> None: ...
    def describe(self, issue: str, description: str) -> None: ...
    def prioritise(self, issue: str, priority: int) -> None: ...
    def archive(self, issue: str) -> None: ...
    def unarchive(self, issue: str) -> None: ...
    def trash(self, issue: str) -> None: ...
    def purge(self, issue: str) -> None: ...
    def relate(self, blocker: str, blocked: str) -> None: ...
    def unrelate(self, blocker: str, blocked: str) -> None: ...
    def comment(self, issue: str, body: str, user: str = HUMAN) -> None: ...

    def attach_pr(
        self, issue: str, url: str, status: str = "open", merged_at: datetime | None = None
    ) -> None:
        """A pull request (open, draft, merged, closed); merged now unless told."""

    def set(self, issue: str, **dates: datetime) -> None:
        """Write `updatedAt` or `createdAt` straight into an issue."""


class World(Protocol):
    """A Linear with one workspace: the usual states, a project, three users, and no issues."""

    @property
    def name(self) -> str:
        """own, standin, or standin-strict."""

    @property
    def endpoint(self) -> str:
        """Where GraphQL is asked."""

    @property
    def key(self) -> str:
        """A personal key that is accepted."""

    @property
    def project(self) -> str:
        """Slug of the first project, to which all teams belong."""

    @property
    def lags(self) -> float:
        """Seconds that queries lag behind from the start of a test; `lag` changes it."""

    @property
    def person(self) -> PersonAtTheBoard:
        """Somebody who edits issues."""

    def reset(self, *teams: str) -> None:
        """Everything anew, with these teams (ENG when none is named). Ask for `endpoint` again."""

    def create(self, title: str = "Something to do", *, state: str = "Todo") -> Truth:
        """Short for `person.create`."""

    def issue(self, ref: str) -> Truth:
        """An issue as it really is now, lag or not. KeyError when it is gone."""

    # --- the workspace

    def add_team(self, key: str) -> None:
        """A team with the usual states. Only projects made later belong to it."""

    def add_project(self, name: str, slug: str) -> None: ...
    def add_state(self, name: str, type: str = "started", team: str = "ENG") -> None: ...

    def add_label(self, name: str, team: str | None = "ENG", *, group: bool = False) -> None:
        """A label of a team, or (None) of the workspace."""

    def rename_state(self, name: str, new: str, team: str = "ENG") -> None: ...
    def rename_label(self, name: str, new: str) -> None: ...

    # --- what was asked

    def asked(self) -> list[Asked]:
        """All requests since the test began; reading them is none."""

    def requests(self) -> int:
        """How many there were."""

    def operations(self) -> list[str]:
        """The names of their operations."""

    def max_points(self) -> float | None:
        """What the dearest of them cost by the documented rule, rounded up; None when none was
        priced."""

    # --- trouble

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
        """Schedule a failure, for operations whose name has `operation` (a regular expression) in
        it; `times` may be ENDLESS. `seconds` are those of `hang`."""

    def mend(self) -> None:
        """Forget all failures that are still to come."""

    def drain(self, left: float = 0) -> None:
        """Somebody else spent the bucket of requests down to `left`."""

    def limit(self, requests: float) -> None:
        """So many requests per hour, and a full bucket."""

    def lag(self, seconds: float) -> None:
        """Queries lag so far behind writes; 0 shows readers everything at once."""

    def clock(self, offset: float) -> None:
        """The server's clock is so many seconds ahead of ours."""

    def hold(self, at: datetime) -> None:
        """The server's clock stands still at `at`, with full buckets. On our own server lag stands
        still with it; on a stand-in lag is made of real time."""

    def advance(self, seconds: float) -> None:
        """So many seconds go by on a clock that stands still. On a stand-in that lags, the lag is
        waited out first: nothing may lag behind for longer than it says."""

    def bump(self, kind: Bump, on: bool = True) -> None:
        """Whether such a change moves `updatedAt`."""

    def revoke(self, revoked: bool = True) -> None:
        """The key is not accepted any more (or again)."""

    def accept(self, key: str) -> None:
        """One more key of the same user."""

    def labels_by_owners(self, on: bool = True) -> None:
        """Only owners of the team may make labels."""

    def escape_names(self, on: bool = True) -> None:
        """The names of projects come with HTML entities."""
