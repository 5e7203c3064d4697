"""Runs that cannot begin, or that meet a strange Codex: whose fault, one sentence, nothing lost."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.cli.house import DONE, House

pytestmark = pytest.mark.real

QUICK = "agent: {max_retry_backoff_ms: 1}\n"
"""Attempts follow at the next tick."""


@dataclass(frozen=True)
class Case:
    """How a house is spoilt and mended, and what the verdict of the run says."""

    spoil: Callable[[House], object]
    mend: Callable[[House], object]
    reason: str
    sentence: str


def _configured(front: str) -> Callable[[House], object]:
    return lambda house: house.configure(QUICK + front)


CASES = {
    "a hook fails": Case(
        _configured("hooks: {before_run: 'echo no luck; exit 3'}"),
        _configured(""),
        "hook",
        "Hook before_run failed with exit status 3: see {run}/agent.log. It said last: no luck",
    ),
    "a hook hangs": Case(
        _configured("hooks: {before_run: 'sleep 100', timeout_ms: 300}"),
        _configured(""),
        "hook",
        "Hook before_run took longer than 0.3 s and was ended: make it faster or raise "
        "hooks.timeout_ms.",
    ),
    "codex is missing": Case(
        _configured("codex: {command: no-such-codex app-server}"),
        _configured(""),
        "launch",
        "Codex ended with status 127 before its first answer: {bash}: line 1: no-such-codex: "
        "command not found. Install Codex (the extra `codex`, or npm), or set `codex.command`.",
    ),
    "codex prints garbage and dies": Case(
        _configured("codex: {command: \"sh -c 'echo {; echo moin; echo sorry >&2; exit 7'\"}"),
        _configured(""),
        "launch",
        "Codex ended with status 7 before its first answer: sorry. Check `codex.command` by hand.",
    ),
    "the prompt names what is not there": Case(
        lambda house: house.configure(QUICK, "Issue {{ issue.nonsense }}."),
        _configured(""),
        "prompt",
        "",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_the_machines_trouble_and_the_issue_goes_on_after_the_mend(
    house: House, name: str
) -> None:
    case = CASES[name]
    house.configure(QUICK)
    house.issue("A-1")
    case.spoil(house)
    first = house.run("tick")
    verdict = house.verdict("A-1")
    settled = house.run("tick", "--json")
    case.mend(house)
    house.run("tick")
    second = house.verdict("A-1", 2)

    sentence = case.sentence.format(
        run=house.folder("A-1"), root=house.root, bash=shutil.which("bash")
    )
    assert (first.code, settled.code) == (0, 0)
    assert (verdict["outcome"], verdict["reason"]) == ("environment", case.reason)
    assert verdict["detail"] == sentence or (not sentence and "issue.nonsense" in verdict["detail"])
    assert settled.json["passed_over"][0]["reason"] == "backoff"
    assert second["outcome"] == "handed_over"
    assert [event["attempt"] for event in house.events("dispatched")] == [1, 2]
    assert house.is_empty()


def test_a_file_or_a_link_where_a_workspace_should_be_is_named_and_left_alone(
    house: House,
) -> None:
    house.configure(QUICK)
    rooms, outside = house.root / "workspaces", house.root / "outside"
    rooms.mkdir()
    outside.mkdir()
    (rooms / "A-1").write_text("mine")
    (rooms / "A-2").symlink_to(outside)
    house.issue("A-1")
    house.issue("A-2")
    verdicts = house.work("A-1", "A-2")
    text, inside = (rooms / "A-1").read_text(), list(outside.iterdir())
    (rooms / "A-1").unlink()
    (rooms / "A-2").unlink()
    house.run("tick")
    after = [house.verdict(key, 2)["outcome"] for key in ("A-1", "A-2")]

    assert {key: (v["outcome"], v["reason"], v["detail"]) for key, v in verdicts.items()} == {
        "A-1": (
            "environment",
            "workspace",
            f"{rooms}/A-1 is a file and not a folder: move it away.",
        ),
        "A-2": ("environment", "workspace", f"{rooms}/A-2 is a link and not a folder: remove it."),
    }
    assert (text, inside, after) == ("mine", [], ["handed_over", "handed_over"])


def test_after_three_such_failures_in_a_row_all_dispatch_is_held(house: House) -> None:
    house.configure("hooks: {before_run: 'exit 3'}")
    for name in ("A-1", "A-2", "A-3"):
        house.issue(name)
    verdicts = house.work("A-1", "A-2", "A-3")
    house.issue("A-4")
    told = house.run("tick", "--json")
    shown = house.status()

    reasons = {p["issue_identifier"]: p["reason"] for p in told.json["passed_over"]}
    assert {v["outcome"] for v in verdicts.values()} == {"environment"}
    assert reasons["A-4"] == "environment"
    assert shown["holds"]["environment"].startswith("3 in a row: Hook before_run failed")


def test_an_after_run_hook_that_fails_is_told_and_costs_nothing(house: House) -> None:
    house.configure("hooks: {after_run: 'echo no luck; exit 3'}")
    house.issue("A-1")
    verdict = house.work("A-1")["A-1"]

    log = house.folder("A-1") / "agent.log"
    assert (verdict["outcome"], verdict["detail"]) == (
        "handed_over",
        f"its state is Done; after_run: Hook after_run failed with exit status 3: see {log}. It "
        "said last: no luck",
    )
    assert house.status()["counts"]["finished"] == 1


def test_garbage_and_lines_of_three_megabytes_in_a_turn_do_no_harm(house: House) -> None:
    house.script(
        A_1=[
            {"garbage": "no json {"},
            {"big_line": 3_000_000},
            {"garbage": "\u0000\u001b[2J"},
            {"run": "head -c 3000000 /dev/zero | tr '\\0' x"},
            *DONE,
        ]
    )
    house.issue("A-1")
    verdict = house.work("A-1")["A-1"]

    assert (verdict["outcome"], verdict["last_message"]) == ("handed_over", "It is done.")
    assert [event["e"] for event in house.events()][-2:] == ["ended", "finished"]
    assert all(path.stat().st_size < 200_000 for path in house.state.rglob("*.jsonl"))


def test_a_codex_that_dies_in_a_turn_is_a_failed_attempt_and_the_thread_goes_on(
    house: House,
) -> None:
    house.configure(QUICK)
    house.script(A_1=[{"say": "I begin."}, {"exit": 9}])
    house.issue("A-1")
    first = house.work("A-1")["A-1"]
    house.script(A_1=[{"say": "I begin."}, *DONE])
    house.run("tick")
    second = house.verdict("A-1", 2)

    assert (first["outcome"], second["outcome"]) == ("failed", "handed_over")
    assert first["detail"].startswith("Codex ended with status 9")
    assert first["thread"]["id"] == second["thread"]["id"]
