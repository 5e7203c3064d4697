"""Changes of files, as the items and diffs of a turn name them."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from symphony_cli.core.shape import Json
from symphony_cli.scripted.script import Edit, Write


@dataclass(frozen=True, slots=True)
class Change:
    """A file before and after; `before` is None for a new one."""

    path: Path
    before: str | None
    after: str

    @property
    def item(self) -> Json:
        """One of an item's `changes`: whole text of a new file, hunks of an old one."""
        if self.before is None:
            return {"path": str(self.path), "kind": {"type": "add"}, "diff": self.after}
        kind = {"type": "update", "move_path": None}
        return {"path": str(self.path), "kind": kind, "diff": self._hunks()}

    def _hunks(self) -> str:
        return "".join(self._lines()[2:])

    def _lines(self) -> list[str]:
        before = (self.before or "").splitlines(keepends=True)
        return list(difflib.unified_diff(before, self.after.splitlines(keepends=True)))

    def diff(self, root: Path) -> str:
        """The change as `turn/diff/updated` has it."""
        name = self.path.relative_to(root) if self.path.is_relative_to(root) else self.path
        old = "/dev/null" if self.before is None else f"a/{name}"
        return f"diff --git a/{name} b/{name}\n--- {old}\n+++ b/{name}\n" + self._hunks()

    def carry_out(self) -> None:
        """Write the file.

        Raises:
            OSError: the file system says no.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(self.after, "utf-8")


def change(action: Write | Edit, cwd: Path) -> Change:
    """What a step would do to a file below `cwd`.

    Raises:
        ValueError: the file cannot be read, or does not hold the text to replace.
    """
    path = cwd / action.path
    try:
        before = path.read_text("utf-8") if path.exists() else None
    except OSError as error:
        raise ValueError(f"{action.path} cannot be read: {error.strerror}") from error
    if isinstance(action, Write):
        return Change(path, before, action.content)
    if before is None:
        raise ValueError(f"{action.path} does not exist")
    if action.find not in before:
        raise ValueError(f"Failed to find expected lines in {action.path}: {action.find!r}")
    return Change(path, before, before.replace(action.find, action.replace, 1))
