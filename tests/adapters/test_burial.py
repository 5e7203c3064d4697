"""The trash of a workspace root: one rename into it, and whoever empties it meanwhile."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from symphony_cli.adapters.burial import bury, disk_use, empty, has_trash, trash
from symphony_cli.errors import StateError, WorkspaceError


def workspace(root: Path, name: str) -> Path:
    place = root / name
    (place / "folder").mkdir(parents=True)
    (place / "folder" / "file").write_text("work\n")
    return place


def test_a_workspace_is_in_the_trash_after_one_rename_and_gone_when_that_is_emptied(
    tmp_path: Path,
) -> None:
    place = workspace(tmp_path, "A-1")
    grave = bury(tmp_path, "A-1", place)
    assert not place.exists() and (grave / "folder" / "file").read_text() == "work\n"
    assert (grave.parent, has_trash(str(tmp_path))) == (trash(tmp_path), True)
    assert (empty(tmp_path), empty(tmp_path), has_trash(str(tmp_path))) == ((), (), False)


def test_workspaces_may_be_buried_while_others_empty_the_trash(tmp_path: Path) -> None:
    over, troubles = threading.Event(), list[str]()

    def gravedigger() -> None:
        while not over.is_set():
            troubles.extend(empty(tmp_path))

    diggers = [threading.Thread(target=gravedigger) for _ in range(2)]
    for digger in diggers:
        digger.start()
    try:
        for number in range(100):
            bury(tmp_path, "A-1", workspace(tmp_path, f"A-{number}"))
    finally:
        over.set()
        for digger in diggers:
            digger.join()
    assert (troubles, empty(tmp_path), os.listdir(tmp_path)) == ([], (), [".trash"])


def test_links_are_neither_buried_nor_emptied(tmp_path: Path) -> None:
    place = workspace(tmp_path / "elsewhere", "A-1")
    (tmp_path / "A-1").symlink_to(place)
    with pytest.raises(WorkspaceError, match="is a link"):
        bury(tmp_path, "A-1", tmp_path / "A-1")
    trash(tmp_path).symlink_to(tmp_path / "elsewhere")
    assert empty(tmp_path) == (f"{trash(tmp_path)} is a link and was not followed",)
    assert (place / "folder" / "file").exists()


def test_a_workspace_that_is_gone_is_no_workspace(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="A-1 cannot be looked at"):
        bury(tmp_path, "A-1", tmp_path / "A-1")


def test_disk_is_counted_once_for_each_file_whatever_its_names(tmp_path: Path) -> None:
    place = tmp_path / "A-1"
    place.mkdir()
    (place / "file").write_bytes(b"x" * 100_000)
    alone = disk_use(place)
    os.link(place / "file", place / "again")
    (place / "link").symlink_to("/usr")
    assert 100_000 <= alone <= disk_use(place) < 120_000


def test_what_a_person_keeps_in_a_folder_of_that_name_is_let_be(tmp_path: Path) -> None:
    (tmp_path / ".trash/photos").mkdir(parents=True)
    assert (has_trash(str(tmp_path)), empty(tmp_path)) == (False, ())
    assert os.listdir(tmp_path / ".trash") == ["photos"]
