"""Builds the world of a command from WORKFLOW.md, the environment and `state/`.

`writing` takes the lock of `state/` and gives a world whose ledger can be appended to; `reading`
takes no lock and changes nothing. An invalid WORKFLOW.md or env file does not end a tick: it goes
on with the last good copy, and starts nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from symphony_cli import clock, files, ids, runfolder
from symphony_cli.adapters import ledger, locks
from symphony_cli.adapters.agents import LocalAgents
from symphony_cli.adapters.bulletin import FileBulletin, bounced
from symphony_cli.adapters.last_good import remember
from symphony_cli.adapters.trackers import Opening, open_tracker
from symphony_cli.core.events import Event
from symphony_cli.core.policy import Policy
from symphony_cli.core.report import Asked
from symphony_cli.core.run import MARKER, WorkspaceSettings
from symphony_cli.core.snapshot import Disk, Mirrored
from symphony_cli.core.times import age
from symphony_cli.errors import ExitCode, LockHeld, StateError, SymphonyError, UsageError
from symphony_cli.paths import RunPaths, StatePaths
from symphony_cli.ports import Holdings, Ledger, Rescues, Tracker, World
from symphony_cli.wiring_config import Configured, Place, configure

LONGEST = 45.0
"""Seconds; a tick's deadline is this, or half its interval when that is shorter."""

LOCK_PATIENCE = 1.0
"""Seconds that a command under the lock of `state/` waits for an agent that writes an issue."""

_PATIENCE_SHARE = 0.25
"""Of a deadline, for each wait inside one write: a write that begins in time ends before twice the
deadline, when the tick would be ended."""

RUNS_LOOKED_AT, QUESTIONS_SHOWN = 3, 5
"""Of an issue's runs, the newest; and of what was asked in them."""

_IGNORED = b"*\n!.gitignore\n!README.md\n"
"""`state/.gitignore`: transcripts and ledger shall not be committed by accident."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A world, and what a command wants to know besides."""

    world: World
    paths: StatePaths
    workflow: Path
    warnings: tuple[str, ...]
    secrets: tuple[str, ...]
    holder: str = ""
    repaired: str = ""
    """The ledger was torn when it was opened, and what became of that."""


def refuse_inside_agent(environ: Mapping[str, str]) -> None:
    """Writing commands are for people and timers (row R10).

    Raises:
        UsageError: this process belongs to an agent.
    """
    if MARKER in environ:
        raise UsageError(
            "This command changes Symphony's state and is not for agents: use the tools that "
            "Symphony offers you instead."
        )


@contextmanager
def writing(
    place: Place,
    *,
    wait: float = 0.0,
    on_wait: Callable[[str], None] | None = None,
    ticks: bool = False,
    deadline: float | None = None,
) -> Iterator[Opened]:
    """The world for a command that writes; holds the lock of `state/` meanwhile.

    Args:
        wait: how many seconds to wait for the lock.
        on_wait: told once who holds it, before the waiting begins.
        ticks: this is a tick: when it fails under the lock, `tick.json` says so.
        deadline: the one that was asked for, in seconds; see `limit`.

    Raises:
        LockHeld: another process holds it; a tick that does not wait is counted.
        LedgerError, StateError, ConfigError, UsageError: nothing was touched.
    """
    refuse_inside_agent(place.environ)
    configured = configure(place)
    paths = configured.paths
    _make_state(paths.root)
    net = _told(FileBulletin(paths, configured.secrets)) if ticks else nullcontext()
    with locks.state_lock(paths.lock, wait=wait, on_wait=on_wait), net:
        book = ledger.FileLedger(
            paths, str(place.workflow), clock.now, ids.new_ledger_id, configured.secrets
        )
        if not configured.error:
            remember(configured.good, place.workflow, place.homes, configured.secrets)
        opened = _opened(place, configured, paths, book, deadline, keeps=True)
        if book.repaired:
            warnings = (*opened.warnings, book.repaired)
            opened = replace(opened, warnings=warnings, repaired=book.repaired)
        yield opened
        book.save_cache()


def _make_state(folder: Path) -> None:
    """Make `state/`; a new or empty one gets a .gitignore. One that has anything in it may be a
    folder of the operator's, where `*` would hide what is not ours."""
    files.make_folder(folder)
    with files.translated(folder, "looked at"):
        new = next(folder.iterdir(), None) is None
    if new:
        files.replace(folder / ".gitignore", _IGNORED, durable=False)


@contextmanager
def _told(bulletin: FileBulletin) -> Iterator[None]:
    """Whatever ends a tick inside is what `status` shows next."""
    began = clock.now()
    try:
        yield
    except Exception as error:
        code, sentence = ExitCode.BUG, f"a bug of ours: {type(error).__name__}: {error}"
        if isinstance(error, SymphonyError):
            code, sentence = error.exit_code, str(error)
        bulletin.post_failure(began, clock.now(), code, sentence)
        raise


def limit(policy: Policy, asked: float | None = None) -> float:
    """The deadline of a tick in seconds: as asked for, else half its interval, at most 45."""
    return asked or min(LONGEST, policy.interval / 2)


