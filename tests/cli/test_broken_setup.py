"""A WORKFLOW.md or env file that broke after it was good: what still works, and what it says."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.cli.house import House, Told, until

pytestmark = pytest.mark.real

BROKEN = "---\ntracker: [\n---\n"


def break_workflow(house: House) -> str:
    house.workflow.write_text(BROKEN)
    return f"{house.workflow}, line 3: not valid YAML: did not find expected node content."


def break_env_file(house: House) -> str:
    path = house.project / "symphony.env"
    path.write_text("nonsense\n")
    path.chmod(0o600)
    return f"{path}, line 1: this is no KEY=value."


def pipe_for_env_file(house: House) -> str:
    path = house.project / "symphony.env"
    os.mkfifo(path, 0o600)
    return f"{path} cannot be read (it is no regular file): check the file."


def pipe_for_workflow(house: House) -> str:
    house.workflow.unlink()
    os.mkfifo(house.workflow)
    return f"{house.workflow} cannot be read (it is no regular file): check the file."


BREAKS = [break_workflow, break_env_file, pipe_for_env_file, pipe_for_workflow]


@pytest.mark.parametrize("damage", [break_workflow, pipe_for_env_file])
def test_people_go_on_with_the_last_good_copy_wherever_state_lies(
    house: House, damage: Callable[[House], str]
) -> None:
    house.configure("state: {path: ../elsewhere}")
    house.script(A_1=[{"wait": 60}])
    house.issue("A-1")
    house.run("tick")
    until(lambda: house.status()["running"][0]["alive"], "the run")
    fault = damage(house)
    house.issue("A-2")
    tick = house.run("tick", "--json")
    shown = house.run("status", "--json")
    told = [house.run(*words) for words in (["stop", "A-1"], ["metrics"], ["status", "A-1"])]
    until(lambda: not house.processes(), "the end of the run")
    settled = house.run("tick", "--json")
    told.append(house.run("unblock", "A-1"))

    assert (tick.code, tick.json["errors"]) == (78, [fault])
    assert [(p["issue_identifier"], p["reason"]) for p in tick.json["passed_over"]] == [
        ("A-2", "policy")
    ]
    assert (shown.code, shown.json["warnings"]) == (0, [fault])
    assert [(one.code, one.err) for one in told] == [(0, f"symphony: warning: {fault}\n")] * 4
    assert "settle" in [d["kind"] for d in settled.json["decisions"]]


@pytest.mark.parametrize("damage", BREAKS)
def test_without_a_last_good_copy_it_is_refused_at_once(
    house: House, damage: Callable[[House], str]
) -> None:
    fault = damage(house)
    told = [house.run("tick"), house.run("status")]

    assert told == [Told(78, "", f"symphony: {fault}\n")] * 2
    assert not house.state.exists()


def test_a_pointer_of_another_workflow_or_a_broken_one_leads_nowhere(house: House) -> None:
    house.configure("state: {path: ../elsewhere}")
    house.run("tick")
    fault = break_workflow(house)
    (pointer,) = (house.root / "home" / "state" / "symphony" / "workflows").iterdir()
    whole = pointer.read_text()
    told = []
    for text in ("{", whole.replace(str(house.workflow), "/elsewhere/WORKFLOW.md"), whole):
        pointer.write_text(text)
        told.append(house.run("metrics").code)

    assert (told, house.run("metrics").err) == ([78, 78, 0], f"symphony: warning: {fault}\n")


def test_a_home_that_is_none_is_told_with_its_cure_and_status_shows_it(house: House) -> None:
    house.run("tick")
    house.issue("A-1")
    home = {**house.environ, "XDG_STATE_HOME": "/proc/nope"}
    told = house.run("tick", environ=home)
    shown = house.status()["tick"]

    sentence = (
        "/proc/nope/symphony/locks cannot be created: No such file or directory; set HOME or "
        "XDG_STATE_HOME (in symphony.env)."
    )
    assert told == Told(73, "", f"symphony: {sentence}\n")
    assert (shown["ok"], shown["exit_code"], shown["sentence"]) == (
        False,
        73,
        f"The last tick ended with exit code 73: {sentence}",
    )
    assert house.run("tick").code == 0


def test_an_env_file_that_names_a_good_home_mends_it(house: House) -> None:
    house.issue("A-1")
    path = house.project / "symphony.env"
    path.write_text(f"XDG_STATE_HOME={house.root}/home/state\n")
    path.chmod(0o600)
    told = house.run("tick", environ={**house.environ, "XDG_STATE_HOME": "/proc/nope"})

    assert (told.code, house.verdict("A-1")["outcome"]) == (0, "handed_over")
