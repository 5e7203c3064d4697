"""`$NAME`, `~` and relative paths, as WORKFLOW.md files have them.

`$NAME` stands for a variable only when it is the whole value; everything else is plain text.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

_VARIABLE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_LOOKS_LIKE_ONE = re.compile(r"\$[A-Za-z_{]")


def variable(value: str | None) -> str | None:
    """The NAME of a value that is `$NAME`, else None."""
    match = _VARIABLE.fullmatch(value.strip()) if value is not None else None
    return match[1] if match else None


def text(value: str | None, environ: Mapping[str, str], default: str = "") -> str:
    """A value with its variable looked up; blank and unset ones give `default`."""
    if value is None:
        return default
    name = variable(value)
    found = value if name is None else environ.get(name, "")
    return found.strip() or default


def path(value: str | None, environ: Mapping[str, str], folder: Path, default: str = "") -> str:
    """An absolute path, or `default` as it is when nothing is given.

    Raises:
        ValueError: a variable is only a part of the value.
    """
    found = text(value, environ)
    if not found:
        return default
    if value is not None and variable(value) is None and _LOOKS_LIKE_ONE.match(found):
        raise ValueError("only a whole value $NAME is looked up: write ~/… or the full path")
    return os.path.normpath(folder / home_expanded(found, environ))


def home_expanded(value: str, environ: Mapping[str, str]) -> str:
    """`~` and `~/…` with the home of `environ`, `~name/…` with that person's."""
    if (value == "~" or value.startswith("~/")) and environ.get("HOME"):
        return environ["HOME"] + value[1:]
    return os.path.expanduser(value)
