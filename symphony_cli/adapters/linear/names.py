"""What Linear calls things: a project with its teams, their states, all labels, and who we are.

Linear's ids never change and its names do, so everything that is read or written goes by ids, and
this is where the names of WORKFLOW.md meet them. Names come without HTML's escapes, which some
workspaces put in.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from symphony_cli.core.issue import norm

FORMAT = 1
"""Of `state/tracker.json`."""


@dataclass(frozen=True, slots=True)
class Team:
    """A team of the project; `key` is the front of its issues' identifiers."""

    id: str
    key: str
    name: str


@dataclass(frozen=True, slots=True)
class State:
    """A state of a team's workflow; `type` is triage, backlog, unstarted, started, completed,
    canceled or duplicate, and may be something new; `team` is an id."""

    id: str
    name: str
    type: str
    team: str


@dataclass(frozen=True, slots=True)
class Label:
    """A label; `team` is the id of the team that has it, or empty for one of the workspace.

    A group cannot be set on an issue, only the labels in it. An archived label may still be on
    old issues and can be set on none.
    """

    id: str
    name: str
    team: str = ""
    group: bool = False
    archived: bool = False

    def fits(self, team: str) -> bool:
        """Whether an issue of this team may carry it."""
        return not self.group and not self.archived and self.team in ("", team)


@dataclass(frozen=True, slots=True)
class Person:
    """A user of Linear."""

    id: str
    name: str
    display: str
    email: str


@dataclass(frozen=True, slots=True)
class Project:
    """The project that we work; `slug` is Linear's slugId."""

    id: str
    name: str
    slug: str


@dataclass(frozen=True, slots=True)
class Names:
    """All names as of one moment; the maps go by id.

    `asked_for` says what was resolved (see `names_file.question`): a cache of anything else is
    none. Labels are those of the whole workspace, so that every label of an issue has a name.
    """

    asked_for: str
    project: Project
    teams: dict[str, Team]
    states: dict[str, State]
    labels: dict[str, Label]
    viewer: Person
    as_of: datetime
    labels_as_of: datetime | None = None
    """When later than `as_of`: up to here all changes of labels were read."""
    strange: tuple[str, ...] = ()
    """Ids of labels that were seen on issues and could not be asked for: the next look does."""
    format: int = FORMAT

    def label_names(self, ids: Iterable[str]) -> tuple[str, ...] | None:
        """The names of these labels, or None when we do not know one of them."""
        found = [self.labels.get(label) for label in ids]
        known = tuple(label.name for label in found if label is not None)
        return known if len(known) == len(found) else None

    def labels_called(self, name: str) -> tuple[Label, ...]:
        """Every label of that name, in any case, that an issue of the project may meet: of the
        workspace or of the project's teams; groups and archived ones too."""
        return tuple(
            label
            for label in self.labels.values()
            if norm(label.name) == norm(name) and (not label.team or label.team in self.teams)
        )

    def states_called(self, name: str) -> tuple[State, ...]:
        """The states of that name, in any case: at most one for each team."""
        return tuple(state for state in self.states.values() if norm(state.name) == norm(name))

    def state_of(self, team: str, name: str) -> State | None:
        """The state of that name in a team."""
        return next((state for state in self.states_called(name) if state.team == team), None)

    def states_in(self, team: str) -> tuple[State, ...]:
        """All states of a team."""
        return tuple(state for state in self.states.values() if state.team == team)

    def is_me(self, user: str) -> bool:
        """Whether this user is the one whose key we use."""
        return user == self.viewer.id

    @property
    def only_team(self) -> Team | None:
        """The team of a project that has just one."""
        return next(iter(self.teams.values())) if len(self.teams) == 1 else None


def with_labels(names: Names, labels: Iterable[Label]) -> Names:
    """The names with these labels, new or renamed; the very same value when all are known."""
    news = {label.id: label for label in labels if names.labels.get(label.id) != label}
    return replace(names, labels={**names.labels, **news}) if news else names


def with_strange(names: Names, ids: Iterable[str]) -> Names:
    """The names with just these labels still to be asked for."""
    strange = tuple(ids)
    return names if strange == names.strange else replace(names, strange=strange)


def with_all_called(names: Names, name: str, labels: Iterable[Label]) -> Names:
    """The names with these labels of one name and no others: those that we knew are gone."""
    now = {label.id: label for label in labels}
    gone = {
        label.id
        for label in names.labels.values()
        if norm(label.name) == norm(name) and label.id not in now
    }
    kept = {id: label for id, label in names.labels.items() if id not in gone}
    return with_labels(replace(names, labels=kept) if gone else names, now.values())


def with_states(names: Names, team: str, states: Iterable[State]) -> Names:
    """The names with all states of one team as they are now; of a strange team nothing is kept."""
    now = {state.id: state for state in states}
    before = {state.id: state for state in names.states_in(team)}
    if team not in names.teams or now == before:
        return names
    others = {state.id: state for state in names.states.values() if state.team != team}
    return replace(names, states={**others, **now})
