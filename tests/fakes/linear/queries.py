"""Where the values of fields come from that no row holds: root queries, and what is worked out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.fakes.linear.complaints import not_found
from tests.fakes.linear.plan import Args
from tests.fakes.linear.store import Row
from tests.fakes.linear.walk import Asking, Source

PRIORITIES = ("No priority", "Urgent", "High", "Medium", "Low")
"""By number, which is a Float in the published schema: 0 is none, 1 the most urgent."""


def _all(kind: str) -> Source:
    return lambda asking, row, args: asking.store.all(kind)


def _one(kind: str, *also: str) -> Source:
    """By id, or by one of these fields."""

    def find(asking: Asking, row: Row, args: Args) -> Row:
        for known in asking.store.all(kind):
            if args.get("id") in [known[name] for name in ("id", *also)]:
                return known
        raise not_found(kind)

    return find


def _issue(asking: Asking, row: Row, args: Args) -> Row:
    issue = asking.store.issue(args.get("id", ""))
    if asking.lagging and not asking.store.seen([issue]):
        raise not_found("Issue")
    return issue


def _user(asking: Asking, row: Row, args: Args) -> Row:
    """`me` is whoever asks (documented)."""
    return (
        asking.viewer if args.get("id") == "me" else asking.store.find("User", args.get("id", ""))
    )


def _where(kind: str, fits: Callable[[Row, Row], bool]) -> Source:
    """The rows of a type that belong to the row at hand."""
    return lambda asking, row, args: [one for one in asking.store.all(kind) if fits(one, row)]


def _name(asking: Asking, row: Row, args: Args) -> str:
    """Names came back with HTML entities on one workspace (measured)."""
    name: str = row["name"]
    if not asking.escaped:
        return name
    return name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _of_url(asking: Asking, row: Row, args: Args) -> list[Row]:
    return [one for one in asking.store.all("Attachment") if one["url"] == args.get("url")]


SOURCES: Mapping[tuple[str, str], Source] = {
    ("Query", "viewer"): lambda asking, row, args: asking.viewer,
    ("Query", "organization"): lambda asking, row, args: asking.store.all("Organization")[0],
    ("Query", "issue"): _issue,
    ("Query", "comment"): _one("Comment"),
    ("Query", "team"): _one("Team", "key"),
    ("Query", "project"): _one("Project", "slugId"),
    ("Query", "user"): _user,
    ("Query", "workflowState"): _one("WorkflowState"),
    ("Query", "issueLabel"): _one("IssueLabel"),
    ("Query", "attachment"): _one("Attachment"),
    ("Query", "issues"): _all("Issue"),
    ("Query", "comments"): _all("Comment"),
    ("Query", "teams"): _all("Team"),
    ("Query", "projects"): _all("Project"),
    ("Query", "users"): _all("User"),
    ("Query", "workflowStates"): _all("WorkflowState"),
    ("Query", "issueLabels"): _all("IssueLabel"),
    ("Query", "issueRelations"): _all("IssueRelation"),
    ("Query", "attachments"): _all("Attachment"),
    ("Query", "attachmentsForURL"): _of_url,
    ("Issue", "labelIds"): lambda asking, row, args: [label["id"] for label in row["labels"]],
    ("Issue", "priorityLabel"): lambda asking, row, args: PRIORITIES[int(row["priority"])],
    ("Issue", "children"): _where("Issue", lambda one, row: one["parent"] is row),
    ("User", "isMe"): lambda asking, row, args: row is asking.viewer,
    ("Team", "states"): _where("WorkflowState", lambda one, row: one["team"] is row),
    ("Team", "labels"): _where("IssueLabel", lambda one, row: one["team"] is row),
    ("Team", "projects"): _where("Project", lambda one, row: row in one["teams"]),
    ("Team", "issues"): _where("Issue", lambda one, row: one["team"] is row),
    ("Project", "name"): _name,
    ("Project", "issues"): _where("Issue", lambda one, row: one["project"] is row),
    ("IssueLabel", "children"): _where("IssueLabel", lambda one, row: one["parent"] is row),
    ("Comment", "issueId"): lambda asking, row, args: row["issue"]["id"],
    ("Comment", "parentId"): lambda asking, row, args: row["parent"] and row["parent"]["id"],
}
