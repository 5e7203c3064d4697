"""Writing an issue file: one of us at a time, never over what an editor saved meanwhile."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from symphony_cli import files
from symphony_cli.errors import TrackerError
from symphony_cli.paths import absolute_only

LOCK_WAIT = 10.0
"""Seconds to wait for another writer."""

GIT_WAIT = 30.0
"""Seconds that each of the two git calls of a commit may take."""

GIT_TIDIES = 1.0
"""Seconds that git has to remove its lock files when it is ended."""

_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "commit.gpgSign=false",
    "gc.auto=0",
    "maintenance.auto=false",
)


@contextmanager
def write_lock(path: Path, wait: float = LOCK_WAIT) -> Iterator[None]:
    """Hold `markdown.lock`: writers of Symphony come one after the other.

    Raises:
        TrackerError: another writer has had it for `wait` seconds, or it cannot be locked.
        StateError: its folder cannot be made.
    """
    from filelock import FileLock, Timeout  # 60 ms; only who writes pays them

    files.make_folder(path.parent)
    lock = FileLock(path, timeout=wait, mode=0o600, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise TrackerError(
            f"Another process has been writing issue files for {wait:g} s ({path}): "
            "try again later."
        ) from error
    except (OSError, NotImplementedError) as error:
        raise TrackerError(
            f"{path} cannot be locked ({error}): put `state.path` on a local file system."
        ) from error
    try:
        yield
    finally:
        lock.release()


def replace_unchanged(
    path: Path, before: bytes, after: bytes, before_swap: Callable[[Path], None]
) -> bool:
    """Put `after` in the place of `before`; False when the file no longer holds `before`.

    The new content is on disk before the last look, so that between the look and the rename there
    is nothing but these two system calls. `before_swap` is called just before the look.

    Raises:
        TrackerError: the folder or the disk does not take it; the file is as it was.
    """
    target = Path(os.path.realpath(path))
    try:
        descriptor, name = tempfile.mkstemp(
            prefix=f".{target.name}.", suffix=".symphony", dir=target.parent
        )
        hidden = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(after)
                stream.flush()
                os.fchmod(descriptor, stat.S_IMODE(target.stat().st_mode))
                os.fsync(descriptor)
            before_swap(target)
            if target.read_bytes() != before:
                return False
            hidden.replace(target)
        finally:
            hidden.unlink(missing_ok=True)
        files.sync_folder(target.parent)
    except FileNotFoundError:
        return False
    except OSError as error:
        advice = "free some space" if error.errno == errno.ENOSPC else "check who may write there"
        raise TrackerError(f"{path} cannot be written ({error.strerror}): {advice}.") from error
    return True


def commit_file(repo: Path, path: Path, message: str, wait: float = GIT_WAIT) -> None:
    """Commit this one file in the operator's repository, as Symphony; staged work stays staged.

    Hooks and signing are off: both may ask questions that nobody is there to answer. Each of the
    two git calls may take `wait` seconds.

    Raises:
        TrackerError: git refuses or is not there; the change itself is in the file.
    """
    target = os.path.realpath(path)
    _git(repo, wait, "add", "--", target)
    _git(repo, wait, "commit", "--quiet", "--no-verify", "--only", "-m", message, "--", target)


def _git(repo: Path, wait: float, *arguments: str) -> None:
    command = ["git", "--literal-pathspecs", "-C", str(repo)]
    for setting in _SETTINGS:
        command += ["-c", setting]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    clean["PATH"] = absolute_only(os.environ.get("PATH", os.defpath))
    for role in ("AUTHOR", "COMMITTER"):
        clean |= {f"GIT_{role}_NAME": "Symphony", f"GIT_{role}_EMAIL": "symphony@localhost"}
    try:
        code, said = _run([*command, *arguments], clean, wait)
    except FileNotFoundError as error:
        raise TrackerError(
            "git is not installed: install it, or set `tracker.commit: false`; the change is in "
            "the file."
        ) from error
    except subprocess.TimeoutExpired as error:
        raise TrackerError(
            f"git {arguments[0]} in {repo} took longer than {wait:.1f} s; the change is in "
            "the file: commit it by hand."
        ) from error
    if code:
        raise TrackerError(
            f"git {arguments[0]} in {repo} refused ({' '.join(said.split())[:300]}); the change is "
            "in the file: commit it by hand, or set `tracker.commit: false`."
        )


def _run(command: list[str], environ: dict[str, str], wait: float) -> tuple[int, str]:
    """Exit code and words of a git call. One that takes too long is ended with SIGTERM first: a
    git that is killed leaves its `index.lock` in the operator's repository for good."""
    with subprocess.Popen(
        command,
        env=environ | {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as git:
        try:
            said, _ = git.communicate(timeout=wait)
        except BaseException:
            git.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                git.communicate(timeout=GIT_TIDIES)
            git.kill()
            raise
        return git.returncode, said
