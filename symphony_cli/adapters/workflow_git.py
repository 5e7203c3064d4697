"""What git knows about the folder of WORKFLOW.md: asked read-only, with a clean environment.

Only the operator's own repository is asked, never a workspace. Git gets only the variables that it
needs to find itself and the user's configuration: GIT_DIR and its like, which a git hook sets,
would point elsewhere, and the tracker's key would stand where agents of the same user can read it.
Hooks and the file system monitor are off.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from symphony_cli.errors import ConfigError, MissingProgram
from symphony_cli.paths import absolute_only

_SAFE = ("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}")
_NEEDED = ("HOME", "XDG_CONFIG_HOME", "TMPDIR", "LD_LIBRARY_PATH", "USER", "LOGNAME", "SUDO_UID")
_PATIENCE = 20.0
_SHA256_LENGTH = 64
_NOT_OURS = ("not a git repository", "must be run in a work tree")


@dataclass(frozen=True, slots=True)
class Repository:
    """A checkout: its top folder, and the commit it is at ("" before the first)."""

    top: Path
    commit: str


def repository(folder: Path, environ: Mapping[str, str]) -> Repository | None:
    """The checkout that `folder` lies in, or None when it lies in none.

    Raises:
        MissingProgram: it lies in one, and git is not installed.
        ConfigError: git refuses to look at it.
    """
    if not any(_is_git(above / ".git") for above in (folder, *folder.parents)):
        return None
    done = _git(folder, environ, "rev-parse", "--show-toplevel", "HEAD")
    found = done.stdout.splitlines()
    if not found:
        if any(words in done.stderr for words in _NOT_OURS):
            return None
        first = (done.stderr.strip().splitlines() or ["no reason given"])[0]
        raise ConfigError(
            f"git cannot look at {folder} ({first}): check it with `git -C {folder} status`."
        )
    return Repository(Path(found[0]), found[1] if done.returncode == 0 else "")


def _is_git(path: Path) -> bool:
    """A repository or a link to one; sandboxes leave empty folders of that name behind."""
    return path.is_file() or (path / "HEAD").exists()


def origin(repo: Repository, environ: Mapping[str, str]) -> str:
    """URL or absolute path of the remote `origin`, or "" when there is none."""
    done = _git(repo.top, environ, "remote", "get-url", "origin")
    url = done.stdout.strip()
    if done.returncode != 0 or not url:
        return ""
    return absolute_url(url, repo.top)


def absolute_url(url: str, folder: Path) -> str:
    """A URL as it is; a path made absolute. `host:path` is a URL to git (git-clone(1))."""
    is_path = "://" not in url and ":" not in url.split("/")[0]
    return os.path.normpath(folder / url) if is_path else url


def is_tracked(path: Path, environ: Mapping[str, str]) -> bool:
    """Whether git has this file in its index; False outside a repository."""
    if repository(path.parent, environ) is None:
        return False
    words = ("--literal-pathspecs", "ls-files", "--error-unmatch", "--", path.name)
    return _yes(path, _git(path.parent, environ, *words))


def is_ignored(path: Path, environ: Mapping[str, str]) -> bool:
    """Whether git would leave this file out; True outside a repository, False for a tracked one."""
    if repository(path.parent, environ) is None:
        return True
    return _yes(path, _git(path.parent, environ, "check-ignore", "-q", "--", f"./{path.name}"))


def _yes(path: Path, done: subprocess.CompletedProcess[str]) -> bool:
    """Exit 0 is yes and 1 is no; anything else is no answer and must not pass for one."""
    if done.returncode not in (0, 1):
        first = (done.stderr.strip().splitlines() or ["no reason given"])[0]
        raise ConfigError(f"git cannot look at {path} ({first}): check that repository.")
    return done.returncode == 0


def blob_id(data: bytes, like: str = "") -> str:
    """The name git gives to this content, by the kind of hash that the commit `like` has."""
    whole = b"blob %d\0" % len(data) + data
    if len(like) == _SHA256_LENGTH:
        return hashlib.sha256(whole).hexdigest()
    return hashlib.sha1(whole, usedforsecurity=False).hexdigest()


def _git(folder: Path, environ: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    clean = {name: environ[name] for name in _NEEDED if name in environ}
    clean |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    clean["PATH"] = absolute_only(environ.get("PATH", os.defpath))
    try:
        return subprocess.run(
            ["git", "-C", str(folder), *_SAFE, *words],
            env=clean,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=_PATIENCE,
            check=False,
        )
    except FileNotFoundError as error:
        raise MissingProgram(
            f"git is not on PATH, and {folder} lies in a git repository: install git, or set PATH"
            " in symphony.env."
        ) from error
    except subprocess.TimeoutExpired as error:
        raise ConfigError(
            f"git gave no answer about {folder} in {_PATIENCE:g} s: check that disk."
        ) from error
