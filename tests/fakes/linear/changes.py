"""What each change does to an issue, and to what hangs on it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.fakes.linear.columns import EMPTY, FLOW, KIND_OF, LISTS, USUAL_BUMPS, Bump
from tests.fakes.linear.complaints import refused
from tests.fakes.linear.labels import check_labels
from tests.fakes.linear.store import Row, Store


class Changes:
    """The rules by which rows change; whoever makes a change goes through here."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.bumps: set[Bump] = set(USUAL_BUMPS)

    # --- issues

    def create(
        self, team: Row, id: str | None = None, at: datetime | None = None, **set: Any
    ) -> Row:
        """A new issue; what is not `set` is empty, and it begins in the first state of its team."""
        state = set.pop("state", None) or self._first_state(team)
        labels = set.pop("labels", [])
        check_labels(team, labels)
        number = team["_issues"] + 1
        new = {**EMPTY, **{name: [] for name in LISTS}, **set, "labels": list(labels)}
        new.update(team=team, state=state, number=number, identifier=f"{team['key']}-{number}")
        issue = self.store.add("Issue", new, id, at)
        team["_issues"] = number
        issue["url"] = f"https://linear.app/acme/issue/{issue['identifier']}"
        issue["branchName"] = f"agentbot/{issue['identifier'].lower()}"
        self._enter(issue, state, issue["createdAt"])
        return issue

    def change(self, issue: Row, **set: Any) -> None:
        """New values for columns of an issue, as one change.

        Raises:
            Refusal: a state of another team; a label that cannot be applied.
        """
        new = {name: value for name, value in set.items() if not _same(issue[name], value)}
        if "state" in new and new["state"]["team"] is not issue["team"]:
            said = f"The state '{new['state']['name']}' does not belong to the issue's team."
            raise refused("Discrepancy between issue state and team", said)
        if "labels" in new:
            check_labels(issue["team"], new["labels"])
        self.store.keep_past(issue)
        now = self.store.clock.now()
        if "state" in new:
            self._enter(issue, new["state"], now)
        issue.update(new)
        self._moved(issue, *({KIND_OF.get(name, "fields") for name in new} or {"noop"}))

    def to_team(self, issue: Row, team: Row) -> None:
        """It gets a new identifier, the state of the same name or type, and loses the old team's
        labels; its old identifier still finds it (documented)."""
        self.store.keep_past(issue)
        states = [row for row in self.store.all("WorkflowState") if row["team"] is team]
        old = issue["state"]
        alike = [row for row in states if row["name"] == old["name"]]
        alike += [row for row in states if row["type"] == old["type"]]
        issue["previousIdentifiers"].append(issue["identifier"])
        team["_issues"] += 1
        issue["team"], issue["number"] = team, team["_issues"]
        issue["identifier"] = f"{team['key']}-{team['_issues']}"
        issue["labels"] = [label for label in issue["labels"] if label["team"] in (None, team)]
        issue["state"] = (alike or states)[0]
        self._enter(issue, issue["state"], self.store.clock.now())
        self._moved(issue, "fields")

    def archive(self, issue: Row, *, trash: bool = False) -> None:
        """Both set `archivedAt`; trashing was measured not to move `updatedAt`."""
        if issue["archivedAt"] is not None and (issue["trashed"] or not trash):
            return
        self.store.keep_past(issue)
        issue["archivedAt"] = self.store.clock.now()
        issue["trashed"] = True if trash else issue["trashed"]
        self._moved(issue, "trash" if trash else "archive")

    def unarchive(self, issue: Row) -> None:
        """Back from the archive or the trash."""
        self.store.keep_past(issue)
        issue["archivedAt"] = issue["trashed"] = None
        self._moved(issue, "archive")

    def purge(self, issue: Row) -> None:
        """Gone for good, and with it what hung on it."""
        for relation in [*issue["relations"], *issue["inverseRelations"]]:
            self._unlink(relation)
        for child in (*issue["comments"], *issue["attachments"]):
            self.store.drop(child)
        self.store.drop(issue)

    # --- what hangs on issues

    def relate(self, issue: Row, related: Row, type: str, id: str | None = None) -> Row:
        """`issue` blocks (duplicates, is related to) `related`; there is one of each kind."""
        for relation in issue["relations"]:
            if relation["relatedIssue"] is related and relation["type"] == type:
                found: Row = relation
                return found
        self.store.keep_past(issue)
        self.store.keep_past(related)
        row = self.store.add(
            "IssueRelation", {"type": type, "issue": issue, "relatedIssue": related}, id
        )
        issue["relations"].append(row)
        related["inverseRelations"].append(row)
        self._moved(issue, "relation")
        self._moved(related, "relation")
        return row

    def unrelate(self, relation: Row) -> None:
        """Takes a relation away."""
        ends = relation["issue"], relation["relatedIssue"]
        for issue in ends:
            self.store.keep_past(issue)
        self._unlink(relation)
        for issue in ends:
            self._moved(issue, "relation")

    def comment(
        self, issue: Row, body: str, user: Row, parent: Row | None = None, id: str | None = None
    ) -> Row:
        """Somebody writes."""
        self.store.keep_past(issue)
        new = {"body": body, "user": user, "issue": issue, "parent": parent}
        row = self.store.add(
            "Comment", {**new, "editedAt": None, "botActor": None, "externalUser": None}, id
        )
        row["url"] = f"{issue['url']}#comment-{row['id'][:8]}"
        issue["comments"].append(row)
        self._moved(issue, "comment")
        return row

    def edit_comment(self, comment: Row, body: str) -> None:
        """A new text for a comment."""
        now = self.store.clock.now()
        comment.update(body=body, editedAt=now, updatedAt=now)
        self._moved(comment["issue"], "comment")

    def delete_comment(self, comment: Row) -> None:
        """Takes a comment away."""
        issue = comment["issue"]
        self.store.keep_past(issue)
        issue["comments"].remove(comment)
        self.store.drop(comment)
        self._moved(issue, "comment")

    def attach(self, issue: Row, url: str, id: str | None = None, **set: Any) -> Row:
        """An attachment; one that has the same address is changed instead (documented)."""
        self.store.keep_past(issue)
        known = [row for row in issue["attachments"] if row["url"] == url]
        if known:
            row: Row = known[0]
            row.update({name: value for name, value in set.items() if value is not None})
            row["updatedAt"] = self.store.clock.now()
        else:
            told = {name: value for name, value in set.items() if value is not None}
            row = self.store.add("Attachment", {**_blank(url), **told, "issue": issue}, id)
            issue["attachments"].append(row)
        self._moved(issue, "attachment")
        return row

    # --- inside

    def _moved(self, issue: Row, *kinds: Bump) -> None:
        if self.bumps.intersection(kinds):
            issue["updatedAt"] = self.store.clock.now()

    def _enter(self, issue: Row, state: Row, at: datetime) -> None:
        """A new stay in a state; `stateHistory` has one row for each (published schema)."""
        if issue["stateHistory"]:
            issue["stateHistory"][-1]["endedAt"] = at
        span = {"state": state, "stateId": state["id"], "startedAt": at, "endedAt": None}
        issue["stateHistory"].append(self.store.add("IssueStateSpan", span, at=at))
        type = state["type"]
        issue["completedAt"] = at if type == "completed" else None
        issue["canceledAt"] = at if type in ("canceled", "duplicate") else None
        if type == "started":
            issue["startedAt"] = issue["startedAt"] or at

    def _unlink(self, relation: Row) -> None:
        relation["issue"]["relations"].remove(relation)
        relation["relatedIssue"]["inverseRelations"].remove(relation)
        self.store.drop(relation)

    def _first_state(self, team: Row) -> Row:
        own = [row for row in self.store.all("WorkflowState") if row["team"] is team]
        return min(own, key=lambda row: FLOW.index(row["type"]) if row["type"] in FLOW else 9)


def _blank(url: str) -> dict[str, Any]:
    """An attachment of which only the address is known."""
    nothing = dict.fromkeys(("subtitle", "creator"))
    return {"title": url, "url": url, "metadata": {}, "sourceType": "unknown", **nothing}


def _same(old: Any, new: Any) -> bool:
    """Whether nothing changes; the order of labels is nothing."""
    if isinstance(old, list):
        return set(old) == set(new)
    return bool(old == new)
