"""Limits that are edited in WORKFLOW.md reach a run that is at work."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.cli.house import DONE, House, until
from tests.reading import read_by_another

pytestmark = [pytest.mark.real, pytest.mark.slow]

COST = {"usage": {"input": 600, "cached_input": 0, "output": 0}}


def limited(house: House, **limits: int) -> None:
    house.configure(f"agent: {json.dumps(limits)}")


def gate(house: House, name: str) -> Mapping[str, str]:
    """A step that waits until the test has made the file of that name."""
    return {"run": f"until [ -e {house.root / name} ]; do sleep 0.05; done"}


def spent(house: House, tokens: int) -> bool:
    """The run that goes on has spent so much, as its report tells."""
    path = house.folder("A-1") / "report.jsonl"
    lines = map(json.loads, path.read_text().splitlines()) if path.exists() else ()
    return any(line["kind"] == "usage" and line["total"]["input"] >= tokens for line in lines)


def at_work(house: House, *steps: Any) -> None:
    """An agent that has spent 600 of its 1000 tokens and goes on when gate `one` opens."""
    limited(house, max_tokens_per_issue=1000)
    house.script(A_1=[{"say": "I begin.", **COST}, gate(house, "one"), *steps])
    house.issue("A-1")
    house.run("tick")
    until(lambda: spent(house, 600), "the first answer")


def granted(house: House) -> list[Any]:
    """What a tick decides about limits, as it tells it, and a second one after it."""
    ticks = [house.run("tick", "--json").json["decisions"] for _ in range(2)]
    return [
        [(one["issue_identifier"], one["detail"]) for one in decisions if one["kind"] == "grant"]
        for decisions in ticks
    ]


def test_a_raised_budget_lets_a_run_go_past_its_old_one(house: House) -> None:
    at_work(house, {"say": "More.", **COST}, *DONE)
    limited(house, max_tokens_per_issue=5000)
    told = granted(house)
    facts = house.events("granted")
    with read_by_another(house.folder("A-1") / "grant"):
        pass
    (house.root / "one").touch()
    verdict = house.verdict("A-1")

    sentence = "its limits are now 40 turns and 5,000 tokens, from the start of the run"
    assert told == [[("A-1", sentence)], []]
    assert [(fact["run"], fact["limits"]) for fact in facts] == [(verdict["run"], {"tokens": 5000})]
    assert (verdict["outcome"], verdict["reason"]) == ("handed_over", "Done")
    assert sum(one["input"] for one in verdict["usage"].values()) == 1300


def test_a_lowered_budget_ends_a_run_in_mid_turn(house: House) -> None:
    at_work(house, *DONE)
    limited(house, max_tokens_per_issue=500)
    assert granted(house) == [
        [("A-1", "its limits are now 40 turns and 500 tokens, from the start of the run")],
        [],
    ]
    verdict = house.verdict("A-1")
    house.run("tick")
    (blocked,) = house.status()["blocked"]

    sentence = "The run spent 600 tokens; 500 were left for the issue."
    told = (verdict["outcome"], verdict["reason"], verdict["detail"])
    assert told == ("over_budget", "tokens", sentence)
    assert (blocked["issue_identifier"], blocked["reason"]) == ("A-1", "budget")


def test_a_budget_is_what_all_runs_of_an_issue_may_spend_together(house: House) -> None:
    """The first run spent 600; of 1500 the second one has 900."""
    at_work(house, {"fail": {"message": "Lost the line."}}, {"run": "true"}, gate(house, "two"))
    (house.root / "one").touch()
    house.verdict("A-1")
    limited(house, max_tokens_per_issue=1000, max_retry_backoff_ms=1)
    house.run("tick")
    until(lambda: house.run("tick") and house.events("dispatched")[1:], "the second run")
    (first, second) = house.events("dispatched")
    limited(house, max_tokens_per_issue=1500, max_retry_backoff_ms=1)
    house.run("tick")

    assert [one["limits"]["tokens"] for one in (first, second)] == [1000, 400]
    (fact,) = house.events("granted")
    assert (fact["run"], fact["limits"]) == (second["run"], {"tokens": 900})


def test_a_lowered_number_of_turns_ends_a_run_at_a_turns_end(house: House) -> None:
    limited(house, max_turns=1000)
    house.script(A_1=[{"say": "I begin."}])
    house.issue("A-1")
    house.run("tick")
    until(lambda: turns(house)[2:], "the third turn")
    limited(house, max_turns=2)
    told = granted(house)
    verdict = house.verdict("A-1")

    detail = f"{verdict['turns']} turns are used up; the next run goes on."
    assert [[text[:24] for _, text in tick] for tick in told] == [["its limits are now 2 tur"], []]
    assert (verdict["outcome"], verdict["reason"]) == ("rolled_over", "max_turns")
    sent = [one["input"][0]["text"][-80:] for one in turns(house)]
    first = house.events("dispatched")[0]["run"]
    assert (verdict["run"], verdict["detail"], verdict["turns"]) == (first, detail, len(sent)), sent
    assert len(sent) >= 3


def test_a_raised_number_of_turns_gives_a_run_more_of_them(house: House) -> None:
    limited(house, max_turns=1)
    house.script(A_1=[{"say": "I begin."}, gate(house, "one")])
    house.issue("A-1")
    house.run("tick")
    until(lambda: turns(house), "the first turn")
    limited(house, max_turns=3)
    granted(house)
    with read_by_another(house.folder("A-1") / "grant"):
        pass
    (house.root / "one").touch()
    verdict = house.verdict("A-1")

    assert (verdict["outcome"], verdict["turns"]) == ("rolled_over", 3)
    texts = [one["input"][0]["text"] for one in turns(house)]
    assert [f"This is turn {n} of\n3" in texts[n - 1] for n in (1, 2, 3)] == [False, True, True]


def turns(house: House) -> list[Any]:
    """What the turns that a run asked for were given."""
    path = house.folder("A-1") / "transcript.jsonl"
    lines = path.read_bytes().splitlines() if path.exists() else []
    sent = [entry["line"] for entry in map(json.loads, lines) if entry["dir"] == "out"]
    return [line["params"] for line in sent if line.get("method") == "turn/start"]


def test_a_file_that_cannot_be_read_changes_nothing_for_a_run(house: House) -> None:
    at_work(house, *DONE)
    house.workflow.write_text("---\nagent: {max_tokens_per_issue: many}\n---\nIssue.\n")
    told = house.run("tick", "--json")
    kinds = [one["kind"] for one in told.json["decisions"]]
    (house.root / "one").touch()
    verdict = house.verdict("A-1")

    assert (told.code, kinds) == (78, [])
    assert not (house.folder("A-1") / "grant").exists()
    assert (verdict["outcome"], house.events("granted")) == ("handed_over", [])


def test_an_idle_tick_after_a_grant_writes_nothing_and_a_lost_grant_is_given_again(
    house: House,
) -> None:
    at_work(house, *DONE)
    limited(house, max_tokens_per_issue=5000)
    house.run("tick")
    grant, ledger = house.folder("A-1") / "grant", house.ledger.read_bytes()
    given = grant.read_bytes()
    house.run("tick")
    idle = house.ledger.read_bytes() == ledger
    grant.unlink()
    again = granted(house)
    same = (grant.read_bytes(), house.ledger.read_bytes()) == (given, ledger)

    assert (idle, same, len(again[0]), again[1]) == (True, True, 1, [])
