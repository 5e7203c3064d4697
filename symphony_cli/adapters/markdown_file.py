"""One issue file: read it, and change it without losing a byte that is not ours.

An issue file is front matter (`title, state, priority, labels, assignee, blocked_by, branch, pr,
created`, and whatever else its owner keeps there), a description, and comments under the heading
`## Comments`; docs/markdown-tracker.md shows one. Reading and editing are functions of the text;
`markdown_tracker` does the files.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from symphony_cli.adapters import markdown_comments as below
from symphony_cli.adapters.markdown_edit import add_entry, drop_entry, write_text
from symphony_cli.adapters.markdown_front import (
    Front,
    Unreadable,
    list_of,
    parse_front,
    text_of,
)
from symphony_cli.core.issue import Comment, norm
from symphony_cli.core.times import parse_stamp

__all__ = [
    "IssueFile",
    "Unreadable",
    "decode",
    "parse",
    "with_comment",
    "with_label",
    "with_state",
    "without_label",
]


@dataclass(frozen=True, slots=True)
class IssueFile:
    """What an issue file says. `title` is None when it has none; names are as they are written."""

    front: Front
    title: str | None
    state: str
    priority: int | None
    labels: tuple[str, ...]
    assignee: str | None
    blocked_by: tuple[str, ...]
    branch: str | None
    pr: str | None
    created: datetime | None

    @property
    def text(self) -> str:
        """The whole file."""
        return self.front.text

    @property
    def description(self) -> str:
        """The body up to the heading `## Comments`, with plain line ends."""
        return below.description(self.text[self.front.body :])

    @property
    def comments(self) -> tuple[Comment, ...]:
        """Everything under that heading; ours are `bot` and carry the id of their write."""
        return below.comments(self.text[self.front.body :])


def decode(data: bytes) -> str:
    """The text of a file, every byte of which comes back when it is encoded again.

    Raises:
        Unreadable: it is not UTF-8, or has NUL bytes (as after a crash in the middle of a save).
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Unreadable(line, "the file is not UTF-8 text") from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise Unreadable(line, "the file has NUL bytes (half-saved?)")
    return text


def parse(text: str) -> IssueFile:
    """The issue in a file.

    Raises:
        Unreadable: it is empty, half-saved or malformed; says where and what to write instead.
    """
    front = parse_front(text)
    state = text_of(front, "state")
    if state is None:
        line = front.values["state"].line if "state" in front.values else 1
        raise Unreadable(line, "the front matter has no `state`; write for example `state: Todo`")
    return IssueFile(
        front=front,
        title=text_of(front, "title"),
        state=" ".join(state.split()),
        priority=_priority(front),
        labels=list_of(front, "labels"),
        assignee=text_of(front, "assignee"),
        blocked_by=list_of(front, "blocked_by"),
        branch=text_of(front, "branch"),
        pr=text_of(front, "pr"),
        created=_created(front),
    )


def _priority(front: Front) -> int | None:
    text = text_of(front, "priority")
    if text is None or text == "0":
        return None
    if text not in ("1", "2", "3", "4"):
        line = front.values["priority"].line
        raise Unreadable(line, f"`priority` must be 1 (urgent) to 4 (low) or empty, not {text!r}")
    return int(text)


def _created(front: Front) -> datetime | None:
    text = text_of(front, "created")
    try:
        return None if text is None else parse_stamp(text)
    except (ValueError, OverflowError) as error:
        line = front.values["created"].line
        raise Unreadable(line, f"`created` must be a date as 2026-03-01, not {text!r}") from error


def with_state(text: str, state: str) -> str:
    """The file's text in another state; unchanged when it is in that one already.

    Raises:
        Unreadable: the file is malformed, or the line is written in a form we cannot change.
    """
    file = parse(text)
    wanted = " ".join(state.split())
    if norm(file.state) == norm(wanted):
        return text
    return write_text(file.front, "state", wanted)


def with_label(text: str, label: str) -> str:
    """The file's text with a label more; unchanged when it is there in any case.

    Raises:
        Unreadable: as `with_state`.
    """
    file = parse(text)
    if norm(label) in map(norm, file.labels):
        return text
    return add_entry(file.front, "labels", " ".join(label.split()))


def without_label(text: str, label: str) -> str:
    """The file's text without a label, in whatever case it is there; others stay.

    Raises:
        Unreadable: as `with_state`.
    """
    while True:
        file = parse(text)
        names = [norm(name) for name in file.labels]
        if norm(label) not in names:
            return text
        text = drop_entry(file.front, "labels", names.index(norm(label)))


def with_comment(text: str, body: str, write: str, when: datetime) -> str:
    """The file's text with a comment at its end; unchanged when this write is there already.

    Raises:
        Unreadable: the file is malformed.
    """
    front = parse_front(text)
    if below.is_written(text, write):
        return text
    return below.append(text, front.body, front.newline, body, write, when)
