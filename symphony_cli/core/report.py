"""The lines of `report.jsonl`, and how they add up.

prepare, supervisor and finish append to it one after the other. Each line is a map with `kind` and
`at`; a line of an unknown kind, or a torn last one, is passed over: the report of a run that was
killed must still be readable.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from symphony_cli.core.issue import Issue
from symphony_cli.core.reasons import Outcome
from symphony_cli.core.run import ThreadRef
from symphony_cli.core.shape import Malformed, decode, encode
from symphony_cli.core.usage import Meter, ThreadUsage, Usage


@dataclass(frozen=True, slots=True)
class Phase:
    """The run entered another phase: workspace, hooks, prompt, launch, turn, cleanup ..."""

    at: datetime
    name: str


@dataclass(frozen=True, slots=True)
class IssueRead:
    """The issue as the tracker told it before this run: no long texts, but its history of states
    and its pull request, which polls do not ask for."""

    at: datetime
    issue: Issue
    commented_at: datetime | None = None
    """The date of its newest comment by the tracker's clock; later ones are new to the next run."""


@dataclass(frozen=True, slots=True)
class ThreadBegan:
    """A thread is there to talk on; `base` is its total before this run."""

    at: datetime
    thread: ThreadRef
    base: Usage = Usage()
    resumed: bool = False
    fresh_because: str = ""


@dataclass(frozen=True, slots=True)
class TurnBegan:
    """A turn was started; `number` counts from 1 within the run."""

    at: datetime
    number: int
    turn: str = ""


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """A turn ended; `status` is Codex's word: completed, interrupted, failed."""

    at: datetime
    number: int
    status: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class ThreadBusy:
    """A turn of some thread runs, sub-agents' included: a model is asked, and what an answer costs
    is told only after it."""

    at: datetime
    thread: str


@dataclass(frozen=True, slots=True)
class ThreadIdle:
    """That turn is over; `cut`: before its last answer was, whose cost may never be told."""

    at: datetime
    thread: str
    cut: bool = False


@dataclass(frozen=True, slots=True)
class UsageSeen:
    """The running total of a thread; `base` is its total before this run, and `before` what this
    run had spent when Codex began to count anew, which makes `base` nothing."""

    at: datetime
    thread: str
    total: Usage
    base: Usage = Usage()
    before: Usage = Usage()


@dataclass(frozen=True, slots=True)
class Answered:
    """The model has answered for the first time in this run: the machine is fit to work."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Said:
    """The agent's last message (cut to a few thousand characters)."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of the server and what we answered."""

    at: datetime
    question: str
    answer: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class ToolCalled:
    """The agent called one of our tools."""

    at: datetime
    tool: str
    success: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Stalled:
    """Silence reached its limit; the turn was interrupted."""

    at: datetime
    silent: float


@dataclass(frozen=True, slots=True)
class Limited:
    """Rate limits of the provider, merged; as Codex tells them."""

    at: datetime
    limits: dict[str, object]


@dataclass(frozen=True, slots=True)
class Closing:
    """How the run ends, said by the act that decided it. The first one counts."""

    at: datetime
    outcome: Outcome
    reason: str = ""
    detail: str = ""
    hold_until: datetime | None = None
    state: str = ""
    """The issue's state, when the run ends because it has a part of its own."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A step that ended processes: eof, term, kill, sweep."""

    at: datetime
    step: str
    pids: tuple[int, ...] = ()


Line = (
    Phase
    | IssueRead
    | ThreadBegan
    | TurnBegan
    | TurnEnded
    | ThreadBusy
    | ThreadIdle
    | UsageSeen
    | Answered
    | Said
    | Asked
    | ToolCalled
    | Stalled
    | Limited
    | Closing
    | Ended
)

KINDS: dict[str, type[Line]] = {
    "phase": Phase,
    "issue": IssueRead,
    "thread": ThreadBegan,
    "turn": TurnBegan,
    "turn_ended": TurnEnded,
    "busy": ThreadBusy,
    "idle": ThreadIdle,
    "usage": UsageSeen,
    "answered": Answered,
    "said": Said,
    "asked": Asked,
    "tool": ToolCalled,
    "stalled": Stalled,
    "limits": Limited,
    "closing": Closing,
    "ended": Ended,
}
_NAMES = {kind: name for name, kind in KINDS.items()}


def to_text(line: Line) -> str:
    """One line of report.jsonl, without its end."""
    return json.dumps({"kind": _NAMES[type(line)], **encode(line)}, ensure_ascii=False)


