"""The environment that cron gives to a command (crontab(5))."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

PATH = "/usr/bin:/bin"

_KEPT = ("HOME", "LOGNAME")


def cron_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What is left of `environ` under cron: HOME and LOGNAME; SHELL and PATH are cron's own."""
    kept = {name: environ[name] for name in _KEPT if name in environ}
    if "LOGNAME" not in kept and "USER" in environ:
        kept["LOGNAME"] = environ["USER"]
    return kept | {"SHELL": "/bin/sh", "PATH": PATH}


def lost(
    shell: Mapping[str, str], cron: Mapping[str, str], names: Iterable[str]
) -> tuple[str, ...]:
    """Those of `names` that the shell sets and cron does not, or not to the same."""
    return tuple(name for name in names if name in shell and cron.get(name) != shell[name])
