"""Commands for the first hour: demo, doctor, schedule."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Optional

import typer

from symphony_cli.cli.shared import AsJson, Judged, Options, app, end, place, show


@app.command()
def demo(
    codex: Annotated[
        bool, typer.Option("--codex", help="Use the real Codex and your own model set-up.")
    ] = False,
    keep: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--keep", metavar="DIR", help="Make it in DIR and leave it there."),
    ] = None,
) -> None:
    """Watch three issues being solved in a small repository: no account, under 30 seconds."""
    from symphony_cli.demo import show

    end(show.run(keep, use_codex=codex))


@app.command()
def doctor(
    as_cron: Annotated[
        bool, typer.Option("--as-cron", help="Look with the bare environment that cron gives.")
    ] = False,
    bundle: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--bundle", metavar="FILE", help="Also write FILE.tar.gz for a bug report, redacted."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check the whole set-up, and say what to do about each thing that is wrong.

    It takes no lock, writes nothing into state/, asks no model, and sends the tracker one look.
    Ends with 0 when all is well, 1 for a warning, 2 when you must act.

    \b
    Examples:
      symphony doctor
      symphony doctor --as-cron
      symphony doctor --bundle report.tar.gz
    """
    from symphony_cli import examining

    named = None if bundle is None else os.path.abspath(os.path.expanduser(bundle))
    asked = examining.Asked(Options.workflow, Options.env_file, as_cron, named, as_json)
    raise Judged(examining.run(asked))


class Timer(StrEnum):
    """What can start ticks."""

    cron = "cron"
    systemd = "systemd"
    launchd = "launchd"


@app.command()
def schedule(
    kind: Annotated[Timer, typer.Argument(help="What shall start the ticks.")],
    install: Annotated[
        bool, typer.Option("--install", help="Do it; without this it is only shown.")
    ] = False,
    remove: Annotated[
        bool, typer.Option("--remove", help="Take it away again, for this workflow.")
    ] = False,
    system: Annotated[
        bool, typer.Option("--system", help="With systemd: for the machine, not for your user.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Have cron, systemd or launchd start the ticks of this workflow; agents outlive each tick.

    Without --install it shows what would be written, and changes nothing. The cadence is
    polling.interval_ms. PATH and SSH_AUTH_SOCK of your shell, which timers lack, are written into
    symphony.env if they are not there.

    \b
    Examples:
      symphony schedule cron
      symphony schedule systemd --install
      symphony schedule systemd --system --install
    """
    from symphony_cli import wiring_schedule
    from symphony_cli.commands.schedule import Kind, Wanted
    from symphony_cli.commands.schedule import schedule as story

    found, env_file = place(), Options.env_file
    wanted = Wanted(Kind(kind.value), install, remove, system)
    job = wiring_schedule.job(found, env_file, system=system)
    result = story(job, wiring_schedule.machine(found, env_file), wanted)
    show(result, as_json)
    end(result.exit_code)
