"""Look up what an agent's mutation is about, in one request, before anything is sent for it.

A document cannot show which issue a comment is on, which project an issue is in, or what a label
is called. Whatever is not found counts as out of reach.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from symphony_cli.adapters.linear.agent_writes import Role
from symphony_cli.adapters.linear.guard import MOST_TARGETS, Reach, Target
from symphony_cli.core.issue import norm
from symphony_cli.core.shape import Json, decode

_PLACE = "id project { id slugId }"
_PAGE = f"first: {MOST_TARGETS}, includeArchived: true"

BATCHES = {
    Role.ISSUE: f"issues({_PAGE}, filter: {{ id: {{ in: $issue }} }}) {{ nodes {{ {_PLACE} }} }}",
    Role.COMMENT: f"comments({_PAGE}, filter: {{ id: {{ in: $comment }} }}) "
    f"{{ nodes {{ id issue {{ {_PLACE} }} }} }}",
    Role.ATTACHMENT: f"attachments({_PAGE}, filter: {{ id: {{ in: $attachment }} }}) "
    f"{{ nodes {{ id issue {{ {_PLACE} }} }} }}",
    Role.LABEL_OFF: f"issueLabels({_PAGE}, filter: {{ id: {{ in: $label }} }}) "
    "{ nodes { id name } }",
    Role.PROJECT: f"projects({_PAGE}, filter: {{ id: {{ in: $project }} }}) "
    "{ nodes { id slugId } }",
}
"""The part of the document for each kind of thing that can be asked for by many UUIDs."""

NAMED = f"issue(id: $ID) {{ {_PLACE} }}"
"""An issue by an identifier, which may be a former one: `issues` knows only UUIDs for sure."""

RELATION = f"issueRelation(id: $ID) {{ id issue {{ {_PLACE} }} relatedIssue {{ {_PLACE} }} }}"
"""Relations cannot be filtered by id."""


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """A project; `slugId` is the end of its address."""

    id: str
    slugId: str

    def is_called(self, name: str) -> bool:
        """Whether `tracker.project_slug` means this one: by id, slug, or the end of its address."""
        return name in (self.id, self.slugId) or name.endswith(f"-{self.slugId}")


@dataclass(frozen=True, slots=True)
class IssueRow:
    """An issue, and the project it is in."""

    id: str
    project: ProjectRow | None


@dataclass(frozen=True, slots=True)
class HungRow:
    """A comment or an attachment, and the issue it is on, if it is on one."""

    id: str
    issue: IssueRow | None


@dataclass(frozen=True, slots=True)
class LabelRow:
    """A label."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class RelationRow:
    """A relation and both its ends."""

    id: str
    issue: IssueRow
    relatedIssue: IssueRow


@dataclass(frozen=True, slots=True)
class Scope:
    """What is within reach; `project` as in WORKFLOW.md, `stop_labels` in normal form."""

    reach: Reach
    project: str
    stop_labels: tuple[str, ...] = ()


def question(targets: Sequence[Target]) -> tuple[str, dict[str, Json]]:
    """The document that asks for all targets, and its variables."""
    batches, singles = _sorted(targets)
    declared = [f"${role.value}: [ID!]" for role in batches]
    declared += [f"${name}: String!" for name in singles]
    parts = [BATCHES[role] for role in batches]
    for name, target in singles.items():
        part = RELATION if target.role is Role.RELATION else NAMED
        parts.append(f"{name}: {part.replace('ID', name)}")
    document = f"query AgentTargets({', '.join(declared)}) {{ {' '.join(parts)} }}"
    variables: dict[str, Json] = {role.value: list(ids) for role, ids in batches.items()}
    variables.update({name: target.id for name, target in singles.items()})
    return document, variables


def _sorted(targets: Iterable[Target]) -> tuple[dict[Role, list[str]], dict[str, Target]]:
    """The targets that are asked for by kind, and those that need an alias each."""
    batches: dict[Role, list[str]] = {}
    singles: dict[str, Target] = {}
    for target in targets:
        named = target.role is Role.ISSUE and len(target.id) < _UUID_LENGTH
        if named or target.role is Role.RELATION:
            singles[f"one{len(singles)}"] = target
        else:
            batches.setdefault(target.role, []).append(target.id)
    return batches, singles


_UUID_LENGTH = 36


def refusal(targets: Sequence[Target], data: Mapping[str, Json], scope: Scope) -> str:
    """Why these targets are out of reach, by the answer to `question`; empty when none is.

    Raises:
        Malformed: the answer is none to that question.
    """
    batches, singles = _sorted(targets)
    rows = {role: _nodes(role, data) for role in batches}
    for role, ids in batches.items():
        for each in ids:
            said = _judge(role, each, rows[role].get(each), scope)
            if said:
                return said
    for name, target in singles.items():
        kind: type[Row] = RelationRow if target.role is Role.RELATION else IssueRow
        said = _judge(target.role, target.id, decode(kind, data.get(name)), scope)
        if said:
            return said
    return ""


Row = ProjectRow | IssueRow | HungRow | LabelRow | RelationRow

_CONNECTIONS: dict[Role, tuple[str, type[Row]]] = {
    Role.ISSUE: ("issues", IssueRow),
    Role.COMMENT: ("comments", HungRow),
    Role.ATTACHMENT: ("attachments", HungRow),
    Role.LABEL_OFF: ("issueLabels", LabelRow),
    Role.PROJECT: ("projects", ProjectRow),
}


@dataclass(frozen=True, slots=True)
class _Nodes:
    nodes: tuple[dict[str, Json], ...]


def _nodes(role: Role, data: Mapping[str, Json]) -> dict[str, Row]:
    name, kind = _CONNECTIONS[role]
    rows = [decode(kind, node) for node in decode(_Nodes, data.get(name)).nodes]
    return {row.id.lower(): row for row in rows}


def _judge(role: Role, name: str, row: Row | None, scope: Scope) -> str:
    what = "label" if role is Role.LABEL_OFF else str(role)
    match row:
        case None:
            return f"The {what} {name} was not found. If it is only seconds old, try again soon."
        case LabelRow(name=label):
            label = html.unescape(label)
            taken = norm(label) in scope.stop_labels
            return f"Only a person may remove the label {label!r}." if taken else ""
        case ProjectRow():
            fits = row.is_called(scope.project)
            return "" if fits else f"The project {name} is not the one that is worked here."
        case IssueRow():
            ends: tuple[IssueRow | None, ...] = (row,)
        case HungRow():
            ends = (row.issue,)
        case RelationRow():
            ends = (row.issue, row.relatedIssue)
    if all(_within(end, scope) for end in ends):
        return ""
    return _outside(role, name, scope.reach)


def _within(issue: IssueRow | None, scope: Scope) -> bool:
    if issue is None:
        return False
    if issue.id == scope.reach.id:
        return True
    by_project = scope.reach.writes == "project" and issue.project is not None
    return by_project and issue.project is not None and issue.project.is_called(scope.project)


def _outside(role: Role, name: str, reach: Reach) -> str:
    if reach.writes == "project":
        return f"The {role} {name} does not belong to the project that is worked here."
    return (
        f"The {role} {name} is not on your own issue, {reach.own}. Only with "
        "`tracker.tool_writes: project`, which the operator has not set, could others be changed."
    )
