"""People at the board of the stand-in, and what they see there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tests.fakes.linear.times import printed
from tests.linear.standin_process import StandInProcess
from tests.linear.world import HUMAN, Truth


class StandInPerson:
    """`PersonAtTheBoard` through the control port."""

    def __init__(self, process: StandInProcess) -> None:
        self._process = process

    def create(
        self,
        title: str = "Something to do",
        *,
        state: str = "Todo",
        team: str = "ENG",
        project: str | None = "",
        labels: Sequence[str] = (),
        blocked_by: Sequence[str] = (),
        assignee: str | None = None,
        priority: int = 0,
        description: str | None = None,
        created: datetime | None = None,
    ) -> Truth:
        more: dict[str, Any] = {"title": title, "state": state, "team": team, "priority": priority}
        more |= {"labels": list(labels), "blocked_by": list(blocked_by), "assignee": assignee}
        more |= {"description": description, "at": printed(created) if created else None}
        if project != "":
            more["project"] = project
        made = self._do("create", **more)
        return truth_of(self._process.call(f"/issue/{made['id']}", method="GET"))

    def move(self, issue: str, state: str) -> None:
        self._do("move", issue=issue, state=state)

    def label(self, issue: str, name: str) -> None:
        self._do("add_label", issue=issue, label=name)

    def unlabel(self, issue: str, name: str) -> None:
        self._do("remove_label", issue=issue, label=name)

    def assign(self, issue: str, user: str | None) -> None:
        self._do("assign", issue=issue, user=user)

    def to_project(self, issue: str, project: str | None) -> None:
        self._do("move_project", issue=issue, project=project)

    def to_team(self, issue: str, team: str) -> None:
        self._do("move_team", issue=issue, team=team)

    def retitle(self, issue: str, title: str) -> None:
        self._do("edit", issue=issue, title=title)

    def describe(self, issue: str, description: str) -> None:
        self._do("edit", issue=issue, description=description)

    def prioritise(self, issue: str, priority: int) -> None:
        self._do("edit", issue=issue, priority=priority)

    def archive(self, issue: str) -> None:
        self._do("archive", issue=issue)

    def unarchive(self, issue: str) -> None:
        self._do("unarchive", issue=issue)

    def trash(self, issue: str) -> None:
        self._do("trash", issue=issue)

    def purge(self, issue: str) -> None:
        self._do("purge", issue=issue)

    def relate(self, blocker: str, blocked: str) -> None:
        self._do("relate", issue=blocker, related=blocked, type="blocks")

    def unrelate(self, blocker: str, blocked: str) -> None:
        self._do("unrelate", issue=blocker, related=blocked, type="blocks")

    def comment(self, issue: str, body: str, user: str = HUMAN) -> None:
        self._do("comment", issue=issue, body=body, actor=user)

    def attach_pr(
        self, issue: str, url: str, status: str = "open", merged_at: datetime | None = None
    ) -> None:
        merged = printed(merged_at) if merged_at else None
        self._do("set_pr", issue=issue, url=url, status=status, mergedAt=merged)

    def set(self, issue: str, **dates: datetime) -> None:
        self._do("set", issue=issue, **{name: printed(at) for name, at in dates.items()})

    def _do(self, op: str, **more: Any) -> Any:
        done = self._process.call("/mutate", {"ops": [{"op": op, **more}]})
        return done["results"][0]


def truth_of(dumped: Mapping[str, Any]) -> Truth:
    """The truth about an issue, from the stand-in's own words."""
    return {
        "id": dumped["id"],
        "identifier": dumped["identifier"],
        "title": dumped["title"],
        "description": dumped["description"],
        "priority": int(dumped["priority"]),
        "team": dumped["team"],
        "state": dumped["state"],
        "project": dumped["project"],
        "assignee": dumped["assignee"],
        "labels": sorted(dumped["labels"]),
        "blockedBy": sorted(dumped["blockedBy"]),
        "comments": [comment["body"] for comment in dumped["comments"]],
        "attachments": [attachment["url"] for attachment in dumped["attachments"]],
        "createdAt": dumped["createdAt"],
        "updatedAt": dumped["updatedAt"],
        "archivedAt": dumped["archivedAt"],
        "trashed": bool(dumped["trashed"]),
    }
