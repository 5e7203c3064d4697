"""The eyes of `doctor`: every look at this machine, put together for one workflow.

Nothing here takes a lock or writes, but for the tracker's budget file in the user's state folder.
What is missing or broken becomes a fact.
"""

from __future__ import annotations

import contextlib
import os
import platform as machine
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from symphony_cli import __version__, clock
from symphony_cli.adapters import (
    envfile,
    examine_places,
    examine_programs,
    examine_sandbox,
    examine_timers,
    ledger,
    workflow,
)
from symphony_cli.adapters.bulletin import FileBulletin
from symphony_cli.adapters.gitenv import remote_git, url_without_credentials
from symphony_cli.adapters.trackers import Opening, open_tracker
from symphony_cli.core import cronlike, examined, parcel
from symphony_cli.core.diagnosis import LOST
from symphony_cli.core.environment import agent_environment
from symphony_cli.core.history import History
from symphony_cli.core.policy import Policy
from symphony_cli.core.run import Settings
from symphony_cli.core.secrets import SHORTEST, bare
from symphony_cli.core.snapshot import Disk, Mirrored
from symphony_cli.core.tickfile import TickFile
from symphony_cli.core.times import age
from symphony_cli.errors import ConfigError, KeyRejected, PutOff, StateError, SymphonyError
from symphony_cli.ids import RunId
from symphony_cli.paths import StatePaths, user_state
from symphony_cli.ports import Tracker
from symphony_cli.wiring_config import ENV_FILE, Configured, Place, configure, locate
from symphony_cli.wiring_world import free_room, mirrored

LOOK_LIMIT = 20.0
"""Seconds in which the tracker, or the repository, should have answered."""

_YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")


