"""A parcel for a bug report, put together from what `doctor` saw and what lies in `state/`."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform as machine
import re
from pathlib import Path

from symphony_cli.adapters import evidence
from symphony_cli.core import parcel
from symphony_cli.core.secrets import bare
from symphony_cli.wiring_doctor import LocalExaminer, env_file_of

_LINE = re.compile(r"^\s*(?:export\s+)?(\w+)\s*=\s*[\"']?(.*?)[\"']?\s*$", re.MULTILINE)


def refuse_parcel(path: Path) -> None:
    """Refuse a place for a parcel before anybody waits for it (raises `UsageError`)."""
    evidence.refuse(path)


def write_parcel(path: Path, eyes: LocalExaminer, findings: str) -> tuple[str, ...]:
    """Write what a bug report needs into the new file `path`; what is in it.

    Raises:
        UsageError, StateError: there is something at `path`, or it cannot be written.
    """
    homes = {eyes.shell.get("HOME", ""), os.path.expanduser("~")}
    told = {"doctor.json": findings, "versions.txt": _versions(eyes)}
    gathered = evidence.Parcel(
        eyes.configured.paths if eyes.configured else None,
        eyes.place.workflow if eyes.place else None,
        _all_secrets(eyes),
        [form for home in homes if home for form in (home, os.path.realpath(home))],
    )
    return evidence.write(path, gathered, told)


def _all_secrets(eyes: LocalExaminer) -> tuple[str, ...]:
    """Also what an env file holds that cannot be used, and what else the shell hides."""
    known = parcel.secret_values(eyes.shell) + eyes.secrets
    if eyes.place is None:
        return known
    names = eyes.rules[1].tracker.secret_names if eyes.rules else ()
    text = ""
    with contextlib.suppress(OSError):
        text = env_file_of(eyes.place).read_text(encoding="utf-8", errors="replace")
    for name, value in _LINE.findall(text):
        if name in names or parcel.looks_secret(name) or "/" not in value:
            known += (value.strip(), bare(value))
    return tuple(dict.fromkeys(known))


def _versions(eyes: LocalExaminer) -> str:
    """Of Symphony, Python, system, programs and libraries: one a line."""
    seen = eyes.platform()
    lines = [f"symphony {seen.symphony}", f"python {seen.python}", machine.platform()]
    lines.append(eyes.git().said or "no git")
    if eyes.rules is not None:
        lines.append(eyes.codex().program.said or f"codex.command: {eyes.codex().command}")
    for requirement in importlib.metadata.requires("symphony-cli") or ():
        name = re.split(r"[^\w.-]", requirement)[0]
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            lines.append(f"{name} {importlib.metadata.version(name)}")
    return "".join(f"{line}\n" for line in lines)
