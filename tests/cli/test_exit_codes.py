"""A test per exit code (row O1), and the worst of several wins."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess

import pytest

from tests.cli.house import House, Told, held, planted, until

pytestmark = pytest.mark.real


def sentences(told: Told) -> list[str]:
    """The lines on stderr."""
    return told.err.splitlines()


def test_0_when_there_is_nothing_to_do(house: House) -> None:
    assert house.run("tick") == Told(0, "", "")


def test_3_when_a_run_folder_cannot_be_understood_and_the_next_tick_has_mended_it(
    house: House,
) -> None:
    house.issue("A-1")
    house.run("tick")
    house.verdict("A-1")
    broken = house.folder("A-1") / "exit.json"
    broken.write_text("{")
    told = house.run("tick", "--json")
    house.verdict("A-1")
    after = house.run("tick")

    sentence = f"A-1: {broken} cannot be understood: "
    assert (told.code, told.json["errors"][0][: len(sentence)]) == (3, sentence)
    assert (after.code, [e["verdict"]["outcome"] for e in house.events("ended")]) == (
        0,
        ["handed_over"],
    )


def test_11_when_another_process_holds_the_lock_and_the_third_in_a_row_is_loud(
    house: House,
) -> None:
    house.run("tick")
    house.sign_lock("2026-01-01T00:00:00.000Z")
    with held(house.state / "lock"):
        told = [house.run("tick") for _ in range(3)]
    after = house.run("tick")

    holder = rf"{re.escape(str(house.state / 'lock'))} is held by `.* tick` \(pid \d+\) since .*"
    advice = "Wait for it to end, or end that process."
    assert [one.code for one in told] + [after.code] == [11, 11, 11, 0]
    assert re.fullmatch(f"symphony: skipped: {holder} {re.escape(advice)}\n", told[0].err)
    assert told[2].err.startswith("symphony: ATTENTION: 3 ticks in a row found the lock held. ")
    assert not (house.state / "bounces").exists()


def test_11_stays_quiet_while_the_holder_has_time_left(house: House) -> None:
    house.run("tick")
    with held(house.state / "lock"):
        told = [house.run("tick") for _ in range(4)]

    assert [one.code for one in told] == [11] * 4
    assert [one.err.startswith("symphony: skipped: ") for one in told] == [True] * 4


def test_13_when_the_issue_folder_is_gone_and_work_goes_on_when_it_is_back(house: House) -> None:
    house.issue("A-1")
    away = house.root / "away"
    shutil.move(house.issues, away)
    told = house.run("tick", "--json")
    shutil.move(away, house.issues)

    assert (told.code, told.json["errors"]) == (
        13,
        [
            f"The issue folder {house.issues} is not there: create it, or correct `tracker.path` "
            "in WORKFLOW.md."
        ],
    )
    assert house.would_start() == ["A-1"]


def test_14_when_the_ledger_is_damaged_and_nothing_is_touched(house: House) -> None:
    house.issue("A-1", blocked_by="[A-2]")
    house.run("tick")
    whole = house.ledger.read_bytes()
    lines = whole.split(b"\n")
    house.ledger.write_bytes(b"\n".join([*lines[:2], b"rubbish", *lines[3:]]))
    (house.state / "view.json").unlink()
    damaged = house.ledger.read_bytes()
    told = [house.run("tick"), house.run("status"), house.run("unblock", "A-1")]

    for one in told:
        assert one.code == 14
        assert one.err.startswith(f"symphony: {house.ledger}, line 3: ")
        assert one.err.endswith(
            "Nothing was dispatched or changed; look at that line, and restore the file from a "
            "backup.\n"
        )
    assert house.ledger.read_bytes() == damaged
    house.ledger.write_bytes(whole)
    assert house.run("tick").code == 0


def test_14_when_the_ledger_is_of_a_newer_format(house: House) -> None:
    house.run("tick")
    first, rest = house.ledger.read_text().split("\n", 1)
    house.ledger.write_text(json.dumps({**json.loads(first), "ledger": 2}) + "\n" + rest)
    (house.state / "view.json").unlink(missing_ok=True)

    assert house.run("tick") == Told(
        14,
        "",
        f"symphony: {house.ledger} has format 2, this Symphony knows up to 1: upgrade Symphony.\n",
    )


def test_14_when_the_ledger_belongs_to_another_workflow(house: House) -> None:
    house.run("tick")
    other = house.root / "copy"
    shutil.copytree(house.project, other)

    told = house.run("tick", cwd=other)
    assert (told.code, told.err) == (
        14,
        f"symphony: {other}/state/ledger.jsonl belongs to {house.workflow}, not to "
        f"{other}/WORKFLOW.md: point `state.path` at a folder of its own; or, if you moved the "
        "project here, put its new path into `workflow` in the ledger's first line.\n",
    )


def test_15_when_the_disk_floor_held_back_a_dispatch(house: House) -> None:
    house.configure("workspace: {root: ../workspaces, min_free_gb: 100000000}")
    house.issue("A-1")
    told = house.run("tick", "--json")
    house.configure()

    (passed,) = told.json["passed_over"]
    assert (told.code, passed["issue_identifier"], passed["reason"]) == (15, "A-1", "disk")
    assert passed["why"].endswith(f"GB free in {house.root}, below the floor of 100000000.0 GB")
    assert house.would_start() == ["A-1"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nonsense"], "Error: No such command 'nonsense'."),
        (["tick", "--nonsense"], "Error: No such option: --nonsense"),
        (["unblock"], "Error: Missing argument 'issue'."),
        (
            ["tick", "--every", "-1"],
            "Error: Invalid value for '--every': -1.0 is not in the range x>=0.",
        ),
        (["metrics", "--csv", "--json"], "symphony: Choose one of --csv and --json."),
        (
            ["unblock", "X-1"],
            "symphony: There is no issue 'X-1'. No issue was taken in yet.",
        ),
        (
            ["status", "X-1"],
            "symphony: No tick has ever seen an issue 'X-1'. For Symphony to take one up it must "
            "be in the tracker that WORKFLOW.md names; its state must be one of: todo, in "
            "progress. Then the next tick takes it in.",
        ),
    ],
)
def test_64_for_what_makes_no_sense(house: House, arguments: list[str], sentence: str) -> None:
    told = house.run(*arguments)
    assert (told.code, told.out, sentences(told)[-1]) == (64, "", sentence)


def test_64_for_an_issue_that_runs_or_waits(house: House) -> None:
    house.configure("agent: {max_concurrent_agents: 1}")
    house.script(A_1=[{"wait": 60}])
    house.issue("A-1", priority="1")
    house.issue("A-2")
    house.run("tick")

    told = [house.run("unblock", "A-1"), house.run("unblock", "A-2"), house.run("stop", "A-2")]
    assert [one.code for one in told] == [64, 64, 64]
    assert [sentences(one)[-1] for one in told] == [
        "symphony: A-1 is running (run 1), so there is nothing to unblock. "
        "`--grant-tokens N` alone gives its run more tokens; `symphony stop A-1` ends it.",
        "symphony: A-2 is not blocked. `symphony status A-2` says why it does not run.",
        "symphony: A-2 has no run to stop. `symphony status A-2` says what it waits for, and "
        "`symphony block A-2` keeps it from being started.",
    ]


def test_69_when_a_repository_has_to_be_asked_and_git_is_missing(house: House) -> None:
    subprocess.run(["git", "init", "-q", str(house.project)], check=True)
    house.extra["PATH"] = str(house.root / "nothing-here")

    assert house.run("tick") == Told(
        69,
        "",
        f"symphony: git is not on PATH, and {house.project} lies in a git repository: install "
        "git, or set PATH in symphony.env.\n",
    )


BUG_IN_ONE_ISSUE = """
import symphony_cli.perform as perform
good = perform.order_for
def order_for(decision, record, *rest):
    if record.key == "A-1":
        raise RuntimeError("planted")
    return good(decision, record, *rest)
