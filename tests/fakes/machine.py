"""A machine whose crontab and files are values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from symphony_cli.errors import MissingProgram


@dataclass
class FakeMachine:
    """`ports.Machine` that remembers what it was asked for."""

    table: str = ""
    files: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    missing: tuple[str, ...] = ()
    troubles: dict[str, str] = field(default_factory=dict)
    lingering: bool = True
    places: tuple[str, ...] = ()

    def need(self, program: str) -> str:
        if program in self.missing:
            raise MissingProgram(f"{program} is not on PATH: install it, or choose another timer.")
        return f"/usr/bin/{program}"

    def crontab(self) -> str:
        self.need("crontab")
        return self.table

    def set_crontab(self, text: str) -> None:
        self.table = text

    def ask(self, argv: Sequence[str]) -> str:
        self.need(argv[0])
        self.asked.append(" ".join(argv))
        return self.troubles.get(self.asked[-1], "")

    def unit_folder(self, *, system: bool) -> str:
        return "/etc/systemd/system" if system else "/home/ada/.config/systemd/user"

    def agent_folder(self) -> str:
        return "/home/ada/Library/LaunchAgents"

    def write(self, path: str, text: str) -> None:
        self.files[path] = text

    def remove(self, path: str) -> None:
        self.files.pop(path, None)

    def lingers(self) -> bool:
        return self.lingering

    def keep_places(self) -> tuple[str, ...]:
        return self.places
