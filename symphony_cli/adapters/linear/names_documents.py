"""Documents that ask Linear what things are called, and the values for their variables.

`PART` and `LABELS_SINCE_PART` go into a document that asks for other things too. Points by the
documented rule: `PART` 3,109, `LABELS_SINCE_PART` 370, a further page at most 1,091.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from symphony_cli.adapters.linear.names import Names
from symphony_cli.core.shape import Json
from symphony_cli.core.times import stamp

OVERLAP = timedelta(minutes=10)
"""Labels are asked for from so long before the names were resolved: replicas lag, clocks differ."""

LABEL_FIELDS = "id name isGroup archivedAt team { id }"
"""`retiredAt` would be of use too, but the schema calls it internal."""

STATE_FIELDS = "id name type"

PAGE_INFO = "pageInfo { hasNextPage endCursor }"

TEAM_STATES = 40
"""States of a team in one page; a page that is full is read again with `pageInfo`, which would
cost as much again in every page."""

TEAM_FIELDS = f"id key name states(first: {TEAM_STATES}) {{ nodes {{ {STATE_FIELDS} }} }}"


@dataclass(frozen=True, slots=True)
class Part:
    """Part of a document: its variables and its selection, with aliases that begin `names_`."""

    declares: str
    selects: str


PART = Part(
    "$names_slug: String!, $names_tail: String!",
    f"""names_viewer: viewer {{ id name displayName email }}
  names_projects: projects(
    first: 2
    filter: {{ or: [{{ slugId: {{ eq: $names_slug }} }}, {{ slugId: {{ eq: $names_tail }} }}] }}
  ) {{
    nodes {{ id name slugId teams(first: 20) {{ nodes {{ {TEAM_FIELDS} }} {PAGE_INFO} }} }}
  }}
  names_labels: issueLabels(first: 250, includeArchived: true) {{
    nodes {{ {LABEL_FIELDS} }} {PAGE_INFO}
  }}""",
)
"""Everything that `Names` holds."""

LABELS_SINCE_PART = Part(
    "$names_since: DateTimeOrDuration!",
    f"""names_new_labels: issueLabels(
    first: 100, includeArchived: true, orderBy: updatedAt
    filter: {{ updatedAt: {{ gte: $names_since }} }}
  ) {{
    nodes {{ {LABEL_FIELDS} }} {PAGE_INFO}
  }}""",
)
"""Labels that are new or were renamed since the names were resolved, the latest first."""

NAMES = f"query Names({PART.declares}) {{\n  {PART.selects}\n}}"

LABELS_PAGE = f"""
query NamesLabels($after: String!) {{
  issueLabels(first: 250, after: $after, includeArchived: true) {{
    nodes {{ {LABEL_FIELDS} }} {PAGE_INFO}
  }}
}}
"""

LABELS_SINCE_PAGE = f"""
query NamesNewLabels($names_since: DateTimeOrDuration!, $after: String!) {{
  names_new_labels: issueLabels(
    first: 250, after: $after, includeArchived: true, orderBy: updatedAt
    filter: {{ updatedAt: {{ gte: $names_since }} }}
  ) {{
    nodes {{ {LABEL_FIELDS} }} {PAGE_INFO}
  }}
}}
"""

TEAMS_PAGE = f"""
query NamesTeams($project: String!, $after: String!) {{
  project(id: $project) {{
    teams(first: 20, after: $after) {{ nodes {{ {TEAM_FIELDS} }} {PAGE_INFO} }}
  }}
}}
"""

STATES_PAGE = f"""
query NamesStates($team: String!, $after: String) {{
  team(id: $team) {{
    states(first: 100, after: $after) {{ nodes {{ {STATE_FIELDS} }} {PAGE_INFO} }}
  }}
}}
"""

PROJECTS = """
query NamesProjects {
  projects(first: 50) { nodes { name slugId } pageInfo { hasNextPage } }
}
"""


def part_values(slug: str) -> dict[str, Json]:
    """Values for the variables of `PART`. The browser shows `the-name-SLUGID`, so what follows the
    last dash is asked for too."""
    return {"names_slug": slug, "names_tail": slug.rpartition("-")[2]}


def since_values(names: Names) -> dict[str, Json]:
    """Values for the variables of `LABELS_SINCE_PART`."""
    return {"names_since": stamp((names.labels_as_of or names.as_of) - OVERLAP)}
