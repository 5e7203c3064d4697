"""What `doctor` says: findings with a level, and how the worst of them ends the command."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a finding matters, the least first."""

    OK = "ok"
    WARNING = "warning"
    """It works, and may surprise."""
    ACT = "act"
    """Something does not work until a person does something."""


WEIGHT = {Level.OK: 0, Level.WARNING: 1, Level.ACT: 2}
"""Also the exit code: 0 well, 1 warning, 2 act."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found, in a sentence, and what to do about it, in another or as a command."""

    level: Level
    found: str
    remedy: str = ""
    name: str = ""
    """The check that found it; `doctor` fills it in."""


def ok(found: str, remedy: str = "") -> Finding:
    """All is well; `remedy` is what else could be done."""
    return Finding(Level.OK, found, remedy)


def warning(found: str, remedy: str) -> Finding:
    """It works, and may surprise."""
    return Finding(Level.WARNING, found, remedy)


def act(found: str, remedy: str) -> Finding:
    """Something does not work until a person does this."""
    return Finding(Level.ACT, found, remedy)


def exit_code(findings: Iterable[Finding]) -> int:
    """0 well, 1 warning, 2 act: by the worst finding."""
    return max((WEIGHT[finding.level] for finding in findings), default=0)
