"""Commands for the first hour: demo, doctor."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Optional

import typer

from symphony_cli.cli.shared import AsJson, Judged, Options, app, end


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
