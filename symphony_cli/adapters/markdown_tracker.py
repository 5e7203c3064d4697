"""A tracker that is a folder: one Markdown file an issue, for people who need no account anywhere.

Reading: a file that cannot be understood is `unknown`, and nothing follows from it. Writing: under
a lock among ourselves, and against editors by comparing the file with what we read just before it
is replaced. The operator's folder is the truth; copies of it in workspaces are never read.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from os.path import realpath
from pathlib import Path

from symphony_cli.adapters.markdown_blockers import Around
from symphony_cli.adapters.markdown_comments import clean, said_since
from symphony_cli.adapters.markdown_file import (
    Unreadable,
    with_comment,
    with_label,
    with_state,
    without_label,
)
from symphony_cli.adapters.markdown_folder import (
    Contents,
    listing,
    load,
    read_issue,
)
from symphony_cli.adapters.markdown_write import (
    GIT_WAIT,
    LOCK_WAIT,
    commit_file,
    replace_unchanged,
    write_lock,
)
from symphony_cli.core.issue import Issue, norm
from symphony_cli.core.policy import Rules
from symphony_cli.core.run import TrackerRef
from symphony_cli.core.snapshot import Held, Read
from symphony_cli.errors import TrackerError, WriteRefused
from symphony_cli.ids import IssueId
from symphony_cli.paths import StatePaths

TRIES = 5
"""How often a write begins again when somebody saved the file meanwhile."""

LONGEST_NAME = 255
"""Bytes of a file's name on Linux's usual file systems (NAME_MAX)."""


class Outcome(Enum):
    """What came of one try to write."""

    THERE = "the file said it already"
    WRITTEN = "the file says it now"
    LOST = "the file vanished or was saved by somebody else meanwhile"


def _go_on(path: Path) -> None:
    """Nothing happens between writing the new content and looking at the old one again."""


def _to_stderr(sentence: str) -> None:
    """Where a tick's timer, a person and the log of a run all look."""
    print(f"symphony: warning: {sentence}", file=sys.stderr)


