"""Which workflow a command is about, and what to go by: WORKFLOW.md, or its last good copy.

Nothing here touches the ledger or the tracker; `wiring_world` builds on it.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from symphony_cli import __version__, files, ids, processes
from symphony_cli.adapters import envfile, workflow
from symphony_cli.adapters.config.values import home_expanded
from symphony_cli.adapters.last_good import FORMAT, LastGood, recall
from symphony_cli.adapters.regular import read_regular
from symphony_cli.core.secrets import bare, spellings
from symphony_cli.errors import ConfigError
from symphony_cli.paths import StatePaths, user_state

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


def locate(option: str | None, env_file: str | None, environ: Mapping[str, str]) -> Place:
    """Find WORKFLOW.md and the environment that its `$NAME`s are looked up in.

    Raises:
        ConfigError: there is no WORKFLOW.md.
        MissingProgram: git is needed to judge the env file, and is not installed.
    """
    # What is read next may hold the tracker's key, and agents of the same user live beside us.
    processes.make_undumpable()
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
    ref = good.settings.tracker
    names = (ref.key_name, *(name for name in ref.secret_names if name != ref.key_name))
    values = (environ.get(name, "").strip() for name in names)
    return tuple(dict.fromkeys(form for value in values for form in spellings(value)))


def _todays(place: Place, need_key: bool) -> Configured:
    """WORKFLOW.md as it is now; one that reads as it did last time is not parsed again.

    That saves an idle tick most of its time (pydantic, PyYAML, Jinja2 are not even imported). The
    key is in no copy: it is looked up anew, and a file that holds the key itself is read anew.
    """
    remembered = recall(place.workflow, place.homes)
    data = _content(place.workflow)
    text_hash, environment = _hash(data), _fingerprint(place, data)
    known = (text_hash, environment, FORMAT)
    if remembered is not None and known == (
        remembered.text_hash,
        remembered.environment,
        remembered.format,
    ):
        secrets = _named_secrets(remembered, place.environ)
        if secrets is not None:
            good = _with_secret_names(remembered, place.environ, secrets)
            return Configured(good, secrets, remembered.warnings)
    loaded = workflow.load_workflow(place.workflow, place.environ, need_key=need_key)
    good = LastGood(
        text_hash=text_hash,
        policy=loaded.policy,
        settings=loaded.settings,
        state_dir=str(loaded.state_dir),
        environment=environment,
        warnings=loaded.warnings,
        format=FORMAT,
    )
    return Configured(good, loaded.secrets, loaded.warnings)


def _named_secrets(good: LastGood, environ: Mapping[str, str]) -> tuple[str, ...] | None:
    """The tracker's key by the name that WORKFLOW.md gives, as `loading` gives it; None when it has
    to be read there."""
    if good.settings.tracker.kind == "markdown" and not good.settings.tracker.key_name:
        return ()
    key = environ.get(good.settings.tracker.key_name, "").strip()
    return spellings(key) or None


def _with_secret_names(
    good: LastGood, environ: Mapping[str, str], secrets: tuple[str, ...]
) -> LastGood:
    """The copy, with every variable that holds the key by now, with or without "Bearer"."""
    ref = good.settings.tracker
    holding = {name for name, value in environ.items() if bare(value) in secrets}
    names = tuple(sorted(holding.union(ref.secret_names)))
    if not secrets or names == ref.secret_names:
        return good
    return replace(good, settings=replace(good.settings, tracker=replace(ref, secret_names=names)))


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
