"""Held by people: one issue (`stop`, `block`, `retry`), or everybody (`pause`, `resume`)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.house import DONE, House, until

pytestmark = pytest.mark.real

BUSY = [{"say": "I begin."}, {"run": "sleep 300"}]


def said(house: House, key: str, text: str) -> bool:
    """Whether an agent has said something that is in its run's report."""
    path = house.folder(key) / "report.jsonl"
    return path.exists() and text in path.read_text()


def passed(house: House) -> dict[str, str]:
    """Whom a tick passes over, and why."""
    told = house.run("tick", "--json").json["passed_over"]
    return {one["issue_identifier"]: one["reason"] for one in told}


def stands(house: House, name: str) -> tuple[str, str, list[str]]:
    """Where an issue stands, by its own page: kind, reason, why."""
    page = house.run("status", name, "--json").json
    return page["kind"], page["reason"], page["why"]


def test_a_stopped_issue_waits_for_retry_and_goes_on_on_its_thread(house: House) -> None:
    house.script(A_1=BUSY)
    house.issue("A-1")
    house.run("tick")
    until(lambda: said(house, "A-1", "I begin."), "the first message")
    stopped = house.run("stop", "A-1", "--note", "the wrong branch", "--json").json
    first = house.verdict("A-1")
    held = [passed(house) for _ in range(2)]
    page = stands(house, "A-1")
    house.script(A_1=[{"say": "I begin."}, *DONE])
    told = house.run("retry", "A-1", "--note", "it is right now", "--json").json
    house.run("tick")
    second = house.verdict("A-1", 2)

    by, detail = stopped["by"], f"stopped by {stopped['by']}: the wrong branch"
    assert stopped == {
        "issue_identifier": "A-1",
        "run": first["run"],
        "by": by,
        "next": "its thread and workspace are kept; `symphony retry A-1` lets it go on",
        "exit_code": 0,
    }
    assert held == [{"A-1": "block"}] * 2
    assert page == ("blocked", "block", [f"operator: {detail}"])
    assert told == {
        "issue_identifier": "A-1",
        "released": detail,
        "by": by,
        "next": "the next tick with a free slot starts it on its old thread",
        "exit_code": 0,
    }
    assert (second["outcome"], second["thread"]["id"]) == ("handed_over", first["thread"]["id"])
    (retried,) = house.events("retried")
    assert (retried["by"], retried["note"]) == (by, "it is right now")


def test_an_issue_that_is_held_in_line_lets_others_go_and_keeps_its_place(house: House) -> None:
    house.run("pause")
    house.configure("agent: {max_concurrent_agents: 1}")
    house.script(A_2=BUSY)
    house.issue("A-1", priority="1")
    house.issue("A-2")
    house.issue("A-3")
    house.run("tick")
    blocked = house.run("block", "A-1", "--note", "after the fair", "--json").json
    house.run("resume")
    while_held = passed(house)
    house.run("retry", "A-1")
    after = house.status()

    by = blocked.pop("by")
    assert blocked == {
        "issue_identifier": "A-1",
        "run": "",
        "next": "`symphony retry A-1` lets it go on",
        "exit_code": 0,
    }
    assert while_held == {"A-1": "block", "A-3": "slots"}
    assert [(row["issue_identifier"], row["position"]) for row in after["queued"]] == [
        ("A-1", 1),
        ("A-3", 2),
    ]
    (fact,) = house.events("blocked")
    assert (fact["reason"], fact["detail"]) == ("operator", f"held by {by}: after the fair")


def test_while_dispatch_is_paused_nothing_new_is_started_and_everybody_says_so(
    house: House,
) -> None:
    house.script(A_1=BUSY)
    house.issue("A-1")
    house.run("tick")
    told = house.run("pause", "release day", "--json").json
    house.issue("A-2")
    tick = house.run("tick", "--json").json
    shown, screen = house.status(), house.run("status").out
    page = stands(house, "A-2")
    page_of_running = stands(house, "A-1")[0]
    house.run("resume")

    by, since = told["by"], shown["pause"]["at"][:19].replace("T", " ")
    why = f"paused by {by} since {since} UTC: release day"
    assert (told["paused"], told["reason"], told["running"]) == (True, "release day", 1)
    assert "; paused; passed over: 1 paused; " in tick["summary"]
    assert [(one["reason"], one["why"]) for one in tick["passed_over"]] == [("paused", why)]
    assert (shown["paused"], shown["pause"]["by"], shown["pause"]["reason"]) == (
        True,
        by,
        "release day",
    )
    assert " ".join(screen.split()).startswith(
        f"Dispatch is {why}. `symphony resume` lets it go on. The last tick was "
    )
    assert page == ("queued", "paused", [f"paused: {why}"])
    assert (page_of_running, house.status()["counts"]["running"]) == ("running", 1)
    assert house.would_start() == ["A-2"]


