"""Ledger events as short lines for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from symphony_cli.core import events as e
from symphony_cli.core.report import Asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One line of the ledger, for people."""

    at: datetime
    kind: str
    detail: str


def happened(event: e.Event) -> Happened:
    """What an event says, in a few words."""
    return Happened(at=event.at, kind=e.name_of(event), detail=_detail(event))


def questioned(line: Asked) -> Happened:
    """A question of an agent, and what it was answered."""
    said = {"decline": "declined", "accept": "accepted"}.get(line.answer, line.answer)
    return Happened(at=line.at, kind=line.question, detail=f"{said}: {line.text}")


def _detail(event: e.Event) -> str:
    match event:
        case e.Sighted(issue=issue):
            return f"state {issue.state}"
        case e.Dispatched():
            kind = f", {event.retry_kind}" if event.retry_kind else ""
            return f"attempt {event.attempt}{kind}"
        case e.Ended():
            return _ended(event)
        case e.Released(why=why, detail=detail):
            return detail or why
        case e.Finished(state=state):
            return state
        case e.StopAsked() | e.Blocked():
            return f"{event.reason} by {event.by}: {event.detail}"
        case e.Unblocked():
            return f"{event.cause}: by {event.by}{f': {event.note}' if event.note else ''}"
        case e.ToppedUp() | e.Retried():
            more = f"{event.tokens:,} more tokens " if isinstance(event, e.ToppedUp) else ""
            return f"{more}by {event.by}{f': {event.note}' if event.note else ''}"
        case e.PassedOver(why=why, detail=detail):
            return f"{why}: {detail}"
        case e.RemovalAsked() | e.Removed() | e.Kept():
            return _of_removal(event)
        case e.Warned(allowance=allowance):
            return f"most of {allowance:,} tokens is used"
        case e.Signalled(signal=word) | e.Owed(kind=word):
            return word.replace("_", " ")
        case e.Faulted(doing=doing, error=error):
            return f"{doing}: {error}"
        case _:
            return ""


def _of_removal(event: e.RemovalAsked | e.Removed | e.Kept) -> str:
    if isinstance(event, e.Removed):
        return "; ".join(filter(None, (event.rescue, event.note)))
    return event.why


def _ended(event: e.Ended) -> str:
    verdict = event.verdict
    words = [verdict.outcome.value, verdict.reason, verdict.detail]
    text = ": ".join(word for word in words if word)
    anew = "a new thread, " if verdict.fresh_thread else ""
    spent = f"{anew}{verdict.turns} turns, {verdict.spent.spend():,} tokens"
    wait = f"; next attempt in {event.wait:.0f} s" if event.wait else ""
    return f"{text} ({spent}){wait}"
