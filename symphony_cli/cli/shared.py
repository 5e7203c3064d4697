"""What all commands share: the app, the options before the command, how a result is shown."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, NoReturn, Optional

import typer

from symphony_cli import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from symphony_cli.ports import World
    from symphony_cli.wiring_config import Place
    from symphony_cli.wiring_world import Opened

PERSON_WAITS = 60.0
"""Seconds that a person's command waits for the lock of `state/`."""

app = typer.Typer(
    name="symphony",
    help="Turn an issue tracker into a crew of coding agents, one short tick at a time.",
    epilog="Start with `symphony demo`. Exit codes and files: see the README.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Issue = Annotated[
    str, typer.Argument(help="The issue: its identifier, one it had before, its id or its key.")
]
Note = Annotated[str, typer.Option("--note", help="Why; it is recorded.")]


class Judged(SystemExit):
    """Ends a command that judges: 0 well, 1 warning, 2 act. Any other 2 is a request that makes no
    sense."""


class Options:
    """The options that come before the command."""

    workflow: str | None = None
    env_file: str | None = None


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"symphony {__version__}")
        raise typer.Exit


@app.callback()
def options(
    workflow: Annotated[
        Optional[str],  # noqa: UP045 - typer reads this annotation at run time
        typer.Option(
            "--workflow",
            metavar="PATH",
            help="WORKFLOW.md, or its folder. Else $SYMPHONY_WORKFLOW, ./WORKFLOW.md, the nearest"
            " above.",
        ),
    ] = None,
    env_file: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--env-file", metavar="PATH", help="Instead of symphony.env beside WORKFLOW.md."
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it and end.")
    ] = False,
) -> None:
    """Options for every command."""
    Options.workflow, Options.env_file = workflow, env_file


def place() -> Place:
    """The workflow that this call is about."""
    from symphony_cli import wiring_config

    return wiring_config.locate(Options.workflow, Options.env_file, os.environ)


def write(story: Callable[[World, str], object], as_json: bool) -> None:
    """A person's command that changes something: under the lock, for which it waits a while."""
    from symphony_cli import wiring_world

    with wiring_world.writing(place(), wait=PERSON_WAITS, on_wait=say) as opened:
        warn(opened)
        result = story(opened.world, wiring_world.who())
    show(result, as_json)


def show(result: object, as_json: bool) -> None:
    """Print a result, for people or for programs."""
    from symphony_cli.render import machine, text

    typer.echo(machine.as_json(result) if as_json else text.as_text(result))


def warn(opened: Opened) -> None:
    """A person's command goes by the last good copy; that is to be known."""
    if opened.world.policy_error:
        typer.echo(f"symphony: warning: {opened.world.policy_error}", err=True)


def say(sentence: str) -> None:
    """Tell a person why nothing happens yet."""
    typer.echo(f"waiting: {sentence}", err=True)


def end(code: int) -> NoReturn:
    """End the process with this exit code."""
    raise typer.Exit(int(code))
