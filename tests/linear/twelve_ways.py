"""Twelve ways in which people change an issue that we run or hold, and what a tick says of each.

"Acted on" means: the first tick after the change does it, and tells of it.

    stop            the agent is told to end in the middle of its turn
    release         the issue leaves the queue
    first in line   it is the next to be started when a slot is free
    enrol           it has a place in the queue from now on
    finish          it is over, and so is its block
    passed over     it stays, and the tick names what it waits for
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from symphony_cli.core.reasons import Why
from tests.linear.world import PersonAtTheBoard

Kind = Literal["running", "queued", "waiting", "blocked"]
"""What an issue was for us before: `waiting` is for an open blocker, `blocked` is by us."""

LABEL = "agent"
"""Required of every issue."""

ASSIGNEE = "Agent Bot"
"""Everybody's issues are this user's."""

ELSEWHERE = "elsewhere-0c0ffee00001"
"""Slug of another project."""

Change = Callable[[PersonAtTheBoard, str, str], None]
"""What a person does to an issue; the last argument is the issue that blocks it, or shall."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to change an issue, and what the next tick shall do about it."""

    name: str
    kind: Kind
    change: Change
    acted: str


WAYS = (
    Way("cancelled", "running", lambda who, one, _: who.move(one, "Canceled"), "stop"),
    Way("stop label", "running", lambda who, one, _: who.label(one, "stop-continue"), "stop"),
    Way("label taken off", "running", lambda who, one, _: who.unlabel(one, LABEL), "stop"),
    Way("reassigned", "running", lambda who, one, _: who.assign(one, "Rui Reviewer"), "stop"),
    Way("other project", "running", lambda who, one, _: who.to_project(one, ELSEWHERE), "stop"),
    Way("archived", "running", lambda who, one, _: who.archive(one), "stop"),
    Way("thrown away", "running", lambda who, one, _: who.trash(one), "stop"),
    Way("handed over", "queued", lambda who, one, _: who.move(one, "Human Review"), "release"),
    Way(
        "blocked by another",
        "queued",
        lambda who, one, other: who.relate(other, one),
        "passed over: blocker",
    ),
    Way("made urgent", "queued", lambda who, one, _: who.prioritise(one, 1), "first in line"),
    Way("blocker closed", "waiting", lambda who, _, other: who.move(other, "Done"), "enrol"),
    Way("closed by a person", "blocked", lambda who, one, _: who.move(one, "Done"), "finish"),
)

BEFORE: dict[Kind, str] = {
    "running": "",
    "queued": "passed over: slots",
    "waiting": "passed over: blocker",
    "blocked": "passed over: block",
}
"""What a tick says of an issue that nobody changed."""


def acted(
    issue: str, decisions: Sequence[tuple[str, str]], passed: Sequence[tuple[str, str]]
) -> str:
    """What a tick did about an issue, or said of it.

    Args:
        decisions: what was done, as (identifier, kind) in order; deliveries say nothing here.
        passed: what was passed over, as (identifier, reason) in order.
    """
    kinds = [kind for name, kind in decisions if name == issue and kind != "deliver"]
    if kinds:
        return ", ".join(kinds)
    in_line = [name for name, reason in passed if reason == Why.SLOTS]
    if in_line[:1] == [issue]:
        return "first in line"
    return "".join(f"passed over: {reason}" for name, reason in passed if name == issue)
