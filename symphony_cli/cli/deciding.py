"""Commands by which a person decides: unblock, stop, block, retry, pause, resume."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from symphony_cli.cli.shared import AsJson, Issue, Note, app, write


@app.command()
def unblock(
    issue: Issue,
    grant_tokens: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(
            "--grant-tokens",
            metavar="N",
            min=1,
            help="So many more tokens, and not one more budget; a running issue takes them too.",
        ),
    ] = None,
    grant_attempts: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(
            "--grant-attempts",
            metavar="N",
            min=1,
            help="So many more runs without progress, and not one more round.",
        ),
    ] = None,
    note: Note = "",
    as_json: AsJson = False,
) -> None:
    """Let a blocked issue go on, with one more helping of whatever ran out.

    A helping is one more `agent.max_tokens_per_issue`, one more round of
    `agent.max_dispatch_attempts`, the rework cycle it is in, or work on top of what is merged.
    """
    from symphony_cli.commands.unblock import Asked
    from symphony_cli.commands.unblock import unblock as clear

    asked = Asked(grant_tokens, grant_attempts, note)
    write(lambda world, by: clear(world, issue, by, asked), as_json)


@app.command()
def stop(issue: Issue, note: Note = "", as_json: AsJson = False) -> None:
    """End the run of an issue; it stays stopped until `retry`. Nothing it made is lost."""
    from symphony_cli.commands.stop import stop as end_run

    write(lambda world, by: end_run(world, issue, by, note), as_json)


@app.command()
def block(issue: Issue, note: Note = "", as_json: AsJson = False) -> None:
    """Keep an issue from being started until `retry`; a run of it ends."""
    from symphony_cli.commands.stop import block as hold

    write(lambda world, by: hold(world, issue, by, note), as_json)


@app.command()
def retry(issue: Issue, note: Note = "", as_json: AsJson = False) -> None:
    """Let an issue go on that was stopped, or that waits after a failure."""
    from symphony_cli.commands.retry import retry as again

    write(lambda world, by: again(world, issue, by, note), as_json)


@app.command()
def pause(
    reason: Annotated[str, typer.Argument(help="Why; everybody is told.")] = "",
    as_json: AsJson = False,
) -> None:
    """Start nothing new until `resume`; agents at work go on to their end."""
    from symphony_cli.commands.pause import pause as hold_all

    write(lambda world, by: hold_all(world, by, reason), as_json)


@app.command()
def resume(as_json: AsJson = False) -> None:
    """Start runs again after `pause`."""
    from symphony_cli.commands.pause import resume as go_on

    write(lambda world, by: go_on(world, by), as_json)
