"""What a session wants done; `loop` does it. And when it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from symphony_cli.core import report
from symphony_cli.core.shape import Json
from symphony_cli.supervisor.protocol import RequestId


class Moment(NamedTuple):
    """One instant on both clocks: the date, for what is written down; seconds, for waits."""

    at: datetime
    mono: float


class Send(NamedTuple):
    """Write this line to Codex."""

    line: bytes


class Tell(NamedTuple):
    """Add this line to the report."""

    line: report.Line


class RunTool(NamedTuple):
    """Start the errand that carries out a tool call, and bring back what it says."""

    request: RequestId
    tool: str
    arguments: Json


@dataclass(frozen=True, slots=True)
class AskRefresh:
    """Start the errand that asks the tracker how the issue stands."""


@dataclass(frozen=True, slots=True)
class CloseStdin:
    """Close the pipe to Codex: the polite way to say that we are done."""


class SignalCodex(NamedTuple):
    """Send a signal, TERM or KILL, to the process group of Codex."""

    name: str


@dataclass(frozen=True, slots=True)
class Relaunch:
    """Start Codex once more; the one before is gone."""


Action = Relaunch | Send | Tell | RunTool | AskRefresh | CloseStdin | SignalCodex


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What `errands.refresh` says: go_on, stop, handed_over, or unknown."""

    standing: str
    reason: str = ""
    detail: str = ""
    state: str = ""
