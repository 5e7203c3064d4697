"""The forms of a tick: dry, in a loop, with a deadline (row O2), and for agents (row R10)."""

from __future__ import annotations

import json
import re
import signal

import pytest

from tests.cli.house import House, Told, fingerprint, front, held, planted

pytestmark = pytest.mark.real


def test_a_dry_run_says_what_a_tick_would_do_and_changes_no_byte(house: House) -> None:
    house.issue("A-1", blocked_by="[X]")
    house.run("tick")
    house.issue("A-2")
    house.issue("A-3", blocked_by="[A-2]")
    before = fingerprint(house.project)
    with held(house.state / "lock"):
        told = [house.run("tick", "--dry-run"), house.run("tick", "--dry-run", "--json")]
    alone = house.run("tick", "--dry-run")
    after = fingerprint(house.project)

    kinds = [(d["kind"], d["issue_identifier"], d["outcome"]) for d in told[1].json["decisions"]]
    assert [one.code for one in [*told, alone]] == [0, 0, 0]
    assert told[0].lines[0].startswith("tick ok: 0 running, ")
    would = [line.split() for line in told[0].lines if "would" in line]
    assert would == [["A-2", "would", "enrol"], ["A-2", "would", "dispatch"]]
    assert kinds[1:] == [("enrol", "A-2", "would"), ("dispatch", "A-2", "would")]
    assert after == before


def test_a_dry_run_before_the_first_tick_makes_no_state(house: House) -> None:
    house.issue("A-1")
    told = house.run("tick", "--dry-run")
    assert (told.code, house.state.exists()) == (0, False)


def test_a_loop_ticks_and_ends_when_its_time_is_up(house: House) -> None:
    told, most = looped(house, "1")

    assert (told.code, told.out.count('"exit_code": 0') in range(2, most + 2)) == (0, True)


def test_every_0_takes_the_interval_of_the_workflow(house: House) -> None:
    house.configure("polling: {interval_ms: 300}")
    told, _ = looped(house, "0")
    assert (told.code, told.out.count('"exit_code": 0') > 1) == (0, True)


def looped(house: House, every: str) -> tuple[Told, int]:
    """A loop that had time for more than one tick, however slow the machine is; and its time."""
    for seconds in (4, 15, 60):
        told = house.run("tick", "--every", every, "--for", str(seconds), "--json")
        if told.out.count('"exit_code": 0') > 1:
            break
    return told, seconds


SLOW = """
import time
import symphony_cli.wiring_world as world
good = world.free_room
def free_room(folder):
    time.sleep({seconds})
    return good(folder)
world.free_room = free_room
"""


def test_what_a_deadline_leaves_no_time_for_is_passed_over_and_goes_first_next(
    house: House,
) -> None:
    house.issue("A-1", state="In Review")
    house.run("tick")
    house.issue("A-2")
    told = house.run(
        "tick", "--deadline", "1", "--json", environ=planted(house, SLOW.format(seconds=0.9))
    )
    after = house.run("tick", "--json")

    passed = [(p["issue_identifier"], p["reason"], p["why"]) for p in told.json["passed_over"]]
    assert (told.code, [d["kind"] for d in told.json["decisions"]]) == (0, ["take_in"])
    assert passed == [
        ("A-2", "deadline", "no time left for its enrol in this tick; it goes first next time")
    ]
    assert [d["kind"] for d in after.json["decisions"]] == ["enrol", "dispatch"]


def test_a_tick_that_hangs_ends_itself_at_twice_its_deadline_and_the_next_goes_on(
    house: House,
) -> None:
    house.issue("A-1")
    told = house.run("tick", "--deadline", "0.3", environ=planted(house, SLOW.format(seconds=50)))

    assert told == Told(
        -signal.SIGALRM,
        "",
        "symphony: this tick hung: it was not done after 0.6 s and ended itself. Crashes are "
        "safe; the next tick goes on.\n",
    )
    assert house.would_start() == ["A-1"]


def test_a_tick_waits_for_a_writer_of_issues_less_than_it_has_time(house: House) -> None:
    house.script(A_1=[{"say": "I ask."}, {"ask": {"kind": "user_input", "question": "Which?"}}])
    path = house.issue("A-1")
    house.run("tick")
    house.verdict("A-1")
    (house.state / "markdown.lock").touch()
    with held(house.state / "markdown.lock"):
        told = house.run("tick", "--deadline", "2", "--json")
    labelled = "symphony-stuck" in front(path)

    delivered = [d for d in told.json["decisions"] if d["kind"] == "deliver"]
    assert (told.code, labelled) == (0, False)
    assert "Another process has been writing issue files for 0.5 s" in delivered[0]["detail"]


def test_a_new_state_folder_hides_itself_from_git_and_an_old_one_is_left_alone(
    house: House,
) -> None:
    house.run("tick")
    made = (house.state / ".gitignore").read_text()
    (house.state / ".gitignore").write_text("mine\n")
    house.run("tick")
    kept = (house.state / ".gitignore").read_text()
    house.configure("state: {path: ../shared}")
    (house.root / "shared").mkdir()
    (house.root / "shared" / "somebody's").touch()
    house.run("tick")

    assert (made, kept) == ("*\n!.gitignore\n!README.md\n", "mine\n")
    assert (house.root / "shared" / "ledger.jsonl").exists()
    assert not (house.root / "shared" / ".gitignore").exists()


@pytest.mark.parametrize("arguments", [["tick"], ["unblock", "A-1"], ["stop", "A-1"]])
def test_a_writing_command_refuses_inside_an_agents_environment(
    house: House, arguments: list[str]
) -> None:
    house.issue("A-1")
    house.extra["SYMPHONY_RUN"] = "run_0123456789abcdef"
    assert house.run(*arguments) == Told(
        64,
        "",
        "symphony: This command changes Symphony's state and is not for agents: use the tools "
        "that Symphony offers you instead.\n",
    )
    assert not house.state.exists()


def test_a_reading_command_is_for_agents_too(house: House) -> None:
    house.run("tick")
    house.extra["SYMPHONY_RUN"] = "run_0123456789abcdef"
    told = [house.run(*words) for words in (["status"], ["metrics"], ["tick", "--dry-run"])]
    assert [one.code for one in told] == [0, 0, 0]


def test_help_and_version_need_no_workflow(house: House) -> None:
    house.workflow.unlink()
    told = [house.run("--help"), house.run("tick", "--help"), house.run("--version")]
    assert [one.code for one in told] == [0, 0, 0]
    assert told[0].lines[0] == "Usage: symphony [OPTIONS] COMMAND [ARGS]..."
    assert re.fullmatch(r"symphony \d+\.\d+\.\d+\n", told[2].out)


def test_what_an_older_version_understood_of_workflow_md_is_not_believed(house: House) -> None:
    house.run("tick")
    kept = house.state / "workflow.json"
    old = json.loads(kept.read_text())
    del old["format"]  # the first format did not say that it was one
    old["policy"]["slots"] = 77
    kept.write_text(json.dumps(old))
    told = house.run("status", "--json")

    assert told.json["slots"]["total"] != 77
