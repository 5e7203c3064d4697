"""The one place where a tracker is opened, for a tick and for the errands of a run alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from symphony_cli.adapters.discreet import Discreet
from symphony_cli.core.policy import Rules
from symphony_cli.core.run import TrackerRef
from symphony_cli.errors import ConfigError
from symphony_cli.ids import digest
from symphony_cli.paths import StatePaths, user_state
from symphony_cli.ports import Tracker

if TYPE_CHECKING:
    from symphony_cli.adapters.linear.allowance import Allowance
    from symphony_cli.adapters.linear.transport import Transport

REQUEST_TIMEOUT = 15.0
"""Seconds that one request may take; Linear answers in a few hundred milliseconds."""

LOCK_WAIT, GIT_WAIT = 10.0, 30.0
"""Seconds that an errand waits for another writer of issue files, and for each git call."""


SHORTEST_TIMEOUT = 2.0
"""Seconds that a request gets however late it is."""

LATEST = 1.5
"""Deadlines after which no request of a tick goes on."""

READING_SHARE = 0.5
"""Of a tick's deadline, for reading, however many pages there are."""


@dataclass(frozen=True, slots=True)
class Opening:
    """How patient a tracker is, and what it may write.

    `due` is when, in seconds of `elapsed()`, the tick that asks should be done; None for those
    who have no deadline. `patience` is for runs: how long a read is repeated before it fails.
    `keeps`: this process holds `state/lock`.
    """

    elapsed: Callable[[], float] = lambda: 0.0
    due: float | None = None
    patience: float = 0.0
    keeps: bool = False
    ours: bool = True
    """What is written is Symphony's own; else an agent's, which has no part in the reserve."""
    yields: bool = False
    """A run or its agent asks, and leaves what is scarce of the allowance to ticks."""
    lock_wait: float = LOCK_WAIT
    git_wait: float = GIT_WAIT

    def timeout(self) -> float:
        """Seconds for one request: at most half of what is left, so that a read that hangs leaves
        time for a second try, and for writes. None after one and a half deadlines: at two the tick
        ends itself."""
        if self.due is None:
            return REQUEST_TIMEOUT
        half = (self.due - self.elapsed()) / 2
        latest = self.due * LATEST - self.elapsed()
        return min(REQUEST_TIMEOUT, max(SHORTEST_TIMEOUT, half), max(0.0, latest))

    def reading_left(self) -> float:
        """Seconds in which further pages may be asked for."""
        if self.due is None:
            return REQUEST_TIMEOUT
        return self.due * READING_SHARE - self.elapsed()


def open_tracker(
    ref: TrackerRef,
    rules: Rules,
    state: StatePaths,
    now: Callable[[], datetime],
    environ: Mapping[str, str],
    secrets: Sequence[str],
    how: Opening,
) -> Tracker:
    """The tracker that WORKFLOW.md names; what it tells is free of `secrets`, of which the first is
    its key.

    Raises:
        ConfigError: it is of a kind that this version cannot open.
    """
    opened = _opened(ref, rules, state, now, environ, secrets, how)
    return Discreet(opened, tuple(secrets)) if secrets else opened


def _opened(
    ref: TrackerRef,
    rules: Rules,
    state: StatePaths,
    now: Callable[[], datetime],
    environ: Mapping[str, str],
    secrets: Sequence[str],
    how: Opening,
) -> Tracker:
    if ref.kind == "markdown":
        from symphony_cli.adapters.markdown_tracker import open_folder

        waits = {"lock_wait": how.lock_wait, "git_wait": how.git_wait}
        return open_folder(ref, rules, state, now, **waits)
    if ref.kind != "linear":
        raise ConfigError(
            f"tracker.kind is {ref.kind!r}, which this version cannot open: use `linear` or "
            "`markdown`."
        )
    from symphony_cli.adapters.linear.tracker import LinearTracker

    key = secrets[0] if secrets else ""
    allowance = open_allowance(key, environ, now)
    return LinearTracker(
        asks=open_transport(ref, key, allowance, environ, how),
        allowance=allowance,
        ref=ref,
        rules=rules,
        cache=state.tracker,
        account=digest(key, 16) if key else "",
        now=now,
        time_left=how.reading_left,
        keeps=how.keeps,
        ours=how.ours,
    )


def open_allowance(key: str, environ: Mapping[str, str], now: Callable[[], datetime]) -> Allowance:
    """What Linear still allows this key, as all processes of this user know it."""
    from symphony_cli.adapters.linear.allowance import Allowance

    return Allowance(user_state(environ), key, now)


def open_transport(
    ref: TrackerRef, key: str, allowance: Allowance, environ: Mapping[str, str], how: Opening
) -> Transport:
    """The way to Linear with a key, through the proxies that `environ` names."""
    from symphony_cli.adapters.linear.transport import Transport

    return Transport(
        ref.endpoint,
        key,
        allowance,
        timeout=how.timeout,
        patience=how.patience,
        yields=how.yields,
        environ=environ,
    )
