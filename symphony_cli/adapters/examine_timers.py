"""What starts `symphony tick` by itself on this machine: crontabs, and units of systemd."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from symphony_cli.adapters.asking import ask
from symphony_cli.core.examined import Timer
from symphony_cli.core.secrets import SHORTEST

CRON_TABLES = ("/etc/crontab", "/etc/cron.d")
UNITS = ("/etc/systemd/system", "/etc/systemd/user")
LINGERING = Path("/var/lib/systemd/linger")

_TICK = re.compile(r"\bsymphony\b.*\btick\b")
_LARGEST = 1_000_000
_ASKING = 5.0


@dataclass(frozen=True, slots=True)
class Searched:
    """Whose timers are looked for: those of `workflow`, which is a WORKFLOW.md; and where."""

    workflow: Path
    environ: Mapping[str, str]
    secrets: Sequence[str] = ()
    tables: tuple[str, ...] = CRON_TABLES
    units: tuple[str, ...] = UNITS

    @property
    def home(self) -> str:
        """The user's home, which `~`, `$HOME` and `%h` stand for."""
        return self.environ.get("HOME") or os.path.expanduser("~")

    @property
    def own_units(self) -> Path:
        """Where a user's units lie."""
        base = self.environ.get("XDG_CONFIG_HOME", "")
        return Path(base if os.path.isabs(base) else f"{self.home}/.config") / "systemd" / "user"

    def is_mine(self, text: str) -> bool:
        """Whether a line or a unit is about our workflow: it names its folder, or the file."""
        for said in ("${HOME}", "$HOME", "%h", "~"):
            text = text.replace(said, self.home)
        words = re.split(r"""[\s"'=;]+""", text)
        ours = {str(self.workflow), str(self.workflow.parent)}
        return any(word.rstrip("/") in ours for word in words)

    def holds_key(self, text: str) -> bool:
        """Whether a secret is written in it."""
        return any(secret in text for secret in self.secrets if len(secret) >= SHORTEST)


def timers(searched: Searched) -> tuple[Timer, ...]:
    """All that start `symphony tick`, for this workflow or another."""
    return (*_cron(searched), *_systemd(searched))


def _cron(searched: Searched) -> Iterator[Timer]:
    program = shutil.which("crontab", path=searched.environ.get("PATH"))
    if program is not None:
        reply = ask((program, "-l"), searched.environ, _ASKING)
        if not reply.trouble:
            yield from _lines(searched, "your crontab", reply.out)
    for path in _tables(searched.tables):
        yield from _lines(searched, str(path), _text(path))


def _tables(named: Iterable[str]) -> Iterator[Path]:
    """The files themselves, and those in folders; what we may not look into has none."""
    for name in named:
        with contextlib.suppress(OSError):
            path = Path(name)
            yield from sorted(path.iterdir()) if path.is_dir() else [path]


def _lines(searched: Searched, place: str, text: str) -> Iterator[Timer]:
    """A variable that is set in a crontab counts for the lines below; a key may be in either."""
    known = searched.holds_key(text)
    lines = (line.strip() for line in text.splitlines())
    for line in lines:
        if not line.startswith("#") and _TICK.search(line):
            yield Timer(place, searched.is_mine(line), holds_key=known)


def _systemd(searched: Searched) -> Iterator[Timer]:
    for folder in (*searched.units, str(searched.own_units)):
        for path in sorted(Path(folder).glob("*.timer")):
            unit = _setting(_text(path), "Unit") or f"{path.stem}.service"
            service = _text(path.with_name(unit))
            starts = _setting(service, "ExecStart")
            if _TICK.search(starts):
                yield _unit(searched, path, service)


def _unit(searched: Searched, path: Path, service: str) -> Timer:
    own = path.parent == searched.own_units
    return Timer(
        f"the timer {path}",
        searched.is_mine(service),
        active=_is_active(searched, path.name, own),
        kills=_setting(service, "KillMode") not in ("process", "none"),
        lingers=_lingers(searched) if own else None,
        holds_key=searched.holds_key(service),
    )


def _setting(unit: str, name: str) -> str:
    """The value of a setting: the last one counts."""
    found = re.findall(rf"^\s*{name}\s*=\s*(.*?)\s*$", unit, re.MULTILINE)
    return str(found[-1]) if found else ""


def _is_active(searched: Searched, name: str, own: bool) -> bool | None:
    """What systemctl says; None where it cannot be asked, as without a bus of the user."""
    program = shutil.which("systemctl", path=searched.environ.get("PATH"))
    if program is None:
        return None
    call = (program, *(["--user"] if own else []), "is-active", name)
    said = ask(call, searched.environ, _ASKING).out.strip()
    return said == "active" if said in ("active", "inactive", "failed") else None


def _lingers(searched: Searched) -> bool | None:
    name = searched.environ.get("USER") or searched.environ.get("LOGNAME")
    return (LINGERING / name).exists() if name and LINGERING.is_dir() else None


def _text(path: Path) -> str:
    """What a file says; nothing when it cannot be read, as those of others."""
    with contextlib.suppress(OSError):
        if path.is_file() and path.stat().st_size <= _LARGEST:
            return path.read_text(encoding="utf-8", errors="replace")
    return ""
