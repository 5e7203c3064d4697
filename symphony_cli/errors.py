"""Everything that Symphony raises on purpose, and the exit codes that go with it.

    SymphonyError
    ├── UsageError            64  a request that makes no sense: unknown issue, not blocked, running
    ├── ConfigError           78  WORKFLOW.md or symphony.env; names file, key and line
    ├── LockHeld              11  another process holds the lock of `state/`
    ├── LedgerError           14
    │   ├── LedgerDamaged         a line that is not the last one cannot be read
    │   └── LedgerTooNew          written by a newer Symphony
    ├── StateError            73  `state/` cannot be written, or lies on a network file system
    ├── MissingProgram        69  git, codex or another program that is needed now is not there
    ├── TrackerError          13  the tracker could not be reached, or answered nonsense
    │   ├── KeyRejected       12  the tracker does not accept our key
    │   ├── RateLimited           the tracker says that we ask too often; has a wait
    │   ├── PutOff             0  our own budget says: not yet; has a wait
    │   └── WriteRefused          this write will never be accepted; do not repeat it
    └── IssueTrouble           3  something about one issue; the others go on
        ├── RunLocked             a run of this issue is alive
        ├── WorkspaceError        the workspace cannot be made, healed or trusted
        ├── HookFailed            a hook of WORKFLOW.md failed or took too long
        └── PromptError           the prompt does not render for this issue
            └── PromptTooLong         it renders, and no model takes it

A foreign error (OSError, YAMLError, GitCommandError ...) is translated where it enters, with
`raise X from error`. The text of an error is one sentence for a person and ends with what to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """What a command tells its caller; documented in `docs/exit-codes.md`."""

    DONE = 0
    PARTIAL = 3
    LOCKED = 11
    KEY_REJECTED = 12
    TRACKER = 13
    LEDGER = 14
    DISK = 15
    USAGE = 64
    MISSING_PROGRAM = 69
    BUG = 70
    STATE = 73
    CONFIG = 78


_WORST_FIRST = (
    ExitCode.BUG,
    ExitCode.LEDGER,
    ExitCode.STATE,
    ExitCode.CONFIG,
    ExitCode.KEY_REJECTED,
    ExitCode.MISSING_PROGRAM,
    ExitCode.DISK,
    ExitCode.TRACKER,
    ExitCode.PARTIAL,
)


def worst(codes: Iterable[ExitCode]) -> ExitCode:
    """The code that wins when several things went wrong in one tick."""
    seen = set(codes)
    return next((code for code in _WORST_FIRST if code in seen), ExitCode.DONE)


class SymphonyError(Exception):
    """Root of the tree; `exit_code` is what a command ends with when nothing catches it."""

    exit_code = ExitCode.BUG


class UsageError(SymphonyError):
    """A request that makes no sense here."""

    exit_code = ExitCode.USAGE


class ConfigError(SymphonyError):
    """WORKFLOW.md or symphony.env cannot be used as it is."""

    exit_code = ExitCode.CONFIG


class LockHeld(SymphonyError):
    """Another process holds the lock of `state/`."""

    exit_code = ExitCode.LOCKED


class LedgerError(SymphonyError):
    """The ledger cannot be trusted; nothing is dispatched and nothing is touched."""

    exit_code = ExitCode.LEDGER


class LedgerDamaged(LedgerError):
    """A line before the last one cannot be read."""


class LedgerTooNew(LedgerError):
    """The ledger was written by a newer Symphony."""


class StateError(SymphonyError):
    """`state/` cannot be written."""

    exit_code = ExitCode.STATE


class MissingProgram(SymphonyError):
    """A program that is needed now is not installed."""

    exit_code = ExitCode.MISSING_PROGRAM


class TrackerError(SymphonyError):
    """The tracker could not be reached or understood; what we believed stays as it was."""

    exit_code = ExitCode.TRACKER


class KeyRejected(TrackerError):
    """The tracker does not accept our key."""

    exit_code = ExitCode.KEY_REJECTED


class RateLimited(TrackerError):
    """The tracker says that we ask too often; nobody asks again before `wait` seconds are over."""

    def __init__(self, sentence: str, wait: float) -> None:
        super().__init__(sentence)
        self.wait = wait


class PutOff(TrackerError):
    """Our own budget puts this request off for `wait` seconds; nothing was sent, nothing failed."""

    exit_code = ExitCode.DONE

    def __init__(self, sentence: str, wait: float) -> None:
        super().__init__(sentence)
        self.wait = wait


class WriteRefused(TrackerError):
    """The tracker will never accept this write."""


class IssueTrouble(SymphonyError):
    """Trouble that belongs to one issue; a tick records it and goes on with the next."""

    exit_code = ExitCode.PARTIAL


class RunLocked(IssueTrouble):
    """A run of this issue is alive on this machine."""


class WorkspaceError(IssueTrouble):
    """A workspace cannot be made, healed or trusted."""


class HookFailed(IssueTrouble):
    """A hook ended with an error or was killed at its time limit."""


class PromptError(IssueTrouble):
    """The prompt template does not render for this issue."""


class PromptTooLong(PromptError):
    """The prompt of one issue is longer than any that can be sent."""
