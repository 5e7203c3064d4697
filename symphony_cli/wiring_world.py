"""Builds the world of a command from WORKFLOW.md, the environment and `state/`.

`writing` takes the lock of `state/` and gives a world whose ledger can be appended to; `reading`
takes no lock and changes nothing. An invalid WORKFLOW.md or env file does not end a tick: it goes
on with the last good copy, and starts nothing.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from symphony_cli import __version__, clock, files, ids, processes
from symphony_cli.adapters import envfile, ledger, locks, workflow
from symphony_cli.adapters.agents import LocalAgents
from symphony_cli.adapters.bulletin import FileBulletin, bounced
from symphony_cli.adapters.config.values import home_expanded
from symphony_cli.adapters.discreet import Discreet
from symphony_cli.adapters.last_good import LastGood, recall, remember
from symphony_cli.adapters.markdown_tracker import open_reference
from symphony_cli.adapters.regular import read_regular
from symphony_cli.core.events import Event
from symphony_cli.core.policy import Policy
from symphony_cli.core.run import MARKER
from symphony_cli.core.snapshot import Disk
from symphony_cli.core.times import age
from symphony_cli.errors import ConfigError, ExitCode, LockHeld, SymphonyError, UsageError
from symphony_cli.paths import StatePaths, user_state
from symphony_cli.ports import Ledger, Tracker, World

LONGEST = 45.0
"""Seconds; a tick's deadline is this, or half its interval when that is shorter."""

LOCK_PATIENCE = 1.0
"""Seconds that a command under the lock of `state/` waits for an agent that writes an issue."""

_PATIENCE_SHARE = 0.25
"""Of a deadline, for each wait inside one write: a write that begins in time ends before twice the
deadline, when the tick would be ended."""

_IGNORED = b"*\n!.gitignore\n!README.md\n"
"""`state/.gitignore`: transcripts and ledger shall not be committed by accident."""

ENV_FILE = "SYMPHONY_ENV_FILE"
"""Where `--env-file` is kept for the ticks that runs start at their end."""

_NAMED = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")
_UNASKED = ("HOME", "XDG_STATE_HOME", "LINEAR_API_KEY", "LINEAR_ASSIGNEE")


@dataclass(frozen=True, slots=True)
class Place:
    """Which workflow a command is about: from its options and the environment."""

    workflow: Path
    environ: Mapping[str, str]
    """The process's own, with the env file over it."""
    outer: Mapping[str, str]
    """The process's own."""
    fault: str = ""
    """Why the env file cannot be used; `environ` is without it."""

    @property
    def homes(self) -> tuple[Path, ...]:
        """The user's state folders, with and without the env file: each can be broken."""
        return tuple(dict.fromkeys(user_state(found) for found in (self.environ, self.outer)))


@dataclass(frozen=True, slots=True)
class Configured:
    """A policy to go by, and what is wrong with the file if it is not today's."""

    good: LastGood
    secrets: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    error: str = ""

    @property
    def paths(self) -> StatePaths:
        """Where its state lies."""
        return StatePaths(Path(self.good.state_dir))


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


def locate(option: str | None, env_file: str | None, environ: Mapping[str, str]) -> Place:
    """Find WORKFLOW.md and the environment that its `$NAME`s are looked up in.

    Raises:
        ConfigError: there is no WORKFLOW.md.
        MissingProgram: git is needed to judge the env file, and is not installed.
    """
    outer = _with_handed_secrets(environ)
    env_file = env_file or outer.get(ENV_FILE)
    if env_file is not None:
        outer[ENV_FILE] = os.path.abspath(home_expanded(env_file, outer))
    path = workflow.find_workflow(option, outer, Path.cwd())
    path = path.parent.resolve() / path.name
    try:
        return Place(path, envfile.environment(outer, path.parent, env_file), outer)
    except ConfigError as error:
        return Place(path, outer, outer, str(error))


