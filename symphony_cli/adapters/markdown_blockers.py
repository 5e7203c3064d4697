"""What blocks an issue file: by the other files of the folder, and by what we knew of them.

A name in `blocked_by` that never had a file is a misspelling or a plan, and blocks. A file that we
knew and that is deleted blocks no more: the first look without it says `missing`, the next one,
which sees that in what we hold, says `gone`. So an editor that takes a file away while it saves,
and a checkout that is not done, release nothing. What was closed before stays so. A file that is
there and cannot be read decides nothing, and the two looks begin anew after it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from symphony_cli.adapters.markdown_folder import Contents, Listing
from symphony_cli.core.issue import Blocker, Issue
from symphony_cli.core.policy import Rules

MISSING, GONE, UNREADABLE = "missing", "gone", "not to be read"
"""What a blocker without a readable file has for a state. Told to people, and kept."""


@dataclass(frozen=True, slots=True)
class Around:
    """What the blockers of one issue are judged by.

    `looks` is false for a read beside the looks: it comes at any time, and concludes nothing from
    a file that is not there.
    """

    names: Listing
    contents: Contents
    rules: Rules
    before: Issue | None = None
    """The issue as we held it."""
    looks: bool = False

    def blocker(self, entry: str) -> Blocker:
        """What an entry of `blocked_by` means now."""
        issue = self.names.find(entry)
        saved = self.contents.found.get(issue) if issue is not None else None
        if issue is not None and saved is not None:
            state = saved.file.state
            return Blocker(issue, state, open=not self.rules.is_terminal(state), id=issue)
        known = self._known(entry)
        if known is None:
            return Blocker(entry)
        if _has(self.contents.unknown, entry):
            return replace(known, state=UNREADABLE, open=None)
        if known.open is False:
            return known
        if self.looks and known.open is None and known.state == MISSING:
            return replace(known, state=GONE, open=False)
        return replace(known, state=MISSING, open=None)

    def _known(self, entry: str) -> Blocker | None:
        """The blocker as we held it, when its file was there once: only then it has an id."""
        held = self.before.blocked_by if self.before is not None else ()
        return next((one for one in held if _has([one.id], entry)), None)


def _has(names: Iterable[str], entry: str) -> bool:
    return entry.casefold() in (name.casefold() for name in names)
