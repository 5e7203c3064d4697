"""The states of a session, what may follow what, and how long some of it may last.

state         left by                                         for
starting      reply to initialize                             opening
              Codex fails at once, for the first time         relaunching
relaunching   a second                                        starting
opening       reply to thread/resume or thread/start          turn
              another process has the thread                  opening, asked again
              resume refused                                  opening, with thread/start
turn          turn/completed: completed                       refreshing
              turn/completed: failed, context too long, once  compacting
              silence                                         interrupting
interrupting  turn/completed: interrupted                     cleaning
cleaning      reply to thread/backgroundTerminals/clean       turn, told why
              turn/completed: failed, model gone, once        renewing
compacting    turn/completed of the compaction                turn
renewing      another model is configured by now              turn, with that model
refreshing    the tracker says: go on                         turn
              the tracker cannot be reached                   awaiting
awaiting      the tracker says: go on                         turn
any of these  Codex is gone                                   left: was it the machine's end?
any of these  a decision that the run ends                    ending
left          a stop, a signal, or nothing for a while        over
ending        Codex is gone, or nothing more can be done      over
"""

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
    RENEWING = "renewing"
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
    _S.TURN: _ANY | {_S.REFRESHING, _S.INTERRUPTING, _S.COMPACTING, _S.RENEWING},
    _S.INTERRUPTING: _ANY | {_S.CLEANING, _S.REFRESHING, _S.COMPACTING, _S.RENEWING},
    _S.CLEANING: _ANY | {_S.TURN},
    _S.COMPACTING: _ANY | {_S.TURN},
    _S.RENEWING: _ANY | {_S.TURN},
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
    _S.RENEWING: "recovery",
    _S.REFRESHING: "refresh",
    _S.AWAITING: "awaiting_tracker",
    _S.LEFT: "closing",
    _S.ENDING: "closing",
    _S.OVER: "closing",
}
"""What report and pid file call a state."""


INTERRUPT_WAIT = 10.0
"""Seconds that Codex has to end a turn (20 ms are normal) before it counts as hung."""

INTERRUPT_RETRY = 0.05
"""Seconds before an interrupt that came too early for Codex is sent again."""
