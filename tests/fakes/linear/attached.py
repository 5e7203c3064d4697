"""Writes of what hangs on issues: comments, labels, attachments, relations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tests.fakes.linear.complaints import bad_argument, forbidden, not_found, refused
from tests.fakes.linear.labels import make_label
from tests.fakes.linear.mutations import done, input_of
from tests.fakes.linear.plan import Args
from tests.fakes.linear.store import Row
from tests.fakes.linear.times import printed
from tests.fakes.linear.walk import Asking, Source

_PULL = re.compile(r"https://github\.com/([^/]+)/([^/]+)/pull/(\d+)")


def pull_request(url: str, status: str, at: str, merged_at: str | None) -> dict[str, Any] | None:
    """What the GitHub integration was seen to keep of a pull request; None for another address.

    The published schema says only that metadata "varies by source type".
    """
    found = _PULL.match(url)
    if found is None:
        return None
    owner, repository, number = found.groups()
    return {
        "status": status,
        "draft": status == "draft",
        "number": int(number),
        "url": url,
        "repoLogin": owner,
        "repoName": repository,
        "mergedAt": merged_at,
        "closedAt": merged_at,
        "targetBranch": "main",
        "reviews": [],
        "updatedAt": at,
    }


def _writable(asking: Asking, ref: str) -> Row:
    """An archived issue takes neither comments nor attachments, although it can be read
    (measured)."""
    issue = asking.store.issue(ref)
    if issue["archivedAt"] is not None:
        raise not_found("Issue")
    return issue


def _comment_create(asking: Asking, row: Row, args: Args) -> Row:
    given = input_of(args, "id", "issueId", "body", "parentId", "doNotSubscribeToIssue")
    if not given.get("issueId"):
        raise bad_argument("issueId", "must be defined")
    if not (given.get("body") or "").strip():
        raise refused("Comment body is required", "A comment must have a body.")
    issue = _writable(asking, given["issueId"])
    parent = given.get("parentId") and asking.store.find("Comment", given["parentId"])
    made = asking.changes.comment(issue, given["body"], asking.viewer, parent, given.get("id"))
    return done("comment", made)


def _comment_update(asking: Asking, row: Row, args: Args) -> Row:
    comment = asking.store.find("Comment", args["id"])
    if comment["user"] is not asking.viewer:
        raise forbidden("You can only edit your own comments.")
    asking.changes.edit_comment(comment, input_of(args, "body")["body"])
    return done("comment", comment)


def _comment_delete(asking: Asking, row: Row, args: Args) -> Row:
    comment = asking.store.find("Comment", args["id"])
    asking.changes.delete_comment(comment)
    return Row(success=True, lastSyncId=1, entityId=comment["id"])


def _label_create(asking: Asking, row: Row, args: Args) -> Row:
    """A team may leave this to its owners (measured)."""
    given = input_of(args, "id", "name", "teamId", "color", "description", "isGroup", "parentId")
    if asking.labels_by_owners:
        raise forbidden("You don't have permission to create labels in this team.")
    name = given["name"].strip()
    if not name:
        raise bad_argument("name", "must not be empty")
    team = given.get("teamId") and asking.store.find("Team", given["teamId"])
    parent = given.get("parentId") and asking.store.find("IssueLabel", given["parentId"])
    more = {column: given.get(column) for column in ("color", "description", "isGroup")}
    label = make_label(
        asking.store,
        name,
        team or None,
        given.get("id"),
        parent=parent,
        creator=asking.viewer,
        **more,
    )
    return done("issueLabel", label)


def _attachment_create(asking: Asking, row: Row, args: Args) -> Row:
    given = input_of(args, "id", "issueId", "url", "title", "subtitle", "metadata", "groupBySource")
    issue = _writable(asking, given["issueId"])
    columns = {name: given.get(name) for name in ("title", "subtitle", "metadata")}
    made = asking.changes.attach(
        issue, given["url"], given.get("id"), creator=asking.viewer, sourceType="api", **columns
    )
    return done("attachment", made)


def _attachment_link(asking: Asking, row: Row, args: Args) -> Row:
    """The address of a pull request becomes an attachment of the GitHub integration
    (documented)."""
    issue = _writable(asking, args["issueId"])
    about = pull_request(args["url"], "open", printed(asking.now), None)
    made = asking.changes.attach(
        issue,
        args["url"],
        args.get("id"),
        title=args.get("title"),
        metadata=about,
        sourceType="github" if about else "api",
        creator=asking.viewer,
    )
    return done("attachment", made)


def _relation_create(asking: Asking, row: Row, args: Args) -> Row:
    given = input_of(args, "id", "issueId", "relatedIssueId", "type")
    issue, related = (asking.store.issue(given[name]) for name in ("issueId", "relatedIssueId"))
    if issue is related:
        raise refused("Cannot relate an issue to itself", "An issue can't be related to itself.")
    made = asking.changes.relate(issue, related, given["type"], given.get("id"))
    return done("issueRelation", made)


def _relation_delete(asking: Asking, row: Row, args: Args) -> Row:
    relation = asking.store.find("IssueRelation", args["id"])
    asking.changes.unrelate(relation)
    return Row(success=True, lastSyncId=1, entityId=relation["id"])


SOURCES: Mapping[tuple[str, str], Source] = {
    ("Mutation", "commentCreate"): _comment_create,
    ("Mutation", "commentUpdate"): _comment_update,
    ("Mutation", "commentDelete"): _comment_delete,
    ("Mutation", "issueLabelCreate"): _label_create,
    ("Mutation", "attachmentCreate"): _attachment_create,
    ("Mutation", "attachmentLinkURL"): _attachment_link,
    ("Mutation", "issueRelationCreate"): _relation_create,
    ("Mutation", "issueRelationDelete"): _relation_delete,
}
