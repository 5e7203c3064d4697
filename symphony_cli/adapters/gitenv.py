"""The environment and command line that our own git runs in; the only room that starts git for us.

Two manners. `git` works on what an agent has touched: nothing of the caller's environment, of the
system's, the user's or the agent's configuration reaches it, it may not use any network, and
`git_dir` is always a repository of ours. `remote_git` speaks with the operator's remote, where the
operator's own configuration (credential helpers, proxies, LFS) is wanted; it never gets a folder
that an agent has written in, but for objects that a repository of ours borrows (`trunk`).

The standard library starts git here and not GitPython: `git.cmd.Git` lays its variables over
`os.environ`, so an inherited GIT_DIR could not be taken out, and at a time limit it does not reach
what git itself has started (ssh, filters), since it starts no session of its own.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from symphony_cli.errors import MissingProgram, WorkspaceError
from symphony_cli.paths import absolute_only

PATIENCE = 60.0
"""Seconds that a local git command may take."""

CLONE_PATIENCE = 840.0
"""Seconds that a clone may take; prepare as a whole has 15 minutes."""

NOBODY = "/nonexistent"
"""HOME of our quiet git: before 2.32 git does not know GIT_CONFIG_GLOBAL and would look there."""

_QUIET = {
    "core.attributesFile": os.devnull,
    "core.autocrlf": "false",
    "core.commitGraph": "false",
    "core.excludesFile": os.devnull,
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.pager": "cat",
    "core.safecrlf": "false",
    "core.splitIndex": "false",
    "core.untrackedCache": "false",
    "credential.helper": "",
    "diff.ignoreSubmodules": "all",
    "gc.auto": "0",
    "index.sparse": "false",
    "maintenance.auto": "false",
    "pack.useBitmaps": "false",
    "protocol.allow": "never",
    "submodule.recurse": "false",
}
"""Settings by which git starts programs, or believes caches that an agent can write."""

_PRIVATE, _AS_IT_IS = 0o077, -1
_TRANSPORT = re.compile(
    r"GIT_(SSH|SSH_COMMAND|SSH_VARIANT|ASKPASS|PROXY_COMMAND|PROXY_SSL_\w+|SSL_\w+|HTTP_\w+"
    r"|EXEC_PATH|ALLOW_PROTOCOL|CONFIG_(GLOBAL|SYSTEM|NOSYSTEM|COUNT|KEY_\d+|VALUE_\d+))"
)
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")


@dataclass(frozen=True, slots=True)
class _Call:
    command: tuple[str, ...]
    verb: str
    environment: dict[str, str]
    locks: tuple[int, ...] = ()
    umask: int = _AS_IT_IS
    on_group: Callable[[int], None] | None = None


def quiet_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """What git gets when it touches an agent's files: made from nothing but PATH and TMPDIR."""
    source = os.environ if environ is None else environ
    kept = {name: source[name] for name in ("TMPDIR", "LD_LIBRARY_PATH") if name in source}
    return kept | {
        "PATH": absolute_only(source.get("PATH", os.defpath)),
        "HOME": NOBODY,
        "XDG_CONFIG_HOME": NOBODY,
        "LC_ALL": "C",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
    }


