"""What an issue really is at this moment, whatever a lagging replica shows."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from tests.fakes.linear.store import Row
from tests.fakes.linear.times import printed


class Truth(TypedDict):
    """An issue with names instead of ids. Dates as Linear prints them; labels and blockers
    sorted."""

    id: str
    identifier: str
    title: str
    description: str | None
    priority: int
    team: str
    state: str
    project: str | None
    assignee: str | None
    labels: list[str]
    blockedBy: list[str]
    comments: list[str]
    attachments: list[str]
    createdAt: str
    updatedAt: str
    archivedAt: str | None
    trashed: bool


def truth_of(issue: Row) -> Truth:
    """The truth about a row."""
    blockers = [one["issue"] for one in issue["inverseRelations"] if one["type"] == "blocks"]
    return {
        "id": issue["id"],
        "identifier": issue["identifier"],
        "title": issue["title"],
        "description": issue["description"],
        "priority": int(issue["priority"]),
        "team": issue["team"]["key"],
        "state": issue["state"]["name"],
        "project": issue["project"] and issue["project"]["slugId"],
        "assignee": issue["assignee"] and issue["assignee"]["name"],
        "labels": sorted(label["name"] for label in issue["labels"]),
        "blockedBy": sorted(blocker["identifier"] for blocker in blockers),
        "comments": [comment["body"] for comment in issue["comments"]],
        "attachments": [attachment["url"] for attachment in issue["attachments"]],
        "createdAt": printed(issue["createdAt"]),
        "updatedAt": printed(issue["updatedAt"]),
        "archivedAt": _printed(issue["archivedAt"]),
        "trashed": bool(issue["trashed"]),
    }


def _printed(at: datetime | None) -> str | None:
    return None if at is None else printed(at)