def test_a_pause_and_a_hold_are_in_the_ledger_and_not_in_a_cache(house: House) -> None:
    house.issue("A-1")
    house.issue("A-2")
    house.run("pause", "release day")
    house.run("tick")
    house.run("block", "A-1")
    for cache in ("view.json", "tick.json", "tracker.json"):
        (house.state / cache).unlink(missing_ok=True)
    paused = passed(house)
    resumed = house.run("resume", "--json").json

    assert paused == {"A-1": "block", "A-2": "paused"}
    assert (resumed["paused"], resumed["reason"], resumed["running"], resumed["next"]) == (
        False,
        "release day",
        0,
        "the next tick starts what fits",
    )
    assert house.would_start() == ["A-2"]


def test_what_people_let_go_is_not_said_to_be_held_until_the_next_tick(house: House) -> None:
    house.run("pause")
    house.issue("A-1")
    house.issue("A-2")
    house.run("tick")
    house.run("block", "A-1")
    house.run("tick")
    house.run("resume")
    house.run("retry", "A-1")

    decides = ("queued", "", ["the next tick decides"])
    assert [stands(house, name) for name in ("A-1", "A-2")] == [decides, decides]
    assert [row["why"] for row in house.status()["queued"]] == ["the next tick decides"] * 2


def test_retry_takes_a_wait_after_a_failure_away(house: House) -> None:
    house.script(A_1=[{"say": "I try."}, {"fail": {"message": "No luck."}}])
    house.issue("A-1")
    house.work("A-1")
    waits = stands(house, "A-1")
    told = house.run("retry", "A-1")

    assert waits[:2] == ("retrying", "backoff")
    assert told.lines[0].startswith("A-1 may go on; it was waiting after: ")
    assert house.would_start() == ["A-1"]


REFUSALS = [
    ("stop X-9", "There is no issue 'X-9'. Known: ASKS, FREE, HELD, STOPS, WORKS."),
    ("block X-9", "There is no issue 'X-9'. Known: ASKS, FREE, HELD, STOPS, WORKS."),
    ("retry X-9", "There is no issue 'X-9'. Known: ASKS, FREE, HELD, STOPS, WORKS."),
    (
        "pause again",
        "Dispatch is already paused by ME since THEN UTC: release day. `symphony resume` lets it "
        "go on.",
    ),
    (
        "stop FREE",
        "FREE has no run to stop. `symphony status FREE` says what it waits for, and `symphony "
        "block FREE` keeps it from being started.",
    ),
    (
        "retry FREE",
        "FREE is neither held nor waiting after a failure. `symphony status FREE` says what it "
        "waits for.",
    ),
    (
        "block HELD",
        "HELD is blocked already (operator: held by ME): `symphony retry HELD` lets it go on.",
    ),
    (
        "block ASKS",
        "ASKS is blocked already (input: Which? [A | B]): `symphony unblock ASKS` lets it go "
        "on; so does a comment on the issue or taking the label symphony-stuck off.",
    ),
    ("retry ASKS", "ASKS is blocked (input: Which? [A | B]): `symphony unblock ASKS` is for that."),
    ("block DONE", "DONE has finished (Done): there is nothing to hold."),
    ("retry DONE", "DONE has finished (Done): there is nothing to retry."),
    ("retry WORKS", "WORKS is running (run 1): there is nothing to retry."),
    (
        "retry STOPS",
        "The run of STOPS was told to stop and is still ending: try again in a moment.",
    ),
]


def test_what_makes_no_sense_is_refused_with_a_sentence_and_changes_nothing(house: House) -> None:
    ask: list[Any] = [{"say": "I ask."}, {"ask": {"kind": "user_input", "question": "Which?"}}]
    house.script(default=DONE, ASKS=ask, WORKS=BUSY, STOPS=BUSY)
    for name in ("ASKS", "DONE", "WORKS", "STOPS"):
        house.issue(name)
    not_paused = house.run("resume")
    house.work("ASKS", "DONE")
    house.issue("FREE")
    house.issue("HELD")
    house.run("pause", "release day")
    house.run("tick")
    house.run("stop", "STOPS")
    me = house.run("block", "HELD", "--json").json["by"]
    since = house.status()["pause"]["at"][:19].replace("T", " ")
    before = house.ledger.read_bytes()
    told = {words: house.run(*words.split()) for words, _ in REFUSALS}

    assert (not_paused.code, not_paused.err) == (
        64,
        "symphony: Dispatch is not paused. `symphony status` says why nothing starts.\n",
    )
    assert {words: (one.code, one.out, one.err) for words, one in told.items()} == {
        words: (64, "", f"symphony: {sentence.replace('ME', me).replace('THEN', since)}\n")
        for words, sentence in REFUSALS
    }
    assert house.ledger.read_bytes() == before


def test_what_people_are_told_fits_a_terminal(house: House) -> None:
    house.script(A_1=BUSY)
    house.issue("A-1")
    paused = house.run("pause", "the fair, at which everybody wants to see last week's version")
    house.run("resume")
    house.run("tick")
    commands = ("stop A-1", "status", "status A-1")
    told = [paused, *(house.run(*words.split()) for words in commands)]
    house.verdict("A-1")
    house.run("tick")
    told += [house.run("status"), house.run("status", "A-1"), house.run("retry", "A-1")]

    long = [line for one in told for line in one.lines if len(line) > 80]
    assert [one.code for one in told] == [0] * 7
    assert [line for line in long if len(line.split()) > 1] == [], "only a path may be longer"
