"""What is known of a thread: the lines of its rollout, and how they add up. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from symphony_cli.core.shape import Json
from symphony_cli.core.usage import Usage
from symphony_cli.scripted import shapes


@dataclass(frozen=True, slots=True)
class Settings:
    """What turns of the thread go by until a client says otherwise."""

    cwd: str
    approval_policy: Json = "on-request"
    sandbox: Json = field(default_factory=lambda: shapes.SANDBOXES["workspace-write"])


@dataclass(frozen=True, slots=True)
class Meta:
    """The first line."""

    id: str
    created: int
    settings: Settings
    tools: tuple[Json, ...] = ()
    originator: str = ""


@dataclass(frozen=True, slots=True)
class Changed:
    """The settings from here on."""

    settings: Settings


@dataclass(frozen=True, slots=True)
class Began:
    """A turn began, at a Unix time in ms."""

    turn: str
    at: int


@dataclass(frozen=True, slots=True)
class Ended:
    """A turn ended."""

    turn: str
    status: str
    at: int
    error: Json = None


@dataclass(frozen=True, slots=True)
class Done:
    """An item of a turn is complete."""

    turn: str
    item: Json
    began: int
    at: int


@dataclass(frozen=True, slots=True)
class Input:
    """Added to what the model reads."""

    items: tuple[Json, ...]


@dataclass(frozen=True, slots=True)
class Compacted:
    """What the model reads from here on."""

    items: tuple[Json, ...]


@dataclass(frozen=True, slots=True)
class Spent:
    """The thread's running total, and the answer that raised it last."""

    total: Usage
    last: Usage


@dataclass(frozen=True, slots=True)
class Place:
    """How far the script was played: `step` steps of list `turn` of the issue `match`."""

    match: str
    turn: int = 0
    step: int = 0


Line = Meta | Changed | Began | Ended | Done | Input | Compacted | Spent | Place
KINDS: dict[str, type[Line]] = {
    "session_meta": Meta,
    "settings": Changed,
    "turn_began": Began,
    "turn_ended": Ended,
    "item_completed": Done,
    "input": Input,
    "compacted": Compacted,
    "tokens": Spent,
    "place": Place,
}
NAMES = {kind: name for name, kind in KINDS.items()}


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn on record."""

    began: Began
    ended: Ended | None = None
    items: tuple[Done, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """All lines, added up."""

    meta: Meta
    settings: Settings
    turns: tuple[Turn, ...] = ()
    input: tuple[Json, ...] = ()
    spent: Spent = Spent(Usage(), Usage())
    place: Place | None = None


def add(record: Record, line: Line) -> Record:
    """The record with one more line."""
    match line:
        case Meta():
            return replace(record, meta=line, settings=line.settings)
        case Changed(settings=settings):
            return replace(record, settings=settings)
        case Began():
            return replace(record, turns=(*record.turns, Turn(line)))
        case Ended(turn=turn):
            return replace(record, turns=_in_turn(record.turns, turn, line))
        case Done(turn=turn):
            return replace(record, turns=_in_turn(record.turns, turn, line))
        case Input(items=items):
            return replace(record, input=(*record.input, *items))
        case Compacted(items=items):
            return replace(record, input=items)
        case Spent():
            return replace(record, spent=line)
        case Place():
            return replace(record, place=line)


def _in_turn(turns: tuple[Turn, ...], turn: str, line: Ended | Done) -> tuple[Turn, ...]:
    def with_line(one: Turn) -> Turn:
        if one.began.turn != turn:
            return one
        if isinstance(line, Ended):
            return replace(one, ended=line)
        return replace(one, items=(*one.items, line))

    return tuple(with_line(one) for one in turns)


def open_calls(record: Record) -> list[str]:
    """Calls in the model's input that have no output yet."""
    outputs = {i["call_id"] for i in record.input if i["type"] == "function_call_output"}
    calls = [i["call_id"] for i in record.input if i["type"] == "function_call"]
    return [call for call in calls if call not in outputs]
