"""Which programs are there, of which version, and whether Codex is logged in. Costs nothing: no
model is asked."""

from __future__ import annotations

import os
import re
import shutil
import stat
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

from symphony_cli.adapters.asking import ask
from symphony_cli.core.examined import Codex, Login, Program
from symphony_cli.errors import MissingProgram
from symphony_cli.paths import absolute_only

Finder = Callable[[str, str], tuple[str, ...]]
"""The command line that `codex.command` means with a PATH (raises `MissingProgram`)."""

NOWHERE = "/nonexistent"

_SERVER = "app-server"
_CODEX = re.compile(rf"(?:^|[\s/])codex[\w.-]*\s(?:.*\s)?{_SERVER}\b")
_KEYS = ("CODEX_API_KEY", "OPENAI_API_KEY")


def git(environ: Mapping[str, str]) -> Program:
    """Git as ticks find it: on PATH, without folders that are not absolute."""
    path = absolute_only(environ.get("PATH", os.defpath))
    found = shutil.which("git", path=path)
    if found is None:
        return Program(error=f"git is not on PATH ({path}).")
    return _version(found, ("--version",), {"PATH": path, "LC_ALL": "C"})


def is_codex(command: str) -> bool:
    """Whether a `codex.command` starts Codex's app-server, as far as its words tell."""
    return _CODEX.search(command) is not None


def codex(command: str, environ: Mapping[str, str], find: Finder) -> Codex:
    """What a run would start; `environ` is an agent's."""
    try:
        argv = find(command, environ.get("PATH", os.defpath))
    except MissingProgram as error:
        return Codex(command, Program(error=str(error)))
    if argv[1:2] == ("-lc",):
        return Codex(command, Program(argv[0]), is_codex=False, shell=True)
    if not is_codex(command) or _SERVER not in argv:
        return Codex(command, Program(argv[0]), is_codex=False)
    before = argv[1 : argv.index(_SERVER)]
    options = () if any(word.startswith("-") for word in before) else before
    # Without a home of its own it leaves none of its files behind for this question.
    homeless = {**environ, "CODEX_HOME": NOWHERE}
    return Codex(command, _version(argv[0], (*options, "--version"), homeless))


def _version(program: str, words: tuple[str, ...], environ: Mapping[str, str]) -> Program:
    reply = ask((program, *words), environ)
    if reply.trouble:
        return Program(program, error=f"{program} does not tell its version: {reply.trouble}.")
    return Program(program, reply.first)


def login(home: str, environ: Mapping[str, str]) -> Login:
    """What the files of a CODEX_HOME tell of its login; `environ` is an agent's."""
    folder = Path(home)
    variables = tuple(name for name in _KEYS if environ.get(name))
    if not os.path.isdir(home):
        return Login(home, there=False, variables=variables)
    try:
        config = tomllib.loads((folder / "config.toml").read_text(encoding="utf-8"))
    except FileNotFoundError:
        config = {}
    except (OSError, ValueError) as error:
        return Login(home, there=True, fault=" ".join(str(error).split()))
    provider, wanted = _provider(config)
    mode = _mode(folder / "auth.json")
    return Login(
        home,
        there=True,
        auth=mode is not None,
        open_to_others=bool((mode or 0) & 0o077),
        keyring=config.get("cli_auth_credentials_store") in ("keyring", "auto"),
        provider=provider,
        provider_key=wanted,
        provider_key_set=bool(environ.get(wanted)),
        variables=variables,
    )


def _provider(config: Mapping[str, object]) -> tuple[str, str]:
    """A provider that needs no login of OpenAI, and the variable with its key; else nothing."""
    name, providers = config.get("model_provider"), config.get("model_providers")
    if not isinstance(name, str) or not isinstance(providers, dict):
        return "", ""
    told = providers.get(name)
    if not isinstance(told, dict) or told.get("requires_openai_auth") is True:
        return "", ""
    wanted = told.get("env_key")
    return name, wanted if isinstance(wanted, str) else ""


def _mode(path: Path) -> int | None:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return None
