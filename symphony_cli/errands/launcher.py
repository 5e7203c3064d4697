"""Which program `codex.command` means on this machine."""

from __future__ import annotations

import importlib
import re
import shlex
import shutil
from collections.abc import Callable

from symphony_cli.errors import MissingProgram

_SHELL = re.compile(r"[$`\\|&;<>()*?\[\]{}#~!\n]")
"""What only a shell can make sense of."""

INSTALL = (
    "install it with `npm install -g @openai/codex` or `pip install symphony-cli[codex]`, "
    "or set PATH in symphony.env so that it is found"
)


def bundled() -> str | None:
    """The binary of the package `openai-codex-cli-bin`, if that is installed and whole."""
    try:
        return str(importlib.import_module("codex_cli_bin").bundled_codex_path())
    except (ImportError, FileNotFoundError):
        return None


def codex_argv(
    command: str, path: str, extra: Callable[[], str | None] = bundled
) -> tuple[str, ...]:
    """The command line to start, without a shell between us and the server where possible.

    A shell, and a wrapper in another language, is one more process that can die alone. A plain list
    of words whose first is a program on `path` is started directly; `codex` that is not on `path`
    comes from the extra `codex`; anything else goes to a login shell.

    Raises:
        MissingProgram: codex, or bash for a command that needs one, is not there.
    """
    words = _plain(command)
    if words:
        program = shutil.which(words[0], path=path)
        if program is None and words[0] == "codex":
            program = extra()
            if program is None:
                raise MissingProgram(f"`codex` was not found on PATH ({path}): {INSTALL}.")
        if program is not None:
            return (program, *words[1:])
    bash = shutil.which("bash", path=path)
    if bash is None:
        raise MissingProgram(
            f"`codex.command` ({command}) needs bash, which was not found on PATH ({path}): "
            "install bash, or write a program and its arguments only."
        )
    return (bash, "-lc", command)


def _plain(command: str) -> list[str]:
    if _SHELL.search(command):
        return []
    try:
        words = shlex.split(command)
    except ValueError:
        return []
    return [] if not words or "=" in words[0] else words
