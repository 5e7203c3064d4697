"""What lies on the disk of this machine because of a workflow (`ports.Holdings`).

    <root>/NAME                     a workspace, or somebody else's folder, file or link
    <root>/.trash/NAME              removed, and still to be deleted
    <root>/.symphony/rescue.git     the rescue store
    <root>/.symphony/making/KEY     a clone that is not finished, or was not
    <root>/.symphony/scratch/KEY    where a rescue works, or was killed
    <home>/sessions/Y/M/D/rollout-TIME-THREAD.jsonl, and <home>/archived_sessions/

Links are never followed, but for those on the way to a root or to a home of Codex.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from symphony_cli.adapters import ready, tidying
from symphony_cli.adapters.burial import TRASH, disk_use, is_grave
from symphony_cli.adapters.cloning import repository_name
from symphony_cli.adapters.locks import is_held
from symphony_cli.adapters.scratch import HIDDEN
from symphony_cli.adapters.trees import remove_tree
from symphony_cli.core.holdings import Found, Inventory, Kind, Wanted
from symphony_cli.core.removal import Tidying
from symphony_cli.errors import StateError
from symphony_cli.paths import StatePaths

_ROLLOUT = re.compile(r"rollout-.*-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.jsonl(?:\.zst)?")
"""Newer versions of Codex pack old threads."""

_LEFTOVERS = ("making", "scratch")


@dataclass(frozen=True, slots=True)
class LocalHoldings:
    """The disk, as one workflow sees it.

    Args:
        state: its `state/` folder.
        scope: where its issues come from, as markers have it.
        repo: what it clones, as WORKFLOW.md has it.
        home: CODEX_HOME of agents whose threads name none.
        tell: hears what is being measured, which may take long.
    """

    state: StatePaths
    scope: str
    repo: str
    home: str
    tell: Callable[[str], None] = lambda path: None

    def look(self, wanted: Wanted) -> Inventory:
        """Find and measure everything; what cannot be looked at is told in `faults`."""
        faults: list[str] = []
        found = [*self._in_roots(wanted, faults), *self._in_runs(wanted)]
        found += self._sessions(wanted, faults)
        return Inventory(tuple(self._measured(one) for one in found), tuple(faults))

    def is_there(self, found: Found) -> bool:
        """Whether a piece is still where it was found."""
        if found.kind in (Kind.TRANSCRIPTS, Kind.RUNS):
            return bool(self._parts(found))
        return os.path.lexists(found.path)

    def remove(self, found: Found) -> str:
        """Delete a piece; why it could not be, or nothing. Only the holder of its issue's lock may
        ask."""
        path = Path(found.path)
        if os.path.realpath(path.parent) != str(path.parent):
            return f"{path.parent} has become a link"
        if found.kind is Kind.SESSION and self._is_open(found):
            return "a Codex has it open"
        try:
            remove_tree(path)
        except StateError as error:
            return str(error)
        return ""

    def tidy(self, what: Tidying) -> Sequence[str]:
        """Remove old transcripts and run folders, and empty the trash; troubles in sentences."""
        troubles = tidying.tidy(self.state, what)
        return ("Another process is removing what is old.",) if troubles is None else troubles

    def _in_roots(self, wanted: Wanted, faults: list[str]) -> Iterator[Found]:
        roots = dict.fromkeys(os.path.realpath(root) for root in wanted.roots)
        for root in roots:
            before = len(faults)
            entries = _entries(Path(root), faults)
            if len(faults) > before:
                continue
            for entry in entries:
                if entry.name not in (HIDDEN, TRASH) or entry.is_symlink():
                    yield self._entry(root, entry, entry.path in roots, faults)
            for entry in _entries(Path(root, TRASH), faults):
                kind = Kind.TRASH if is_grave(entry.name) else Kind.FILE
                yield _found(kind, root, entry.path)
            yield from self._hidden(Path(root), faults)

    def _hidden(self, root: Path, faults: list[str]) -> Iterator[Found]:
        store = root / HIDDEN / "rescue.git"
        if _is_folder(store):
            yield _found(Kind.STORE, str(root), str(store))
        for name in _LEFTOVERS:
            for entry in _entries(root / HIDDEN / name, faults):
                found = _found(Kind.LEFTOVER, str(root), entry.path, entry.name)
                yield self._marked(found, faults)

    def _entry(self, root: str, entry: os.DirEntry[str], is_root: bool, faults: list[str]) -> Found:
        if entry.is_symlink():
            return _found(Kind.LINK, root, entry.path)
        if not entry.is_dir(follow_symlinks=False):
            return _found(Kind.FILE, root, entry.path)
        if is_root:
            return _found(Kind.ROOT, root, entry.path)
        return self._marked(_found(Kind.FOLDER, root, entry.path, entry.name), faults)

    def _marked(self, found: Found, faults: list[str]) -> Found:
        """With what its marker says. One that cannot be read keeps a removal from beginning."""
        try:
            marker = ready.read(ready.marker_path(Path(found.place), found.key))
        except StateError as error:
            faults.append(str(error))
            return found
        other = ready.stranger(found.key, marker, self.scope, repository_name(self.repo))
        return replace(found, marked=marker is not None, stranger=other)

    def _in_runs(self, wanted: Wanted) -> Iterator[Found]:
        runs = str(self.state.runs)
        for kind, keys in ((Kind.TRANSCRIPTS, wanted.transcripts), (Kind.RUNS, wanted.runs)):
            for key in keys:
                found = _found(kind, runs, str(self.state.issue(key)), key)
                if self._parts(found):
                    yield found

    def _parts(self, found: Found) -> list[Path]:
        """The files or folders that a piece of the run folders is made of."""
        if found.kind is Kind.TRANSCRIPTS:
            return tidying.transcripts_of(self.state, found.key)
        return tidying.folders_of(self.state, found.key)

    def _sessions(self, wanted: Wanted, faults: list[str]) -> Iterator[Found]:
        if not wanted.threads:
            return
        for home in dict.fromkeys(os.path.realpath(home or self.home) for home in wanted.homes):
            for path in _rollouts(Path(home), faults):
                match = _ROLLOUT.fullmatch(os.path.basename(path))
                if match is not None and match[1] in wanted.threads:
                    found = _found(Kind.SESSION, home, path, match[1])
                    yield replace(found, busy=self._is_open(found))

    def _is_open(self, found: Found) -> bool:
        """Codex holds a kernel lock on each thread that it has loaded."""
        try:
            return is_held(Path(found.place, "thread-writer-locks", found.key))
        except StateError:
            return True

    def _measured(self, found: Found) -> Found:
        if found.kind in (Kind.LINK, Kind.ROOT):
            return found
        self.tell(found.path)
        unread: list[None] = []
        whole = found.kind not in (Kind.TRANSCRIPTS, Kind.RUNS)
        parts = [Path(found.path)] if whole else self._parts(found)
        total = sum(_size(part, lambda: unread.append(None)) for part in parts)
        return replace(found, bytes=total, unread=len(unread))


def _found(kind: Kind, place: str, path: str, key: str = "") -> Found:
    return Found(kind, place, os.path.relpath(path, place), path, key=key)


def _entries(folder: Path, faults: list[str]) -> list[os.DirEntry[str]]:
    """What is in a folder, by name; nothing in one that is not there, or a link."""
    try:
        if not stat.S_ISDIR(folder.lstat().st_mode):
            return []
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        return []
    except OSError as error:
        faults.append(f"{folder} cannot be listed: {error.strerror}.")
        return []


def _is_folder(path: Path) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)


def _rollouts(home: Path, faults: list[str]) -> Iterator[str]:
    """All files in which Codex keeps threads, by path."""

    def told(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            faults.append(f"{error.filename} cannot be listed: {error.strerror}.")

    for name in ("sessions", "archived_sessions"):
        if not _is_folder(home / name):
            continue
        for folder, folders, files in os.walk(home / name, onerror=told):
            folders.sort()
            yield from (os.path.join(folder, file) for file in sorted(files))


def _size(path: Path, unread: Callable[[], None]) -> int:
    if _is_folder(path):
        return disk_use(path, unread=unread)
    with contextlib.suppress(FileNotFoundError):
        return path.lstat().st_blocks * 512
    return 0
