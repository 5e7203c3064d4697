"""Whole stories with the real Codex; only the model is scripted."""

from __future__ import annotations

import pytest

from symphony_cli.core.reasons import Outcome
from tests.real.conftest import Open
from tests.real.model import command, message, total, update
from tests.real.threads import ANSWERS, COMMIT

pytestmark = [pytest.mark.real, pytest.mark.codex, pytest.mark.shared, pytest.mark.slow]


def test_an_issue_goes_from_todo_to_done_by_its_agents_own_hand(studio: Open) -> None:
    outside = "(touch ../../project/leak; git -C ../../project commit -qm no --allow-empty)"
    place = studio(
        [
            update(state="In Progress", **ANSWERS[0]),
            command(f"echo hi > hi.txt; {outside}; {COMMIT} 'Say hi'", **ANSWERS[1]),
            update(state="Done", comment="It says hi now.", **ANSWERS[2]),
            message("Done: it says hi.", **ANSWERS[3]),
        ]
    )
    house = place.house
    house.write_issue("HI-1", "Say hi.")
    house.until(lambda: house.finished("HI-1"), "HI-1 is done")
    record = house.record("HI-1")
    assert record.last is not None and record.last.git is not None
    told = (record.last.outcome, record.last.message, record.runs, record.turns, record.usage)
    assert told == (Outcome.HANDED_OVER, "Done: it says hi.", 1, 1, total(*ANSWERS[:4]))
    subjects = house.git(house.checkout.parent / "workspaces/HI-1", "log", "--format=%an %s")
    assert subjects.splitlines() == ["Agent Say hi", "Ada A project"]
    assert (record.last.git.commits, record.last.git.branch) == (1, "symphony/HI-1")
    assert "state: Done" in house.issue("HI-1") and "It says hi now." in house.issue("HI-1")
    assert house.git(house.checkout, "status", "--short") == "", "the sandbox let it out"
    assert house.git(house.checkout, "log", "--format=%s") == "A project"
