"""Commands that look and change nothing: status, logs, metrics."""

from __future__ import annotations

import sys
from typing import Annotated, Optional

import typer

from symphony_cli.cli.shared import AsJson, Issue, app, end, place, show, warn
from symphony_cli.errors import UsageError


@app.command()
def status(
    issue: Annotated[
        Optional[str],  # noqa: UP045
        typer.Argument(help="Explain this one issue."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what runs, what waits and why; with ISSUE, explain that one."""
    from symphony_cli import wiring_world
    from symphony_cli.commands import explain as explaining
    from symphony_cli.commands import status as showing

    opened = wiring_world.reading(place())
    if issue is not None:
        warn(opened)
        asked = wiring_world.questions(opened, issue)
        found = explaining.explain(opened.world, issue, wiring_world.recent(opened, issue), asked)
        show(found, as_json)
        end(found.exit_code)
    fault = (opened.world.policy_error,) if opened.world.policy_error else ()
    result = showing.status(opened.world, opened.holder, (*opened.warnings, *fault))
    show(result, as_json)
    end(result.exit_code)


@app.command()
def logs(
    issue: Issue,
    follow: Annotated[
        bool,
        typer.Option(
            "--follow", "-f", help="Go on as more comes, and over to the next run of the issue."
        ),
    ] = False,
    run: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--run", metavar="N", help="This run, and not the newest."),
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="The lines of the transcript as they are (JSON).")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line for each entry.")
    ] = False,
) -> None:
    """Show what an agent says and does: messages, commands, files, tools, tokens.

    With --follow it ends when no further run will come of itself (finished, blocked, released), or
    at the end of the run that --run names; else at Ctrl-C, with 130.
    """
    from symphony_cli import watching

    if raw and as_json:
        raise UsageError("Choose one of --raw and --json.")
    style: watching.Style = "raw" if raw else "json" if as_json else "text"
    end(watching.show(place(), issue, run, style, follow=follow))


@app.command()
def metrics(
    csv: Annotated[bool, typer.Option("--csv", help="RFC 4180, for spreadsheets.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Also issues that have not finished.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print tokens, turns, retries and time of every finished issue."""
    from symphony_cli import wiring_world
    from symphony_cli.commands.metrics import metrics as measure
    from symphony_cli.render.machine import as_csv

    if csv and as_json:
        raise UsageError("Choose one of --csv and --json.")
    opened = wiring_world.reading(place())
    warn(opened)
    world = opened.world
    result = measure(world.ledger.history(), world.policy, everything=everything)
    if csv:
        sys.stdout.write(as_csv(result))
        return
    show(result, as_json)