@dataclass(frozen=True, slots=True)
class MarkdownTracker:
    """Implements `ports.Tracker` over `folder`; an issue's id and identifier are its file's stem.

    `before_swap` is called with the file just before it is compared and replaced; tests save the
    file there, as an editor would. A write waits `lock_wait` seconds for another writer, and each
    of the two git calls of a commit may take `git_wait` seconds. `warn` hears of commits that did
    not come about: by then the write itself is done.
    """

    folder: Path
    rules: Rules
    now: Callable[[], datetime]
    lock_path: Path
    commit: bool = False
    repo: Path | None = None
    before_swap: Callable[[Path], None] = _go_on
    lock_wait: float = LOCK_WAIT
    git_wait: float = GIT_WAIT
    warn: Callable[[str], None] = _to_stderr

    @property
    def kind(self) -> str:
        """As in `tracker.kind`."""
        return "markdown"

    @property
    def scope(self) -> str:
        """Ids are unique in one folder, by whatever path it is reached."""
        return f"markdown:{realpath(self.folder)}"

    @property
    def requests(self) -> int:
        """None: a folder is read, not asked."""
        return 0

    def look(self, since: str, held: Sequence[Held], *, full: bool = False) -> Read:
        """All issues of the folder, without texts and without the time of their last save, which
        says nothing about what they say. The cursor tells whether anything changed; the whole
        folder is read each time, so `since` leaves nothing out.

        Raises:
            TrackerError: the folder is not there or cannot be listed.
        """
        names = listing(self.folder)
        contents = load(self.folder, names)
        before = {one.id: one.issue for one in held}
        return Read(
            issues=tuple(
                replace(
                    self._issue(
                        issue,
                        Around(names, contents, self.rules, before.get(issue), looks=True),
                    ).facts(),
                    updated_at=None,
                )
                for issue in contents.found
            ),
            missing=_missing([one.id for one in held], contents),
            unknown=contents.unknown,
            cursor=contents.digest,
            comments={
                one.id: said_since(contents.found[one.id].file.comments, one.comments_since)
                for one in held
                if one.comments_since is not None and one.id in contents.found
            },
        )

    def read(
        self, ids: Sequence[IssueId], *, texts: bool = True, held: Sequence[Held] = ()
    ) -> Read:
        """These issues with description, comments and the time of their last save. `held` has the
        blockers that looks found closed or deleted.

        Raises:
            TrackerError: the folder is not there or cannot be listed.
        """
        names = listing(self.folder)
        wanted = load(self.folder, names, only=frozenset(ids))
        around = {
            blocker
            for saved in wanted.found.values()
            for entry in saved.file.blocked_by
            if (blocker := names.find(entry)) is not None
        }
        others = load(self.folder, names, only=around)
        known = Contents({**others.found, **wanted.found}, {**others.unknown, **wanted.unknown})
        before = {one.id: one.issue for one in held}
        return Read(
            issues=tuple(
                replace(
                    self._issue(issue, Around(names, known, self.rules, before.get(issue))),
                    description=saved.file.description,
                    comments=saved.file.comments,
                )
                for issue, saved in wanted.found.items()
            ),
            missing=_missing(ids, wanted),
            unknown={issue: why for issue, why in wanted.unknown.items() if issue in ids},
        )

    def gauge(self) -> None:
        """Nothing: a folder may be read as often as one likes."""

    def _issue(self, issue: IssueId, around: Around) -> Issue:
        saved = around.contents.found[issue]
        file = saved.file
        return Issue(
            id=issue,
            identifier=issue,
            title=file.title or issue,
            state=file.state,
            priority=file.priority,
            labels=file.labels,
            assignee=file.assignee,
            blocked_by=tuple(map(around.blocker, file.blocked_by)),
            branch=file.branch,
            pr=file.pr,
            created_at=file.created,
            updated_at=saved.at,
        )

    def comment(self, issue: IssueId, body: str, write: str) -> bool:
        """Write a comment at the end of the file, once for each `write`.

        True when the file had it already. False when it was written just now: an editor that
        opened the file before may still save over it, so the same call must come again later.

        Raises:
            WriteRefused: no file can have this name, or there is nothing to write.
            TrackerError: the file is not there or could not be changed now.
        """
        if not clean(body).strip():
            raise WriteRefused("An empty comment says nothing: give it a text.")
        return self._edit(
            issue, lambda text: with_comment(text, body, write, self.now()), "comment"
        )

    def add_label(self, issue: IssueId, label: str) -> None:
        """Add a label to the list; others stay.

        Raises:
            WriteRefused: no file can have this name, or the label is empty.
            TrackerError: the file is not there or could not be changed now.
        """
        name = _name(label, "label")
        self._edit(issue, lambda text: with_label(text, name), f"add label {name}")

    def remove_label(self, issue: IssueId, label: str) -> None:
        """Take a label off the list, in whatever case it stands there; others stay.

        Raises:
            WriteRefused: no file can have this name, or the label is empty.
            TrackerError: the file is not there or could not be changed now.
        """
        name = _name(label, "label")
        self._edit(issue, lambda text: without_label(text, name), f"remove label {name}")

    def set_state(self, issue: IssueId, state: str) -> None:
        """Move an issue. Any state will do; one that other files have is spelled as they do.

        Raises:
            WriteRefused: no file can have this name, or the state is empty.
            TrackerError: the file is not there or could not be changed now.
        """
        name = self._spelled(_name(state, "state"))
        self._edit(issue, lambda text: with_state(text, name), f"state {name}")

    def _spelled(self, state: str) -> str:
        found = load(self.folder, listing(self.folder)).found.values()
        spellings = Counter(
            saved.file.state for saved in found if norm(saved.file.state) == norm(state)
        )
        return max(sorted(spellings), key=spellings.__getitem__, default=state)

    def _edit(self, issue: IssueId, change: Callable[[str], str], what: str) -> bool:
        """Whether the file said it already; if not, it does now."""
        if not _can_be_issue(issue):
            raise WriteRefused(f"{issue!r} cannot be the name of an issue file: correct it.")
        with write_lock(self.lock_path, self.lock_wait):
            for _ in range(TRIES):
                outcome = self._try(issue, change, what)
                if outcome is not Outcome.LOST:
                    return outcome is Outcome.THERE
            if issue not in listing(self.folder).files:
                raise TrackerError(
                    f"There is no {issue}.md in {self.folder} now (a git checkout or an editor may "
                    "have moved it for a moment): nothing was written, try again later."
                )
            raise TrackerError(
                f"{issue}.md in {self.folder} was saved by somebody else each of {TRIES} times "
                "that we were about to write: nothing was written, try again later."
            )

    def _try(self, issue: IssueId, change: Callable[[str], str], what: str) -> Outcome:
        names = listing(self.folder)
        if issue in names.unknown:
            raise TrackerError(f"{issue} cannot be written: {names.unknown[issue]}.")
        path = names.files.get(issue)
        if path is None:
            return Outcome.LOST
        try:
            saved = read_issue(path, self.folder)
            after = change(saved.file.text)
        except FileNotFoundError:
            return Outcome.LOST
        except Unreadable as error:
            raise TrackerError(f"{path} cannot be written: {error}.") from error
        if after == saved.file.text:
            return Outcome.THERE
        if not replace_unchanged(path, saved.data, after.encode(), self.before_swap):
            return Outcome.LOST
        if self.commit:
            self._commit(path, f"{issue}: {what}")
        return Outcome.WRITTEN

    def _commit(self, path: Path, message: str) -> None:
        """The write is done whatever git says; the next commit of this file takes it along."""
        try:
            commit_file(self.repo or self.folder, path, message, self.git_wait)
        except TrackerError as error:
            self.warn(str(error))


def _can_be_issue(issue: IssueId) -> bool:
    """Whether a file of the folder may ever have this stem; `listing` says which files count."""
    name = f"{issue}.md"
    return (
        issue.isprintable()
        and "/" not in issue
        and not name.startswith(".")
        and name.casefold() != "readme.md"
        and len(os.fsencode(name)) <= LONGEST_NAME
    )


def _missing(wanted: Sequence[IssueId], contents: Contents) -> tuple[IssueId, ...]:
    there = contents.found.keys() | contents.unknown.keys()
    return tuple(issue for issue in dict.fromkeys(wanted) if issue not in there)


def _name(text: str, what: str) -> str:
    name = " ".join(text.encode("utf-8", "replace").decode().split())
    if not name:
        raise WriteRefused(f"An empty {what} is none: name one.")
    return name


def open_folder(
    ref: TrackerRef,
    rules: Rules,
    state: StatePaths,
    now: Callable[[], datetime],
    *,
    lock_wait: float = LOCK_WAIT,
    git_wait: float = GIT_WAIT,
) -> MarkdownTracker:
    """The folder that WORKFLOW.md names."""
    return MarkdownTracker(
        folder=Path(ref.scope.removeprefix("markdown:")),
        rules=rules,
        now=now,
        lock_path=state.markdown_lock,
        commit=ref.commit,
        repo=Path(ref.workflow).parent,
        lock_wait=lock_wait,
        git_wait=git_wait,
    )