def _with_handed_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment, with the variables that a finishing run hands to its tick by pipe."""
    mine = dict(environ)
    descriptor = mine.pop(processes.HANDED, "")
    if descriptor.isdigit():
        pairs = (pair.partition("=") for pair in processes.read_secrets(int(descriptor)))
        mine.update({name: value for name, _, value in pairs})
    return mine


def configure(place: Place, *, need_key: bool = True) -> Configured:
    """What to go by: WORKFLOW.md, or its last good copy with the reason in `error`.

    Raises:
        ConfigError: WORKFLOW.md or the env file is invalid and there is no last good copy.
    """
    try:
        if place.fault:
            raise ConfigError(place.fault)
        return _todays(place, need_key)
    except ConfigError as error:
        good = recall(place.workflow, place.homes)
        if good is None:
            raise
        return Configured(good, _held_secrets(good, place.environ), error=str(error))


def _held_secrets(good: LastGood, environ: Mapping[str, str]) -> tuple[str, ...]:
    """What must not be written while the file that names the key cannot be read."""
    values = (environ.get(name, "").strip() for name in good.settings.tracker.secret_names)
    return tuple(value for value in values if value)


def _todays(place: Place, need_key: bool) -> Configured:
    """WORKFLOW.md as it is now; one that reads as it did last time is not parsed again.

    That saves an idle tick most of its time (pydantic, PyYAML, Jinja2 are not even imported). A
    file that names a key is always read anew: the key is in no copy.
    """
    remembered = recall(place.workflow, place.homes)
    data = _content(place.workflow)
    text_hash, environment = _hash(data), _fingerprint(place, data)
    if (
        remembered is not None
        and (remembered.text_hash, remembered.environment) == (text_hash, environment)
        and remembered.settings.tracker.kind == "markdown"
    ):
        return Configured(remembered, (), remembered.warnings)
    loaded = workflow.load_workflow(place.workflow, place.environ, need_key=need_key)
    good = LastGood(
        text_hash=text_hash,
        policy=loaded.policy,
        settings=loaded.settings,
        state_dir=str(loaded.state_dir),
        environment="" if loaded.secrets else environment,
        warnings=loaded.warnings,
    )
    return Configured(good, loaded.secrets, loaded.warnings)


def _content(path: Path) -> bytes:
    try:
        return read_regular(path)[0]
    except OSError as error:
        why = "it is gone" if error.errno == errno.ENOENT else error.strerror
        raise ConfigError(f"{path} cannot be read ({why}): check the file.") from error


def _fingerprint(place: Place, data: bytes) -> str:
    """Of everything besides the file that its meaning depends on: variables, and the commit.

    Only variables that the file names or that are looked up unasked: a timer sets others anew for
    each tick.
    """
    names = {*_NAMED.findall(data.decode("utf-8", "replace")), *_UNASKED}
    variables = "\0".join(f"{name}={place.environ.get(name)}" for name in sorted(names))
    heads = [files.read(path) or b"" for path in _git_heads(place.workflow.parent)]
    return ids.digest(f"{__version__}\0{variables}\0{heads}", 32)


def _git_heads(folder: Path) -> list[Path]:
    """The files that say which commit and which remotes the repository around `folder` has.

    A folder `.git` without HEAD is no repository: sandboxes leave such ones behind.
    """
    for above in (folder, *folder.parents):
        git = above / ".git"
        if (git / "HEAD").is_file():
            head = (files.read(git / "HEAD") or b"").decode("utf-8", "replace").strip()
            named = [git / "HEAD", git / head.removeprefix("ref: "), git / "packed-refs"]
            return [path for path in (*named, git / "config") if path.is_file()]
        if git.is_file():
            return [git, *_linked_heads(git)]
    return []


def _linked_heads(link: Path) -> list[Path]:
    """The same for a linked worktree: its own HEAD, and everything of the repository it is of."""
    text = (files.read(link) or b"").decode("utf-8", "replace").removeprefix("gitdir: ").strip()
    own = link.parent / text
    shared = (files.read(own / "commondir") or b".").decode("utf-8", "replace").strip()
    head = (files.read(own / "HEAD") or b"").decode("utf-8", "replace").strip()
    common = own / shared
    named = [own / "HEAD", common / head.removeprefix("ref: ")]
    return [p for p in (*named, common / "packed-refs", common / "config") if p.is_file()]


def _hash(data: bytes) -> str:
    return ids.digest(data.decode("utf-8", "replace"), 32)


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
    if configured.secrets:
        # The key is in our environment and memory, and agents of the same user live beside us.
        processes.make_undumpable()
    paths = configured.paths
    _make_state(paths.root)
    net = _told(FileBulletin(paths, configured.secrets)) if ticks else nullcontext()
    with locks.state_lock(paths.lock, wait=wait, on_wait=on_wait), net:
        book = ledger.FileLedger(
            paths, str(place.workflow), clock.now, ids.new_ledger_id, configured.secrets
        )
        if not configured.error:
            remember(configured.good, place.workflow, place.homes, configured.secrets)
        opened = _opened(place, configured, paths, book, deadline)
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


def reading(place: Place) -> Opened:
    """The world for a command that only reads.

    Raises:
        LedgerError, ConfigError: there is nothing sensible to show.
    """
    configured = configure(place, need_key=False)
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
) -> Opened:
    good = configured.good
    tracker = _tracker(configured, paths, limit(good.policy, deadline) * _PATIENCE_SHARE)
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
    )
    return Opened(world, paths, place.workflow, configured.warnings, configured.secrets)


def _tracker(configured: Configured, paths: StatePaths, patience: float) -> Tracker:
    good = configured.good
    opened = open_reference(
        good.settings.tracker,
        good.policy.rules,
        paths,
        clock.now,
        lock_wait=min(LOCK_PATIENCE, patience),
        git_wait=patience,
    )
    return Discreet(opened, configured.secrets) if configured.secrets else opened


def free_room(folder: Path) -> Disk | None:
    """Free bytes and inodes where `folder` is or would be made; None when nobody can tell."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        stat = os.statvfs(folder)
    except OSError:
        return None
    return Disk(stat.f_bavail * stat.f_frsize, stat.f_favail, str(folder))


def who() -> str:
    """The person at the keyboard, for the record."""
    import getpass  # here and not above: no tick asks, and the two cost it 2 ms
    import socket

    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = str(os.getuid())
    return f"{name}@{socket.gethostname()}"


def recent(opened: Opened, name: str) -> Sequence[Event]:
    """The newest events of an issue, oldest first."""
    record = opened.world.ledger.history().named(name)
    if record is None:
        return ()
    return ledger.recent_events(opened.paths, record.id)
