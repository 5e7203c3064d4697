"""From the rows of an answer to issues: labels by name, our project by the name in WORKFLOW.md,
blockers and pull requests from what we held and what was read beside."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from html import unescape

from symphony_cli.adapters.linear import blockers
from symphony_cli.adapters.linear.names import Names
from symphony_cli.adapters.linear.pulls import Pull
from symphony_cli.adapters.linear.wire import BlockerRow, Row, UserRow, is_gone, priority
from symphony_cli.core.issue import Issue, norm
from symphony_cli.core.policy import Rules
from symphony_cli.ids import IssueId


@dataclass(slots=True)
class Found:
    """What the answers of one look said, row by row."""

    rows: dict[str, Row] = field(default_factory=dict)
    filtered: dict[str, bool] = field(default_factory=dict)
    """Whether Linear's filter has the issue among the blocked ones."""
    blockers: dict[str, BlockerRow] = field(default_factory=dict)
    asked: frozenset[str] = frozenset()
    """The blockers that were asked for."""
    relations: dict[str, Mapping[str, BlockerRow]] = field(default_factory=dict)
    pulls: dict[str, Pull] = field(default_factory=dict)

    def add(self, row: Row, blocked: bool) -> None:
        """A row; of two about one issue the one that is dated later counts."""
        known = self.rows.get(row.id)
        if known is None or row.updatedAt >= known.updatedAt:
            self.rows[row.id] = row
            self.filtered[row.id] = blocked


@dataclass(frozen=True, slots=True)
class Setting:
    """What a row is read against."""

    names: Names
    project: str
    """As WORKFLOW.md has it."""
    rules: Rules


def unknown_labels(found: Found, setting: Setting, held: Container[str]) -> list[str]:
    """Ids of labels that we have no name for, on issues that concern us."""
    ids = (label for row in waiting_for(found, setting, held) for label in row.labelIds)
    return sorted({label for label in ids if label not in setting.names.labels})


def waiting_for(found: Found, setting: Setting, held: Container[str]) -> list[Row]:
    """The issues that concern us and have a label that we have no name for."""
    known = setting.names.labels.keys()
    ours = (row for row in found.rows.values() if row.id in held or is_ours(row, setting))
    return [row for row in ours if not known >= set(row.labelIds)]


def is_ours(row: Row, setting: Setting) -> bool:
    """Whether the issue is in the project."""
    return row.project is not None and row.project.id == setting.names.project.id


def issue_of(row: Row, found: Found, setting: Setting, before: Issue | None) -> Issue:
    """The issue that a row of a look tells of."""
    told = plain(row, setting)
    pull = found.pulls.get(row.id)
    blocked_by = blockers.settle(
        found.filtered.get(row.id, False),
        before,
        found.blockers,
        found.asked,
        found.relations.get(row.id),
        setting.rules,
    )
    if pull is not None:
        return replace(told, blocked_by=blocked_by, pr=pull.url, merged_at=pull.merged_at)
    if before is not None:
        return replace(told, blocked_by=blocked_by, pr=before.pr, merged_at=before.merged_at)
    return replace(told, blocked_by=blocked_by)


def plain(row: Row, setting: Setting) -> Issue:
    """What a row says by itself."""
    names = setting.names
    named = (names.labels[label].name for label in row.labelIds if label in names.labels)
    labels = [name for name in named if name]
    assignee = row.assignee
    project = row.project.slugId if row.project is not None else None
    return Issue(
        id=IssueId(row.id),
        identifier=row.identifier,
        title=row.title,
        state=unescape(row.state.name),
        url=row.url,
        priority=priority(row.priority),
        labels=tuple(sorted(labels, key=norm)),
        assignee=unescape(assignee.displayName or assignee.name) if assignee is not None else None,
        assignee_aliases=aliases(assignee, names) if assignee is not None else (),
        branch=row.branchName or None,
        project=setting.project if is_ours(row, setting) else project,
        archived=is_gone(row),
        created_at=row.createdAt,
        updated_at=row.updatedAt,
    )


def aliases(person: UserRow, names: Names) -> tuple[str, ...]:
    """What else `tracker.assignee` may call somebody: id, name, e-mail address, or `me`."""
    me = "me" if names.is_me(person.id) else ""
    said = (person.id, unescape(person.name), person.email or "", me)
    return tuple(name for name in said if name)
