"""What people do to a board while somebody watches it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tests.fakes.linear.attached import pull_request
from tests.fakes.linear.complaints import not_found
from tests.fakes.linear.labels import make_label
from tests.fakes.linear.service import Service
from tests.fakes.linear.store import Row
from tests.fakes.linear.times import printed
from tests.fakes.linear.truth import Truth, truth_of

HUMAN = "Hanna Human"


class Person:
    """Somebody at the board. Issues, states, labels, people and teams go by their names, projects
    by their slugs. Each change is made under the lock of the service, as one."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._store, self._changes = service.store, service.changes

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
        """Write an issue; by default in the first project."""
        with self._service.lock:
            home = self._store.named("Team", team)
            first = self._store.all("Project")[0] if project == "" else None
            issue = self._changes.create(
                home,
                at=created,
                title=title,
                description=description,
                priority=priority,
                state=self._state(home, state),
                project=self._project(project) if project else first,
                labels=[self._label(home, name) for name in labels],
                assignee=self._named("User", assignee),
                creator=self._store.named("User", HUMAN),
            )
            for blocker in blocked_by:
                self._changes.relate(self._store.issue(blocker), issue, "blocks")
            return truth_of(issue)

    def move(self, issue: str, state: str) -> None:
        """Into another state of its team."""
        with self._service.lock:
            row = self._store.issue(issue)
            self._changes.change(row, state=self._state(row["team"], state))

    def label(self, issue: str, name: str) -> None:
        """Put a label on it; one that there is not yet is made in its team."""
        with self._service.lock:
            row = self._store.issue(issue)
            new = [*row["labels"], self._label(row["team"], name)]
            self._changes.change(row, labels=list(dict.fromkeys(new)))

    def unlabel(self, issue: str, name: str) -> None:
        """Take a label off it."""
        with self._service.lock:
            row = self._store.issue(issue)
            kept = [one for one in row["labels"] if one["name"].casefold() != name.casefold()]
            self._changes.change(row, labels=kept)

    def assign(self, issue: str, user: str | None) -> None:
        """Give it to somebody, or to nobody."""
        self._change(issue, assignee=self._named("User", user))

    def to_project(self, issue: str, project: str | None) -> None:
        """Into another project, or none."""
        self._change(issue, project=self._project(project))

    def to_team(self, issue: str, team: str) -> None:
        """To another team, where it gets another identifier."""
        with self._service.lock:
            self._changes.to_team(self._store.issue(issue), self._store.named("Team", team))

    def retitle(self, issue: str, title: str) -> None:
        """Give it another title."""
        self._change(issue, title=title)

    def describe(self, issue: str, description: str) -> None:
        """Give it another text."""
        self._change(issue, description=description)

    def prioritise(self, issue: str, priority: int) -> None:
        """0 none, 1 urgent to 4 low."""
        self._change(issue, priority=priority)

    def archive(self, issue: str) -> None:
        """Put it away."""
        with self._service.lock:
            self._changes.archive(self._store.issue(issue))

    def unarchive(self, issue: str) -> None:
        """Back from the archive or the trash."""
        with self._service.lock:
            self._changes.unarchive(self._store.issue(issue))

    def trash(self, issue: str) -> None:
        """Delete it; it can come back."""
        with self._service.lock:
            self._changes.archive(self._store.issue(issue), trash=True)

    def purge(self, issue: str) -> None:
        """Delete it for good."""
        with self._service.lock:
            self._changes.purge(self._store.issue(issue))

    def relate(self, blocker: str, blocked: str) -> None:
        """One issue blocks another."""
        with self._service.lock:
            related = self._store.issue(blocked)
            self._changes.relate(self._store.issue(blocker), related, "blocks")

    def unrelate(self, blocker: str, blocked: str) -> None:
        """It does not any more."""
        with self._service.lock:
            related = self._store.issue(blocked)
            for relation in list(self._store.issue(blocker)["relations"]):
                if relation["relatedIssue"] is related and relation["type"] == "blocks":
                    self._changes.unrelate(relation)

    def comment(self, issue: str, body: str, user: str = HUMAN) -> None:
        """Write under it."""
        with self._service.lock:
            author = self._store.named("User", user)
            self._changes.comment(self._store.issue(issue), body, author)

    def attach_pr(
        self, issue: str, url: str, status: str = "open", merged_at: datetime | None = None
    ) -> None:
        """The GitHub integration tells of a pull request: open, draft, merged or closed."""
        with self._service.lock:
            now = self._service.clock.now()
            merged = printed(merged_at or now) if status == "merged" else None
            about = pull_request(url, status, printed(now), merged)
            row = self._store.issue(issue)
            self._changes.attach(row, url, metadata=about, sourceType="github")

    def set(self, issue: str, **dates: datetime) -> None:
        """Write dates (`updatedAt`, `createdAt`) straight into the row, in the past or the
        future."""
        with self._service.lock:
            row = self._store.issue(issue)
            self._store.keep_past(row)
            row.update(dates)

    def _change(self, issue: str, **set: Any) -> None:
        with self._service.lock:
            self._changes.change(self._store.issue(issue), **set)

    def _state(self, team: Row, name: str) -> Row:
        for row in self._store.all("WorkflowState"):
            if row["team"] is team and row["name"] == name:
                return row
        raise not_found("WorkflowState")

    def _label(self, team: Row, name: str) -> Row:
        for row in self._store.all("IssueLabel"):
            if row["name"].casefold() == name.casefold() and row["team"] in (None, team):
                return row
        return make_label(self._store, name, team)

    def _named(self, kind: str, name: str | None) -> Row | None:
        return None if name is None else self._store.named(kind, name)

    def _project(self, slug: str | None) -> Row | None:
        return self._named("Project", slug)