def remote_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` for git that speaks with the operator's remote.

    Of the variables of git itself only those stay that say how to reach and trust a remote:
    GIT_DIR, GIT_INDEX_FILE and their like, set wherever a hook starts us, would lead elsewhere.
    """
    kept = {
        name: value
        for name, value in environ.items()
        if not name.startswith("GIT_") or _TRANSPORT.fullmatch(name)
    }
    path = absolute_only(environ.get("PATH", os.defpath))
    return kept | {"PATH": path, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}


def git(
    *words: str,
    git_dir: Path | None = None,
    work_tree: Path | None = None,
    index: Path | None = None,
    data: bytes = b"",
    variables: Mapping[str, str] | None = None,
    settings: Mapping[str, str] | None = None,
    accept: Collection[int] = (0,),
    locks: Sequence[int] = (),
    timeout: float = PATIENCE,
) -> bytes:
    """Run git on what an agent may have touched; its output.

    `git_dir` must be a repository of ours and never an agent's. `locks` are descriptors that git
    inherits, so that a lock lives as long as an orphaned git does. `settings` go on top of the
    quiet ones; exit codes other than those of `accept` are failures.

    Raises:
        WorkspaceError: git failed or took longer than `timeout` seconds.
        MissingProgram: there is no git.
    """
    environment = quiet_environment() | dict(variables or {})
    places = {"GIT_DIR": git_dir, "GIT_WORK_TREE": work_tree, "GIT_INDEX_FILE": index}
    environment |= {name: str(place) for name, place in places.items() if place is not None}
    chosen = _QUIET | dict(settings or {})
    options = _options(chosen)
    command = (_program(environment), "--literal-pathspecs", *options, *words)
    umask = _PRIVATE if work_tree is None else _AS_IT_IS
    call = _Call(command, words[0], environment, tuple(locks), umask)
    return _run(call, data, accept, timeout)


def remote_git(
    *words: str,
    environment: Mapping[str, str],
    settings: Mapping[str, str] | None = None,
    timeout: float = CLONE_PATIENCE,
    on_group: Callable[[int], None] | None = None,
    locks: Sequence[int] = (),
) -> bytes:
    """Run git with the operator's own configuration, and `settings` on top; its output.

    `on_group` is told the process group before anything can go wrong, so that others can end it.
    `locks` are descriptors that git inherits.

    Raises:
        WorkspaceError: git failed or took longer than `timeout` seconds.
        MissingProgram: there is no git.
    """
    chosen = remote_environment(environment)
    verb = next(word for word in words if not word.startswith("-"))
    options = _options(settings or {})
    command = (_program(chosen), *options, *words)
    call = _Call(command, verb, chosen, tuple(locks), on_group=on_group)
    return _run(call, b"", (0,), timeout)


def _options(settings: Mapping[str, str]) -> list[str]:
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def _program(environment: Mapping[str, str]) -> str:
    found = shutil.which("git", path=environment["PATH"])
    if found is None:
        raise MissingProgram(
            "git is not on PATH: install git, or set PATH in symphony.env beside WORKFLOW.md."
        )
    return found


def _run(call: _Call, data: bytes, accept: Collection[int], timeout: float) -> bytes:
    """Output goes to nameless files: a pipe would be held open by an ssh that stays behind."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        with _started(call, out, err) as process:
            try:
                if call.on_group is not None:
                    call.on_group(process.pid)
                process.communicate(data, timeout)
            except subprocess.TimeoutExpired as error:
                _end(process)
                raise WorkspaceError(
                    f"git {call.verb} took longer than {timeout:g} s and was ended: check disk and"
                    " network."
                ) from error
            except BaseException:
                _end(process)
                raise
        if process.returncode not in accept:
            err.seek(0)
            reason = _reason(err.read(), process.returncode)
            raise WorkspaceError(f"git {call.verb} failed: {reason}")
        out.seek(0)
        return out.read()


def _started(call: _Call, out: IO[bytes], err: IO[bytes]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            call.command,
            env=call.environment,
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=err,
            pass_fds=call.locks,
            start_new_session=True,
            umask=call.umask,
        )
    except OSError as error:
        raise MissingProgram(
            f"{call.command[0]} cannot be started ({error.strerror}): reinstall git."
        ) from error


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _reason(err: bytes, code: int) -> str:
    """The lines in which git says what is wrong, without the credentials of a URL."""
    lines = [line.strip() for line in err.decode("utf-8", "replace").splitlines() if line.strip()]
    told = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines[-3:]
    return _CREDENTIALS.sub("", "; ".join(told[:3])) or f"exit status {code}"


def is_branch_name(name: str) -> bool:
    """Whether git takes `name` for a branch: the rules of git-check-ref-format(1), `--branch`."""
    parts = name.split("/")
    return (
        bool(name)
        and name not in ("@", "HEAD")
        and not name.startswith("-")
        and not name.endswith(".")
        and not re.search(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{", name)
        and not any(not part or part.startswith(".") or part.endswith(".lock") for part in parts)
    )


def url_without_credentials(url: str) -> str:
    """A URL as people may see it."""
    return _CREDENTIALS.sub("", url)
