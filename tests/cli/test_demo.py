"""`symphony demo`, as a person sees it first (row O10)."""

from __future__ import annotations

import re

import pytest

from tests.cli.house import House

pytestmark = [pytest.mark.real, pytest.mark.slow]


def test_the_demo_shows_the_kill_and_that_the_thread_went_on_and_leaves_nothing(
    house: House,
) -> None:
    temporary = house.root / "tmp"
    temporary.mkdir()
    environ = {**house.environ, "TMPDIR": str(temporary)}
    del environ["SYMPHONY_NO_TICK"]
    before = sorted(path.name for path in house.root.rglob("*"))
    told = house.run("demo", environ=environ)

    killed = re.search(r"DEMO-2: its thread is (\S+); watch", told.out)
    went_on = re.search(r"the same thread went on after the kill: (\S+)", told.out)
    assert (told.code, told.err) == (0, "")
    assert re.search(r"DEMO-2: we kill -9 its supervisor \(pid \d+\) in mid-work\.", told.out)
    assert killed is not None
    assert went_on is not None
    assert killed[1] == went_on[1]
    assert re.search(r"^  3 finished; slots 0/2; tokens spent [\d,]+; ", told.out, re.MULTILINE)
    assert house.is_empty()
    assert sorted(path.name for path in house.root.rglob("*")) == before


def test_the_demo_refuses_a_folder_that_is_not_empty(house: House) -> None:
    told = house.run("demo", "--keep", str(house.project))
    assert (told.code, told.err) == (
        64,
        f"symphony: {house.project} is not an empty folder: name one that does not exist yet.\n",
    )
