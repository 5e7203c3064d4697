"""Commands about what is kept and what goes: rescue, gc."""

from __future__ import annotations

import os
from typing import Annotated, Optional

import typer

from symphony_cli.cli.shared import PERSON_WAITS, AsJson, app, end, place, show, warn


@app.command()
def rescue(
    issue: Annotated[
        str, typer.Argument(help="The issue, or a key that only the rescue store knows.")
    ] = "",
    number: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--number", metavar="N", min=1, help="This rescue, and not the newest."),
    ] = None,
    to: Annotated[
        str, typer.Option("--to", metavar="DIR", help="Restore it into the new folder DIR.")
    ] = "",
    branch: Annotated[
        str, typer.Option("--branch", metavar="NAME", help="Make branch NAME at it.")
    ] = "",
    repo: Annotated[
        str,
        typer.Option(
            "--repo", metavar="DIR", help="Where --branch makes it; else beside WORKFLOW.md."
        ),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """List what was kept of agents' unpushed work; with ISSUE, show it and bring it back.

    A rescue has unpushed commits, changed and new files, other branches and stashes; ignored files
    are left out, and named. Showing takes no lock and changes nothing. --branch touches neither
    HEAD nor files of your repository.

    \b
    Examples:
      symphony rescue
      symphony rescue A-1
      symphony rescue A-1 --number 2 --to ../a-1-again
      symphony rescue A-1 --branch rescue/a-1
    """
    from symphony_cli import wiring_world
    from symphony_cli.commands.rescue import Wanted
    from symphony_cli.commands.rescue import rescue as story

    found = place()
    opened = wiring_world.reading(found)
    warn(opened)
    folders = [os.path.abspath(folder) if folder else "" for folder in (to, repo)]
    wanted = Wanted(issue, number, folders[0], branch, folders[1])
    home = str(opened.workflow.parent)
    result = story(opened.world, wiring_world.rescues(found), wanted, home)
    show(result, as_json)
    end(result.exit_code)


@app.command()
def gc(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say it; take no lock, change nothing.")
    ] = False,
    sessions: Annotated[
        bool,
        typer.Option("--sessions", help="Also Codex's threads of issues that are over for long."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List what takes disk, and why it stays or goes; then remove what goes, and wait for it.

    What was not pushed is kept first (see `symphony rescue`). Folders that are not ours are never
    touched. Ticks go on meanwhile.
    """
    from symphony_cli import clearing

    result = clearing.clear(place(), PERSON_WAITS, dry_run=dry_run, sessions=sessions)
    show(result, as_json)
    end(result.exit_code)
