"""The job that `symphony schedule` is about, and the machine that shall do it."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from symphony_cli import wiring_config, wiring_world
from symphony_cli.adapters import envfile
from symphony_cli.adapters.machine import LocalMachine
from symphony_cli.core.schedule import Job
from symphony_cli.errors import ConfigError
from symphony_cli.ids import digest
from symphony_cli.ports import Machine

_UNSAFE = re.compile(r"[^A-Za-z0-9-]+")


def job(place: wiring_config.Place, env_file: str | None, *, system: bool) -> Job:
    """What is to be started for this workflow.

    Raises:
        ConfigError: WORKFLOW.md cannot be used, or a path has a line break.
    """
    configured = wiring_config.configure(place, need_key=False)
    if configured.error:
        raise ConfigError(configured.error)
    workflow = str(place.workflow)
    named = ("--env-file", os.path.abspath(env_file)) if env_file else ()
    command = (*_program(), "--workflow", workflow, *named)
    if any("\n" in word for word in command):
        raise ConfigError(f"{workflow!r} has a line break in its path: no timer takes that.")
    folder = place.workflow.parent
    name = f"{_UNSAFE.sub('-', folder.name).strip('-') or 'root'}-{digest(workflow)}"
    user = _user() if system else ""
    return Job(name, command, workflow, str(folder), configured.good.policy.interval, user)


def _program() -> tuple[str, ...]:
    """The program that this is, by its full path."""
    script = Path(sys.executable).with_name("symphony")
    return (str(script),) if script.exists() else (sys.executable, "-P", "-m", "symphony_cli")


def _user() -> str:
    return wiring_world.who().partition("@")[0]


def machine(place: wiring_config.Place, env_file: str | None) -> Machine:
    """This machine, with the environment of the person at the keyboard."""
    path = Path(os.path.abspath(env_file)) if env_file else place.workflow.parent / envfile.NAME
    return LocalMachine(place.outer, path)
