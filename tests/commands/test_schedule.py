"""`symphony schedule`: what is shown, what is done, and what is left to do."""

from __future__ import annotations

import plistlib
from typing import Any

import pytest

from symphony_cli.commands.schedule import Kind, ScheduleResult, Wanted, schedule
from symphony_cli.core.schedule import Job
from symphony_cli.errors import MissingProgram, UsageError
from symphony_cli.render.text import as_text
from tests.fakes.machine import FakeMachine

JOB = Job(
    "shop-1", ("/bin/symphony", "--workflow", "/shop/WORKFLOW.md"), "/shop/WORKFLOW.md", "/shop", 60
)
OTHERS = "0 3 * * * backup\n"
TIMER = "symphony-shop-1.timer"
CHECK = "`symphony doctor --as-cron` checks the rest."


def told(machine: FakeMachine, kind: Kind, **more: Any) -> ScheduleResult:
    return schedule(JOB, machine, Wanted(kind, **more))


@pytest.mark.parametrize("kind", Kind)
def test_a_look_shows_what_would_be_written_and_changes_nothing(kind: Kind) -> None:
    machine = FakeMachine(OTHERS, missing=("crontab", "systemctl"))
    result = told(machine, kind)
    assert (machine.table, machine.files, machine.asked) == (OTHERS, {}, [])
    assert (result.done, result.every) == ((), 60)
    assert result.todo == (f"`symphony schedule {kind} --install` does it.",)
    text = as_text(result)
    assert all(one.text in text for one in result.texts)
    assert "/shop/WORKFLOW.md" in text


def test_cron_is_installed_once_and_taken_away_without_a_trace() -> None:
    machine = FakeMachine(OTHERS, places=("Wrote PATH into symphony.env.",))
    first, again = (told(machine, Kind.CRON, install=True) for _ in range(2))
    assert (first.done, first.todo) == (
        ("Installed in your crontab.", "Wrote PATH into symphony.env."),
        (CHECK,),
    )
    assert again.done[0] == "Your crontab is as it should be."
    assert machine.table == OTHERS + first.texts[0].text
    gone = told(machine, Kind.CRON, remove=True)
    assert (gone.done, gone.todo, machine.table) == (("Removed from your crontab.",), (), OTHERS)


def test_a_crontab_that_is_half_ours_is_for_a_person() -> None:
    machine = FakeMachine("# symphony: begin /shop/WORKFLOW.md\n")
    for how in ({"install": True}, {"remove": True}):
        with pytest.raises(UsageError, match="Your crontab has half of our lines"):
            told(machine, Kind.CRON, **how)
    assert machine.table == "# symphony: begin /shop/WORKFLOW.md\n"


@pytest.mark.parametrize(("system", "call"), [(False, "systemctl --user"), (True, "systemctl")])
def test_systemd_units_are_written_started_and_taken_away(system: bool, call: str) -> None:
    machine = FakeMachine()
    result = told(machine, Kind.SYSTEMD, install=True, system=system)
    assert list(machine.files) == [text.path for text in result.texts]
    assert machine.asked == [f"{call} daemon-reload", f"{call} enable --now {TIMER}"]
    assert result.done[-1] == f"Started the timer {TIMER}."
    machine.asked.clear()
    told(machine, Kind.SYSTEMD, remove=True, system=system)
    assert (machine.files, machine.asked) == (
        {},
        [f"{call} disable --now {TIMER}", f"{call} daemon-reload"],
    )


def test_a_user_whose_services_end_at_logout_is_told() -> None:
    result = told(FakeMachine(lingering=False), Kind.SYSTEMD, install=True)
    assert result.todo == (
        "Type `loginctl enable-linger`: else ticks and agents end when you log out.",
        CHECK,
    )
    of_all = told(FakeMachine(lingering=False), Kind.SYSTEMD, install=True, system=True)
    assert of_all.todo == (CHECK,)


def test_a_program_that_is_missing_or_refuses_is_named() -> None:
    with pytest.raises(MissingProgram, match="crontab is not on PATH"):
        told(FakeMachine(missing=("crontab",)), Kind.CRON, install=True)
    without = FakeMachine(missing=("systemctl",))
    with pytest.raises(MissingProgram, match="systemctl is not on PATH"):
        told(without, Kind.SYSTEMD, install=True)
    assert without.files == {}
    refuses = FakeMachine(troubles={"systemctl --user daemon-reload": "no bus."})
    with pytest.raises(MissingProgram, match="`systemctl --user daemon-reload` failed: no bus"):
        told(refuses, Kind.SYSTEMD, install=True)


def test_launchd_leaves_the_last_word_to_a_person_and_the_agents_alive() -> None:
    machine = FakeMachine()
    result = told(machine, Kind.LAUNCHD, install=True)
    ((path, text),) = machine.files.items()
    job = plistlib.loads(text.encode())
    assert job["ProgramArguments"] == [*JOB.command, "tick"]
    assert (job["AbandonProcessGroup"], job["StartInterval"]) == (True, 60)
    assert result.todo == (f"Type `launchctl bootstrap gui/$(id -u) {path}`.",)
    gone = told(machine, Kind.LAUNCHD, remove=True)
    assert gone.todo == ("Type `launchctl bootout gui/$(id -u)/dev.symphony.shop-1`.",)


@pytest.mark.parametrize(
    ("kind", "more", "why"),
    [
        (Kind.CRON, {"install": True, "remove": True}, "Choose one of --install and --remove."),
        (Kind.CRON, {"system": True}, "--system is for systemd; cron knows users only."),
    ],
)
def test_what_makes_no_sense_is_refused(kind: Kind, more: dict[str, bool], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        told(FakeMachine(), kind, **more)
