"""How much room there is, also where nobody can tell."""

from __future__ import annotations

from pathlib import Path

from symphony_cli.wiring_world import free_room


def test_room_is_that_of_the_folder_that_will_hold_it(tmp_path: Path) -> None:
    found = free_room(tmp_path / "not" / "made" / "yet")
    assert found is not None
    assert (found.path, found.free_bytes > 0) == (str(tmp_path), True)


def test_a_place_that_cannot_be_looked_at_is_no_bug(tmp_path: Path) -> None:
    assert free_room(tmp_path / ("x" * 300)) is None
