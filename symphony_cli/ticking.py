"""What stands around a tick: the lock, the deadline, the loop, and what is printed of it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

from symphony_cli import clock, processes, wiring_config, wiring_world
from symphony_cli.commands.tick import Acted, TickResult, tick
from symphony_cli.core.secrets import redact
from symphony_cli.errors import ConfigError, ExitCode, LockHeld
from symphony_cli.wiring_config import Place
from symphony_cli.wiring_world import Opened

READING = 600.0
"""Seconds for files and caches before and after a tick's own work; a ledger of a million events
whose cache is lost takes half a minute, and a tick that was ended there would never get further."""


def one(
    find: Callable[[], Place],
    *,
    dry_run: bool = False,
    full: bool = False,
    deadline: float | None = None,
) -> TickResult:
    """One tick of this process, about the workflow that `find` finds.

    Raises:
        LockHeld: another process holds the lock; three such ticks in a row are told loudly.
        SymphonyError: the tick could not begin, or ended at a failing ledger.
    """
    started = clock.monotonic()
    _end_after(READING)
    try:
        place = find()
        if dry_run:
            return _tick(wiring_world.reading(place, need_key=True), started, deadline, full, True)
        try:
            with wiring_world.writing(place, ticks=True, deadline=deadline) as opened:
                return _tick(opened, started, deadline, full, False)
        except LockHeld as error:
            raise LockHeld(wiring_world.bounce(place, error)) from error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _end_after(seconds: float) -> None:
    """Nothing in a tick may hang: after `seconds` it says so and ends itself; crashes are safe."""
    sentence = (
        f"symphony: this tick hung: it was not done after {seconds:g} s and ended itself. "
        "Crashes are safe; the next tick goes on.\n"
    ).encode()

    def end(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, 1.0)  # stderr may be what the tick hangs at
        with contextlib.suppress(OSError):
            os.write(2, sentence)
        os.kill(os.getpid(), number)

    signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _tick(
    opened: Opened, started: float, deadline: float | None, full: bool, dry_run: bool
) -> TickResult:
    limit = wiring_world.limit(opened.world.policy, deadline)
    # A fold without its cache may take long; that tick shall still do something afterwards.
    began = clock.monotonic()
    _end_after(2 * limit)
    try:
        result = tick(
            opened.world,
            deadline=limit,
            elapsed=lambda: clock.monotonic() - began,
            dry_run=dry_run,
            full=full,
            warnings=opened.warnings,
        )
    finally:
        _end_after(READING)
    result = _without_secrets(result, opened.secrets)
    if opened.repaired:
        told = Acted("repair", "ledger", opened.repaired, "done")
        result = replace(result, decisions=(told, *result.decisions))
    return replace(result, duration_s=round(clock.monotonic() - started, 3))


def _without_secrets(result: TickResult, secrets: tuple[str, ...]) -> TickResult:
    """What is printed of a tick may quote an exception, and that may quote anything."""
    return replace(
        result,
        decisions=tuple(replace(a, detail=redact(a.detail, secrets)) for a in result.decisions),
        passed_over=tuple(replace(p, why=redact(p.why, secrets)) for p in result.passed_over),
        errors=tuple(redact(error, secrets) for error in result.errors),
    )


def shown(result: TickResult, *, as_json: bool, log_json: bool, to_person: bool) -> str:
    """What a tick prints: nothing where nothing happened and nobody watches."""
    if result.quiet and not (as_json or log_json or to_person or result.dry_run):
        return ""
    from symphony_cli.render import machine

    if as_json:
        return machine.as_json(result)
    if log_json:
        return "\n".join(machine.log_lines(result, clock.now(), as_objects=True))
    if to_person or result.dry_run:
        from symphony_cli.render import text

        return text.as_text(result)
    errors = [f"error: {' '.join(error.split())}" for error in result.errors]
    lines = machine.log_lines(result, clock.now(), as_objects=False)
    return "\n".join([result.summary, *lines, *errors])


def _started(command: list[str], place: Place) -> subprocess.Popen[bytes]:
    """A tick of its own, to which an exported key goes by pipe: agents of the same user can read
    the environment of a process before it has hidden itself."""
    with contextlib.suppress(ConfigError):  # the tick itself says what is wrong
        names = wiring_config.configure(place, need_key=False).good.settings.tracker.secret_names
        held = [f"{name}={os.environ[name]}" for name in names if name in os.environ]
        if held:
            pipe = processes.secret_pipe(held)
            environ = {name: text for name, text in os.environ.items() if name not in names}
            environ[processes.HANDED] = str(pipe)
            try:
                return subprocess.Popen(command, process_group=0, env=environ, pass_fds=(pipe,))
            finally:
                os.close(pipe)
    return subprocess.Popen(command, process_group=0)


def loop(
    place: Place, every: float, until: float | None, options: list[str], env_file: str | None
) -> int:
    """Ticks in the foreground, each in a process of its own, until the time is up or somebody ends
    it; `options` and `env_file` are for each of them. The exit code.

    The worst exit code of the ticks is not kept: a loop whose time is up is done (0), as a timer
    is. SIGTERM and SIGINT are passed on to the tick inside, which is waited for; then the loop ends
    with 128 and the signal's number.
    """
    pause = every or wiring_config.configure(place, need_key=False).good.policy.interval
    command = [sys.executable, "-P", "-m", "symphony_cli", "--workflow", str(place.workflow)]
    command += ["--env-file", env_file] if env_file is not None else []
    began = clock.monotonic()
    heard: list[int] = []
    inside: list[subprocess.Popen[bytes]] = []
    ear, mouth = os.pipe()

    def hear(number: int, _frame: object) -> None:
        heard.append(number)
        os.write(mouth, b"!")
        for child in inside:
            child.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, hear)
    while not heard and (until is None or clock.monotonic() - began < until):
        due = clock.monotonic() + pause
        # A group of its own: a terminal's ^C goes to a whole group, and would be heard twice.
        with _started([*command, "tick", *options], place) as child:
            inside.append(child)
            if heard:  # while the tick was being started
                child.send_signal(heard[0])
        inside.clear()
        select.select([ear], [], [], max(0.0, due - clock.monotonic()))
    return 128 + heard[0] if heard else int(ExitCode.DONE)
