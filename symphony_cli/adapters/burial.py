"""Where a workspace goes that is no longer wanted: by one rename into `<root>/.trash/`.

The rename is what removes it; the deleting afterwards may take long, may be killed, and is done
again by whoever comes next. So nothing is ever half a workspace.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from symphony_cli import files
from symphony_cli.adapters.ready import marker_path
from symphony_cli.adapters.trees import remove_tree
from symphony_cli.errors import StateError, WorkspaceError

TRASH = ".trash"
"""Folder of ours under `workspace.root`; keys never begin with a dot."""

_GRAVE = re.compile(r".+\.[0-9a-f]{12}", re.DOTALL)


def trash(root: Path) -> Path:
    """Where the removed workspaces of a root wait to be deleted."""
    return root / TRASH


def is_grave(name: str) -> bool:
    """Whether an entry of the trash was put there by us; a person may have a `.trash` there too."""
    return _GRAVE.fullmatch(name) is not None


def has_trash(root: str) -> bool:
    """Whether something of ours waits there; False where nobody can tell."""
    try:
        return any(is_grave(entry.name) for entry in os.scandir(trash(Path(root))))
    except OSError:
        return False


def bury(root: Path, key: str, workspace: Path) -> Path:
    """Move a workspace into the trash of its root, and forget its marker; where it is now.

    Raises:
        WorkspaceError: it is a link, or another file system, or the trash is no folder of ours.
        StateError: the disk does not let us; the workspace is where it was.
    """
    place = trash(root)
    if place.is_symlink() or workspace.is_symlink():
        raise WorkspaceError(f"{place if place.is_symlink() else workspace} is a link: remove it")
    files.make_folder(place)
    with files.translated(workspace, "looked at"):
        is_apart = place.stat().st_dev != workspace.stat().st_dev
    if is_apart:
        raise WorkspaceError("it is a file system of its own, which cannot be moved")
    grave = place / f"{key}.{os.urandom(6).hex()}"
    with files.translated(workspace, "moved into the trash"):
        workspace.rename(grave)
        files.sync_folder(place)
        files.sync_folder(workspace.parent)
        marker_path(root, key).unlink(missing_ok=True)
    return grave


def empty(root: Path, tell: Callable[[Path], None] = lambda path: None) -> tuple[str, ...]:
    """Delete what is in the trash of a root, telling each entry first; what could not be, in words.

    What somebody else put there is let be; and they may empty it too: what is gone already is well.
    The trash itself stays, since
    somebody may be about to put something there.
    """
    place = trash(root)
    if place.is_symlink():
        return (f"{place} is a link and was not followed",)
    try:
        entries = sorted(path for path in place.iterdir() if is_grave(path.name))
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        return (f"{place} cannot be listed: {error.strerror}",)
    troubles = []
    for entry in entries:
        tell(entry)
        try:
            remove_tree(entry)
        except StateError as error:
            troubles.append(str(error))
    return tuple(troubles)


def disk_use(
    folder: Path,
    *,
    enough: Callable[[], bool] = lambda: False,
    unread: Callable[[], None] = lambda: None,
) -> int:
    """Bytes of disk that a folder takes, hard links once; links are not followed.

    Stops early when `enough()`: then it is at least so much. What cannot be read counts nothing,
    and `unread` hears of it; what is gone meanwhile counts nothing either.
    """
    seen: set[tuple[int, int]] = set()
    total, waiting = 0, [folder]
    while waiting and not enough():
        with _noted(unread), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                found = _measured(entry, unread)
                if found is None or (found.st_dev, found.st_ino) in seen:
                    continue
                if found.st_nlink > 1 and not stat.S_ISDIR(found.st_mode):
                    seen.add((found.st_dev, found.st_ino))
                total += found.st_blocks * 512
                if stat.S_ISDIR(found.st_mode):
                    waiting.append(Path(entry.path))
    return total


@contextlib.contextmanager
def _noted(unread: Callable[[], None]) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        pass
    except OSError:
        unread()


def _measured(entry: os.DirEntry[str], unread: Callable[[], None]) -> os.stat_result | None:
    try:
        return entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    except OSError:
        unread()
        return None
