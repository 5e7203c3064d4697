"""Writes to issues.

Several in one document are done in order, and what was done stays when a later one fails
(specification of GraphQL).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.fakes.linear.complaints import forbidden, invalid, refused
from tests.fakes.linear.plan import Args
from tests.fakes.linear.store import Row, check_id
from tests.fakes.linear.walk import Asking, Source


def done(name: str, row: Row | None) -> Row:
    """What a mutation answers: it went well, and the row as it is now."""
    return Row({"success": True, "lastSyncId": 1, name: row})


def input_of(args: Args, *known: str) -> Args:
    """The argument `input`.

    Raises:
        Refusal: it has a member that is not played here.
    """
    unknown = sorted(set(args["input"]) - set(known))
    if unknown:
        raise invalid(f'Field "{unknown[0]}" is not defined by type of "input".')
    given: Args = args["input"]
    return given


_COLUMNS = ("title", "description", "priority")
_REFERENCES = {
    "stateId": ("state", "WorkflowState"),
    "assigneeId": ("assignee", "User"),
    "projectId": ("project", "Project"),
}
_LABELS = ("labelIds", "addedLabelIds", "removedLabelIds")


def _columns(asking: Asking, labels: list[Row], given: Args) -> dict[str, Any]:
    """What an input of issueCreate or issueUpdate sets.

    `labelIds` replaces the whole set; the other two change it (published schema).
    """
    new: dict[str, Any] = {name: given[name] for name in _COLUMNS if name in given}
    for name, (column, kind) in _REFERENCES.items():
        if name in given:
            if given[name] is not None:
                check_id(name, given[name])
            new[column] = given[name] and asking.store.find(kind, given[name])
    if "parentId" in given:
        new["parent"] = given["parentId"] and asking.store.issue(given["parentId"])
    if given.get("labelIds") is not None:
        if given.get("addedLabelIds") or given.get("removedLabelIds"):
            said = "Use either labelIds or addedLabelIds and removedLabelIds."
            raise refused("Cannot combine labelIds with addedLabelIds or removedLabelIds", said)
        new["labels"] = _labels(asking, given, "labelIds")
    elif given.get("addedLabelIds") or given.get("removedLabelIds"):
        gone = _labels(asking, given, "removedLabelIds")
        kept = [*labels, *_labels(asking, given, "addedLabelIds")]
        new["labels"] = [label for label in dict.fromkeys(kept) if label not in gone]
    return new


def _labels(asking: Asking, given: Args, name: str) -> list[Row]:
    ids = given.get(name) or []
    for id in ids:
        check_id(f"each value in {name}", id)
    return [asking.store.find("IssueLabel", id) for id in ids]


def _issue_create(asking: Asking, row: Row, args: Args) -> Row:
    given = input_of(args, "id", "teamId", "parentId", *_COLUMNS, *_REFERENCES, *_LABELS)
    team = asking.store.find("Team", given["teamId"])
    new = _columns(asking, [], given)
    issue = asking.changes.create(team, given.get("id"), creator=asking.viewer, **new)
    return done("issue", issue)


def _issue_update(asking: Asking, row: Row, args: Args) -> Row:
    """No version is checked: the last writer wins (published schema)."""
    given = input_of(args, "teamId", "parentId", *_COLUMNS, *_REFERENCES, *_LABELS)
    issue = asking.store.issue(args["id"])
    new = _columns(asking, issue["labels"], given)
    if given.get("teamId"):
        team = asking.store.find("Team", given["teamId"])
        if team is not issue["team"]:
            asking.changes.to_team(issue, team)
    asking.changes.change(issue, **new)
    return done("issue", issue)


def _label_delta(column: str) -> Source:
    def apply(asking: Asking, row: Row, args: Args) -> Row:
        delta = {"id": args["id"], "input": {column: [args["labelId"]]}}
        return _issue_update(asking, row, delta)

    return apply


def _issue_archive(asking: Asking, row: Row, args: Args) -> Row:
    issue = asking.store.issue(args["id"])
    asking.changes.archive(issue, trash=bool(args.get("trash")))
    return done("entity", issue)


def _issue_unarchive(asking: Asking, row: Row, args: Args) -> Row:
    issue = asking.store.issue(args["id"])
    asking.changes.unarchive(issue)
    return done("entity", issue)


def _issue_delete(asking: Asking, row: Row, args: Args) -> Row:
    """Into the trash; for good only by an administrator, which the viewer is not."""
    if args.get("permanentlyDelete"):
        raise forbidden("Only admins can permanently delete issues.")
    return _issue_archive(asking, row, {"id": args["id"], "trash": True})


SOURCES: Mapping[tuple[str, str], Source] = {
    ("Mutation", "issueCreate"): _issue_create,
    ("Mutation", "issueUpdate"): _issue_update,
    ("Mutation", "issueAddLabel"): _label_delta("addedLabelIds"),
    ("Mutation", "issueRemoveLabel"): _label_delta("removedLabelIds"),
    ("Mutation", "issueArchive"): _issue_archive,
    ("Mutation", "issueUnarchive"): _issue_unarchive,
    ("Mutation", "issueDelete"): _issue_delete,
}
