"""An issue leaves while its agent works: what may end by itself, and what is stopped at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.house import DONE, House, until

pytestmark = [pytest.mark.real, pytest.mark.slow]

CREW = """\
tracker:
  kind: markdown
  terminal_states: [Done, Cancelled]
  required_labels: [crew]
  assignee: ada
agent:
  stop_continue_labels: [hold]
"""
OURS = {"labels": "[crew]", "assignee": "ada"}

LEAVE: dict[str, dict[str, Any]] = {
    "held-1": {"front": {"labels": "[crew, hold]"}},
    "bare-1": {"front": {"labels": "[]"}},
    "bob-1": {"front": {"assignee": "bob"}},
    "off-1": {"state": "Cancelled"},
    "both-1": {"state": "Human Review", "front": {"labels": "[crew, hold]"}},
}
"""What a person writes into an issue, by its name; the one of `gone-1` is deleted."""

STOPPED_AS = {
    "held-1": "label",
    "bare-1": "label",
    "bob-1": "assignee",
    "off-1": "not_eligible",
    "both-1": "not_eligible",
    "gone-1": "gone",
}


def work(house: House, *keys: str) -> bool:
    """The endless commands of these agents have begun."""
    paths = [house.folder(key) / "transcript.jsonl" for key in keys]
    return all(path.exists() and b"sleep 300" in path.read_bytes() for path in paths)


def write(
    house: House, name: str, front: dict[str, str] | None = None, state: str = "Todo"
) -> None:
    house.issue(name, state, **OURS | (front or {}))


def at_work(house: House) -> None:
    """One agent for each issue, in the middle of a command that takes five minutes."""
    house.configure(CREW)
    half = {"write": {"path": "work.txt", "content": "half\n"}}
    steps = [{"say": "I begin."}, half, {"run": "sleep 300"}, *DONE]
    house.script(**{name.replace("-", "_"): steps for name in STOPPED_AS})
    for name in STOPPED_AS:
        write(house, name)
    house.run("tick")
    until(lambda: work(house, *STOPPED_AS), "the command of each")


def dispatched_again(house: House) -> bool:
    house.run("tick")
    return len(house.events("dispatched")) == 2 * len(STOPPED_AS)


def test_who_must_not_go_on_is_stopped_in_mid_command_and_goes_on_later_where_it_was(
    house: House,
) -> None:
    at_work(house)
    for name, change in LEAVE.items():
        write(house, name, **change)
    (house.issues / "gone-1.md").unlink()
    house.run("tick")
    early = [event["reason"] for event in house.events("stop_asked")]
    house.run("tick")
    firsts = {name: house.verdict(name) for name in STOPPED_AS}
    house.run("tick")
    idle = len(house.events())
    house.run("tick")
    kept = len(house.events()), house.status()["counts"]["running"]
    for name in STOPPED_AS:
        write(house, name)
    until(lambda: dispatched_again(house), "the second run of each")
    seconds = {name: house.verdict(name, 2) for name in STOPPED_AS}

    assert sorted(early) == ["assignee", "label", "label", "not_eligible", "not_eligible"]
    told = {name: (one["outcome"], one["reason"]) for name, one in firsts.items()}
    assert told == {name: ("stopped", reason) for name, reason in STOPPED_AS.items()}
    assert kept == (idle, 0), "stopped once, and left in peace"
    assert [one["outcome"] for one in seconds.values()] == ["handed_over"] * len(STOPPED_AS)
    for name, first in firsts.items():
        assert seconds[name]["thread"]["id"] == first["thread"]["id"]
        assert seconds[name]["workspace"] == first["workspace"]
        assert Path(first["workspace"], "work.txt").read_text() == "half\n"


def test_a_turn_that_goes_on_too_long_after_its_issue_left_is_stopped(house: House) -> None:
    house.configure("agent: {handoff_grace_ms: 0}")
    moved = {"tool": {"name": "issue_update", "arguments": {"state": "Human Review"}}}
    house.script(A_1=[moved, {"run": "sleep 300"}, *DONE])
    path = house.issue("A-1")
    house.run("tick")
    until(lambda: work(house, "A-1"), "the command after the move")
    seen = house.run("tick", "--json").json["decisions"]
    stopped = until(lambda: asked_to_stop(house), "the stop")
    first = house.verdict("A-1")
    house.run("tick")
    released = house.status()["counts"]["released"]
    path.write_text(path.read_text().replace("Human Review", "Todo"))
    until(lambda: bool(house.run("tick").code or house.events("dispatched")[1:]), "the next run")
    second = house.verdict("A-1", 2)

    assert [one["kind"] for one in seen][:1] == ["take_in"]
    assert stopped["reason"] == "handed_over"
    assert stopped["detail"] == "its state is Human Review for more than 0 s"
    assert (first["outcome"], first["reason"]) == ("stopped", "handed_over")
    assert (released, house.status()["counts"]["released"]) == (1, 0)
    assert (second["outcome"], second["thread"]["id"]) == ("handed_over", first["thread"]["id"])


def asked_to_stop(house: House) -> Any:
    house.run("tick")
    return next(iter(house.events("stop_asked")), None)