@dataclass(frozen=True)
class LocalExaminer:
    """Implements `ports.Examiner`. `place` is None when there is no workflow to be found."""

    shell: Mapping[str, str]
    """The environment of whoever typed the command."""
    find: examine_programs.Finder
    as_cron: bool
    place: Place | None
    configured: Configured | None
    fault: str = ""
    """Why WORKFLOW.md cannot be used."""

    @property
    def environ(self) -> Mapping[str, str]:
        """What ticks would have: that of the shell or of cron, with symphony.env over it."""
        if self.place is not None:
            return self.place.environ
        return cronlike.cron_environment(self.shell) if self.as_cron else self.shell

    @property
    def rules(self) -> tuple[Policy, Settings] | None:
        """What WORKFLOW.md or its last good copy says."""
        good = self.configured.good if self.configured else None
        return (good.policy, good.settings) if good else None

    @property
    def secrets(self) -> tuple[str, ...]:
        """The tracker's key, in each way it is written."""
        return self.configured.secrets if self.configured else ()

    @property
    def _settings(self) -> Settings:
        assert self.rules is not None, "doctor leaves out what goes by WORKFLOW.md"
        return self.rules[1]

    @property
    def _where(self) -> Place:
        assert self.place is not None, "there is a workflow where there are settings"
        return self.place

    @property
    def _paths(self) -> StatePaths:
        assert self.configured is not None, "there is a state folder where there are settings"
        return self.configured.paths

    @cached_property
    def _agents(self) -> dict[str, str]:
        return agent_environment(self.environ, self._settings, RunId("doctor"), None)

    def platform(self) -> examined.Platform:
        """What we run on."""
        return examined.Platform(machine.system(), machine.python_version(), __version__)

    def workflow(self) -> examined.Workflow:
        """Whether WORKFLOW.md can be used."""
        path = str(self.place.workflow) if self.place else ""
        found = self.configured
        if found is None:
            return examined.Workflow(path, self.fault)
        return examined.Workflow(path, found.error, found.warnings, last_good=bool(found.error))

    def env_file(self) -> examined.EnvFile:
        """Whether symphony.env can be used."""
        if self.place is None:
            return examined.EnvFile(envfile.NAME)
        path = env_file_of(self.place)
        return examined.EnvFile(
            str(path), os.path.exists(path), self.place.fault, tuple(self._file_variables)
        )

    @cached_property
    def _file_variables(self) -> dict[str, str]:
        """What the env file sets; nothing when it cannot be used."""
        with contextlib.suppress(ConfigError):
            if self.place is not None and not self.place.fault:
                return envfile.read_env_file(env_file_of(self.place))
        return {}

    def git(self) -> examined.Program:
        """Git as ticks find it."""
        return examine_programs.git(self.environ)

    def bare(self) -> examined.Bare | None:
        """What cron lacks."""
        if not self.as_cron:
            return None
        path = self.environ.get("PATH", os.defpath)
        ssh = self.rules is not None and is_ssh(self._settings.workspace.repo)
        fixed = self.rules is not None and bool(self._settings.codex.home)
        names = (*(name for name in LOST if not (fixed and name == "CODEX_HOME")), "SSH_AUTH_SOCK")
        return examined.Bare(
            path,
            tuple((name, self._found(name, self.shell), self._found(name, self.environ))
                  for name in ("git", "codex", "ssh")),
            cronlike.lost(self.shell, self.environ, names),
            ssh,
        )  # fmt: skip

    def _found(self, name: str, environ: Mapping[str, str]) -> str:
        """Where a program is; for `codex`, whatever `codex.command` starts."""
        path = environ.get("PATH", os.defpath)
        if name != "codex":
            return shutil.which(name, path=path) or ""
        command = self._settings.codex.command if self.rules else "codex app-server"
        try:
            return self.find(command, path)[0]
        except SymphonyError:
            return ""

    def codex(self) -> examined.Codex:
        """What `codex.command` starts."""
        return examine_programs.codex(self._settings.codex.command, self._agents, self.find)

    def login(self) -> examined.Login | None:
        """What the files of CODEX_HOME tell."""
        if not examine_programs.is_codex(self._settings.codex.command):
            return None
        home = self._agents.get("CODEX_HOME") or os.path.join(self._home, ".codex")
        return examine_programs.login(home, self._agents)

    @property
    def _home(self) -> str:
        return self.environ.get("HOME") or os.path.expanduser("~")

    def sandbox(self) -> examined.Sandbox:
        """What agents are walled in with."""
        return examine_sandbox.sandbox(self._settings.codex, self._agents)

    def key(self) -> examined.TrackerKey:
        """Where the tracker's key comes from."""
        ref = self._settings.tracker
        name = ref.key_name
        if ref.kind != "linear":
            return examined.TrackerKey(wanted=False)
        if not name and self.secrets:
            return examined.TrackerKey(True, "LINEAR_API_KEY", "workflow")
        origin = ""
        if self._file_variables.get(name, "").strip():
            origin = "file"
        elif self.environ.get(name, "").strip():
            origin = "environment"
        return examined.TrackerKey(True, name or "LINEAR_API_KEY", origin)

    def tracker(self) -> examined.Tracker | None:
        """One look, through the budget of the key."""
        ref = self._settings.tracker
        key = self.key()
        if key.wanted and not key.origin:
            return None
        markdown = ref.kind == "markdown"
        folder = ref.scope.removeprefix("markdown:") if markdown else ""
        seen = examined.Tracker(ref.kind, folder or f"project {ref.project}")
        try:
            history = self._history
            read = self._open_tracker().look(history.cursor if history else "", ())
        except PutOff as error:
            return replace(seen, error=str(error), put_off=True)
        except (KeyRejected, ConfigError) as error:
            return replace(seen, error=str(error), final=True)
        except SymphonyError as error:
            return replace(seen, error=str(error), final=markdown)
        return replace(
            seen,
            issues=len(read.issues),
            problems=read.problems,
            unknown=tuple(f"{issue}: {why}" for issue, why in read.unknown.items()),
            unwritable=examine_places.unwritable(Path(folder)) if markdown else "",
        )

    def _open_tracker(self) -> Tracker:
        began = clock.monotonic()
        how = Opening(elapsed=lambda: clock.monotonic() - began, due=LOOK_LIMIT)
        policy, settings = self.rules or (Policy(), self._settings)
        return open_tracker(
            settings.tracker,
            policy.rules,
            self._paths,
            clock.now,
            self.environ,
            self.secrets,
            how,
        )

    def remote(self) -> examined.Remote | None:
        """Whether the repository answers."""
        repo = self._settings.workspace.repo
        if not repo:
            return None
        name = url_without_credentials(repo)
        words = ("ls-remote", "--", repo, "HEAD")
        try:
            remote_git(*words, environment=self._agents, timeout=LOOK_LIMIT)
        except SymphonyError as error:
            return examined.Remote(name, str(error))
        return examined.Remote(name)

    def folders(self) -> tuple[examined.Folder, ...]:
        """The places that Symphony writes in."""
        look = examine_places.folder
        return (
            look(self._paths.root, self.environ, in_git=self._paths.ledger.name),
            look(user_state(self.environ), self.environ),
            look(Path(self._settings.workspace.root), self.environ),
        )

    @cached_property
    def _history(self) -> History | None:
        """The ledger; None when it cannot be read."""
        with contextlib.suppress(SymphonyError):
            return ledger.view_ledger(self._paths, str(self._where.workflow)).history()
        return None

    def memory(self) -> examined.Memory:
        """The ledger, read as a tick reads it."""
        there = os.path.exists(self._paths.ledger)
        try:
            found = ledger.view_ledger(self._paths, str(self._where.workflow)).history()
        except SymphonyError as error:
            return examined.Memory(there, error=str(error))
        return examined.Memory(there, len({*found.records, *found.finished}))

    def rooms(self) -> tuple[examined.Room, ...]:
        """Free room, by place."""
        root = Path(self._settings.workspace.root)
        return (
            examined.Room("workspace.root", _free(root), floored=True),
            examined.Room("state", _free(self._paths.root)),
        )

    def temporary(self) -> tuple[examined.Temporary, ...]:
        """Our places below folders for temporary files."""
        place = self._settings.workspace
        named = [("workspace.root", place.root), ("workspace.mirror_path", place.mirror)]
        return examine_places.temporary([pair for pair in named if pair[1]], self.environ)

    def mirror(self) -> Mirrored | None:
        """The mirror, when one is named."""
        return mirrored(self._settings.workspace)

    def rhythm(self) -> examined.Rhythm:
        """Timers, and the last tick."""
        last = TickFile()
        with contextlib.suppress(StateError):
            last = FileBulletin(self._paths).last()
        silence = age(clock.now(), last.started_at) if last.started_at else None
        policy = self.rules[0] if self.rules else Policy()
        return examined.Rhythm(self._timers, last, silence, policy.interval)

    @cached_property
    def _timers(self) -> tuple[examined.Timer, ...]:
        # systemctl and crontab are asked as the person who typed this, whatever cron would see.
        searched = examine_timers.Searched(self._where.workflow, self.shell, self.secrets)
        return examine_timers.timers(searched)

    def prompts(self) -> tuple[examined.Prompt, ...]:
        """Each template, rendered for invented issues."""
        from symphony_cli.adapters.examine_prompts import prompts  # Jinja2

        policy, settings = self.rules or (Policy(), self._settings)
        return prompts(settings.prompt, policy.rules)

    def reach(self) -> examined.Reach:
        """Where an agent could read secrets."""
        held = {bare(secret) for secret in self.secrets if len(secret) >= SHORTEST}
        walled = examine_sandbox.kind(self._settings.codex)
        return examined.Reach(
            self.key(),
            str(env_file_of(self._where)),
            str(self._where.workflow),
            exported=tuple(sorted(n for n, text in self.shell.items() if bare(text) in held)),
            timers=tuple(sorted({timer.place for timer in self._timers if timer.holds_key})),
            traceable=walled == "danger-full-access" and _may_trace(),
            passed_on=tuple(sorted(
                name for name, text in self._agents.items()
                if parcel.is_secret(name, text)
            )),
        )  # fmt: skip


