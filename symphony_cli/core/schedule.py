"""What has a machine start `symphony tick` by itself, as text: crontab lines, units of systemd.

A run is a process in a session of its own, which the tick leaves behind. So whatever starts ticks
must not end what a tick leaves: `KillMode=process` (systemd.kill(5)), `AbandonProcessGroup`
(launchd.plist(5)); cron ends nothing.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

MINUTE, HOUR, DAY = 60, 3600, 86_400

QUIET_CODES = (3, 11, 13, 15)
"""Exit codes after which the next tick goes on by itself: no failure of the unit (row O1)."""

_BEGIN, _END = "# symphony: begin", "# symphony: end"
_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be started: `command` in `folder`, every `interval` seconds."""

    name: str
    """Of the workflow: of letters, digits and `-`; two workflows have two names."""
    command: tuple[str, ...]
    """`symphony --workflow PATH`, all paths absolute, without `tick`."""
    workflow: str
    folder: str
    interval: float
    user: str = ""
    """Who the service is run as; only a unit of the system needs it."""


@dataclass(frozen=True, slots=True)
class Text:
    """A file to be written, or a part of one; `path` is "" for the crontab of the user."""

    path: str
    text: str


def cadence(interval: float, of: Iterable[int] = (MINUTE, HOUR, DAY)) -> int:
    """Seconds between two ticks by a calendar: the longest not above `interval` that divides a
    minute, an hour or a day, so that the clock comes round evenly; at least one."""
    wanted = max(1, int(interval))
    lower = 1
    for period in of:
        steps = range(lower, period + 1, lower)
        fitting = [step for step in steps if period % step == 0 and step <= wanted]
        if wanted < period or period == DAY:
            return fitting[-1] if fitting else lower
        lower = period
    return lower


def crontab(job: Job) -> str:
    """The lines for a user's crontab, between markers that name the workflow.

    Cron knows minutes only: below one, each minute has a tick that goes on to tick. What a tick
    prints is left out, as the ledger has it; errors go where cron sends them (MAILTO).
    """
    every = cadence(job.interval, (MINUTE, HOUR, DAY))
    more = "" if every >= MINUTE else f" --every {every} --for {MINUTE - 5}"
    call = f"{shlex.join(job.command)} tick{more}".replace("%", r"\%")
    line = f"{_times(every)} cd {_shell(job.folder)} && {call} >/dev/null"
    return f"{_BEGIN} {job.workflow}\n{line}\n{_END} {job.workflow}\n"


def _times(every: int) -> str:
    if every < HOUR:
        minutes = max(1, every // MINUTE)
        return "* * * * *" if minutes == 1 else f"*/{minutes} * * * *"
    hours = every // HOUR
    return "0 * * * *" if hours == 1 else f"0 */{hours} * * *" if hours < 24 else "0 0 * * *"


def _shell(text: str) -> str:
    return shlex.quote(text).replace("%", r"\%")


def without(table: str, workflow: str) -> str:
    """A crontab without our lines for this workflow; every other byte stays.

    Raises:
        ValueError: our first marker is there and the second is not.
    """
    begin, end = f"{_BEGIN} {workflow}\n", f"{_END} {workflow}\n"
    kept, rest = "", table
    while (at := _line_at(rest, begin)) >= 0:
        kept, rest = kept + rest[:at], rest[at + len(begin) :]
        over = _line_at(rest, end)
        if over < 0:
            raise ValueError(f"the line {end.strip()!r} is missing")
        rest = rest[over + len(end) :]
    return kept + rest


def _line_at(text: str, line: str) -> int:
    """Where a whole line begins; -1 when it is not there."""
    if text.startswith(line):
        return 0
    at = text.find(f"\n{line}")
    return at + 1 if at >= 0 else -1


def installed(table: str, job: Job) -> str:
    """A crontab with our lines for this workflow, once, at its end.

    Raises:
        ValueError: as `without`.
    """
    rest = without(table, job.workflow)
    return f"{rest}{'' if not rest or rest.endswith(chr(10)) else chr(10)}{crontab(job)}"


def units(job: Job, folder: str) -> tuple[Text, Text]:
    """The service and the timer for systemd, in `folder`."""
    name = f"symphony-{job.name}"
    return (
        Text(f"{folder}/{name}.service", _service(job)),
        Text(f"{folder}/{name}.timer", _timer(job)),
    )


def _service(job: Job) -> str:
    codes = " ".join(map(str, QUIET_CODES))
    user = f"User={job.user}\n" if job.user else ""
    call = " ".join(_unit_word(word) for word in (*job.command, "tick"))
    return f"""\
[Unit]
Description=Symphony: one tick of {_unit_text(job.workflow)}

[Service]
Type=oneshot
{user}WorkingDirectory={_unit_text(job.folder)}
ExecStart={call}
# Agents outlive the tick that started them: only the tick itself is ever ended.
KillMode=process
OOMPolicy=continue
# The next tick goes on after these by itself; `symphony status` says why.
SuccessExitStatus={codes}
# A tick ends itself at twice its deadline; this is the net below.
TimeoutStartSec=15min
"""


def _timer(job: Job) -> str:
    every = cadence(job.interval)
    return f"""\
[Unit]
Description=Symphony: ticks of {_unit_text(job.workflow)}

[Timer]
OnCalendar={_calendar(every)}
Persistent=true
AccuracySec=1s
RandomizedDelaySec={min(30, every // 10)}s

[Install]
WantedBy=timers.target
"""


def _calendar(every: int) -> str:
    """See systemd.time(7), CALENDAR EVENTS."""
    if every < MINUTE:
        return f"*-*-* *:*:0/{every}"
    if every < HOUR:
        return f"*-*-* *:0/{every // MINUTE}:00"
    return f"*-*-* 0/{every // HOUR}:00:00" if every < DAY else "*-*-* 00:00:00"


def _unit_text(text: str) -> str:
    return text.replace("%", "%%")


def _unit_word(word: str) -> str:
    """A word of a command line (systemd.service(5), COMMAND LINES)."""
    said = _unit_text(word).replace("$", "$$")
    if _PLAIN.fullmatch(word):
        return said
    escaped = said.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
