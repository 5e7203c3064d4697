"""What people do to a board: any edit, chosen by three numbers, and who could have noticed it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.fakes.linear.times import printed
from tests.linear.world import PROJECT, Truth, World

TEAMS = ("ENG", "OPS")
"""The teams of the project that is worked."""

FAR = "FAR"
"""A team that has nothing to do with it."""

ELSEWHERE = "elsewhere-0e0e0e0e0e0e"
"""Another project of the same teams."""

STATES = ("Todo", "In Progress", "Todo", "Backlog", "Human Review", "Done", "Canceled", "Duplicate")
PEOPLE = ("Agent Bot", "Hanna Human", None)
LABELS = ("bug", "feature", "symphony-stuck", "brand new")

NOTICED = timedelta(seconds=115)
"""A row dated no longer ago than this is in the next look: it begins 120 s before the cursor, and
the cursor is never ahead of the server; the rest is for a replica that lags 2 s."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit: what, of which issue, and of which other thing."""

    what: str
    issue: int
    other: int


@dataclass(slots=True)
class Board:
    """The people's side: the issues that there are, and those whose last news no delta shows."""

    linear: World
    now: Callable[[], datetime]
    """The server's clock."""
    ids: list[str] = field(default_factory=list)
    purged: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    """Their last change moved no date, or a date in the past, or took them out of our sight."""
    edits: int = 0
    spelled: dict[str, str] = field(default_factory=dict)
    """Labels that were renamed, by their first name."""

    def there(self) -> list[str]:
        """The issues that are not gone for good."""
        return [issue for issue in self.ids if issue not in self.purged]

    def do(self, edit: Edit) -> None:
        """Make an edit, if there is an issue to make it on."""
        if edit.what == "nothing":
            return
        self.edits += 1
        there = self.there()
        if not there or edit.what == "create":
            self._create(edit)
            return
        issue = there[edit.issue % len(there)]
        before = self.linear.issue(issue)
        _EDITS[edit.what](self, issue, edit.other)
        if issue not in self.purged:
            self.weigh(issue, before)

    def _create(self, edit: Edit) -> None:
        ago = timedelta(seconds=(0, 0, 0, 60, 4000)[edit.other % 5])
        made = self.linear.person.create(
            f"Issue {len(self.ids)}",
            state=STATES[edit.issue % len(STATES)],
            team=TEAMS[edit.other % 2],
            priority=edit.issue % 5,
            labels=["bug"] if edit.other % 3 else [],
            assignee=PEOPLE[edit.issue % 3],
            created=self.now() - ago if ago else None,
        )
        self.ids.append(made["id"])
        self.weigh(made["id"], None)

    def weigh(self, issue: str, before: Truth | None) -> None:
        """Whether a delta shows what the issue is now."""
        truth = self.linear.issue(issue)
        if truth == before:
            return
        last = max(truth["updatedAt"], truth["archivedAt"] or "")
        ours = truth["project"] == PROJECT or truth["team"] in TEAMS
        if ours and last >= printed(self.now() - NOTICED):
            self.hidden.discard(issue)
        else:
            self.hidden.add(issue)

    def other_than(self, issue: str, number: int) -> str | None:
        """Another issue."""
        others = [other for other in self.there() if other != issue]
        return others[number % len(others)] if others else None

    def label(self, number: int) -> str:
        """A label, as it is spelled now."""
        name = LABELS[number % len(LABELS)]
        return self.spelled.get(name, name)


def _move(board: Board, issue: str, number: int) -> None:
    board.linear.person.move(issue, STATES[number % len(STATES)])


def _label(board: Board, issue: str, number: int) -> None:
    board.linear.person.label(issue, board.label(number))


def _unlabel(board: Board, issue: str, number: int) -> None:
    board.linear.person.unlabel(issue, board.label(number))


def _rename(board: Board, issue: str, number: int) -> None:
    """All issues that carry the label say something else now, and none of them has a new date."""
    name = LABELS[number % 2]
    old = board.spelled.get(name, name)
    new = name if old != name else f"{name} & more"
    board.linear.rename_label(old, new)
    board.spelled[name] = new
    for other in board.there():
        if new in board.linear.issue(other)["labels"]:
            board.weigh(other, None)


def _assign(board: Board, issue: str, number: int) -> None:
    board.linear.person.assign(issue, PEOPLE[number % len(PEOPLE)])


def _retitle(board: Board, issue: str, number: int) -> None:
    board.linear.person.retitle(issue, f"Title {number}")


def _prioritise(board: Board, issue: str, number: int) -> None:
    board.linear.person.prioritise(issue, number % 5)


def _project(board: Board, issue: str, number: int) -> None:
    board.linear.person.to_project(issue, (PROJECT, ELSEWHERE, None)[number % 3])


def _team(board: Board, issue: str, number: int) -> None:
    board.linear.person.to_team(issue, TEAMS[number % 2])


def _far(board: Board, issue: str, number: int) -> None:
    """It leaves us altogether, or comes back."""
    if board.linear.issue(issue)["team"] == FAR:
        board.linear.person.to_team(issue, TEAMS[number % 2])
        board.linear.person.to_project(issue, PROJECT)
    else:
        board.linear.person.to_project(issue, None)
        board.linear.person.to_team(issue, FAR)


def _archive(board: Board, issue: str, number: int) -> None:
    board.linear.person.archive(issue)


def _unarchive(board: Board, issue: str, number: int) -> None:
    if board.linear.issue(issue)["archivedAt"] is not None:
        board.linear.person.unarchive(issue)


def _trash(board: Board, issue: str, number: int) -> None:
    board.linear.person.trash(issue)


def _purge(board: Board, issue: str, number: int) -> None:
    board.linear.person.purge(issue)
    board.purged.add(issue)


def _relate(board: Board, issue: str, number: int) -> None:
    blocker = board.other_than(issue, number)
    if blocker is not None:
        board.linear.person.relate(blocker, issue)


def _unrelate(board: Board, issue: str, number: int) -> None:
    """One of its blockers, if it has any."""
    blockers = board.linear.issue(issue)["blockedBy"]
    if blockers:
        board.linear.person.unrelate(blockers[number % len(blockers)], issue)


def _date(board: Board, issue: str, number: int) -> None:
    """Somebody's import dates it in the future or in the past."""
    seconds = (3600, 86400, 90, -60, -110, -4000, -86400, 10)[number % 8]
    board.linear.person.set(issue, updatedAt=board.now() + timedelta(seconds=seconds))


_EDITS: dict[str, Callable[[Board, str, int], None]] = {
    "move": _move,
    "label": _label,
    "unlabel": _unlabel,
    "rename": _rename,
    "assign": _assign,
    "retitle": _retitle,
    "prioritise": _prioritise,
    "project": _project,
    "team": _team,
    "far": _far,
    "archive": _archive,
    "unarchive": _unarchive,
    "trash": _trash,
    "purge": _purge,
    "relate": _relate,
    "unrelate": _unrelate,
    "date": _date,
}

KINDS = ("nothing", "create", "move", "move", "create", "relate", "date", *_EDITS)
"""All kinds of edits; what happens most stands here more than once. A life that failed is made
shorter by putting nothing in their place."""
