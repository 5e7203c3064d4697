"""One look at Linear: one document, whatever happened, and further pages only of what is long.

    changed_*   what changed since the cursor, in every state and project of our teams
    held_*      every issue that we run or hold, by id, as many as fit
    blockers    the known blockers of waiting issues, by id
    relations   of a few issues, what blocks them, to learn the names
    pulls       pull requests that changed
    names_*     new labels; with a complete poll all names anew
    walk_*      a page of the complete poll, when one is under way

Lists of issues come in two halves, by Linear's own filter for issues with open blockers: so each
row says whether it is blocked, and each half has its own pages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from html import unescape

from symphony_cli.adapters.linear import blockers, cursor, documents
from symphony_cli.adapters.linear.cursor import Cursor, Walk
from symphony_cli.adapters.linear.documents import ByIds, Listing, Part
from symphony_cli.adapters.linear.exchange import Answer, Asks, Complaint
from symphony_cli.adapters.linear.issues import Found, Setting, issue_of, unknown_labels
from symphony_cli.adapters.linear.names import Names, with_labels
from symphony_cli.adapters.linear.names_check import problems
from symphony_cli.adapters.linear.names_parts import AllNames, LabelsById, NewLabels, Where
from symphony_cli.adapters.linear.pulls import FILTER, PullRow, by_issue
from symphony_cli.adapters.linear.wire import BlockerRow, LearnedRow, Row, rows
from symphony_cli.core.issue import Issue
from symphony_cli.core.policy import Rules
from symphony_cli.core.run import TrackerRef
from symphony_cli.core.shape import Json
from symphony_cli.core.snapshot import Held, Read
from symphony_cli.core.times import stamp
from symphony_cli.errors import PutOff, TrackerError
from symphony_cli.ids import IssueId, digest

FRESH = 60.0
"""Seconds for which a complete poll goes by the names that were resolved before it."""

BLOCKED_PAGE = 50
"""Rows of a page of the blocked half, which is the shorter one."""


@dataclass(frozen=True, slots=True)
class Place:
    """What looks are made with: whom to ask, for what, and how long."""

    asks: Asks
    ref: TrackerRef
    rules: Rules
    account: str
    now: datetime
    time_left: Callable[[], float]

    @property
    def where(self) -> Where:
        """Whose names we go by."""
        return Where(self.ref.endpoint, self.ref.project, self.account, self.now)


def scope_of(place: Place, names: Names) -> str:
    """What a complete poll goes through, in short; when it changes, we begin anew."""
    states = sorted(s.id for s in names.states.values() if place.rules.is_active(s.name))
    wanted = (place.rules.required_labels, place.rules.assignee or "")
    return digest(repr((place.ref.endpoint, names.project.id, sorted(names.teams), states, wanted)))


@dataclass(slots=True)
class Look:
    """A look being made."""

    place: Place
    names: Names
    cursor: Cursor
    held: Sequence[Held]
    full: bool = False
    new: bool = False
    """The names were asked for a moment ago, in the request before this one."""
    found: Found = field(default_factory=Found)
    date: datetime | None = None
    requests: int = 0
    changed: list[Listing] = field(default_factory=list)
    walking: list[Listing] = field(default_factory=list)
    asked_for: list[str] = field(default_factory=list)

    def read(self) -> Read:
        """Everything that this look tells.

        Raises:
            TrackerError: a page was not to be had; nothing is believed.
            ConfigError: the project is gone.
        """
        since = cursor.starts_at(self.cursor)
        names_part = self._names_part()
        if names_part is None:
            self._begin_walk()
        self._ask_first(since, names_part)
        self._ask_further()
        if names_part is not None:
            self._take_names(names_part)
            self._begin_walk()
        self._walk_on()
        return self._told()

    # What is asked for.

    def _names_part(self) -> AllNames | None:
        """All names anew: before a complete poll, and while WORKFLOW.md does not fit them."""
        # Their clock against ours: a difference of minutes costs a part of a document.
        old = abs((self.place.now - self.names.as_of).total_seconds()) > FRESH
        misfit = bool(problems(self.names, self.place.ref, self.place.rules))
        wanted = (self._due and old) or (misfit and not self.new)
        return AllNames(self.place.where) if wanted else None

    @property
    def _due(self) -> bool:
        restart = self.full and not self.cursor.first
        return restart or cursor.is_due(self.cursor, self.place.now, self.place.ref.full_every)

    @property
    def _urgent(self) -> bool:
        """Somebody waits for the complete poll; otherwise it takes a page in each tick."""
        return self.full or self.cursor.first or self.place.ref.full_every <= 0

    def _begin_walk(self) -> None:
        if self._due:
            self.cursor = replace(self.cursor, walk=Walk(self.place.now))
        walk = self.cursor.walk
        if walk is None:
            return
        halves = ((False, walk.free, walk.free_done), (True, walk.blocked, walk.blocked_done))
        self.walking = [
            self._half("walk", _WALK, blocked, self._walk_values(), after)
            for blocked, after, done in halves
            if not done
        ]

    def _walk_values(self) -> dict[str, tuple[str, Json]]:
        states = (s.id for s in self.names.states.values() if self.place.rules.is_active(s.name))
        return {
            "project": ("ID", self.names.project.id),
            "states": ("[ID!]", sorted(states)),
        }

    def _half(
        self,
        name: str,
        condition: str,
        blocked: bool,
        given: dict[str, tuple[str, Json]],
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

    def _delta(self, since: datetime) -> list[Listing]:
        given: dict[str, tuple[str, Json]] = {
            "since": ("DateTimeOrDuration!", stamp(since)),
            "teams": ("[ID!]", sorted(self.names.teams)),
            "project": ("ID", self.names.project.id),
        }
        halves = [self._half("changed", _CHANGED, blocked, given) for blocked in (False, True)]
        pulls = Listing(
            alias="pulls",
            root="attachments",
            first=50,
            arguments=f"filter: {{ {FILTER}, updatedAt: {{ gte: $since }} }}",
            selection=documents.PULL,
            row_points=documents.PULL_POINTS,
            given={"since": given["since"]},
        )
        return [*halves, pulls]

    def _by_ids(self, room: float) -> list[ByIds]:
        """What we hold: blockers and relations first, for they are few; running issues always."""
        known = blockers.known(self.held)[: documents.PAGE]
        # As good as dice: which are read must not hang on how often ticks come.
        turn = int(digest(stamp(self.place.now)), 16)
        learn = blockers.to_learn(self.held, turn)
        few = [
            ByIds("blockers", known, documents.BLOCKER, documents.BLOCKER_POINTS),
            ByIds("relations", learn, documents.LEARNED, documents.LEARNED_POINTS),
        ]
        few = [part for part in few if part.ids]
        self.found.asked = frozenset(known)
        each = documents.ROW_POINTS + _FLAG_POINTS
        self.asked_for = self._fitting(int((room - documents.cost(few) - 20) / each))
        pages = range(0, len(self.asked_for), documents.PAGE)
        for number, start in enumerate(pages):
            ids = self.asked_for[start : start + documents.PAGE]
            flag = ", hasBlockedByRelations: { eq: true }"
            few.append(ByIds(f"held_{number}", ids, "...Row", documents.ROW_POINTS))
            few.append(ByIds(f"flags_{number}", ids, "id", _FLAG_POINTS, flag))
        return few

    def _fitting(self, most: int) -> list[str]:
        ids = [one.id for one in self.held]
        if len(ids) <= most:
            return list(ids)
        running = [one.id for one in self.held if one.running][:most]
        rest = [one.id for one in self.held if not one.running]
        if not rest:
            return list(running)
        at, share = self.cursor.turn % len(rest), most - len(running)
        self.cursor = replace(self.cursor, turn=(at + share) % len(rest))
        return [*running, *(rest + rest)[at : at + share]]

    # Asking, and taking in.

    def _ask_first(self, since: datetime | None, names_part: AllNames | None) -> None:
        labels = NewLabels(self.names, self.place.where) if names_part is None else None
        self.changed = self._delta(since) if since is not None else []
        parts: list[Part] = [*self.changed, *self.walking]
        parts += [part for part in (labels, names_part) if part is not None]
        held = self._by_ids(documents.LIMIT - documents.cost(parts))
        parts += held
        answer = self._ask_from_start_if_refused(parts)
        self.date = answer.date
        if labels is not None:
            self.names = labels.names(self.place.asks)
        self._take_held(held)

    def _ask_from_start_if_refused(self, parts: Sequence[Part]) -> Answer:
        """A complete poll goes on after a row that an earlier tick saw; that row may be purged."""
        try:
            return self._ask(parts)
        except Complaint:
            if not any(part.after for part in self.walking):
                raise
        for part in self.walking:
            part.after = ""
        return self._ask(parts)

    def _ask(self, parts: Iterable[Part]) -> Answer:
        wanted = list(parts)
        document, variables = documents.compose("Look", wanted)
        answer = self.place.asks.ask("Look", document, variables)
        self.requests += answer.requests
        for part in wanted:
            part.take(answer.data)
        return answer

    def _ask_further(self) -> None:
        """The rest of what changed. When there is no time or allowance for all of it, a complete
        poll goes through everything instead: otherwise each tick would fail at the same place."""
        try:
            while unread := [part for part in self.changed if part.more]:
                if self.place.time_left() <= 0:
                    raise PutOff("There is no time left to ask Linear now.", 1.0)
                self._ask(unread)
        except PutOff:
            self.cursor = cursor.skipped(self.cursor, self.date, self.place.now)
            self.walking = []

    def _take_held(self, parts: Sequence[ByIds]) -> None:
        by_alias = {part.alias: part.rows for part in parts}
        for alias, nodes in by_alias.items():
            if not alias.startswith("held_"):
                continue
            flags = by_alias[alias.replace("held_", "flags_")]
            blocked = {row.id for row in rows(_Flag, flags, "flags")}
            for row in rows(Row, nodes, "held issues"):
                self._rename(row)
                self.found.add(row, row.id in blocked)
        told = rows(BlockerRow, by_alias.get("blockers", []), "blockers")
        self.found.blockers = {row.id: row for row in told}
        for learned in rows(LearnedRow, by_alias.get("relations", []), "relations"):
            self.found.relations[learned.id] = blockers.learned(learned)

    def _take_names(self, part: AllNames) -> None:
        self.names = part.names(self.place.asks, self.date)
        scope = scope_of(self.place, self.names)
        if scope != self.cursor.scope:
            self.cursor = Cursor(scope, since=self.cursor.since)

    def _walk_on(self) -> None:
        """The complete poll: one page in each tick, or as many as there is time for."""
        while self._urgent and any(part.more for part in self.walking):
            if self.place.time_left() <= 0 or not self._walk_page():
                break
        if self.cursor.walk is not None and self.walking:
            self.cursor = cursor.walked(self.cursor, self._walked(self.cursor.walk))

    def _walk_page(self) -> bool:
        """One more page of each half; what cannot be had now is left to the next tick."""
        try:
            self._ask([part for part in self.walking if part.more])
        except TrackerError:
            return False
        return True

    def _walked(self, walk: Walk) -> Walk:
        for part in self.walking:
            if part.alias.endswith("free"):
                walk = replace(walk, free=part.after, free_done=part.done)
            else:
                walk = replace(walk, blocked=part.after, blocked_done=part.done)
        return walk

    # What it adds up to.

    def _told(self) -> Read:
        changed = [part for part in self.changed if part.root == "issues"]
        seen: list[datetime] = []
        for part in (*changed, *self.walking):
            for row in rows(Row, part.rows, part.alias):
                self.found.add(row, part.alias.endswith("blocked"))
                self._rename(row)
                if part in changed:
                    seen += [row.updatedAt, *([row.archivedAt] if row.archivedAt else [])]
        pulls = [node for part in self.changed if part.root != "issues" for node in part.rows]
        self.found.pulls = by_issue(rows(PullRow, pulls, "pull requests"))
        paged = any(part.pages > 1 for part in changed)
        self.cursor = cursor.moved(self.cursor, seen, self.date, self.place.now, paged=paged)
        before: dict[str, Issue] = {one.id: one.issue for one in self.held}
        self._learn_labels()
        setting = Setting(self.names, self.place.ref.project, self.place.rules)
        return Read(
            issues=tuple(
                issue_of(row, self.found, setting, before.get(issue))
                for issue, row in self.found.rows.items()
            ),
            missing=tuple(
                IssueId(issue) for issue in self.asked_for if issue not in self.found.rows
            ),
            cursor=cursor.to_text(self.cursor),
            requests=self.requests,
            problems=problems(self.names, self.place.ref, self.place.rules),
            first_poll=self.cursor.first,
        )

    def _rename(self, row: Row) -> None:
        """A state that is called otherwise than we thought."""
        known, name = self.names.states.get(row.state.id), unescape(row.state.name)
        if known is not None and known.name != name:
            states = {**self.names.states, known.id: replace(known, name=name)}
            self.names = replace(self.names, states=states)

    def _learn_labels(self) -> None:
        setting = Setting(self.names, self.place.ref.project, self.place.rules)
        held: dict[str, Issue] = {one.id: one.issue for one in self.held}
        strange = unknown_labels(self.found, setting, held)[: documents.PAGE]
        if strange:
            part = LabelsById(strange)
            self._ask([part])
            self.names = with_labels(self.names, part.labels())


_FLAG_POINTS = 1.1

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
class _Flag:
    """An issue that the filter has."""

    id: str
