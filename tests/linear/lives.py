"""What may happen to a world in which people edit: steps, any order of which is a life."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from hypothesis import strategies as st

from symphony_cli.core.reasons import Outcome
from symphony_cli.observe import held
from tests.linear.edits import KINDS, Board, Edit
from tests.linear.ticking import LinearWorld
from tests.linear.world import Kind
from tests.promises import check


@dataclass(frozen=True, slots=True)
class Tick:
    """A tick after so many seconds; it dies at that spark if there is one."""

    after: float
    spark: int = 0


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """An edit that somebody makes while the next look is between two of its requests."""

    edit: Edit


@dataclass(frozen=True, slots=True)
class Lag:
    """Replicas are so many seconds behind from now on."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Skew:
    """Our clock is so many seconds ahead from now on."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Trouble:
    """The next requests fail."""

    kind: Kind
    times: int


@dataclass(frozen=True, slots=True)
class RunEnds:
    """A run comes to its end."""

    which: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Vanish:
    """An issue that we hold is in no list of one look, and back in the next."""

    which: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Nobody looks for so many seconds."""

    seconds: float


Step = Edit | Tick | Meanwhile | Lag | Skew | Trouble | RunEnds | Vanish | Wait
Chapter = tuple[list[Edit], Step, Tick]

_numbers = st.integers(0, 119)
_edits = st.builds(Edit, st.sampled_from(KINDS), _numbers, _numbers)
skews = st.sampled_from((0.0, 120.0, -120.0)) | st.integers(-120, 120).map(float)
"""Seconds that our clock is ahead."""

_ticks = st.builds(Tick, st.sampled_from((5.0, 0.0, 0.001, 1.0, 30.0, 90.0, 400.0)))
_others = (
    st.builds(Wait, st.sampled_from((0.0, 0.001, 0.5, 3.0, 60.0, 130.0, 400.0))),
    st.builds(Tick, st.sampled_from((5.0, 0.0)), st.integers(1, 30)),
    st.builds(Meanwhile, _edits),
    st.builds(Lag, st.sampled_from((2.0, 1.0, 0.0))),
    st.builds(Skew, skews),
    st.builds(Trouble, st.sampled_from(get_args(Kind)), st.integers(1, 3)),
    st.builds(Vanish, _numbers),
    st.builds(RunEnds, _numbers, st.sampled_from(list(Outcome))),
)
chapters = st.tuples(st.lists(_edits, min_size=1, max_size=5), st.one_of(*_others), _ticks)
"""A few edits, one other thing, and a tick."""


def do(world: LinearWorld, board: Board, step: Step) -> None:
    """One step of a life."""
    match step:
        case Edit():
            board.do(step)
        case Tick():
            world.pass_time(step.after)
            _tick(world, step.spark)
        case Meanwhile():
            world.asks.meanwhile.append(lambda: _meanwhile(world, board, step.edit))
        case Lag():
            board.linear.lag(step.seconds * world.lags)
        case Skew():
            world.set_clock(step.seconds)
        case Trouble():
            seconds = 0.01  # a short hang; Linear then closes the connection
            board.linear.fault(step.kind, times=step.times, seconds=seconds, operation="Look|Names")
        case RunEnds():
            living = world.agents.living()
            if living:
                reason = "input" if step.outcome is Outcome.ASKED else ""
                run = living[step.which % len(living)]
                world.agents.end(run, step.outcome, world.time, reason=reason)
        case Vanish():
            _vanish(world, step.which)
        case Wait():
            world.pass_time(step.seconds)


def _tick(world: LinearWorld, spark: int) -> None:
    if spark:
        world.tick_until_power_cut(spark)
    else:
        world.tick()
    check(world)


def _vanish(world: LinearWorld, which: int) -> None:
    """Each issue at most once until the dust settles: gone is what was missed twice in a row."""
    ids = [one.id for one in held(world.history, world.bulletin.last())]
    issue = ids[which % len(ids)] if ids else ""
    if issue not in world.vanished:
        world.vanished.add(issue)
        world.asks.vanishing.add(issue)


def _meanwhile(world: LinearWorld, board: Board, edit: Edit) -> None:
    world.pass_time(0.2)
    board.do(edit)
