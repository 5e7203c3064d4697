"""Asking Linear what things are called: at a cold start, with each full poll, and what is new.

What does not fit into a page is asked for to the last page, or all fails; but whoever has older
names goes on with their labels.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from html import unescape

from symphony_cli.adapters.linear.exchange import Answer, Asks
from symphony_cli.adapters.linear.names import Names, State, with_labels
from symphony_cli.adapters.linear.names_documents import (
    LABELS_PAGE,
    LABELS_SINCE_PAGE,
    NAMES,
    PROJECTS,
    STATES_PAGE,
    TEAM_STATES,
    TEAMS_PAGE,
    part_values,
    since_values,
)
from symphony_cli.adapters.linear.names_file import question
from symphony_cli.adapters.linear.names_rows import (
    LabelPage,
    LabelRow,
    Listed,
    ProjectRow,
    StatePage,
    StateRow,
    TeamPage,
    TeamRow,
    UserRow,
    label_of,
    person_of,
    project_of,
    state_of,
    team_of,
)
from symphony_cli.adapters.linear.pages import PageInfo, further, parsed
from symphony_cli.errors import ConfigError, TrackerError


def resolve(
    asks: Asks, endpoint: str, slug: str, now: datetime, *, account: str = "", ours: bool = False
) -> Names:
    """All names, asked in a document of their own. `now` dates an answer that has no date.

    Raises:
        ConfigError: there is no such project, or it has no team that the key may see.
        TrackerError: no answer, or none that can be understood.
    """
    answer = asks.ask("Names", NAMES, part_values(slug), ours=ours)
    return from_answer(asks, answer, endpoint, slug, now, account=account, ours=ours)


def from_answer(
    asks: Asks,
    answer: Answer,
    endpoint: str,
    slug: str,
    now: datetime,
    *,
    account: str = "",
    ours: bool = False,
    before: Names | None = None,
) -> Names:
    """The names in an answer to a document with `PART` in it; what did not fit into its pages is
    asked for. When further labels are not to be had, those of `before` stay, and the names are as
    old as those.

    Raises:
        ConfigError: there is no such project, or it has no team that the key may see.
        TrackerError: no answer, or none that can be understood.
    """
    row = _chosen(parsed(tuple[ProjectRow, ...], answer.data, "names_projects", "nodes"), slug)
    if row is None:
        raise _no_such_project(asks, slug, ours)
    teams = (*row.teams.nodes, *_further_teams(asks, row, ours))
    if not teams:
        raise ConfigError(
            f"tracker.project_slug in WORKFLOW.md is {slug!r}, and the project has no team that "
            "the tracker's key may see: give the key, or its user, access to the team."
        )
    states = [state for team in teams for state in _all_states(asks, team, ours)]
    page = parsed(LabelPage, answer.data, "names_labels")
    names = Names(
        asked_for=question(endpoint, slug, account),
        project=project_of(row),
        teams={team.id: team_of(team) for team in teams},
        states={state.id: state for state in states},
        labels={row.id: label_of(row) for row in page.nodes},
        viewer=person_of(parsed(UserRow, answer.data, "names_viewer")),
        as_of=answer.date or now,
    )
    try:
        return with_labels(names, map(label_of, _further_labels(asks, page, ours)))
    except TrackerError:
        if before is None:
            raise
    labels = {**before.labels, **names.labels}
    return replace(names, labels=labels, as_of=before.as_of, labels_as_of=before.labels_as_of)


def labels_since(asks: Asks, answer: Answer, before: Names) -> Names:
    """The names with the labels in an answer to a document with `LABELS_SINCE_PART` in it. When
    there are more than it holds, further pages are asked for as far as they are to be had; what
    was read counts, and the next look begins at the same place again.

    Raises:
        TrackerError: the answer cannot be understood.
    """
    page = parsed(LabelPage, answer.data, "names_new_labels")
    names = with_labels(before, map(label_of, page.nodes))
    if not page.pageInfo.hasNextPage:
        return names

    def fetch(after: str) -> tuple[tuple[LabelRow, ...], PageInfo]:
        nonlocal names
        values = {**since_values(before), "after": after}
        told = asks.ask("NamesNewLabels", LABELS_SINCE_PAGE, values)
        found = parsed(LabelPage, told.data, "names_new_labels")
        names = with_labels(names, map(label_of, found.nodes))
        return found.nodes, found.pageInfo

    try:
        further(page.pageInfo, fetch, "new labels")
    except TrackerError:
        return names
    return replace(names, labels_as_of=answer.date or before.labels_as_of)


def states_in_team(asks: Asks, team: str, *, ours: bool = False) -> tuple[State, ...]:
    """All states of a team, to the last page.

    Raises:
        TrackerError: no answer, or none that can be understood.
    """

    def page(after: str | None) -> StatePage:
        values = {"team": team, "after": after}
        answer = asks.ask("NamesStates", STATES_PAGE, values, ours=ours)
        return parsed(StatePage, answer.data, "team", "states")

    def fetch(after: str) -> tuple[tuple[StateRow, ...], PageInfo]:
        more = page(after)
        return more.nodes, more.pageInfo

    first = page(None)
    rows = (*first.nodes, *further(first.pageInfo, fetch, "states"))
    return tuple(state_of(row, team) for row in rows)


def _chosen(rows: tuple[ProjectRow, ...], slug: str) -> ProjectRow | None:
    exact = [row for row in rows if row.slugId == slug]
    return next(iter(exact or rows), None)


def _all_states(asks: Asks, team: TeamRow, ours: bool) -> tuple[State, ...]:
    if len(team.states.nodes) < TEAM_STATES:
        return tuple(state_of(row, team.id) for row in team.states.nodes)
    return states_in_team(asks, team.id, ours=ours)


def _further_teams(asks: Asks, project: ProjectRow, ours: bool) -> list[TeamRow]:
    def fetch(after: str) -> tuple[tuple[TeamRow, ...], PageInfo]:
        values = {"project": project.id, "after": after}
        answer = asks.ask("NamesTeams", TEAMS_PAGE, values, ours=ours)
        page = parsed(TeamPage, answer.data, "project", "teams")
        return page.nodes, page.pageInfo

    return further(project.teams.pageInfo, fetch, "teams of the project")


def _further_labels(asks: Asks, page: LabelPage, ours: bool) -> list[LabelRow]:
    def fetch(after: str) -> tuple[tuple[LabelRow, ...], PageInfo]:
        answer = asks.ask("NamesLabels", LABELS_PAGE, {"after": after}, ours=ours)
        found = parsed(LabelPage, answer.data, "issueLabels")
        return found.nodes, found.pageInfo

    return further(page.pageInfo, fetch, "labels")


def _no_such_project(asks: Asks, slug: str, ours: bool) -> ConfigError:
    said = f"tracker.project_slug in WORKFLOW.md is {slug!r}, and Linear has no such project"
    try:
        answer = asks.ask("NamesProjects", PROJECTS, {}, ours=ours)
        there = parsed(tuple[Listed, ...], answer.data, "projects", "nodes")
        further_ones = parsed(bool, answer.data, "projects", "pageInfo", "hasNextPage")
    except TrackerError as error:
        return ConfigError(f"{said} that the key may see; what there is could not be read: {error}")
    if not there:
        return ConfigError(
            f"{said}; the tracker's key may see no project at all: give the key, or its user, "
            "access to the project's team."
        )
    names = ", ".join(sorted(f"{row.slugId} ({unescape(row.name)})" for row in there))
    more = " and more" if further_ones else ""
    return ConfigError(f"{said} that the key may see: write one of {names}{more}.")
