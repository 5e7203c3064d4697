"""Commands for the first hour: demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from symphony_cli.cli.shared import app, end


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
