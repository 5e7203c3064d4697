"""What a person who follows an agent is told, one frozen entry each.

Entries come from a run's transcript (`transcript`), from its report, whose lines are entries as
they are (`report`), and from the story that reads both (`commands/logs`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from symphony_cli.core import report
from symphony_cli.core.reasons import Outcome
from symphony_cli.core.shape import Json, encode
from symphony_cli.core.usage import Usage


@dataclass(frozen=True, slots=True)
class RunBegan:
    """What follows is of this run of an issue; `of` are the runs that have a folder."""

    at: datetime
    issue: str
    title: str
    key: str
    number: int
    of: tuple[int, ...]
    attempt: int = 1
    kind: str = ""
    """Why there is one more attempt: retry, rollover ...; empty for the first."""


@dataclass(frozen=True, slots=True)
class Prompted:
    """What we asked the agent to do in a turn."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Spoke:
    """The agent said something; `agent` is a sub-agent's thread, or empty."""

    at: datetime
    text: str
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Thought:
    """The summary of a thought."""

    at: datetime
    text: str
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Planned:
    """The agent's plan: the state of each step, and the step."""

    at: datetime
    steps: tuple[str, ...]
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Worked:
    """A command, a call of a tool ... began, or ended.

    `state` is began, or done, failed or declined.
    """

    at: datetime
    item: str
    kind: str
    """command, tool (one of ours), mcp (a foreign one), search, sleep, agent, compaction; else
    Codex's own word."""
    title: str
    state: str
    exit_code: int | None = None
    seconds: float | None = None
    output: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class FileEdit:
    """One file of a patch: what became of it, lines added and removed. `left_out` bytes of the
    patch were not kept, and the lines in them are not counted."""

    path: str
    change: str
    added: int = 0
    removed: int = 0
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Edited:
    """A patch was applied (state done), or was not (failed, declined)."""

    at: datetime
    item: str
    state: str
    files: tuple[FileEdit, ...]
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Retried:
    """The model could not be reached, or broke off, and Codex tries again."""

    at: datetime
    text: str
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Warned:
    """Codex warns of something."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class TurnOver:
    """A turn ended; `spent` is what it used, `total` what the run has used up to here."""

    at: datetime
    number: int
    status: str
    error: str
    seconds: float
    spent: Usage
    total: Usage


@dataclass(frozen=True, slots=True)
class RunOver:
    """The run left a verdict."""

    at: datetime
    number: int
    outcome: Outcome
    reason: str
    detail: str
    turns: int
    spent: Usage
    seconds: float | None = None
    commits: int | None = None
    branch: str = ""
    rescue: str = ""
    last_message: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """Something about these logs themselves."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class PartBegan:
    """A new part of the transcript; who has not read the one before misses something."""

    at: datetime
    number: int


Entry = (
    RunBegan
    | Prompted
    | Spoke
    | Thought
    | Planned
    | Worked
    | Edited
    | Retried
    | Warned
    | TurnOver
    | RunOver
    | Note
    | PartBegan
    | report.Line
)

_KINDS: dict[type, str] = {
    RunBegan: "run",
    Prompted: "prompt",
    Spoke: "message",
    Thought: "thought",
    Planned: "plan",
    Worked: "work",
    Edited: "files",
    Retried: "retry",
    Warned: "warning",
    TurnOver: "turn_ended",
    RunOver: "run_ended",
    Note: "note",
    PartBegan: "part",
    **{kind: name for name, kind in report.KINDS.items()},
}


def to_json(entry: Entry) -> Json:
    """An entry with all its members. `type` says what it is, as it may have a `kind` of its own."""
    return {"type": _KINDS[type(entry)], **encode(entry, full=True)}
