"""Rows of Linear's answers that say what things are called.

The classes have Linear's own member names; the functions make our values of them, and this is
where HTML's escapes are taken out of names.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import unescape

from symphony_cli.adapters.linear.names import Label, Person, Project, State, Team
from symphony_cli.adapters.linear.pages import PageInfo


@dataclass(frozen=True, slots=True)
class Reference:
    """Something of which only the id was asked."""

    id: str


@dataclass(frozen=True, slots=True)
class LabelRow:
    """A label as `names_documents` asks for it."""

    id: str
    name: str
    isGroup: bool
    archivedAt: str | None
    team: Reference | None


@dataclass(frozen=True, slots=True)
class LabelPage:
    """A page of labels."""

    nodes: tuple[LabelRow, ...]
    pageInfo: PageInfo


@dataclass(frozen=True, slots=True)
class StateRow:
    """A state."""

    id: str
    name: str
    type: str


@dataclass(frozen=True, slots=True)
class StateRows:
    """States without page info."""

    nodes: tuple[StateRow, ...]


@dataclass(frozen=True, slots=True)
class StatePage:
    """A page of states."""

    nodes: tuple[StateRow, ...]
    pageInfo: PageInfo


@dataclass(frozen=True, slots=True)
class TeamRow:
    """A team with the first page of its states."""

    id: str
    key: str
    name: str
    states: StateRows


@dataclass(frozen=True, slots=True)
class TeamPage:
    """A page of teams."""

    nodes: tuple[TeamRow, ...]
    pageInfo: PageInfo


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """A project with the first page of its teams."""

    id: str
    name: str
    slugId: str
    teams: TeamPage


@dataclass(frozen=True, slots=True)
class UserRow:
    """A user."""

    id: str
    name: str
    displayName: str
    email: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A project to choose from."""

    name: str
    slugId: str


def label_of(row: LabelRow) -> Label:
    """Our value."""
    team = row.team.id if row.team is not None else ""
    return Label(row.id, unescape(row.name), team, row.isGroup, row.archivedAt is not None)


def state_of(row: StateRow, team: str) -> State:
    """Our value."""
    return State(row.id, unescape(row.name), row.type, team)


def team_of(row: TeamRow) -> Team:
    """Our value."""
    return Team(row.id, row.key, unescape(row.name))


def project_of(row: ProjectRow) -> Project:
    """Our value."""
    return Project(row.id, unescape(row.name), row.slugId)


def person_of(row: UserRow) -> Person:
    """Our value."""
    return Person(row.id, unescape(row.name), unescape(row.displayName), row.email)
