"""An agent that hands its issue over, and one that is stopped in the middle of a command."""

from __future__ import annotations

import pytest

from symphony_cli.core.reasons import Outcome
from tests.errands.world import until
from tests.real import threads as t
from tests.real.conftest import Open
from tests.real.house import House
from tests.real.model import Entry, call, command, message, update
from tests.real.threads import ANSWERS, COMMIT, NAME

pytestmark = [pytest.mark.real, pytest.mark.codex, pytest.mark.shared, pytest.mark.slow]

ORIGIN = {"shared_dirs": ["../origin.git"]}
"""In these houses a push is a write into a folder; the sandbox must allow it."""


def after_the_gate(words: str, **more: object) -> Entry:
    """A command that waits until the test opens the gate, which lies beside the workspaces."""
    text = f"until [ -e ../../gate ]; do sleep 0.05; done; {words}"
    return call("exec_command", {"cmd": text, "yield_time_ms": 30_000}, **more)


def is_seen_in(house: House, state: str) -> bool:
    """A tick has seen the issue in this state."""
    return house.record(NAME).issue.state == state


@pytest.mark.both_codexes
def test_an_agent_that_moved_its_issue_may_still_push_and_say_its_last_word(studio: Open) -> None:
    place = studio(
        [
            command(f"echo hi > hi.txt; {COMMIT} 'Say hi'", **ANSWERS[0]),
            update(state="Human Review", **ANSWERS[1]),
            after_the_gate("git push -q origin HEAD", **ANSWERS[2]),
            update(state="Human Review", comment="Pushed; please look.", **ANSWERS[3]),
            message("Handed over.", **ANSWERS[4]),
        ],
        workspace=ORIGIN,
    )
    house = place.house
    house.write_issue(NAME)
    house.until(lambda: house.runs(NAME) and is_seen_in(house, "Human Review"), "it was moved")
    seen_meanwhile = [house.tick() for _ in range(3)]
    (house.root / "gate").touch()
    house.until(lambda: house.record(NAME).running is None, "the run is over")
    assert [one["decisions"] for one in seen_meanwhile] == [[], [], []]
    assert t.outcomes(house, NAME) == [(Outcome.HANDED_OVER, "Human Review")]
    assert t.asked(house, NAME) == [["thread/start", "turn/start"]]
    pushed = house.git(house.origin, "log", "--format=%an %s", f"symphony/{NAME}")
    assert pushed.splitlines() == ["Agent Say hi", "Ada A project"]
    assert "Pushed; please look." in house.issue(NAME)
    assert (len(place.model.requests()), house.record(NAME).place) == (5, None)


def label(house: House, name: str) -> None:
    """A person changes the issue's labels to this one, or takes them off."""
    path = house.checkout / "issues" / f"{NAME}.md"
    lines = path.read_text().splitlines()
    kept = [f"labels: [{name}]" if line.startswith("labels:") else line for line in lines]
    path.write_text("\n".join(kept) + "\n")


def test_a_stop_label_ends_a_turn_in_mid_command_and_off_again_the_thread_goes_on(
    studio: Open,
) -> None:
    place = studio(
        [
            update(state="In Progress", **ANSWERS[0]),
            command("echo half > half.txt", **ANSWERS[1]),
            t.OPEN_COMMAND,
            command(f"{COMMIT} 'Say half'", **ANSWERS[3]),
            *[update(state="Done", **ANSWERS[4]), message("Done.", **ANSWERS[5])],
        ]
    )
    house = place.house
    house.write_issue(NAME)
    house.tick()
    until(lambda: t.is_cut(place), what="the open command")
    label(house, "symphony-stuck")
    house.until(lambda: house.record(NAME).running is None, "the run is over")
    assert t.outcomes(house, NAME) == [(Outcome.STOPPED, "label")]
    until(lambda: not house.alive(), what="the end of all processes")
    assert {one["reason"] for one in house.tick()["passed_over"]} == {"label"}
    label(house, "")
    house.until(lambda: house.finished(NAME), "it is done once the label is off")
    before, after = place.model.requests()[2:4]
    t.assert_goes_on(before, after, "aborted by user")
    assert t.asked(house, NAME)[1] == ["thread/resume", "turn/start"]
    record = house.record(NAME)
    assert (record.runs, record.failures, record.fresh_threads) == (2, 0, 0)
    assert house.git(house.root / "workspaces" / NAME, "show", "HEAD:half.txt") == "half"
