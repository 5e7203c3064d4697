"""`symphony.env`: the variables that a timer's tick would otherwise not have.

One `KEY=value` a line; `export ` before it, comments and quotes are understood, nothing is
expanded. Only its owner may read it, and git must not have it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from symphony_cli import files
from symphony_cli.adapters.config.values import home_expanded
from symphony_cli.adapters.regular import read_regular
from symphony_cli.adapters.workflow_git import is_ignored
from symphony_cli.errors import ConfigError

NAME = "symphony.env"
"""Beside WORKFLOW.md."""

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(?:#.*)?')
_SINGLE = re.compile(r"'([^']*)'\s*(?:#.*)?")
_COMMENT = re.compile(r"(?:^|\s)#.*")
_ESCAPES = {"n": "\n", "t": "\t"}


def read_env_file(path: Path) -> dict[str, str]:
    """The variables of an env file; a name given twice has its last value.

    Raises:
        ConfigError: it is missing, no regular file, others may read it, or a line is no
            `KEY=value`.
    """
    try:
        data, mode = read_regular(path)
    except FileNotFoundError as error:
        raise ConfigError(f"{path} does not exist: create it, or name another one.") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}): check the file.") from error
    if mode & 0o077:
        raise ConfigError(f"{path} may be read by others: run `chmod 600 {path}`.")
    try:
        lines = data.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8: save it as UTF-8.") from error
    found: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            name, value = _parse(path, number, line.strip())
            found[name] = value
    return found


def _parse(path: Path, number: int, line: str) -> tuple[str, str]:
    match = _LINE.fullmatch(line)
    if match is None:
        raise ConfigError(f"{path}, line {number}: this is no KEY=value.")
    name, rest = match[1], match[2]
    value = _value(path, number, name, rest)
    if "\0" in value:
        raise ConfigError(f"{path}, line {number}: {name} holds a NUL character; remove it.")
    if name == "PATH" and "$" in value:
        raise ConfigError(
            f"{path}, line {number}: PATH holds a $, and nothing is expanded here; write the"
            " folders in full."
        )
    return name, value


def _value(path: Path, number: int, name: str, rest: str) -> str:
    if rest[:1] not in ("'", '"'):
        return _COMMENT.sub("", rest).strip()
    match = (_DOUBLE if rest[0] == '"' else _SINGLE).fullmatch(rest)
    if match is None:
        raise ConfigError(
            f"{path}, line {number}: the quotes around {name} do not match; close them."
        )
    if rest[0] == "'":
        return match[1]
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), match[1])


def environment(
    base: Mapping[str, str], workflow_folder: Path, option: str | None = None
) -> dict[str, str]:
    """What `$NAME`s, PATH and SSH_AUTH_SOCK are looked up in: `base` and the env file over it.

    The file wins, so that a timer's tick and a tick typed into a terminal see the same. `option`
    names another file than `symphony.env`; that one must exist.

    Raises:
        ConfigError: the file cannot be used, or git would take it into a commit.
    """
    if option is not None:
        path = Path.cwd() / home_expanded(option, base)
    else:
        path = workflow_folder / NAME
        if not path.exists():
            return dict(base)
    merged = {**base, **read_env_file(path)}
    if not is_ignored(path, merged):
        raise ConfigError(
            f"{path} is not ignored by git and could be committed: add {path.name} to .gitignore"
            " (and `git rm --cached` it if it is there already)."
        )
    return merged


def add(path: Path, values: Mapping[str, str]) -> None:
    """Write more variables at the end of an env file, which is made when it is not there.

    Raises:
        ValueError: a value that cannot be written down so that it is read back; its text is the
            name of the variable.
        StateError: the disk does not take it.
    """
    lines = "".join(f"{name}={_written(name, value)}\n" for name, value in values.items())
    before = files.read(path) or b""
    if before and not before.endswith(b"\n"):
        before += b"\n"
    files.replace(path, before + lines.encode())


def _written(name: str, value: str) -> str:
    if "'" in value or "\n" in value or "\0" in value or (name == "PATH" and "$" in value):
        raise ValueError(name)
    return f"'{value}'"