def from_bytes(data: bytes) -> tuple[Line, ...]:
    """All lines that can be read."""
    return tuple(line for text in data.split(b"\n") if (line := _line(text)) is not None)


def _line(text: bytes) -> Line | None:
    try:
        data = json.loads(text)
        return decode(KINDS[data["kind"]], data)
    except (ValueError, KeyError, TypeError, RecursionError, Malformed):
        return None


@dataclass(frozen=True, slots=True)
class Sum:
    """What a report adds up to."""

    phase: str = ""
    meter: Meter = Meter()
    thread: ThreadRef | None = None
    fresh_thread: bool = False
    answered: bool = False
    turns: int = 0
    turn_began: int = 0
    cut: int = 0
    busy: frozenset[str] = frozenset()
    asked: bool = False
    """A turn was asked for, and had not started yet when the report ends."""
    last_message: str = ""
    stalls: int = 0
    declines: int = 0
    limits: dict[str, object] = field(default_factory=dict)
    """Rate limits of the provider by their id; each as it was told last."""
    closing: Closing | None = None
    killed: dict[str, tuple[int, ...]] | None = None
    question: str = ""
    told: Issue | None = None

    @property
    def cut_answers(self) -> int:
        """Answers that were cut off, so that their cost may never be told: those of turns that did
        not come to their end, and of turns that were open when the report ends."""
        return self.cut + len(self.busy) + self.asked


FINISHING = "cleanup"
"""What finish calls itself in report and pid file."""

ASKING_PHASES = frozenset({"turn", "compaction"})
"""What a supervisor calls its states in which it asks for a turn at once."""


def add_up(lines: Iterable[Line]) -> Sum:
    """Fold the lines of one run, in order."""
    total = Sum()
    for line in lines:
        total = _add(total, line)
    return total


def _add(total: Sum, line: Line) -> Sum:
    match line:
        case Phase(name=name):
            return replace(total, phase=name, asked=_asked(total, name))
        case IssueRead(issue=issue):
            return replace(total, told=issue)
        case ThreadBegan():
            return replace(
                total,
                thread=line.thread,
                meter=total.meter.based(line.thread.id, line.base),
                fresh_thread=total.fresh_thread or bool(line.fresh_because),
                asked=total.asked and line.thread.id not in total.busy,
            )
        case TurnBegan() | TurnEnded() | ThreadBusy() | ThreadIdle():
            return _turned(total, line)
        case UsageSeen():
            return _counted(total, line)
        case Answered():
            return replace(total, answered=True)
        case Said(text=text):
            return replace(total, last_message=text, answered=True)
        case Asked(answer=answer, text=text):
            declined = answer.startswith("decline")
            return replace(total, declines=total.declines + declined, question=text)
        case Stalled():
            return replace(total, stalls=total.stalls + 1)
        case Limited(limits=limits):
            name = str(limits.get("limitId") or "")
            return replace(total, limits={**total.limits, name: limits})
        case Closing():
            return replace(total, closing=total.closing or line)
        case Ended(step=step, pids=pids):
            killed = dict(total.killed or {})
            killed[step] = (*killed.get(step, ()), *pids)
            return replace(total, killed=killed)
        case ToolCalled():
            return total


def _turned(total: Sum, line: TurnBegan | TurnEnded | ThreadBusy | ThreadIdle) -> Sum:
    match line:
        case TurnBegan(number=number):
            return replace(total, turn_began=max(total.turn_began, number))
        case TurnEnded(status=status):
            done = status == "completed"
            return replace(total, turns=total.turns + done, answered=total.answered or done)
        case ThreadBusy(thread=thread):
            # Before our own thread is told, a sub-agent's cannot be.
            ours = total.thread is None or total.thread.id == thread
            return replace(total, busy=total.busy | {thread}, asked=total.asked and not ours)
        case ThreadIdle(thread=thread, cut=cut):
            return replace(total, busy=total.busy - {thread}, cut=total.cut + cut)


def _counted(total: Sum, line: UsageSeen) -> Sum:
    """The newest figures of a thread; before the first turn they are what earlier runs spent."""
    meter = total.meter.told(line.thread, ThreadUsage(line.base, line.total, line.before))
    news = total.turn_began > 0 and meter.spent != total.meter.spent
    return replace(total, meter=meter, answered=total.answered or news)


def _asked(total: Sum, phase: str) -> bool:
    """Finish, whose phase may follow any other, takes nothing back."""
    return total.asked if phase == FINISHING else phase in ASKING_PHASES
