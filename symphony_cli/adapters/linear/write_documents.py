"""Documents of our own writes and of the look-ups that a write may need, and what they answer."""

from __future__ import annotations

from dataclasses import dataclass

from symphony_cli.adapters.linear.names import Team
from symphony_cli.adapters.linear.names_documents import LABEL_FIELDS, PAGE_INFO

COMMENT = """
mutation WriteComment($id: String!, $issue: String!, $body: String!) {
  commentCreate(input: { id: $id, issueId: $issue, body: $body }) { success }
}
"""

ADD_LABELS = """
mutation WriteAddLabel($issue: String!, $labels: [String!]!) {
  issueUpdate(id: $issue, input: { addedLabelIds: $labels }) { success }
}
"""

REMOVE_LABELS = """
mutation WriteRemoveLabel($issue: String!, $labels: [String!]!) {
  issueUpdate(id: $issue, input: { removedLabelIds: $labels }) { success }
}
"""

MAKE_LABEL = f"""
mutation WriteMakeLabel($id: String!, $team: String!, $name: String!) {{
  issueLabelCreate(input: {{ id: $id, teamId: $team, name: $name }}) {{
    success
    issueLabel {{ {LABEL_FIELDS} }}
  }}
}}
"""

SET_STATE = """
mutation WriteState($issue: String!, $state: String!) {
  issueUpdate(id: $issue, input: { stateId: $state }) { success }
}
"""

LOOK_UP = f"""
query WriteLookUp($issue: String!, $name: String!, $escaped: String!, $after: String) {{
  issue(id: $issue) {{ labelIds team {{ id key name }} }}
  issueLabels(
    first: 250
    after: $after
    includeArchived: true
    filter: {{
      or: [{{ name: {{ eqIgnoreCase: $name }} }}, {{ name: {{ eqIgnoreCase: $escaped }} }}]
    }}
  ) {{
    nodes {{ {LABEL_FIELDS} }}
    {PAGE_INFO}
  }}
}}
"""
"""An issue's team, and all labels of one name, whoever has them. Some workspaces give names with
HTML's escapes, so both spellings are asked for."""

TEAM_OF = """
query WriteTeamOf($issue: String!) {
  issue(id: $issue) { team { id key name } }
}
"""


@dataclass(frozen=True, slots=True)
class Carrier:
    """The issue of `LOOK_UP`."""

    labelIds: tuple[str, ...]
    team: Team
