"""Work that is merged is not done again, however often its issue comes back (row T8)."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.house import House
from tests.cli.test_grants import comments, labels
from tests.cli.test_parts import move, play

pytestmark = [pytest.mark.real, pytest.mark.slow]

BRANCH = "symphony/A-1"


def git(folder: Path, *words: str) -> str:
    """What a person does with git, who has no settings of their own."""
    settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", "-c", "user.name=Ana", "-c", "user.email=ana@example.org", *words],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **settings},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@dataclass(frozen=True)
class Place:
    """A house whose agents push to a bare origin, and a person's clone of that."""

    house: House
    desk: Path

    @property
    def path(self) -> Path:
        """The file of the issue."""
        return self.house.issues / "A-1.md"

    def bounce(self, state: str) -> None:
        """A person moves the issue, and time passes: two ticks, and the run that they start."""
        lines = self.path.read_text().splitlines(keepends=True)
        moved = [f"state: {state}\n" if line.startswith("state:") else line for line in lines]
        self.path.write_text("".join(moved))
        for _ in range(2):
            self.house.run("tick")
            for folder in self.house.state.glob("runs/A-1/[0-9]*"):
                self.house.verdict("A-1", int(folder.name))

    def person(self, *commands: str) -> None:
        """What a person does on main, and pushes."""
        git(self.desk, "fetch", "-q")
        for command in commands:
            git(self.desk, *command.split())
        (self.desk / "other.txt").write_text("Theirs.\n")
        git(self.desk, "add", "other.txt")
        git(self.desk, "commit", "-qm", "Do something else")
        git(self.desk, "push", "-q", "origin", "main")

    @property
    def asked(self) -> int:
        """How often an agent was started on the issue."""
        return len(list(self.house.state.glob("runs/A-1/*/transcript.jsonl")))


@pytest.fixture
def place(house: House) -> Iterator[Place]:
    """An origin with one commit, and an issue to work on."""
    origin, desk = house.root / "origin.git", house.root / "desk"
    git(house.root, "init", "-q", "--bare", "-b", "main", str(origin))
    git(house.root, "clone", "-q", str(origin), str(desk))
    git(desk, "checkout", "-q", "-b", "main")
    (desk / "README.md").write_text("A project.\n")
    git(desk, "add", "README.md")
    git(desk, "commit", "-qm", "Begin")
    git(desk, "push", "-q", "origin", "main")
    house.configure(
        f"workspace: {{root: ../workspaces, repo: {json.dumps(str(origin))}}}\n"
        "agent: {max_retry_backoff_ms: 1}"
    )
    house.issue("A-1")
    yield Place(house, desk)


def works(name: str) -> list[Any]:
    """A turn that makes two commits, pushes them, and moves the issue to Done."""
    made = [
        [{"write": {"path": f"{name}{n}.txt", "content": f"{n}\n"}}, {"commit": f"Write {name}{n}"}]
        for n in (1, 2)
    ]
    return [*made[0], *made[1], {"run": "git push -q origin HEAD"}, move("Done"), {"say": "Done."}]


SQUASHED = (f"merge -q --squash origin/{BRANCH}", "commit -q -m Squash")
"""The way that is hardest to see; tests/adapters/test_merged.py has all of them."""


def test_an_issue_whose_work_is_merged_bounces_and_no_model_is_asked(place: Place) -> None:
    house = place.house
    play(house, A_1=[works("first"), works("second")])
    house.work("A-1")
    tip = git(house.root / "origin.git", "rev-parse", BRANCH)
    place.person(*SQUASHED)
    for _ in range(3):
        place.bounce("Todo")
        place.bounce("Done")
    place.bounce("Todo")
    page = house.run("status", "A-1", "--json").json
    (first, *others) = [event["verdict"] for event in house.events("ended")]
    text = " ".join(place.path.read_text().replace("\n> ", " ").split())
    bounced = (place.asked, page["kind"], labels(place.path), comments(place.path))
    unblocked = house.run("unblock", "A-1", "--json").json
    place.bounce("Todo")

    detail = f"its branch's work up to {tip[:12]} is already in main ("
    assert bounced == (1, "blocked", ["symphony-stuck"], 1)
    assert page["why"][0].startswith(f"merged: {detail}")
    assert [(one.get("turns", 0), one["reason"]) for one in others] == [(0, "merged")] * len(others)
    assert (first["outcome"], len(others) >= 1) == ("handed_over", True)
    assert detail in text
    assert unblocked["granted"] == f"work on top of what is merged ({tip[:12]})"
    assert (place.asked, house.events("ended")[-1]["verdict"]["outcome"]) == (2, "handed_over")
    assert comments(place.path) == 1


def test_a_branch_without_commits_of_its_own_is_not_merged(place: Place) -> None:
    house = place.house
    play(house, A_1=[[{"say": "I look."}, {"fail": {"message": "No luck."}}], works("first")])
    house.work("A-1")
    git(place.desk, "pull", "-q", "origin", "main")
    place.person()
    place.bounce("Todo")
    ends = [event["verdict"]["outcome"] for event in house.events("ended")]

    assert (place.asked, ends) == (2, ["failed", "handed_over"])
    assert (house.events("blocked"), comments(place.path)) == ([], 0)
