"""This machine's timers, as `symphony schedule` sets them: crontab, systemd, launchd."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from symphony_cli import files
from symphony_cli.adapters import envfile
from symphony_cli.adapters.asking import ask
from symphony_cli.adapters.examine_timers import LINGERING
from symphony_cli.adapters.workflow_git import is_ignored
from symphony_cli.errors import MissingProgram

PLACES = ("PATH", "SSH_AUTH_SOCK")
"""Variables that a shell has and a timer lacks."""

_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class LocalMachine:
    """`ports.Machine`: what it says is what there is."""

    environ: Mapping[str, str]
    env_file: Path

    def need(self, program: str) -> str:
        """Where a program lies.

        Raises:
            MissingProgram: it is not on PATH.
        """
        found = shutil.which(program, path=self.environ.get("PATH"))
        if found is None:
            raise MissingProgram(f"{program} is not on PATH: install it, or choose another timer.")
        return found

    def crontab(self) -> str:
        """The user's crontab; nothing when there is none."""
        reply = ask((self.need("crontab"), "-l"), self._environ, _PATIENCE)
        if reply.failure or (reply.code != 0 and "no crontab" not in reply.err):
            raise MissingProgram(f"`crontab -l` failed: {reply.trouble}.")
        return reply.out if reply.code == 0 else ""

    def set_crontab(self, text: str) -> None:
        """Replace the user's crontab; cron checks it first."""
        done = subprocess.run(
            [self.need("crontab"), "-"],
            input=text.encode("utf-8", "surrogateescape"),
            env=dict(self._environ),
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip()
            raise MissingProgram(f"`crontab -` refused what it was given: {said or 'no reason'}.")

    @property
    def _environ(self) -> dict[str, str]:
        return {**self.environ, "LC_ALL": "C"}

    def ask(self, argv: Sequence[str]) -> str:
        """Run a program; why it failed, or nothing."""
        return ask((self.need(argv[0]), *argv[1:]), self._environ, _PATIENCE).trouble

    def unit_folder(self, *, system: bool) -> str:
        """Where systemd looks for units."""
        if system:
            return "/etc/systemd/system"
        base = self.environ.get("XDG_CONFIG_HOME", "")
        return f"{base if os.path.isabs(base) else f'{self._home}/.config'}/systemd/user"

    def agent_folder(self) -> str:
        """Where launchd looks for a user's agents."""
        return f"{self._home}/Library/LaunchAgents"

    @property
    def _home(self) -> str:
        return self.environ.get("HOME") or os.path.expanduser("~")

    def write(self, path: str, text: str) -> None:
        """Publish a file.

        Raises:
            StateError: the disk does not let us.
        """
        with files.translated(Path(path).parent, "made"):
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        files.replace(Path(path), text.encode("utf-8", "surrogateescape"))
        with contextlib.suppress(OSError):
            os.chmod(path, 0o644)  # others may read a unit; there is no key in it

    def remove(self, path: str) -> None:
        """Delete a file; one that is gone is as good."""
        with files.translated(Path(path), "removed"):
            Path(path).unlink(missing_ok=True)

    def lingers(self) -> bool:
        """Whether this user's services go on without a session; True where nobody can tell."""
        name = self.environ.get("USER") or self.environ.get("LOGNAME")
        return not name or not LINGERING.parent.is_dir() or (LINGERING / name).exists()

    def keep_places(self) -> tuple[str, ...]:
        """Write down in the env file what a timer would lack; what was done, in sentences.

        Raises:
            ConfigError: the env file is there and cannot be used.
            StateError: it cannot be written.
        """
        known = envfile.read_env_file(self.env_file) if self.env_file.exists() else {}
        lacking = {n: self.environ[n] for n in PLACES if self.environ.get(n) and n not in known}
        if not lacking:
            return ()
        try:
            envfile.add(self.env_file, lacking)
        except ValueError as error:
            return (f"{error} cannot be written into {self.env_file}: do that by hand.",)
        told = f"Wrote {' and '.join(lacking)} into {self.env_file}, for timers have neither."
        if is_ignored(self.env_file, self.environ):
            return (told,)
        return (told, f"Let git ignore {self.env_file.name}: it is yours, and may hold a key.")
