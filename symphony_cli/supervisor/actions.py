"""What a session wants done; `loop` does it. And when it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from symphony_cli.core import report
from symphony_cli.core.shape import Json
from symphony_cli.supervisor.protocol import RequestId


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant on both clocks: the date, for what is written down; seconds, for waits."""

    at: datetime
    mono: float


@dataclass(frozen=True, slots=True)
class Send:
    """Write this line to Codex."""

    line: bytes


@dataclass(frozen=True, slots=True)
class Tell:
    """Add this line to the report."""

    line: report.Line


@dataclass(frozen=True, slots=True)
class RunTool:
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


@dataclass(frozen=True, slots=True)
class SignalCodex:
    """Send a signal, TERM or KILL, to the process group of Codex."""

    name: str


Action = Send | Tell | RunTool | AskRefresh | CloseStdin | SignalCodex


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What `errands.refresh` says: go_on, stop, handed_over, or unknown."""

    standing: str
    reason: str = ""
    detail: str = ""
    state: str = ""