def _free(folder: Path) -> Disk | None:
    try:
        return free_room(folder)
    except OSError:  # a folder above it that we may not look into
        return None


def _may_trace() -> bool:
    """Whether this kernel lets any process trace others of its user."""
    if sys.platform != "linux":
        return False
    try:
        return _YAMA.read_text().strip() == "0"
    except OSError:
        return True  # no Yama


def is_ssh(repo: str) -> bool:
    """Whether git reaches a repository by ssh (git-clone(1), GIT URLS)."""
    return repo.startswith("ssh://") or ("://" not in repo and ":" in repo.split("/")[0])


def env_file_of(place: Place) -> Path:
    """Where the env file of a workflow is, or would be."""
    named = place.outer.get(ENV_FILE)
    return Path(named) if named else place.workflow.parent / envfile.NAME


def open_examiner(
    option: str | None,
    env_file: str | None,
    shell: Mapping[str, str],
    find: examine_programs.Finder,
    *,
    as_cron: bool = False,
) -> LocalExaminer:
    """Eyes for the workflow that a command is about, however broken it is; never raises for it.

    `find` says which program `codex.command` means.
    """
    environ = cronlike.cron_environment(shell) if as_cron else shell
    try:
        return examiner(locate(option, env_file, environ), shell, find, as_cron=as_cron)
    except SymphonyError as error:
        fault = str(error)
    place = None
    with contextlib.suppress(SymphonyError):
        path = workflow.find_workflow(option, environ, Path.cwd())
        place = Place(path.parent.resolve() / path.name, environ, environ)
    return LocalExaminer(shell, find, as_cron, place, None, fault)


def examiner(
    place: Place,
    shell: Mapping[str, str],
    find: examine_programs.Finder,
    *,
    as_cron: bool = False,
) -> LocalExaminer:
    """The same for a workflow that was located already; never raises for it."""
    try:
        # An env file that cannot be used has a finding of its own.
        configured = configure(replace(place, fault=""), need_key=False)
    except SymphonyError as error:
        return LocalExaminer(shell, find, as_cron, place, None, str(error))
    return LocalExaminer(shell, find, as_cron, place, configured)
