"""The real Codex in two versions: the one that PyPI ships, and the one that npm ships.

The npm one is installed once per machine, into a cache folder; what needs it is skipped, with the
reason, where npm is absent or does not get it.
"""

from __future__ import annotations

import importlib
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from filelock import FileLock, Timeout

CACHE = Path.home() / ".cache" / "symphony-tests"
"""Codex wants its home outside of the temp directory, and a workspace there would be writable
with the temp directory, whatever the sandbox says of it."""

PYPI, NPM = "0.163", "0.169"
VERSIONS = (PYPI, NPM)
NPM_VERSION = "0.169.0"
_INSTALL_WITHIN = 60.0
_LOCK_WITHIN = 75.0
_NATIVE = "node_modules/@openai/codex-*/vendor/*/bin/codex"


class Missing(Exception):
    """A version is not to be had here; the text says why."""


@cache
def binary(version: str) -> str:
    """The path of the native binary of a version; Missing where there is none."""
    return _from_npm() if version == NPM else _from_pypi()


def _from_pypi() -> str:
    try:
        return str(importlib.import_module("codex_cli_bin").bundled_codex_path())
    except (ImportError, FileNotFoundError) as error:
        raise Missing(f"the real Codex is not installed (the extra `codex`): {error}") from error


def _from_npm() -> str:
    """Install it unless another process of this machine has; a failed install leaves nothing."""
    place = CACHE / f"codex-{NPM_VERSION}"
    CACHE.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(CACHE / "npm.lock", timeout=_LOCK_WITHIN):
            if not place.exists():
                _install(place)
    except Timeout as error:
        raise Missing("another process has been installing @openai/codex for too long") from error
    found = sorted(place.glob(_NATIVE))
    if not found:
        raise Missing(f"@openai/codex {NPM_VERSION} has no native binary for this machine")
    _check(str(found[0]))
    return str(found[0])


def _install(place: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise Missing("npm is not on PATH, and Codex 0.169 comes from npm")
    fresh = Path(tempfile.mkdtemp(dir=CACHE))
    options = ["--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries", "1"]
    try:
        _run([npm, "install", "--prefix", str(fresh), *options, f"@openai/codex@{NPM_VERSION}"])
        fresh.rename(place)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _check(path: str) -> None:
    said = _run([path, "--version"])
    if said.split()[-1:] != [NPM_VERSION]:
        raise Missing(f"{path} says that it is {said.strip()!r}, not {NPM_VERSION}")


def _run(words: list[str]) -> str:
    """Run one command for a bounded time and return what it says."""
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, check=True, timeout=_INSTALL_WITHIN
        )
    except (subprocess.SubprocessError, OSError) as error:
        told = getattr(error, "stderr", None) or ""
        raise Missing(f"`{words[0]}` failed: {error} {str(told)[-300:]}") from error
    return done.stdout
