"""What starts ticks by itself, as text (row O8)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symphony_cli.core.schedule import (
    DAY,
    HOUR,
    MINUTE,
    Job,
    cadence,
    crontab,
    installed,
    units,
    without,
)

JOB = Job(
    "shop-1a2b3c4d",
    ("/opt/py/bin/symphony", "--workflow", "/home/ada/shop/WORKFLOW.md"),
    "/home/ada/shop/WORKFLOW.md",
    "/home/ada/shop",
    30.0,
)
OTHERS = "MAILTO=ada@example.org\n\n# backups\n0 3 * * * backup --to 'a b'"


@pytest.mark.parametrize(
    ("interval", "every"),
    [
        (0.2, 1), (1, 1), (7, 6), (30, 30), (45, 30), (59, 30), (60, 60), (90, 60), (130, 120),
        (600, 600), (700, 600), (3599, 1800), (3600, 3600), (5 * 3600, 4 * 3600), (10**6, DAY),
    ],
)  # fmt: skip
def test_a_calendar_comes_round_evenly_and_not_less_often(interval: float, every: int) -> None:
    assert cadence(interval) == every


@given(st.floats(0.1, 10**7))
def test_a_cadence_divides_the_next_larger_period(interval: float) -> None:
    every = cadence(interval)
    period = next(p for p in (MINUTE, HOUR, DAY) if every < p or p == DAY)
    assert period % every == 0 and (every <= interval or every == 1)
    assert every < MINUTE or every % MINUTE == 0


@pytest.mark.parametrize(
    ("interval", "times", "more"),
    [
        (30, "* * * * *", " --every 30 --for 55"),
        (60, "* * * * *", ""),
        (300, "*/5 * * * *", ""),
        (7200, "0 */2 * * *", ""),
        (DAY, "0 0 * * *", ""),
    ],
)
def test_cron_has_a_line_between_markers(interval: float, times: str, more: str) -> None:
    call = "/opt/py/bin/symphony --workflow /home/ada/shop/WORKFLOW.md"
    assert crontab(replace(JOB, interval=interval)) == (
        "# symphony: begin /home/ada/shop/WORKFLOW.md\n"
        f"{times} cd /home/ada/shop && {call} tick{more} >/dev/null\n"
        "# symphony: end /home/ada/shop/WORKFLOW.md\n"
    )


def test_what_cron_and_the_shell_would_read_otherwise_is_quoted() -> None:
    odd = replace(JOB, folder="/home/100% $me", command=("/x y/symphony",))
    assert crontab(odd).splitlines()[1] == (
        r"* * * * * cd '/home/100\% $me' && '/x y/symphony' tick --every 30 --for 55 >/dev/null"
    )


@pytest.mark.parametrize("table", ["", OTHERS, f"{OTHERS}\n"])
def test_a_crontab_keeps_what_others_wrote_and_has_us_once(table: str) -> None:
    other = replace(JOB, workflow="/home/ada/tea/WORKFLOW.md")
    both = installed(installed(installed(table, JOB), other), JOB)
    assert both.count("begin /home/ada/shop/WORKFLOW.md\n") == 1
    ended = table if not table or table.endswith("\n") else f"{table}\n"
    assert without(both, JOB.workflow) == ended + crontab(other)
    assert without(without(both, JOB.workflow), other.workflow) == ended


def test_half_of_our_lines_is_for_a_person_to_look_at() -> None:
    with pytest.raises(ValueError, match="the line '# symphony: end"):
        installed("# symphony: begin /home/ada/shop/WORKFLOW.md\n* * * * * x\n", JOB)


def test_systemd_ends_a_tick_and_never_an_agent() -> None:
    service, timer = units(replace(JOB, user="ada", interval=120), "/etc/systemd/system")
    assert service.path == "/etc/systemd/system/symphony-shop-1a2b3c4d.service"
    assert timer.path == "/etc/systemd/system/symphony-shop-1a2b3c4d.timer"
    said = dict(line.split("=", 1) for line in service.text.splitlines() if "=" in line)
    assert said["ExecStart"] == "/opt/py/bin/symphony --workflow /home/ada/shop/WORKFLOW.md tick"
    assert (said["Type"], said["KillMode"], said["User"]) == ("oneshot", "process", "ada")
    assert (said["SuccessExitStatus"], said["OOMPolicy"]) == ("3 11 13 15", "continue")
    when = dict(line.split("=", 1) for line in timer.text.splitlines() if "=" in line)
    assert when["OnCalendar"] == "*-*-* *:0/2:00"
    assert (when["Persistent"], when["RandomizedDelaySec"]) == ("true", "12s")


def test_a_user_has_no_user_line_and_odd_words_are_quoted() -> None:
    odd = replace(JOB, command=('/x y/a"b', "--workflow", "/100%/$HOME"), interval=20)
    service, timer = units(odd, "/home/ada/.config/systemd/user")
    assert "User=" not in service.text
    assert 'ExecStart="/x y/a\\"b" --workflow "/100%%/$$HOME" tick\n' in service.text
    assert "OnCalendar=*-*-* *:*:0/20\n" in timer.text
