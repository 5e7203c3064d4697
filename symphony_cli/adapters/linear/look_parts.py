"""What a look asks for, part by part; each as short or long as there is room for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from symphony_cli.adapters.linear import blockers, documents
from symphony_cli.adapters.linear.cursor import Walk
from symphony_cli.adapters.linear.documents import ByIds, Latest, Listing
from symphony_cli.adapters.linear.exchange import Answer, Asks
from symphony_cli.adapters.linear.names import Names
from symphony_cli.adapters.linear.pulls import FILTER
from symphony_cli.core.policy import Rules
from symphony_cli.core.shape import Json
from symphony_cli.core.snapshot import Held
from symphony_cli.core.times import stamp
from symphony_cli.errors import PutOff
from symphony_cli.ids import digest

BLOCKED_PAGE = 50
"""Rows of a page of the blocked half, which is the shorter one."""

PULLS = 50
"""Pull requests that a look reads: the latest of the whole workspace, for no filter has ours."""

PULLS_SINCE = "-PT1H"
"""By Linear's clock. Our cursor stands still while our team is quiet, and others are not."""

FLAG_POINTS = 1.1

_CHANGED = (
    "includeArchived: true, filter: {{ {only}, and: ["
    "{{ or: [{{ team: {{ id: {{ in: $teams }} }} }}, "
    "{{ project: {{ id: {{ eq: $project }} }} }}] }}, "
    "{{ or: [{{ updatedAt: {{ gte: $since }} }}, {{ archivedAt: {{ gte: $since }} }}] }}] }}"
)

_WALK = (
    "filter: {{ {only}, project: {{ id: {{ eq: $project }} }}, "
    "state: {{ id: {{ in: $states }} }} }}"
)


@dataclass(frozen=True, slots=True)
class Flag:
    """An issue that the filter for blocked ones has."""

    id: str


@dataclass(frozen=True, slots=True)
class InTime:
    """Asks while there is time; of further requests nobody waits for longer than a tick has."""

    asks: Asks
    time_left: Callable[[], float]

    def ask(
        self, operation: str, document: str, variables: Mapping[str, Json], *, ours: bool = False
    ) -> Answer:
        """As `Asks`.

        Raises:
            PutOff: there is no time left.
        """
        if self.time_left() <= 0:
            raise PutOff("There is no time left to ask Linear now.", 1.0)
        return self.asks.ask(operation, document, variables, ours=ours)


def changed(names: Names, since: datetime) -> list[Listing]:
    """The issues of our teams that changed, in two halves."""
    given: dict[str, tuple[str, Json]] = {
        "since": ("DateTimeOrDuration!", stamp(since)),
        "teams": ("[ID!]", sorted(names.teams)),
        "project": ("ID", names.project.id),
    }
    return [_half("changed", _CHANGED, blocked, given) for blocked in (False, True)]


def walking(names: Names, rules: Rules, walk: Walk) -> list[Listing]:
    """The next page of each half of a complete poll that is not at its end."""
    states = sorted(s.id for s in names.states.values() if rules.is_active(s.name))
    given: dict[str, tuple[str, Json]] = {
        "project": ("ID", names.project.id),
        "states": ("[ID!]", states),
    }
    halves = ((False, walk.free, walk.free_done), (True, walk.blocked, walk.blocked_done))
    return [
        _half("walk", _WALK, blocked, given, after) for blocked, after, done in halves if not done
    ]


def _half(
    name: str,
    condition: str,
    blocked: bool,
    given: Mapping[str, tuple[str, Json]],
    after: str = "",
) -> Listing:
    only = f"hasBlockedByRelations: {{ eq: {str(blocked).lower()} }}"
    return Listing(
        alias=f"{name}_{'blocked' if blocked else 'free'}",
        arguments=condition.format(only=only),
        selection="...Row",
        row_points=documents.ROW_POINTS,
        given=given,
        first=BLOCKED_PAGE if blocked else documents.PAGE,
        after=after,
    )


def pulls(since: datetime) -> Latest:
    """The pull requests that changed last."""
    return Latest(
        alias="pulls",
        root="attachments",
        arguments=(
            f"filter: {{ {FILTER}, and: [{{ updatedAt: {{ gte: $pulls_since }} }}, "
            f'{{ updatedAt: {{ gte: "{PULLS_SINCE}" }} }}] }}'
        ),
        selection=documents.PULL,
        row_points=documents.PULL_POINTS,
        given={"pulls_since": ("DateTimeOrDuration!", stamp(since))},
        first=PULLS,
    )


def known_blockers(held: Sequence[Held]) -> ByIds:
    """The blockers that we know by name."""
    known = blockers.known(held)[: documents.PAGE]
    return ByIds("blockers", known, documents.BLOCKER, documents.BLOCKER_POINTS)


def relations(held: Sequence[Held], now: datetime) -> ByIds:
    """A few issues with all that blocks them."""
    learn = blockers.to_learn(held, turn(now))
    return ByIds("relations", learn, documents.LEARNED, documents.LEARNED_POINTS)


def held_issues(ids: Sequence[str]) -> list[ByIds]:
    """Issues by id, in pages, and which of each are blocked."""
    parts: list[ByIds] = []
    for number, start in enumerate(range(0, len(ids), documents.PAGE)):
        page = ids[start : start + documents.PAGE]
        flag = ", hasBlockedByRelations: { eq: true }"
        parts.append(ByIds(f"held_{number}", page, "...Row", documents.ROW_POINTS))
        parts.append(ByIds(f"flags_{number}", page, "id", FLAG_POINTS, flag))
    return parts


def fitting(held: Sequence[Held], room: float, now: datetime) -> list[str]:
    """The ids of what we hold, as many as there is room for: running ones first, the others in
    turn."""
    most = int((room - 20) / (documents.ROW_POINTS + FLAG_POINTS))
    ids = [one.id for one in held]
    if len(ids) <= most:
        return list(ids)
    running = [one.id for one in held if one.running][:most]
    rest = [one.id for one in held if not one.running]
    if not rest:
        return list(running)
    at, share = turn(now) % len(rest), most - len(running)
    return [*running, *(rest + rest)[at : at + share]]


def turn(now: datetime) -> int:
    """As good as dice: what is read must not hang on how often ticks come."""
    return int(digest(stamp(now)), 16)
