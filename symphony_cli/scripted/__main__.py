"""`python -m symphony_cli.scripted [app-server] [--script FILE] [--log FILE]`."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from symphony_cli import files, paths
from symphony_cli.errors import ConfigError, SymphonyError
from symphony_cli.scripted.live import House
from symphony_cli.scripted.reading import load
from symphony_cli.scripted.server import Server
from symphony_cli.scripted.wire import Wire


def options(arguments: list[str]) -> argparse.Namespace:
    """The command line; what Codex takes and we do not know is accepted and ignored."""
    parser = argparse.ArgumentParser(prog="symphony_cli.scripted", description=__doc__)
    parser.add_argument("command", nargs="?", help="app-server; accepted and ignored")
    parser.add_argument(
        "--script",
        default=os.environ.get("SYMPHONY_SCRIPT", ""),
        help="what the agents do, as JSON (SYMPHONY_SCRIPT)",
    )
    parser.add_argument(
        "--log",
        default=os.environ.get("SYMPHONY_SCRIPT_LOG", ""),
        help="write down the input of each answer, one JSON line each (SYMPHONY_SCRIPT_LOG)",
    )
    return parser.parse_known_args(arguments)[0]


def home_folder() -> Path:
    """`CODEX_HOME`, which must exist; without it a folder of our own, never Codex's.

    Raises:
        ConfigError: CODEX_HOME names no folder.
    """
    name = os.environ.get("CODEX_HOME", "")
    if not name:
        folder = paths.user_state(os.environ) / "scripted"
        files.make_folder(folder)
        return folder
    if not Path(name).is_dir():
        raise ConfigError(f'CODEX_HOME points to "{name}", but that path does not exist')
    return Path(name).resolve()


def main() -> int:
    """Check the script, then serve until the client leaves."""
    chosen = options(sys.argv[1:])
    try:
        if not chosen.script:
            raise ConfigError("There is no script: give --script FILE or set SYMPHONY_SCRIPT.")
        script = load(Path(chosen.script))
        house = House(Wire(), script, home_folder(), Path(chosen.log) if chosen.log else None)
    except SymphonyError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    asyncio.run(Server(house).serve())
    return 0


if __name__ == "__main__":
    sys.exit(main())
