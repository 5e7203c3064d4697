"""Different prompts for different states: a run ends for them, and keeps slot and place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.house import House, until

pytestmark = [pytest.mark.real, pytest.mark.slow]

STATES = """\
tracker:
  kind: markdown
  active_states: [Todo, AI Review, Rework]
  terminal_states: [Done]
"""
REVIEW = 'prompt_template_by_state: {AI Review: "Review {{ issue.identifier }}."}'
ONE_SLOT = f"agent: {{max_concurrent_agents: 1, max_retry_backoff_ms: 4000, {REVIEW}}}"


def play(house: House, **turns: list[list[Any]]) -> None:
    """The script: what the threads of each issue do, turn by turn."""
    issues = [
        {"match": f"Issue {name.replace('_', '-')}.", "turns": steps}
        for name, steps in turns.items()
    ]
    (house.root / "agents" / "script.json").write_text(json.dumps({"issues": issues}))


def move(state: str) -> dict[str, Any]:
    return {"tool": {"name": "issue_update", "arguments": {"state": state}}}


def prompts(house: House, key: str, number: int) -> list[str]:
    """What the turns of a run were given."""
    lines = (house.folder(key, number) / "transcript.jsonl").read_bytes().splitlines()
    sent = [entry["line"] for entry in map(json.loads, lines) if entry["dir"] == "out"]
    asked = [line["params"] for line in sent if line.get("method") == "turn/start"]
    return [params["input"][0]["text"].strip() for params in asked]


def dispatched(house: House) -> list[str]:
    return [event["issue"] for event in house.events("dispatched")]


def test_a_run_whose_issue_needs_another_prompt_makes_room_for_itself(house: House) -> None:
    """An older issue whose backoff is over and a newer one wait; the one slot stays its own."""
    house.configure(f"{STATES}{ONE_SLOT}")
    gate = {"run": f"until [ -e {house.root / 'gate'} ]; do sleep 0.05; done"}
    fails = [{"fail": {"message": "Lost the line."}}]
    play(house, A_1=[[move("AI Review"), gate], [move("Done")]], OLD_1=[fails], B_1=[fails])
    house.issue("OLD-1", priority="1")
    house.run("tick")
    house.verdict("OLD-1")
    house.issue("A-1", priority="1")
    house.issue("B-1")
    house.run("tick")
    until(lambda: house.status()["counts"]["queued"] == 2, "the end of the backoff")
    (house.root / "gate").touch()
    first = house.verdict("A-1")
    passed = house.run("tick", "--json").json["passed_over"]
    second = house.verdict("A-1", 2)

    assert (first["outcome"], first["reason"], first["turns"]) == ("rolled_over", "prompt", 1)
    assert dispatched(house) == ["OLD-1", "A-1", "A-1"]
    told = {one["issue_identifier"]: one["reason"] for one in passed}
    assert told == {"OLD-1": "slots", "B-1": "slots"}
    assert [prompts(house, "A-1", n) for n in (1, 2)] == [["Issue A-1."], ["Review A-1."]]
    assert (second["outcome"], second["thread"]["id"]) == ("handed_over", first["thread"]["id"])
    (ended,) = [event for event in house.events("ended") if event["issue"] == "A-1"]
    assert (ended["progress"], ended.get("wait", 0.0)) == (True, 0.0)


def test_changed_parts_use_up_no_attempts_and_are_no_failures(house: House) -> None:
    house.configure(f"{STATES}agent: {{max_dispatch_attempts: 1, {REVIEW}}}")
    play(house, A_1=[[move("AI Review")], [move("Rework")], [move("AI Review")], [move("Done")]])
    house.issue("A-1")
    for number in (1, 2, 3, 4):
        house.run("tick")
        house.verdict("A-1", number)
    house.run("tick")
    ends = [event["verdict"] for event in house.events("ended")]
    told = house.run("status", "A-1", "--json").json

    rolled = ("rolled_over", "prompt")
    assert [(one["outcome"], one.get("reason")) for one in ends] == [
        rolled,
        rolled,
        rolled,
        ("handed_over", "Done"),
    ]
    assert house.events("blocked") == []
    assert (told["kind"], told["issue"]["retry_count"], told["runs"]) == ("finished", 0, 4)


def test_states_that_share_a_prompt_share_a_run(house: House) -> None:
    house.configure(f"{STATES}agent: {{{REVIEW}}}")
    play(house, A_1=[[move("Rework")], [{"say": "Again."}], [move("Done")]])
    house.issue("A-1")
    verdict = house.work("A-1")["A-1"]

    assert (verdict["outcome"], verdict["turns"]) == ("handed_over", 3)
