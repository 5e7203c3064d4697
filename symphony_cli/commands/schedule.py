"""`symphony schedule`: have this machine start ticks by itself, or see what that would take."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from symphony_cli.core import launchd
from symphony_cli.core.schedule import Job, Text, cadence, crontab, installed, units, without
from symphony_cli.errors import ExitCode, MissingProgram, UsageError
from symphony_cli.ports import Machine


class Kind(StrEnum):
    """What starts ticks."""

    CRON = "cron"
    SYSTEMD = "systemd"
    LAUNCHD = "launchd"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person typed."""

    kind: Kind
    install: bool = False
    remove: bool = False
    system: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleResult:
    """What would be written, or was; and what is left to do for a person."""

    kind: Kind
    every: int
    """Seconds between two ticks."""
    texts: tuple[Text, ...]
    done: tuple[str, ...]
    """What was done, in sentences; nothing where this was only a look."""
    todo: tuple[str, ...]
    exit_code: ExitCode = ExitCode.DONE


def schedule(job: Job, machine: Machine, wanted: Wanted) -> ScheduleResult:
    """Show, install or remove what starts the ticks of one workflow.

    Raises:
        UsageError: options that make no sense together, or a crontab that is half ours.
        MissingProgram: crontab or systemctl is not there, or refuses.
        StateError: a file cannot be written.
    """
    _refuse_nonsense(wanted)
    texts, act = _HOW[wanted.kind](job, machine, wanted)
    done = tuple(act()) if wanted.install or wanted.remove else ()
    if wanted.install:
        done += machine.keep_places()
    todo = _todo(wanted, machine, texts)
    every = cadence(job.interval)
    return ScheduleResult(kind=wanted.kind, every=every, texts=texts, done=done, todo=todo)


_Plan = tuple[tuple[Text, ...], Callable[[], Iterator[str]]]


def _refuse_nonsense(wanted: Wanted) -> None:
    if wanted.install and wanted.remove:
        raise UsageError("Choose one of --install and --remove.")
    if wanted.system and wanted.kind is not Kind.SYSTEMD:
        raise UsageError(f"--system is for systemd; {wanted.kind} knows users only.")


def _cron(job: Job, machine: Machine, wanted: Wanted) -> _Plan:
    def act() -> Iterator[str]:
        before = machine.crontab()
        change = _changed(before, job, remove=wanted.remove)
        if change == before:
            yield "Your crontab is as it should be."
            return
        machine.set_crontab(change)
        yield f"{'Removed from' if wanted.remove else 'Installed in'} your crontab."

    return (Text("", crontab(job)),), act


def _changed(table: str, job: Job, *, remove: bool) -> str:
    try:
        return without(table, job.workflow) if remove else installed(table, job)
    except ValueError as error:
        raise UsageError(f"Your crontab has half of our lines ({error}): edit it first.") from error


def _systemd(job: Job, machine: Machine, wanted: Wanted) -> _Plan:
    texts = units(job, machine.unit_folder(system=wanted.system))
    scope = () if wanted.system else ("--user",)
    timer = texts[1].path.rpartition("/")[2]

    def systemctl(*words: str) -> None:
        trouble = machine.ask(("systemctl", *scope, *words))
        if trouble:
            call = " ".join(("systemctl", *scope, *words))
            raise MissingProgram(f"`{call}` failed: {trouble.rstrip('.')}. Mend that, then again.")

    def act() -> Iterator[str]:
        machine.need("systemctl")
        if wanted.remove:
            systemctl("disable", "--now", timer)
            yield from _removed(texts, machine)
            systemctl("daemon-reload")
            return
        yield from _written(texts, machine)
        systemctl("daemon-reload")
        systemctl("enable", "--now", timer)
        yield f"Started the timer {timer}."

    return texts, act


def _launchd(job: Job, machine: Machine, wanted: Wanted) -> _Plan:
    texts = (launchd.agent(job, machine.agent_folder()),)

    def act() -> Iterator[str]:
        yield from (_removed if wanted.remove else _written)(texts, machine)

    return texts, act


def _written(texts: tuple[Text, ...], machine: Machine) -> Iterator[str]:
    for text in texts:
        machine.write(text.path, text.text)
        yield f"Wrote {text.path}."


def _removed(texts: tuple[Text, ...], machine: Machine) -> Iterator[str]:
    for text in texts:
        machine.remove(text.path)
        yield f"Removed {text.path}."


_HOW = {Kind.CRON: _cron, Kind.SYSTEMD: _systemd, Kind.LAUNCHD: _launchd}


def _todo(wanted: Wanted, machine: Machine, texts: tuple[Text, ...]) -> tuple[str, ...]:
    if wanted.kind is Kind.LAUNCHD and (wanted.install or wanted.remove):
        path = texts[0].path
        if wanted.remove:
            label = path.rpartition("/")[2].removesuffix(".plist")
            return (f"Type `launchctl bootout gui/$(id -u)/{label}`.",)
        return (f"Type `launchctl bootstrap gui/$(id -u) {path}`.",)
    if wanted.remove:
        return ()
    if not wanted.install:
        system = " --system" if wanted.system else ""
        return (f"`symphony schedule {wanted.kind}{system} --install` does it.",)
    lingers = wanted.kind is not Kind.SYSTEMD or wanted.system or machine.lingers()
    linger = "Type `loginctl enable-linger`: else ticks and agents end when you log out."
    return (*(() if lingers else (linger,)), "`symphony doctor --as-cron` checks the rest.")