perform.order_for = order_for
"""


def test_70_when_a_bug_meets_one_issue_and_the_others_go_on(house: House) -> None:
    house.issue("A-1")
    house.issue("A-2")
    told = house.run("tick", "--json", environ=planted(house, BUG_IN_ONE_ISSUE))

    assert (told.code, told.json["errors"]) == (70, ["A-1: a bug of ours: RuntimeError: planted"])
    assert house.verdict("A-2")["outcome"] == "handed_over"
    (fault,) = house.events("faulted")
    assert (fault["issue"], fault["doing"]) == ("A-1", "dispatch")
    assert "in order_for" in fault["traceback"]
    assert house.run("tick").code == 0
    assert house.verdict("A-1", 2)["outcome"] == "handed_over"


BUG_IN_ALL = """
import symphony_cli.commands.tick as story
def plan(*_):
    raise RuntimeError("planted")
story.plan = plan
"""


def test_70_when_a_bug_ends_the_whole_tick_and_nothing_is_lost(house: House) -> None:
    house.issue("A-1")
    told = house.run("tick", environ=planted(house, BUG_IN_ALL))

    assert (told.code, told.out, sentences(told)[-2:]) == (
        70,
        "",
        ["RuntimeError: planted", "symphony: This is a bug of ours: please report it."],
    )
    assert house.would_start() == ["A-1"]


def test_78_names_what_is_missing(house: House) -> None:
    house.workflow.unlink()
    assert house.run("tick") == Told(
        78,
        "",
        f"symphony: There is no WORKFLOW.md in {house.project} or above: go to your project, or "
        "name it with --workflow PATH or SYMPHONY_WORKFLOW.\n",
    )


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_128_and_the_signal_when_one_ends_a_command(
    house: House, number: signal.Signals, code: int
) -> None:
    house.run("tick")
    with held(house.state / "lock"):
        waiting = house.start("unblock", "A-1")
        assert waiting.stderr is not None
        said = waiting.stderr.readline()
        waiting.send_signal(number)
        ended = waiting.wait(20)
        waiting.communicate()

    assert said.startswith(f"waiting: {house.state / 'lock'} is held by ")
    assert ended == code


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_128_and_the_signal_when_one_ends_a_loop_between_ticks(
    house: House, number: signal.Signals, code: int
) -> None:
    loop = house.start("tick", "--every", "60")
    until(lambda: (house.state / "tick.json").exists(), "the first tick")
    until(lambda: len(house.processes()) == 0, "the end of the first tick")
    loop.send_signal(number)
    assert (loop.wait(20), loop.communicate()) == (code, ("", ""))


def test_the_worst_of_several_wins(house: House) -> None:
    house.issue("A-1")
    house.run("tick")
    house.verdict("A-1")
    house.issue("A-2")
    (house.folder("A-1") / "exit.json").write_text("{")
    house.configure("workspace: {root: ../workspaces, min_free_gb: 100000000}")
    run_and_disk = house.run("tick", "--json")
    house.workflow.write_text("---\ntracker: [\n---\n")
    shutil.rmtree(house.issues)
    file_and_folder = house.run("tick", "--json")

    assert (run_and_disk.code, run_and_disk.json["exit_code"]) == (15, 15)
    assert (file_and_folder.code, file_and_folder.json["exit_code"]) == (78, 78)
    assert [" is not there: " in e for e in file_and_folder.json["errors"]] == [False, True]
    assert len(house.events("faulted")) == 0
