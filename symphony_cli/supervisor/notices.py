"""What the server tells, as the few events that a session acts on.

The raw parameters are looked at here and nowhere else; a member that is missing or of another
type becomes an empty one, because the protocol grows every week and a run must not die of it.
"""

from __future__ import annotations

from typing import NamedTuple

from symphony_cli.core.shape import Json
from symphony_cli.core.usage import Usage
from symphony_cli.supervisor.protocol import Notice

_MOST_OUTPUT = 500
_LONGEST_MS = 366 * 24 * 3600 * 1000


class TurnError(NamedTuple):
    """Why a turn failed: Codex's kind of error, the HTTP status behind it if any, its text."""

    message: str
    kind: str = ""
    status: int | None = None
    details: str = ""


class TurnStarted(NamedTuple):
    """A turn of some thread runs from now on."""

    thread: str
    turn: str


class TurnCompleted(NamedTuple):
    """A turn of some thread is over; `status` is completed, interrupted or failed."""

    thread: str
    turn: str
    status: str
    error: TurnError | None = None


class ItemStarted(NamedTuple):
    """A command, a tool call, a message ... began. It may never be told to have ended.

    `seconds` is how long a sleep is going to take; None for all else. `paths` are the files that
    a change of files is about.
    """

    thread: str
    item: str
    kind: str
    turn: str = ""
    seconds: float | None = None
    paths: tuple[str, ...] = ()


class ItemCompleted(NamedTuple):
    """It ended; `text` is what an agent's message says.

    `status` is Codex's word for how it ended (completed, failed, declined), empty for what cannot
    fail; `output` is the beginning of what a command printed.
    """

    thread: str
    item: str
    kind: str
    text: str = ""
    status: str = ""
    output: str = ""


class TokensCounted(NamedTuple):
    """The running total of a thread."""

    thread: str
    total: Usage


class LimitsTold(NamedTuple):
    """Rate limits of the provider, without the members that are null this time."""

    limits: dict[str, Json]
    thread: str = ""


class Retrying(NamedTuple):
    """The model could not be reached and Codex tries again; this is no sign of progress."""

    error: TurnError
    thread: str = ""


class Other(NamedTuple):
    """Anything else; `thread` is empty when it is about no thread."""

    method: str
    thread: str


Told = (
    TurnStarted
    | TurnCompleted
    | ItemStarted
    | ItemCompleted
    | TokensCounted
    | LimitsTold
    | Retrying
    | Other
)


OfTurns = (TurnStarted, TurnCompleted)
OfWork = (*OfTurns, ItemStarted, ItemCompleted)
"""What tells that something begins or ends."""


def understand(notice: Notice) -> Told:
    """The event that a notice stands for."""
    params = notice.params
    thread = text(params, "threadId")
    match notice.method:
        case "turn/started":
            return TurnStarted(thread, text(child(params, "turn"), "id"))
        case "turn/completed":
            turn = child(params, "turn")
            error = turn_error(child(turn, "error")) if child(turn, "error") else None
            return TurnCompleted(thread, text(turn, "id"), text(turn, "status"), error)
        case "item/started":
            item = child(params, "item")
            named = (text(item, "id"), text(item, "type"), text(params, "turnId"))
            return ItemStarted(thread, *named, _seconds(item, "durationMs"), _paths(item))
        case "item/completed":
            item = child(params, "item")
            return _ended(thread, item)
        case "thread/tokenUsage/updated":
            return TokensCounted(thread, usage(child(child(params, "tokenUsage"), "total")))
        case "account/rateLimits/updated":
            limits = child(params, "rateLimits")
            return LimitsTold({name: value for name, value in limits.items() if value is not None})
        case "error" if params.get("willRetry") is True:
            return Retrying(turn_error(child(params, "error")), thread)
    return Other(notice.method, thread)


def _ended(thread: str, item: dict[str, Json]) -> ItemCompleted:
    return ItemCompleted(
        thread,
        item=text(item, "id"),
        kind=text(item, "type"),
        text=text(item, "text"),
        status=text(item, "status"),
        output=text(item, "aggregatedOutput")[:_MOST_OUTPUT],
    )


def turn_error(error: dict[str, Json]) -> TurnError:
    """Why a turn failed. `codexErrorInfo` is a word, or a map of one word to its details."""
    info = error.get("codexErrorInfo")
    kind, status = (info, None) if isinstance(info, str) else ("", None)
    if isinstance(info, dict) and info:
        kind = next(iter(info))
        status = child(info, kind).get("httpStatusCode")
    return TurnError(
        text(error, "message"),
        kind or "",
        status if type(status) is int else None,
        text(error, "additionalDetails"),
    )


def usage(total: dict[str, Json]) -> Usage:
    """Codex's counters as ours.

    The sum is our own: when a conversation outgrows the model, Codex sets `totalTokens` to the size
    of the context window and every other counter to nothing, and counts on from there (measured
    with 0.163 and 0.169). Only then is its sum taken over: one without parts says that it happened.
    """
    given, output = _count(total, "inputTokens"), _count(total, "outputTokens")
    return Usage(
        input=given,
        cached_input=_count(total, "cachedInputTokens"),
        output=output,
        reasoning=_count(total, "reasoningOutputTokens"),
        total=given + output or _count(total, "totalTokens"),
    )


def child(parent: dict[str, Json], name: str) -> dict[str, Json]:
    """A member that is a map, or an empty one."""
    value = parent.get(name)
    return value if isinstance(value, dict) else {}


def text(parent: dict[str, Json], name: str) -> str:
    """A member that is text, or an empty one."""
    value = parent.get(name)
    return value if isinstance(value, str) else ""


def _seconds(parent: dict[str, Json], name: str) -> float | None:
    value = parent.get(name)
    if not isinstance(value, int | float) or not 0 <= value <= _LONGEST_MS:
        return None
    return value / 1000


def _paths(item: dict[str, Json]) -> tuple[str, ...]:
    changes = item.get("changes")
    listed = changes if isinstance(changes, list) else []
    named = (text(one, "path") for one in listed if isinstance(one, dict))
    return tuple(path for path in named if path)


def _count(parent: dict[str, Json], name: str) -> int:
    value = parent.get(name)
    return value if type(value) is int and value > 0 else 0
