"""A parcel for a bug report: what is needed to understand trouble, without secrets.

Files of `state/` are read without following links: an agent without a sandbox could have put one
there that leads to a key of yours.
"""

from __future__ import annotations

import contextlib
import io
import os
import stat
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from symphony_cli.core.parcel import cleaned, cleaned_settings, last_lines
from symphony_cli.errors import StateError, UsageError
from symphony_cli.paths import RunPaths, StatePaths

RUNS = 5
"""The newest runs, of which verdicts and logs go into a parcel."""

TAIL = 200_000
"""Bytes of the ledger, from its end."""

LOG_TAIL = 50_000
"""Bytes of each log of a run."""

_ENDINGS = (".tar.gz", ".tgz")


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is gathered, and what must not be told: secrets, and where the user's home is."""

    state: StatePaths | None
    workflow: Path | None
    secrets: Sequence[str]
    homes: Sequence[str]


def refuse(path: Path) -> None:
    """Refuse a place for a parcel before anybody waits for it.

    Raises:
        UsageError: there is something of that name, no such folder, or another ending.
    """
    if not path.name.endswith(_ENDINGS):
        raise UsageError(f"{path} must end with {' or '.join(_ENDINGS)}: that is what is written.")
    if os.path.lexists(path):
        raise UsageError(f"{path} is there already and is not overwritten: name another file.")
    if not path.parent.is_dir():
        raise UsageError(f"{path.parent} is no folder: make it, or name another file.")


def write(path: Path, parcel: Parcel, told: Mapping[str, str]) -> tuple[str, ...]:
    """Write a parcel as a new file, only for its owner; `told` are texts by name that go in first.

    Returns:
        What is in it: name and size of each file.

    Raises:
        UsageError: as `refuse`.
        StateError: it cannot be written; nothing is left of it.
    """
    refuse(path)
    kept = {name: cleaned(text, parcel.secrets, parcel.homes) for name, text in told.items()}
    texts = kept | dict(_gathered(parcel))
    contents = tuple(f"{name} ({len(text.encode()):,} bytes)" for name, text in texts.items())
    texts["contents.txt"] = "".join(f"{line}\n" for line in contents)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise StateError(f"{path} cannot be written ({error.strerror}): check it.") from error
    try:
        with os.fdopen(descriptor, "wb") as stream:
            _pack(stream, texts)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise StateError(f"{path} cannot be written ({error.strerror}): check it.") from error
    return contents


def _pack(stream: io.BufferedIOBase | io.BufferedWriter, texts: Mapping[str, str]) -> None:
    """Members carry no user and no date."""
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, text in texts.items():
            data = text.encode("utf-8", "replace")
            member = tarfile.TarInfo(f"symphony-report/{name}")
            member.size, member.mode = len(data), 0o600
            archive.addfile(member, io.BytesIO(data))


def _gathered(parcel: Parcel) -> Iterator[tuple[str, str]]:
    if parcel.workflow is not None:
        text = last_lines(*_tail(parcel.workflow, TAIL, follow=True)).decode("utf-8", "replace")
        yield "WORKFLOW.md", cleaned_settings(text, parcel.secrets, parcel.homes)
    if parcel.state is None:
        return
    for name, path, most in _files(parcel.state):
        data, whole = _tail(path, most)
        if data:
            text = last_lines(data, whole).decode("utf-8", "replace")
            yield name, cleaned(text, parcel.secrets, parcel.homes)


def _files(state: StatePaths) -> Iterator[tuple[str, Path, int]]:
    yield "ledger.jsonl", state.ledger, TAIL
    yield "tick.json", state.tick, TAIL
    for run in _newest(state):
        place = f"runs/{run.folder.parent.name}/{run.number}"
        yield f"{place}/exit.json", run.verdict, LOG_TAIL
        yield f"{place}/agent.log", run.log, LOG_TAIL


def _newest(state: StatePaths) -> list[RunPaths]:
    """The runs whose folders changed last; what is no folder of a run is passed over."""
    found: list[tuple[float, RunPaths]] = []
    with contextlib.suppress(OSError):
        for key in sorted(os.listdir(state.runs)):
            for number in state.numbers(key):
                run = state.run(key, number)
                with contextlib.suppress(OSError):
                    status = run.folder.lstat()
                    if stat.S_ISDIR(status.st_mode):
                        found.append((status.st_mtime, run))
    newest = sorted(found, key=lambda pair: -pair[0])[:RUNS]
    return [run for _, run in newest]


def _tail(path: Path, most: int, *, follow: bool = False) -> tuple[bytes, bool]:
    """The end of a regular file, and whether that is all of it; nothing for anything else."""
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except OSError:
        return b"", True
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return b"", True
        stream.seek(max(0, status.st_size - most))
        return stream.read(most), status.st_size <= most
