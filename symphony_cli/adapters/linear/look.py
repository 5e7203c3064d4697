"""One look at Linear: one document, whatever happened, and further pages only of what is long.

    changed_*   what changed since the cursor, in every state and project of our teams
    held_*      every issue that we run or hold, by id, as many as fit
    blockers    the known blockers of waiting issues, by id
    relations   of a few issues, what blocks them, to learn the names
    pulls       pull requests that changed
    comments    what was written lately under issues that wait for an answer
    names_*     new labels; with a complete poll all names anew
    labels      labels that the look before saw and could not ask for
    walk_*      a page of the complete poll, when one is under way

Lists of issues come in two halves, by Linear's own filter for issues with open blockers: so each
row says whether it is blocked, and each half has its own pages.

The first answer counts whatever becomes of further requests: names that are not to be had stay as
they were, and an issue with a label that has no name yet is `unknown`, for it may be a label that
decides. When the whole document is refused (a right that the key lacks for one part, a field that
is gone), it is asked for once more without the parts that we can do without, with a note for
people; the next look tries it whole again, at the price of one more request.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from html import unescape
from typing import TYPE_CHECKING

from symphony_cli.adapters.linear import blockers, cursor, documents, look_parts
from symphony_cli.adapters.linear.cursor import Cursor, Walk
from symphony_cli.adapters.linear.documents import ByIds, Latest, Listing, Part
from symphony_cli.adapters.linear.exchange import Answer, Asks, Complaint
from symphony_cli.adapters.linear.issues import (
    Found,
    Setting,
    issue_of,
    unknown_labels,
    waiting_for,
)
from symphony_cli.adapters.linear.look_parts import Flag, InTime
from symphony_cli.adapters.linear.names import Names, with_labels, with_strange
from symphony_cli.adapters.linear.names_check import problems
from symphony_cli.adapters.linear.names_parts import AllNames, LabelsById, NewLabels, Where
from symphony_cli.adapters.linear.pulls import PullRow, by_issue
from symphony_cli.adapters.linear.wire import BlockerRow, LearnedRow, Row, rows
from symphony_cli.core.issue import Comment, Issue
from symphony_cli.core.policy import Rules
from symphony_cli.core.run import TrackerRef
from symphony_cli.core.snapshot import Held, Read
from symphony_cli.errors import PutOff, TrackerError
from symphony_cli.ids import IssueId, digest

if TYPE_CHECKING:
    from symphony_cli.adapters.linear.look_comments import Answers

FRESH = 60.0
"""Seconds for which a complete poll goes by the names that were resolved before it."""


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

    @property
    def in_time(self) -> InTime:
        """Asks, and not beyond our time."""
        return InTime(self.asks, self.time_left)


def scope_of(place: Place, names: Names) -> str:
    """What a complete poll goes through, in short; when it changes, we begin anew."""
    states = sorted(s.id for s in names.states.values() if place.rules.is_active(s.name))
    wanted = (place.rules.required_labels, place.rules.assignee or "")
    return digest(repr((place.ref.endpoint, names.project.id, sorted(names.teams), states, wanted)))


@dataclass(slots=True)
class Extras:
    """The parts of the first document that we can do without."""

    pulls: Latest | None = None
    new_labels: NewLabels | None = None
    all_names: AllNames | None = None
    labels: LabelsById | None = None
    blockers: ByIds | None = None
    relations: ByIds | None = None
    comments: Answers | None = None

    def parts(self) -> list[Part]:
        """Those that there are."""
        few = [part for part in (self.blockers, self.relations) if part is not None and part.ids]
        answers = self.comments.listing if self.comments is not None else None
        more = (self.pulls, self.new_labels, self.all_names, self.labels, answers)
        return [*few, *(part for part in more if part is not None)]


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
    extras: Extras = field(default_factory=Extras)
    asked_for: list[str] = field(default_factory=list)
    unknown: dict[IssueId, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def read(self) -> Read:
        """Everything that this look tells.

        Raises:
            TrackerError: a page was not to be had; nothing is believed.
            ConfigError: the project is gone.
        """
        before, since = self.cursor, cursor.starts_at(self.cursor)
        resolves = self._wants_all_names
        if not resolves:
            self._begin_walk()
        self._ask_first(since, resolves)
        self._ask_further()
        self._take_names()
        if resolves:
            self._begin_walk()
        self._walk_on()
        self._find()
        if self._learn_labels():
            self.cursor = cursor.held_back(self.cursor, before, self.place.now)
        return self._told()

    # What is asked for.

    @property
    def _wants_all_names(self) -> bool:
        """All names anew: before a complete poll, and while WORKFLOW.md does not fit them."""
        # Their clock against ours: a difference of minutes costs a part of a document.
        old = abs((self.place.now - self.names.as_of).total_seconds()) > FRESH
        misfit = bool(problems(self.names, self.place.ref, self.place.rules))
        return (self._due and old) or (misfit and not self.new)

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
        if walk is not None:
            self.walking = look_parts.walking(self.names, self.place.rules, walk)

    # Asking, and taking in.

    def _ask_first(self, since: datetime | None, resolves: bool) -> None:
        self.changed = look_parts.changed(self.names, since) if since is not None else []
        strange = self.names.strange[: documents.PAGE]
        self.extras = Extras(
            pulls=look_parts.pulls(since) if since is not None else None,
            new_labels=None if resolves else NewLabels(self.names),
            all_names=AllNames(self.place.where) if resolves else None,
            labels=LabelsById(strange) if strange else None,
            blockers=look_parts.known_blockers(self.held),
            relations=look_parts.relations(self.held, self.place.now),
            comments=self._answers(),
        )
        needed: list[Part] = [*self.changed, *self.walking]
        room = documents.LIMIT - documents.cost([*needed, *self.extras.parts()])
        self.asked_for = look_parts.fitting(self.held, room, self.place.now)
        held = look_parts.held_issues(self.asked_for)
        self.date = self._ask_whole([*needed, *held]).date
        self._take_held(held)
        self._take_blockers()

    def _answers(self) -> Answers | None:
        """The comments that somebody waits for."""
        if all(one.comments_since is None for one in self.held):
            return None
        from symphony_cli.adapters.linear import look_comments  # idle ticks do without

        return look_comments.answers(self.held, self.place.now)

    def _ask_whole(self, needed: Sequence[Part]) -> Answer:
        """The first document; when it is refused, without what we can do without; and when a
        complete poll goes on after a row that an earlier tick saw, from its start, for that row
        may be purged."""
        try:
            return self._ask([*needed, *self.extras.parts()])
        except Complaint as refused:
            if not needed:
                raise
            said = str(refused)
        comments = "comments, " if self.extras.comments is not None else ""
        self.extras = Extras()
        try:
            answer = self._ask(needed)
        except Complaint:
            if not any(part.after for part in self.walking):
                raise
            for part in self.walking:
                part.after = ""
            return self._ask(needed)
        self.notes.append(
            f"{said} It was answered without {comments}pull requests, names of blockers and new "
            "names, which stay as they were known: give the key, or its user, the right to read "
            "them."
        )
        return answer

    def _ask(self, parts: Iterable[Part], asks: Asks | None = None) -> Answer:
        wanted = list(parts)
        document, variables = documents.compose("Look", wanted)
        answer = (asks or self.place.asks).ask("Look", document, variables)
        self.requests += answer.requests
        for part in wanted:
            part.take(answer.data)
        return answer

    def _ask_further(self) -> None:
        """The rest of what changed. When there is no time or allowance for all of it, a complete
        poll goes through everything instead: otherwise each tick would fail at the same place."""
        try:
            while unread := [part for part in self.changed if part.more]:
                self._ask(unread, self.place.in_time)
        except PutOff:
            # One that is under way comes to its end first, or it might begin anew for ever.
            if self.cursor.walk is None:
                self.cursor = cursor.skipped(self.cursor, self.date, self.place.now)

    def _take_held(self, parts: Sequence[ByIds]) -> None:
        by_alias = {part.alias: part.rows for part in parts}
        for alias, nodes in by_alias.items():
            if not alias.startswith("held_"):
                continue
            flags = by_alias[alias.replace("held_", "flags_")]
            blocked = {row.id for row in rows(Flag, flags, "flags")}
            for row in rows(Row, nodes, "held issues"):
                self.found.add(row, row.id in blocked)

    def _take_blockers(self) -> None:
        """What was asked of blockers; of those that were not, nothing is concluded."""
        known, learned = self.extras.blockers, self.extras.relations
        if known is not None:
            self.found.asked = frozenset(known.ids)
            told = rows(BlockerRow, known.rows, "blockers")
            self.found.blockers = {row.id: row for row in told}
        if learned is not None:
            for row in rows(LearnedRow, learned.rows, "relations"):
                self.found.relations[row.id] = blockers.learned(row)

    def _take_names(self) -> None:
        """Names, new or all; those that are not to be had stay as they were."""
        wanted, asks = self.extras, self.place.in_time
        try:
            if wanted.new_labels is not None:
                self.names = wanted.new_labels.names(asks, self.date)
            if wanted.all_names is not None:
                self.names = wanted.all_names.names(asks, self.date, self.names)
        except PutOff:
            pass
        except TrackerError as error:
            self.notes.append(f"Linear's names stay as they were known: {error}")
        if wanted.labels is not None:
            self.names = with_labels(self.names, wanted.labels.labels())
        scope = scope_of(self.place, self.names)
        if wanted.all_names is not None and scope != self.cursor.scope:
            self.cursor = Cursor(scope, since=self.cursor.since)

    def _walk_on(self) -> None:
        """The complete poll: one page in each tick, or as many as there is time for."""
        while self._urgent and any(part.more for part in self.walking):
            if not self._walk_page():
                break
        if self.cursor.walk is not None and self.walking:
            walk = self._walked(self.cursor.walk)
            self.cursor = cursor.walked(self.cursor, walk, self.place.ref.full_every)

    def _walk_page(self) -> bool:
        """One more page of each half; what cannot be had now is left to the next tick."""
        try:
            self._ask([part for part in self.walking if part.more], self.place.in_time)
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

    def _find(self) -> None:
        """All rows, and how far the cursor goes with them."""
        seen: list[datetime] = []
        for part in (*self.changed, *self.walking):
            for row in rows(Row, part.rows, part.alias):
                self.found.add(row, part.alias.endswith("blocked"))
                if part in self.changed:
                    seen += [row.updatedAt, *([row.archivedAt] if row.archivedAt else [])]
        for row in self.found.rows.values():
            self._rename(row)
        if self.extras.pulls is not None:
            self.found.pulls = by_issue(rows(PullRow, self.extras.pulls.rows, "pull requests"))
        paged = any(part.pages > 1 for part in self.changed)
        if not any(part.more for part in self.changed):
            self.cursor = cursor.moved(self.cursor, seen, self.date, self.place.now, paged=paged)

    def _comments(self, untold: Container[IssueId]) -> dict[IssueId, tuple[Comment, ...]]:
        """What was said, but under issues of which this look tells nothing."""
        answers = self.extras.comments
        if answers is None:
            return {}
        answers.read_on(partial(self._ask, asks=self.place.in_time))
        told = answers.by_issue()
        return {issue: said for issue, said in told.items() if issue not in untold}

    def _told(self) -> Read:
        before: dict[str, Issue] = {one.id: one.issue for one in self.held}
        setting, found = self._setting, self.found
        told = {IssueId(issue): row for issue, row in found.rows.items()}
        missing = tuple(IssueId(issue) for issue in self.asked_for if issue not in told)
        comments = self._comments({*missing, *self.unknown})
        return Read(
            issues=tuple(
                issue_of(row, found, setting, before.get(issue))
                for issue, row in told.items()
                if issue not in self.unknown
            ),
            missing=missing,
            unknown=self.unknown,
            cursor=cursor.to_text(self.cursor),
            requests=self.requests,
            problems=problems(self.names, self.place.ref, self.place.rules),
            first_poll=self.cursor.first,
            partial=frozenset(issue for issue in told if issue not in before),
            pulls={
                IssueId(issue): (pull.url, pull.merged_at)
                for issue, pull in found.pulls.items()
                if issue not in before or issue not in told
            },
            comments=comments,
            notes=tuple(self.notes),
        )

    @property
    def _setting(self) -> Setting:
        return Setting(self.names, self.place.ref.project, self.place.rules)

    def _rename(self, row: Row) -> None:
        """A state that is called otherwise than we thought."""
        known, name = self.names.states.get(row.state.id), unescape(row.state.name)
        if known is not None and known.name != name:
            states = {**self.names.states, known.id: replace(known, name=name)}
            self.names = replace(self.names, states=states)

    def _learn_labels(self) -> bool:
        """Ask for the labels of these rows that we have no name for. Issues with one that is not to
        be had are `unknown`.

        Returns:
            Whether some of them must come again, for nobody asks for them by id.
        """
        held = {one.id for one in self.held}
        strange = unknown_labels(self.found, self._setting, held)
        refusal = self._ask_labels(strange[: documents.PAGE]) if strange else None
        left = unknown_labels(self.found, self._setting, held)
        why = str(refusal or "there are too many of them").rstrip(".")
        for row in waiting_for(self.found, self._setting, held):
            self.unknown[IssueId(row.id)] = (
                f"{row.identifier} has a label of which Linear did not tell the name ({why}); "
                "nothing is concluded of the issue before it is known."
            )
        # What is refused would spoil the next document too, and never come to an end.
        refused = isinstance(refusal, Complaint)
        self.names = with_strange(self.names, () if refused else left)
        return not refused and any(issue not in held for issue in self.unknown)

    def _ask_labels(self, ids: Sequence[str]) -> TrackerError | None:
        part = LabelsById(ids)
        try:
            self._ask([part], self.place.in_time)
            self.names = with_labels(self.names, part.labels())
        except TrackerError as error:
            return error
        return None
