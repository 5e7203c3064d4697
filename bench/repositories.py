"""A large repository, made quickly: `git fast-import` of bytes that nothing makes smaller."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

BLOB = 1_000_000
"""Bytes of a file that only history has."""

KEPT, SMALL = 2_000, 10_000
"""So many files of so many bytes are checked out: 20 MB."""

_WHO = "Ada <ada@example.org> 1767225600 +0000"


def make(folder: Path, megabytes: int) -> None:
    """A bare repository with so many MB of objects and 20 MB of files, on `main`.

    Each commit replaces one large file, so that all but the last lie in history only.
    """
    folder.mkdir(parents=True)
    run("init", "--quiet", "--bare", "-b", "main", cwd=folder)
    command = ["git", "-C", str(folder), "fast-import", "--quiet"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        for chunk in _stream(megabytes):
            process.stdin.write(chunk)
        process.stdin.close()
    if process.returncode:
        raise RuntimeError("git fast-import failed")


def _stream(megabytes: int) -> Iterator[bytes]:
    yield _commit("Begin")
    for number in range(KEPT):
        yield _file(f"src/{number % 40}/{number}.bin", SMALL)
    small = KEPT * SMALL // BLOB
    for number in range(megabytes - small):
        yield _commit(f"Change {number}")
        yield b"D large.bin\n" if number == megabytes - small - 1 else _file("large.bin", BLOB)


def _commit(subject: str) -> bytes:
    head = f"commit refs/heads/main\ncommitter {_WHO}\ndata {len(subject)}\n{subject}\n"
    return head.encode()


def _file(path: str, size: int) -> bytes:
    return f"M 100644 inline {path}\ndata {size}\n".encode() + os.urandom(size) + b"\n"


def commit(folder: Path, number: int) -> None:
    """One more commit with one more file."""
    stream = (
        f"commit refs/heads/main\ncommitter {_WHO}\ndata 4\nMore\nfrom refs/heads/main^0\n"
        f"M 100644 inline more-{number}.txt\ndata 4\nmore\n"
    )
    command = ["git", "-C", str(folder), "fast-import", "--quiet"]
    subprocess.run(command, input=stream.encode(), check=True)


def run(*words: str, cwd: Path) -> None:
    """Run git, which must succeed."""
    subprocess.run(["git", *words], cwd=cwd, check=True, capture_output=True)
