"""An issue's columns, and which changes move its `updatedAt`.

The published schema says only "meaningfully updated". What is set by default is what people
measured (trashing does not move it) or what every poller relies on (an issue's own columns do); the
rest nobody has measured, and is off, because that is harder on a reader. A test may switch each.
"""

from __future__ import annotations

from typing import Any, Literal

Bump = Literal[
    "state",
    "fields",
    "labels",
    "project",
    "comment",
    "relation",
    "attachment",
    "archive",
    "trash",
    "noop",
]

USUAL_BUMPS: frozenset[Bump] = frozenset({"state", "fields", "labels", "project"})

KIND_OF: dict[str, Bump] = {"state": "state", "labels": "labels", "project": "project"}

FLOW = ("backlog", "unstarted", "started", "completed", "canceled")


EMPTY: dict[str, Any] = {
    "title": "",
    "description": None,
    "priority": 0,
    "assignee": None,
    "creator": None,
    "project": None,
    "parent": None,
    "trashed": None,
    "startedAt": None,
    "completedAt": None,
    "canceledAt": None,
}

LISTS = (
    "labels",
    "comments",
    "attachments",
    "relations",
    "inverseRelations",
    "stateHistory",
    "previousIdentifiers",
)
