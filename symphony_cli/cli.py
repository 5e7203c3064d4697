"""What you type. A command parses, calls one story, prints its result, ends with its exit code.

Heavy imports are inside the commands: `--help` and an idle tick must not pay for the others.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, Optional

import typer

from symphony_cli import __version__
from symphony_cli.errors import ExitCode, LockHeld, SymphonyError, UsageError

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
        _end(ticking.loop(place(), every, for_, chosen, Options.env_file))
    result = ticking.one(place, dry_run=dry_run, full=full, deadline=deadline)
    text = ticking.shown(result, as_json=as_json, log_json=log_json, to_person=sys.stdout.isatty())
    if text:
        typer.echo(text)
    _end(result.exit_code)


def _tick_options(flags: dict[str, bool], deadline: float | None) -> list[str]:
    chosen = [name for name, on in flags.items() if on]
    return [*chosen, "--deadline", str(deadline)] if deadline is not None else chosen


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
        _warn(opened)
        asked = wiring_world.questions(opened, issue)
        found = explaining.explain(opened.world, issue, wiring_world.recent(opened, issue), asked)
        _show(found, as_json)
        _end(found.exit_code)
    fault = (opened.world.policy_error,) if opened.world.policy_error else ()
    result = showing.status(opened.world, opened.holder, (*opened.warnings, *fault))
    _show(result, as_json)
    _end(result.exit_code)


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
    _write(lambda world, by: clear(world, issue, by, asked), as_json)


@app.command()
def stop(issue: Issue, note: Note = "", as_json: AsJson = False) -> None:
    """End the run of an issue; it stays stopped until `retry`. Nothing it made is lost."""
    from symphony_cli.commands.stop import stop as end_run

    _write(lambda world, by: end_run(world, issue, by, note), as_json)


@app.command()
def block(issue: Issue, note: Note = "", as_json: AsJson = False) -> None:
    """Keep an issue from being started until `retry`; a run of it ends."""
    from symphony_cli.commands.stop import block as hold

    _write(lambda world, by: hold(world, issue, by, note), as_json)


@app.command()
def retry(issue: Issue, note: Note = "", as_json: AsJson = False) -> None:
    """Let an issue go on that was stopped, or that waits after a failure."""
    from symphony_cli.commands.retry import retry as again

    _write(lambda world, by: again(world, issue, by, note), as_json)


@app.command()
def pause(
    reason: Annotated[str, typer.Argument(help="Why; everybody is told.")] = "",
    as_json: AsJson = False,
) -> None:
    """Start nothing new until `resume`; agents at work go on to their end."""
    from symphony_cli.commands.pause import pause as hold_all

    _write(lambda world, by: hold_all(world, by, reason), as_json)


@app.command()
def resume(as_json: AsJson = False) -> None:
    """Start runs again after `pause`."""
    from symphony_cli.commands.pause import resume as go_on

    _write(lambda world, by: go_on(world, by), as_json)


def _write(story: Callable[[World, str], object], as_json: bool) -> None:
    """A person's command that changes something: under the lock, for which it waits a while."""
    from symphony_cli import wiring_world

    with wiring_world.writing(place(), wait=PERSON_WAITS, on_wait=_say) as opened:
        _warn(opened)
        result = story(opened.world, wiring_world.who())
    _show(result, as_json)


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
    _end(watching.show(place(), issue, run, style, follow=follow))


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
    _warn(opened)
    folders = [os.path.abspath(folder) if folder else "" for folder in (to, repo)]
    wanted = Wanted(issue, number, folders[0], branch, folders[1])
    home = str(opened.workflow.parent)
    result = story(opened.world, wiring_world.rescues(found), wanted, home)
    _show(result, as_json)
    _end(result.exit_code)


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
    _warn(opened)
    world = opened.world
    result = measure(world.ledger.history(), world.policy, everything=everything)
    if csv:
        sys.stdout.write(as_csv(result))
        return
    _show(result, as_json)


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

    _end(show.run(keep, use_codex=codex))


def _show(result: object, as_json: bool) -> None:
    from symphony_cli.render import machine, text

    typer.echo(machine.as_json(result) if as_json else text.as_text(result))


def _warn(opened: Opened) -> None:
    """A person's command goes by the last good copy; that is to be known."""
    if opened.world.policy_error:
        typer.echo(f"symphony: warning: {opened.world.policy_error}", err=True)


def _say(sentence: str) -> None:
    typer.echo(f"waiting: {sentence}", err=True)


def _end(code: int) -> NoReturn:
    raise typer.Exit(int(code))


def main(arguments: list[str] | None = None) -> None:
    """Run a command and exit with its code; every error becomes one sentence on stderr."""
    if sys.platform == "win32":
        sys.exit("Symphony runs on Linux (and, with limits, on macOS); use WSL on Windows.")
    with contextlib.suppress(ValueError):  # not in the main thread: somebody else's process
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        code = _run(arguments)
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    except LockHeld as error:
        code = _locked(error)
    except SymphonyError as error:
        typer.echo(f"symphony: {error}", err=True)
        code = int(error.exit_code)
    except Exception:  # noqa: BLE001 - the one net at the top: a bug of ours, told with its trace
        code = _bug(traceback.format_exc())
    sys.exit(code)


def _run(arguments: list[str] | None) -> int:
    """typer's own code for bad usage, 2, becomes 64."""
    try:
        result = app(args=arguments, prog_name="symphony", standalone_mode=True)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        return int(ExitCode.USAGE) if code == 2 else code
    return int(result) if isinstance(result, int) else 0


def _bug(trace: str) -> int:
    """A traceback may quote the tracker's key; where that cannot be looked up, say only where."""
    from symphony_cli.core.secrets import redact

    try:
        from symphony_cli import wiring_config

        text = redact(trace, wiring_config.configure(place(), need_key=False).secrets)
    except Exception:  # noqa: BLE001 - whatever is wrong, the bug must still be told
        text = "".join(line for line in trace.splitlines(True) if line.startswith("  File "))
    typer.echo(f"{text.rstrip()}\nsymphony: This is a bug of ours: please report it.", err=True)
    return int(ExitCode.BUG)


def _locked(error: LockHeld) -> int:
    typer.echo(f"symphony: {error}", err=True)
    return int(ExitCode.LOCKED)
