"""`symphony tick`: what a timer types."""

from __future__ import annotations

import sys
from typing import Annotated, Optional

import typer

from symphony_cli.cli.shared import AsJson, Options, app, end, place


@app.command()
def tick(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Decide and print; take no lock, change nothing.")
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Read the whole tracker (kind markdown always does).")
    ] = False,
    every: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(
            "--every",
            metavar="SECONDS",
            min=0,
            help="Go on, one tick each SECONDS (0: polling.interval_ms).",
        ),
    ] = None,
    for_: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option("--for", metavar="SECONDS", min=0, help="With --every: end after SECONDS."),
    ] = None,
    deadline: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option("--deadline", metavar="SECONDS", min=0.1, help="Put off what is not done."),
    ] = None,
    log_json: Annotated[
        bool, typer.Option("--log-json", help="One JSON object a line for each event.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Look once at tracker and runs; take in what ended, stop, start and clean up; then exit.

    Cron or a systemd timer types this. Agents outlive it. Where nothing happened and the output is
    no terminal it prints nothing.
    """
    import gc

    from symphony_cli import ticking

    gc.disable()  # a short process with few cycles: collecting them costs more than they do
    if every is not None:
        flags = {"--dry-run": dry_run, "--full": full, "--log-json": log_json, "--json": as_json}
        chosen = _tick_options(flags, deadline)
        end(ticking.loop(place(), every, for_, chosen, Options.env_file))
    result = ticking.one(place, dry_run=dry_run, full=full, deadline=deadline)
    text = ticking.shown(result, as_json=as_json, log_json=log_json, to_person=sys.stdout.isatty())
    if text:
        typer.echo(text)
    end(result.exit_code)


def _tick_options(flags: dict[str, bool], deadline: float | None) -> list[str]:
    chosen = [name for name, on in flags.items() if on]
    return [*chosen, "--deadline", str(deadline)] if deadline is not None else chosen
