"""The budget file: what is left of Linear's allowance, shared by all processes with one key.

`budget-<digest of the key>.json` lies in the user's state folder and holds a `core.budget.Bucket`.
Every request takes a token from it before it is sent, and every answer corrects it, under a lock
that is held for the time of two small file operations and never during a request.

The file is an estimate that the next answer corrects, so nothing about it may stop a tick:

    torn, foreign, of another format, unreadable    a fresh bucket, written over it
    the folder cannot be written or locked          a bucket in the memory of this process
    the lock is busy for 2 s                        routine waits a second; our own writes pass

The key is in no file and no name: only a digest of it, which cannot be turned back.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from symphony_cli import files
from symphony_cli.core import budget
from symphony_cli.core.budget import Asker, Bucket, Gauge, Told
from symphony_cli.core.secrets import bare
from symphony_cli.core.shape import decode, encode
from symphony_cli.core.times import Wait
from symphony_cli.errors import PutOff, StateError

LOCK_WAIT = 2.0
"""Seconds to wait for another process that has the budget."""

BUSY_WAIT = 1.0
"""Seconds that a routine request is put off when the lock stayed busy."""

POLL = 0.005
"""Seconds between two tries for the lock; it is held for less than that."""

T = TypeVar("T")


class _Busy(Exception):
    """Another process has had the lock all the time."""


class Allowance:
    """The allowance of one key.

    When its folder cannot be written, requests still go on: this process then goes by a bucket in
    its memory, which knows of its own requests and of what the answers say.

    Args:
        folder: the user's state folder; made (0700) when it is not there.
        key: the value of the tracker's key, with or without "Bearer".
        now: the wall clock.
        lock_wait: seconds to wait for another process that has the budget.
    """

    def __init__(
        self,
        folder: Path,
        key: str,
        now: Callable[[], datetime],
        *,
        lock_wait: float = LOCK_WAIT,
    ) -> None:
        self._folder, self._now, self._lock_wait = folder, now, lock_wait
        self._path = folder / f"budget-{digest(key)}.json"
        self._memory: Bucket | None = None

    def take(self, asker: Asker) -> None:
        """Take a token for one request that is sent now.

        Raises:
            PutOff: not yet; the sentence says why, and in how many seconds. Nothing was taken.
        """
        try:
            refused = self._revised(lambda bucket, now: _taken(bucket, now, asker))
        except _Busy as error:
            if asker is Asker.OURS:
                return
            raise PutOff(
                f"Other processes kept the budget of Linear's key busy ({self._path}): "
                f"asked again in {BUSY_WAIT:g} s.",
                BUSY_WAIT,
            ) from error
        if refused is not None:
            raise refused

    def heard(self, told: Told) -> None:
        """Correct the estimate by what an answer says."""
        try:
            self._revised(lambda bucket, now: (budget.corrected(bucket, told, now), None))
        except _Busy:
            return  # the next answer says it again

    def refused(self, told: Told, retry_after: float | None, asker: Asker = Asker.TICK) -> Wait:
        """Note an answer that says "too often"; how long the next request of `asker` waits.

        Args:
            retry_after: seconds that the answer names, None when it names none.
        """

        def change(bucket: Bucket, now: datetime) -> tuple[Bucket, Wait]:
            closed = budget.limited(bucket, told, retry_after, now)
            return closed, Wait(now, budget.gauge(closed, now, asker).wait)

        try:
            return self._revised(change)
        except _Busy:
            return change(Bucket(), self._now())[1]

    def gauge(self) -> Gauge:
        """What is left, for people. Takes nothing, waits for nobody, writes nothing."""
        return budget.gauge(self._known(), self._now())

    def _revised(self, change: Callable[[Bucket, datetime], tuple[Bucket, T]]) -> T:
        """Replace the bucket by what `change` makes of it; what else `change` says."""
        try:
            with self._locked():
                after, result = change(self._known(), self._now())
                data = json.dumps(encode(after, full=True)).encode() + b"\n"
                files.replace(self._path, data, durable=False)
        except StateError:
            self._memory, result = change(self._known(), self._now())
        else:
            self._memory = None
        return result

    def _known(self) -> Bucket:
        """What could not be written, else what is in the file, else a fresh bucket."""
        if self._memory is not None:
            return self._memory
        try:
            bucket = decode(Bucket, json.loads(files.read(self._path) or b"null"))
        except (StateError, ValueError, RecursionError):
            return Bucket()
        return bucket if budget.sound(bucket) else Bucket()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        from filelock import FileLock, Timeout  # 60 ms; only who asks Linear pays them

        files.make_folder(self._folder)
        path = self._folder / "budget.lock"
        lock = FileLock(path, mode=0o600, fallback_to_soft=False)
        try:
            lock.acquire(timeout=self._lock_wait, poll_interval=POLL)
        except Timeout as error:
            raise _Busy from error
        except (OSError, NotImplementedError) as error:
            raise StateError(f"{path} cannot be locked: {error}.") from error
        try:
            yield
        finally:
            lock.release()


def digest(key: str) -> str:
    """16 hex digits that stand for a key; the same with and without "Bearer" before it."""
    return hashlib.sha256(bare(key).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _taken(bucket: Bucket, now: datetime, asker: Asker) -> tuple[Bucket, PutOff | None]:
    after, wait = budget.reserve(bucket, now, asker)
    if wait is None:
        return after, None
    _, why = budget.hold(after, now, asker)
    sentence = f"Linear is not asked for the next {math.ceil(wait.seconds)} s: {why}."
    return after, PutOff(sentence, wait.seconds)
