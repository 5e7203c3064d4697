"""What runs out and what people give: budgets, attempts, answers (rows Q4 to Q6, T9, O4)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.house import DONE, House, until
from tests.cli.test_limits import COST, gate, limited, spent
from tests.cli.test_parts import play, prompts
from tests.reading import read_by_another

pytestmark = [pytest.mark.real, pytest.mark.slow]

BUDGET_LABEL, STUCK_LABEL = "symphony-budget-exceeded", "symphony-stuck"
DEAR = [{"say": "Dear.", **COST}, {"wait": 60}]
FAILS = [{"say": "I try."}, {"fail": {"message": "No luck."}}]
ASKS = [{"say": "I ask."}, {"ask": {"kind": "user_input", "question": "Which colour?"}}]


def comments(path: Path) -> int:
    """How many comments of ours an issue file has."""
    return path.read_text().count("<!-- symphony:")


def labels(path: Path) -> list[str]:
    """Which of our labels an issue file has in its front matter."""
    front = path.read_text().split("---")[1]
    return [label for label in (BUDGET_LABEL, STUCK_LABEL) if label in front]


def page(house: House) -> Any:
    return house.run("status", "A-1", "--json").json


def stands(house: House) -> tuple[str, list[str], Any]:
    """Where A-1 stands: kind, why, and its budget."""
    shown = page(house)
    return shown["kind"], shown["why"], shown["issue"]["budget"]


def given(house: House) -> list[tuple[str, str]]:
    """What ended blocks: cause, and who."""
    return [(one["cause"], one["by"]) for one in house.events("unblocked")]


def runs(house: House) -> int:
    """How many runs A-1 had, after one more tick."""
    house.run("tick")
    return len(house.events("dispatched"))


def over_budget(house: House) -> Path:
    """A-1 has spent 600 of its 500 tokens, and is blocked; its file."""
    limited(house, max_tokens_per_issue=500)
    play(house, A_1=[DEAR, DONE])
    path = house.issue("A-1")
    assert house.work("A-1")["A-1"]["outcome"] == "over_budget"
    return path


def test_a_spent_budget_is_told_once_in_the_file_of_the_issue(house: House) -> None:
    path = over_budget(house)
    for _ in range(3):
        house.run("tick")
    text = " ".join(path.read_text().replace("\n> ", " ").split())

    why = "it has spent 600 tokens; `agent.max_tokens_per_issue` is 500"
    cure = (
        "`symphony unblock A-1` gives it one more budget; so does a higher "
        f"`agent.max_tokens_per_issue` or taking the label {BUDGET_LABEL} off"
    )
    left = {"limit": 500, "granted": 0, "left": 0}
    assert (stands(house), page(house)["change"]) == (("blocked", [f"budget: {why}"], left), cure)
    assert (labels(path), comments(path)) == ([BUDGET_LABEL], 1)
    head = "> Symphony has stopped working on this issue and waits for a person (budget)."
    assert f"{head} > {why} > {cure}." in text
    assert len(house.events("blocked")) == 1


def test_granted_tokens_are_what_the_next_run_may_use(house: House) -> None:
    path = over_budget(house)
    told = house.run("unblock", "A-1", "--grant-tokens", "200", "--note", "almost done", "--json")
    after = stands(house)
    house.run("tick")
    second = house.verdict("A-1", 2)
    (fact,) = house.events("unblocked")

    assert (told.json["granted"], told.json["reason"]) == ("200 more tokens", "budget")
    assert after[0] == "queued"
    assert after[2]["left"] == 200
    assert [one["limits"]["tokens"] for one in house.events("dispatched")] == [500, 200]
    assert (second["outcome"], labels(path), comments(path)) == ("handed_over", [], 1)
    assert (fact["cause"], fact["by"], fact["note"]) == ("unblock", told.json["by"], "almost done")


def test_granted_tokens_reach_a_run_that_is_at_work(house: House) -> None:
    """It has spent 600 of 1000, and its next answer would be one too many."""
    limited(house, max_tokens_per_issue=1000)
    house.script(A_1=[{"say": "I begin.", **COST}, gate(house, "one"), {"say": "M", **COST}, *DONE])
    house.issue("A-1")
    house.run("tick")
    until(lambda: spent(house, 600), "the first answer")
    told = house.run("unblock", "A-1", "--grant-tokens", "1000", "--json").json
    why = stands(house)[1]
    with read_by_another(house.folder("A-1") / "grant"):
        pass
    (house.root / "one").touch()
    verdict = house.verdict("A-1")

    assert (told["reason"], told["granted"], told["next"]) == (
        "",
        "1,000 more tokens",
        "its run may use 2,000 from its start, and hears of it within seconds",
    )
    use = "it may use 40 turns and 2,000 tokens, from the start of the run (changed meanwhile)"
    assert why[1:] == [use]
    assert (verdict["outcome"], verdict["reason"]) == ("handed_over", "Done")
    assert sum(one["input"] for one in verdict["usage"].values()) == 1300
    assert [(one["tokens"], one["by"]) for one in house.events("topped_up")] == [(1000, told["by"])]


def test_granted_attempts_are_so_many_more_runs_without_progress(house: House) -> None:
    limited(house, max_dispatch_attempts=1, max_retry_backoff_ms=1)
    play(house, A_1=[FAILS, FAILS, FAILS])
    path = house.issue("A-1")
    house.work("A-1")
    first = stands(house)[1]
    told = house.run("unblock", "A-1", "--grant-attempts", "2", "--json").json
    until(lambda: runs(house) == 2, "the second run")
    house.verdict("A-1", 2)
    until(lambda: runs(house) == 3, "the third run")
    house.verdict("A-1", 3)
    house.run("tick")

    one = "attempts: 1 run made no progress; `agent.max_dispatch_attempts` is 1"
    two = (
        "attempts: 2 runs in a row made no progress; `agent.max_dispatch_attempts` is 1, with +1 "
        "given by people"
    )
    assert (first, told["granted"]) == ([one], "2 more runs without progress")
    assert stands(house)[:2] == ("blocked", [two])
    assert (labels(path), comments(path), runs(house)) == ([STUCK_LABEL], 2, 3)


def test_a_higher_limit_in_the_workflow_ends_a_block_by_itself(house: House) -> None:
    path = over_budget(house)
    limited(house, max_tokens_per_issue=5000)
    tick = house.run("tick", "--json").json
    house.run("tick")
    second = house.verdict("A-1", 2)

    assert "unblock" in [one["kind"] for one in tick["decisions"]]
    assert [one["why"] for one in tick["passed_over"]] == [
        f"our own label {BUDGET_LABEL} is being taken off; the next read decides"
    ]
    assert given(house) == [("limit", "WORKFLOW.md")]
    assert [one["limits"]["tokens"] for one in house.events("dispatched")] == [500, 4400]
    assert (second["outcome"], labels(path), comments(path)) == ("handed_over", [], 1)


def test_a_label_that_a_person_takes_off_ends_a_block_at_the_second_read(house: House) -> None:
    path = over_budget(house)
    house.run("tick")
    path.write_text(path.read_text().replace(BUDGET_LABEL, ""))
    reads = []
    for _ in range(2):
        house.run("tick")
        reads.append((page(house)["kind"], given(house)))
    house.verdict("A-1", 2)

    person = ("label", "a person in the tracker")
    assert reads == [("blocked", []), ("running", [person])]
    assert [one["limits"]["tokens"] for one in house.events("dispatched")] == [500, 500]
    assert (labels(path), comments(path)) == ([], 1)


def test_what_a_person_writes_below_a_question_is_its_answer(house: House) -> None:
    play(house, A_1=[ASKS, DONE])
    path = house.issue("A-1")
    house.work("A-1")
    blocked = page(house)
    path.write_text(f"{path.read_text()}\n### 2026-03-01 · ana\nTake the green one.\n")
    house.run("tick")
    house.run("tick")
    second = house.verdict("A-1", 2)
    (prompt,) = prompts(house, "A-1", 2)

    assert (blocked["kind"], blocked["why"]) == ("blocked", ["input: Which colour? [A | B]"])
    assert given(house) == [("comment", "ana")]
    assert (second["outcome"], "Take the green one." in prompt) == ("handed_over", True)
    assert (labels(path), comments(path)) == ([], 1)


def test_that_most_of_a_budget_is_used_is_told_once_while_the_agent_works(house: House) -> None:
    limited(house, max_tokens_per_issue=700)
    house.script(A_1=[{"say": "I begin.", **COST}, gate(house, "one"), *DONE[1:]])
    path = house.issue("A-1")
    house.run("tick")
    until(lambda: spent(house, 600), "the first answer")
    until(lambda: house.run("tick") and comments(path) > 0, "the warning")
    text = " ".join(path.read_text().replace("\n> ", " ").split())
    for _ in range(2):
        house.run("tick")
    (house.root / "one").touch()
    house.verdict("A-1")
    house.run("tick")

    assert "this issue has used 600 of its 700 tokens. When all are used its agent is" in text
    assert "To give it more: `symphony unblock A-1 --grant-tokens N`, or raise" in text
    assert (comments(path), labels(path), page(house)["kind"]) == (1, [], "finished")
    assert [one["allowance"] for one in house.events("warned")] == [700]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            "--grant-attempts 2",
            "--grant-attempts: WORKFLOW.md sets no `agent.max_dispatch_attempts`, so there is "
            "nothing to add to for A-1. Leave the option out.",
        ),
        ("--grant-tokens 0", "Invalid value for '--grant-tokens': 0 is not in the range x>=1."),
    ],
)
def test_what_cannot_be_given_is_refused(house: House, words: str, sentence: str) -> None:
    limited(house, max_tokens_per_issue=500)
    house.issue("A-1", blocked_by="[X-1]")
    house.run("tick")
    told = house.run("unblock", "A-1", *words.split())

    assert (told.code, told.out, told.err.splitlines()[-1].partition(": ")[2]) == (64, "", sentence)