def bounce(place: Place, error: LockHeld) -> str:
    """Count a tick that found the lock held; one quiet line, or a loud one.

    Loud from the third tick in a row on, if the holder has had the lock for longer than a tick's
    deadline: runs that end together start as many ticks at once, and that is no trouble.
    """
    configured = configure(place, need_key=False)
    bounces = bounced(configured.paths)
    known = locks.holder(configured.paths.lock)
    held = age(clock.now(), known.started_at) if known else None
    if bounces < 3 or (held is not None and held <= limit(configured.good.policy)):
        return f"skipped: {error}"
    return (
        f"ATTENTION: {bounces} ticks in a row found the lock held. {error} "
        "If that process hangs, end it: crashes are safe."
    )


def reading(place: Place, *, need_key: bool = False) -> Opened:
    """The world for a command that only reads; one that asks the tracker needs its key.

    Raises:
        LedgerError, ConfigError: there is nothing sensible to show.
    """
    configured = configure(place, need_key=need_key)
    paths = configured.paths
    view = ledger.view_ledger(paths, str(place.workflow))
    opened = _opened(place, configured, paths, view)
    return replace(opened, holder=_holder(paths))


def _holder(paths: StatePaths) -> str:
    if not locks.is_held(paths.lock):
        return ""
    known = locks.holder(paths.lock)
    return f"`{known.command}` (pid {known.pid})" if known else "another process"


def _opened(
    place: Place,
    configured: Configured,
    paths: StatePaths,
    book: Ledger,
    deadline: float | None = None,
    *,
    keeps: bool = False,
) -> Opened:
    good = configured.good
    tracker = _tracker(place, configured, paths, limit(good.policy, deadline), keeps)
    names = good.settings.tracker.secret_names
    world = World(
        ledger=book,
        tracker=tracker,
        agents=LocalAgents(paths, place.environ, configured.secrets, tracker.scope, names),
        bulletin=FileBulletin(paths, configured.secrets),
        clock=clock.now,
        new_run=ids.new_run_id,
        disk=lambda: free_room(Path(good.settings.workspace.root)),
        policy=good.policy,
        settings=good.settings,
        state_dir=str(paths.root),
        policy_error=configured.error,
        mirror=lambda: mirrored(good.settings.workspace),
    )
    return Opened(world, paths, place.workflow, configured.warnings, configured.secrets)


def _tracker(
    place: Place, configured: Configured, paths: StatePaths, limit: float, keeps: bool
) -> Tracker:
    good, began = configured.good, clock.monotonic()
    how = Opening(
        elapsed=lambda: clock.monotonic() - began,
        due=limit,
        keeps=keeps,
        lock_wait=min(LOCK_PATIENCE, limit * _PATIENCE_SHARE),
        git_wait=limit * _PATIENCE_SHARE,
    )
    return open_tracker(
        good.settings.tracker,
        good.policy.rules,
        paths,
        clock.now,
        place.environ,
        configured.secrets,
        how,
    )


def free_room(folder: Path) -> Disk | None:
    """Free bytes and inodes where `folder` is or would be made; None when nobody can tell."""
    try:
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        stat = os.statvfs(folder)
    except OSError:
        return None
    free = stat.f_bavail * stat.f_frsize
    return Disk(free, stat.f_favail, str(folder), has_inodes=stat.f_files > 0)


def mirrored(settings: WorkspaceSettings) -> Mirrored | None:
    """What is known of the mirror that WORKFLOW.md names, or None when it names none."""
    from symphony_cli.adapters import mirror  # no tick asks

    one = mirror.mirror(settings.mirror, settings.repo)
    return mirror.state(one) if one is not None else None


def who() -> str:
    """The person at the keyboard, for the record."""
    import getpass  # here and not above: no tick asks, and the two cost it 2 ms
    import socket

    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = str(os.getuid())
    return f"{name}@{socket.gethostname()}"


def rescues(place: Place) -> Rescues:
    """The rescue stores of this machine."""
    from symphony_cli.adapters.rescues import LocalRescues  # no tick asks

    return LocalRescues(place.environ)


def holdings(place: Place, opened: Opened, tell: Callable[[str], None]) -> Holdings:
    """What lies on this machine's disk; `tell` hears what is being measured."""
    from symphony_cli.adapters.holdings import LocalHoldings  # no tick asks

    settings, environ = opened.world.settings, place.environ
    usual = os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".codex")
    home = settings.codex.home or environ.get("CODEX_HOME") or usual
    scope, repo = settings.tracker.scope, settings.workspace.repo
    return LocalHoldings(opened.paths, scope, repo, home, tell)


def questions(opened: Opened, name: str) -> Sequence[Asked]:
    """The last questions of an issue's agents, oldest first, of its newest runs."""
    record = opened.world.ledger.history().named(name)
    if record is None:
        return ()
    numbers = opened.paths.numbers(record.key)[-RUNS_LOOKED_AT:]
    asked = [one for n in numbers for one in _asked(opened.paths.run(record.key, n))]
    return asked[-QUESTIONS_SHOWN:]


def _asked(run: RunPaths) -> list[Asked]:
    """A report that cannot be read shows nothing; the tick tells of it."""
    try:
        lines = runfolder.report_lines(run)
    except StateError:
        return []
    return [line for line in lines if isinstance(line, Asked)]


def recent(opened: Opened, name: str) -> Sequence[Event]:
    """The newest events of an issue, oldest first."""
    record = opened.world.ledger.history().named(name)
    if record is None:
        return ()
    return ledger.recent_events(opened.paths, record.id)
