"""One request for all runs that ask at about the same time.

Whoever gets the lock asks for every living run and leaves the answer in `refresh.json`; the others
watch that file. A holder that dies is followed by the next; an answer that does not come is written
down nowhere.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Set
from dataclasses import dataclass
from pathlib import Path

from symphony_cli import clock, files, runfolder
from symphony_cli.core.refresh import GATHER, Question, Refresh, serves
from symphony_cli.core.snapshot import Read
from symphony_cli.errors import StateError, TrackerError
from symphony_cli.ids import IssueId

PAUSE = 0.05
"""Seconds between two looks at the file and the lock."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """Where the errands of one `state/` meet, and what the one that asks for all needs.

    `take` takes the lock without waiting and gives the way to let go of it; `living` are the
    issues whose runs are alive; `read` asks the tracker, once.
    """

    file: Path
    take: Callable[[], Callable[[], None] | None]
    living: Callable[[], Set[IssueId]]
    read: Callable[[tuple[IssueId, ...]], Read]
    secrets: tuple[str, ...] = ()


def shared(question: Question, meeting: Meeting, until: float) -> Refresh:
    """An answer to this question: another errand's, or one that this one fetches for all.

    Args:
        until: the moment after which no request is begun any more.

    Raises:
        TrackerError: the tracker did not answer, or another errand asks it for too long.
        StateError: the lock cannot be made.
    """
    posted = _Posted(meeting.file)
    while True:
        found = posted.news()
        if found is not None and serves(found, question, clock.monotonic()):
            return found
        if clock.monotonic() >= until:
            raise TrackerError(
                "Another run of this workflow asks the tracker for all and has no answer yet: "
                "wait, or look what `symphony status` says of the tracker."
            )
        release = meeting.take()
        if release is not None:
            try:
                return _ask_for_all(question, meeting)
            finally:
                release()
        clock.sleep(PAUSE)


def _ask_for_all(question: Question, meeting: Meeting) -> Refresh:
    """Under the lock. The holder before us may have answered since we looked."""
    found = _Posted(meeting.file).news()
    if found is not None and serves(found, question, clock.monotonic()):
        return found
    mine = {question.issue}
    if question.boot and meeting.living() - mine:
        clock.sleep(max(0.0, question.asked + GATHER - clock.monotonic()))
    wanted = tuple(sorted(mine | meeting.living()))
    sent, at = clock.monotonic(), clock.now()
    read = meeting.read(wanted)
    answer = Refresh(
        source=question.source,
        boot=question.boot,
        sent=sent,
        at=at,
        issues=tuple(issue.facts() for issue in read.issues),
        missing=read.missing,
        unknown=read.unknown,
    )
    # When it cannot be written the others ask for themselves.
    with contextlib.suppress(StateError):
        runfolder.save(answer, meeting.file, meeting.secrets, durable=False)
    return answer


class _Posted:
    """The file, read only when it is another one than at the last look."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None

    def news(self) -> Refresh | None:
        """What is in it now; None when that was looked at, or is no answer."""
        with files.translated(self._path, "looked at"):
            try:
                stat = self._path.stat()
            except FileNotFoundError:
                return None
        if self._seen == (stat.st_ino, stat.st_mtime_ns):
            return None
        self._seen = (stat.st_ino, stat.st_mtime_ns)
        try:
            return runfolder.load(Refresh, self._path)
        except StateError:
            return None
