"""What people type at a running house: stop, unblock, status, metrics (rows O3 to O5)."""

from __future__ import annotations

import csv
import io
import re

import pytest

from tests.cli.house import DONE, House, front, until

pytestmark = pytest.mark.real


def said(house: House, key: str, text: str) -> bool:
    """Whether an agent has said something that is in its run's report."""
    path = house.folder(key) / "report.jsonl"
    return path.exists() and text in path.read_text()


def test_a_run_is_stopped_in_mid_turn_and_goes_on_later_on_its_thread(house: House) -> None:
    house.script(A_1=[{"say": "I begin."}, {"run": "sleep 300"}])
    house.issue("A-1")
    house.run("tick")
    until(lambda: said(house, "A-1", "I begin."), "the first message")
    stopped = house.run("stop", "A-1", "--note", "the wrong branch", "--json").json
    first = house.verdict("A-1")
    empty = house.is_empty()
    house.run("tick")
    (blocked,) = house.status()["blocked"]
    held_back = house.run("tick", "--json").json["passed_over"]
    house.script(A_1=[{"say": "I begin."}, *DONE])
    cleared = house.run("unblock", "A-1", "--note", "go on")
    house.run("tick")
    second = house.verdict("A-1", 2)

    detail = f"stopped by {stopped['by']}: the wrong branch"
    assert (stopped["issue_identifier"], stopped["run"]) == ("A-1", first["run"])
    assert (first["outcome"], first["reason"], first["detail"]) == ("stopped", "operator", detail)
    assert empty
    assert (blocked["reason"], blocked["detail"], blocked["clear_by"]) == (
        "operator",
        detail,
        "`symphony retry A-1` lets it go on",
    )
    assert [(p["issue_identifier"], p["reason"]) for p in held_back] == [("A-1", "block")]
    assert cleared.code == 0
    said_so = " ".join(cleared.out.split())
    assert said_so.startswith(f"A-1 is no longer blocked (operator: {detail}). Recorded")
    assert (second["outcome"], second["thread"]["id"]) == ("handed_over", first["thread"]["id"])
    (unblocked,) = house.events("unblocked")
    assert (unblocked["by"], unblocked["note"]) == (stopped["by"], "go on")


def test_a_question_blocks_its_issue_and_an_answer_is_in_the_next_prompt(house: House) -> None:
    question = {"ask": {"kind": "user_input", "question": "Which colour?"}}
    house.script(A_1=[{"say": "I ask."}, question])
    path = house.issue("A-1")
    first = house.work("A-1")["A-1"]
    (blocked,) = house.status()["blocked"]
    labelled = "symphony-stuck" in front(path)
    asked = "Which colour?" in path.read_text()
    house.script(A_1=[{"say": "I ask."}, *DONE])
    cleared = house.run("unblock", "A-1")
    house.run("tick")
    second = house.verdict("A-1", 2)

    assert (first["outcome"], first["reason"]) == ("asked", "input")
    assert (blocked["reason"], labelled, asked) == ("input", True, True)
    assert (cleared.code, "symphony-stuck" in front(path)) == (0, False)
    assert (second["outcome"], second["thread"]["id"]) == ("handed_over", first["thread"]["id"])


def test_a_budget_is_kept_in_mid_turn_and_unblock_gives_one_more(house: House) -> None:
    house.configure("agent: {max_tokens_per_issue: 500}")
    cost = {"input": 600, "cached_input": 100, "output": 10}
    house.script(A_1=[{"say": "Dear.", "usage": cost}, {"wait": 60}])
    house.issue("A-1")
    first = house.work("A-1")["A-1"]
    (blocked,) = house.status()["blocked"]
    cleared = house.run("unblock", "A-1", "--json").json
    budget = house.status()["queued"][0]["budget"]

    assert (first["outcome"], blocked["reason"]) == ("over_budget", "budget")
    assert blocked["detail"] == "it has spent 510 tokens; `agent.max_tokens_per_issue` is 500"
    assert blocked["tokens"]["spend"] == 510
    assert (cleared["granted"], budget["left"]) == ("500 more tokens", 500)


EVIL = '"\\e[31mred\\a \\e]0;title\\a\\u202eback"'
"""As YAML writes it: colours, a bell, a window title, and text that runs backwards."""


def test_what_could_drive_a_terminal_is_not_printed_by_status(house: House) -> None:
    house.issue("A-1", title=EVIL, blocked_by="[A-2]")
    house.issue("A-2", state="In Review", title=EVIL)
    ticked = house.run("tick", "--dry-run")
    house.run("tick")
    shown = [house.run("status"), house.run("status", "A-1"), ticked]
    raw = house.status()["waiting"][0]["title"]

    text = "".join(one.out + one.err for one in shown)
    assert [one.code for one in shown] == [0, 0, 0]
    assert re.findall("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text) == []
    assert "red" in shown[0].out
    assert raw == "\x1b[31mred\x07 \x1b]0;title\x07\u202eback"
    assert "\\u001b[31mred" in house.run("status", "--json").out


def test_metrics_are_as_promised_and_no_cell_is_a_formula(house: House) -> None:
    house.issue("=A1", pr="'=HYPERLINK(\"http://x\", 1)'")
    house.issue("-2", pr="'@SUM(1)'")
    house.run("tick")
    for event in house.events("sighted"):
        house.verdict(event["key"])
    house.run("tick")
    told = house.run("metrics", "--csv")

    first, *rows = csv.reader(io.StringIO(told.out, newline=""))
    promised = "issue,pr,tokens,turns,rework_cycles,retries,wall_time,merged_at"
    assert ",".join(first[:8]) == promised
    assert sorted(row[:6] for row in rows) == [
        ["'-2", "'@SUM(1)", "120", "1", "0", "0"],
        ["'=A1", '\'=HYPERLINK("http://x", 1)', "120", "1", "0", "0"],
    ]
    assert all(row[6].isdigit() and not row[7] for row in rows)


def test_metrics_before_anything_finished_say_so(house: House) -> None:
    assert house.run("metrics").out == "No issue has finished yet (`--all` shows more).\n"
    assert house.run("metrics", "--csv").out.count("\n") == 1
