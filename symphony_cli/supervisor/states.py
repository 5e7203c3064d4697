"""The states of a session, what may follow what, and how long some of it may last."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a conversation with Codex is; `session` tells the story."""

    STARTING = "starting"
    RELAUNCHING = "relaunching"
    OPENING = "opening"
    TURN = "turn"
    INTERRUPTING = "interrupting"
    CLEANING = "cleaning"
    COMPACTING = "compacting"
    REFRESHING = "refreshing"
    AWAITING = "awaiting"
    LEFT = "left"
    ENDING = "ending"
    OVER = "over"


_S = State
_ANY = frozenset({_S.LEFT, _S.ENDING})

FOLLOWERS: dict[State, frozenset[State]] = {
    _S.STARTING: _ANY | {_S.OPENING, _S.RELAUNCHING},
    _S.RELAUNCHING: _ANY | {_S.STARTING},
    _S.OPENING: _ANY | {_S.TURN},
    _S.TURN: _ANY | {_S.REFRESHING, _S.INTERRUPTING, _S.COMPACTING},
    _S.INTERRUPTING: _ANY | {_S.CLEANING, _S.REFRESHING, _S.COMPACTING},
    _S.CLEANING: _ANY | {_S.TURN},
    _S.COMPACTING: _ANY | {_S.TURN},
    _S.REFRESHING: _ANY | {_S.TURN, _S.AWAITING},
    _S.AWAITING: _ANY | {_S.TURN},
    _S.LEFT: frozenset({_S.ENDING}),
    _S.ENDING: frozenset({_S.OVER}),
    _S.OVER: frozenset(),
}

PHASES: dict[State, str] = {
    _S.STARTING: "launch",
    _S.RELAUNCHING: "launch",
    _S.OPENING: "launch",
    _S.TURN: "turn",
    _S.INTERRUPTING: "recovery",
    _S.CLEANING: "recovery",
    _S.COMPACTING: "compaction",
    _S.REFRESHING: "refresh",
    _S.AWAITING: "awaiting_tracker",
    _S.LEFT: "closing",
    _S.ENDING: "closing",
    _S.OVER: "closing",
}
"""What report and pid file call a state."""


EARLY_EXIT = 5.0
"""Seconds after its launch in which a Codex that fails before it answers may have met a neighbour:
two that start at once on a fresh CODEX_HOME both make its databases, and one of them fails
("failed to initialize sqlite state runtime", measured with Codex 0.169). It is started once more.
"""

RELAUNCH_WAIT = 1.0
"""Seconds before that second start; the neighbour is done by then."""

LEFT_WAIT = 3.0
"""Seconds in which a signal to us still explains why Codex left politely."""

POLITE_EXITS = frozenset({0, -15, 143})
"""How Codex ends on SIGTERM: with 0; by the signal, or as a shell tells it, before it is ready."""

FINAL_EXITS = POLITE_EXITS | {126, 127}
"""How it does not end by bad luck: told to, or not to be found by its shell."""

INTERRUPT_WAIT = 10.0
"""Seconds that Codex has to end a turn (20 ms are normal) before it counts as hung."""

INTERRUPT_RETRY = 0.05
"""Seconds before an interrupt that came too early for Codex is sent again."""
