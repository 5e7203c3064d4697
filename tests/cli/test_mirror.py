"""A mirror as people meet it: named in WORKFLOW.md, made by the first run, shown by `status`."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.house import House

pytestmark = pytest.mark.real

FRONT = "workspace: {root: ../workspaces, repo: ../origin.git, mirror_path: ../mirror.git}"


@pytest.fixture
def mirrored(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path).begin(FRONT)
    ada = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    for words in (
        ["init", "--quiet", "--bare", "-b", "main", "origin.git"],
        ["clone", "--quiet", "origin.git", "seed"],
        ["-C", "seed", *ada, "commit", "--quiet", "--allow-empty", "-m", "first"],
        ["-C", "seed", "push", "--quiet", "origin", "HEAD:main"],
    ):
        subprocess.run(["git", *words], cwd=tmp_path, env=house.environ, check=True)
    yield house
    house.end()


def shown(house: House) -> str:
    """The sentence on the screen, on one line."""
    text = " ".join(house.run("status").out.split())
    found = re.search(r"Mirror .*?\.(?= (?:\d|nothing to do))", text)
    return found[0] if found else ""


def test_the_first_run_makes_the_mirror_and_status_shows_its_age(mirrored: House) -> None:
    place = mirrored.root / "mirror.git"
    assert shown(mirrored) == f"Mirror {place}: the next new workspace makes it."
    mirrored.issue("A-1")
    mirrored.run("tick")
    mirrored.verdict("A-1")
    alternates = mirrored.root / "workspaces/A-1/.git/objects/info/alternates"
    assert alternates.read_text() == f"{place}/objects\n"
    assert re.fullmatch(rf"Mirror {place}: fetched \d+s ago\.", shown(mirrored))
    line = mirrored.status()["mirror"]
    assert (line.pop("fetched_at"), 0 <= line.pop("age_s") < 60) == (line.pop("tried_at"), True)
    assert line == {"path": str(place), "fetching": False, "error": ""}


def test_a_mirror_that_cannot_be_is_told_by_status_and_holds_nobody_up(mirrored: House) -> None:
    place = mirrored.root / "mirror.git"
    place.mkdir()
    (place / "photos").touch()
    mirrored.issue("A-1")
    mirrored.run("tick")
    assert mirrored.verdict("A-1")["outcome"] == "handed_over"
    sentence = f"{place} is there and is no mirror made by Symphony: move it away"
    assert sentence in (mirrored.folder("A-1") / "agent.log").read_text()
    assert mirrored.status()["mirror"]["error"].startswith(sentence)
    assert f"Mirror {place}: not made yet; {sentence}" in shown(mirrored)


def test_without_a_mirror_status_is_silent_about_it(mirrored: House) -> None:
    mirrored.configure("workspace: {root: ../workspaces, repo: ../origin.git}")
    assert (shown(mirrored), mirrored.status()["mirror"]) == ("", None)
