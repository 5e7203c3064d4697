"""Whatever people do, whatever fails, however late replicas answer and wrong our clock goes: when
the dust has settled, what we believe is what is there."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from symphony_cli.adapters.linear import cursor
from symphony_cli.core.shape import decode
from symphony_cli.errors import ExitCode
from tests.linear.belief import wrong
from tests.linear.edits import ELSEWHERE, FAR, TEAMS, Board, Edit
from tests.linear.lives import Chapter, chapters, do, skews
from tests.linear.own import OwnWorld
from tests.linear.servers import ProcessOf
from tests.linear.standin import StandInWorld
from tests.linear.ticking import LinearWorld, policy
from tests.linear.world import World

RULES: tuple[dict[str, object], ...] = (
    {},
    {},
    {"required_labels": ("bug",)},
    {"assignee": "me"},
)
"""Which issues are ours: usually all of the project."""

TICKS_TO_SETTLE = 4
"""An old row is a doubt, then believed; then it may be reopened, and what blocks it be learned."""

LONGEST_WALK = 40
"""Ticks within which a complete poll comes to its end."""


@dataclass(slots=True)
class Tally:
    """What the lives of a test were, all together."""

    lives: int = 0
    edits: int = 0
    looks: int = 0
    late: int = 0
    """Issues whose last change only a complete poll could tell of."""


@dataclass(frozen=True, slots=True)
class Life:
    """How a life begins, and what happens in it; after each act the dust settles."""

    rules: dict[str, object]
    skew: float
    page: int
    forgets: bool
    first: list[Edit]
    acts: list[list[Chapter]]


_first = st.builds(Edit, st.just("create"), st.integers(0, 119), st.integers(0, 119))
lives = st.builds(
    Life,
    rules=st.sampled_from(RULES),
    skew=skews,
    page=st.sampled_from((3, 5, 250)),
    forgets=st.booleans(),
    first=st.lists(_first, min_size=4, max_size=12),
    acts=st.lists(st.lists(chapters, min_size=4, max_size=7), min_size=3, max_size=5),
)


def live(linear: World, life: Life, tally: Tally, lags: float = 1.0) -> None:
    """Live a life, and compare whenever the dust has settled."""
    linear.reset(*TEAMS)
    linear.lag(0)
    linear.add_team(FAR)
    linear.add_project("Elsewhere", ELSEWHERE)
    with tempfile.TemporaryDirectory() as folder:
        world = LinearWorld(
            policy(**life.rules),
            linear=linear,
            folder=Path(folder),
            page=life.page,
            skew=life.skew,
            lags=lags,
            forgets=life.forgets,
        )
        try:
            _live(world, life, tally)
        finally:
            world.close()


def _live(world: LinearWorld, life: Life, tally: Tally) -> None:
    board = Board(world.linear, lambda: world.time - timedelta(seconds=world.skew))
    for edit in life.first:
        board.do(edit)
    for act in life.acts:
        for edits, other, tick in act:
            for step in (*edits, other, tick):
                do(world, board, step)
        _settle(world)
        assert wrong(world, board, complete=False) == {}
    tally.late += len(board.hidden)
    _poll_all(world)
    assert wrong(world, board, complete=True) == {}
    tally.lives += 1
    tally.edits += board.edits
    tally.looks += world.asks.looks


def _settle(world: LinearWorld) -> None:
    """Nothing fails any more, replicas have caught up, and what the tracker refused is over."""
    world.linear.mend()
    world.asks.meanwhile.clear()
    world.asks.vanishing.clear()
    world.vanished.clear()
    world.pass_time(150)
    for number in range(LONGEST_WALK):
        result = world.tick()
        assert (result.exit_code, result.errors) == (ExitCode.DONE, ()), result
        world.pass_time(30)
        if number >= TICKS_TO_SETTLE and _cursor(world).walk is None:
            break


def _poll_all(world: LinearWorld) -> None:
    """The next complete poll, from beginning to end."""
    before = _cursor(world).full_at
    world.pass_time(3600)
    for _ in range(LONGEST_WALK):
        world.tick()
        world.pass_time(30)
        if _cursor(world).full_at != before:
            break
    world.tick()
    assert _cursor(world).full_at != before, "a complete poll does not come to its end"


def _cursor(world: LinearWorld) -> cursor.Cursor:
    return decode(cursor.Cursor, json.loads(world.history.cursor))


EDITS, LIVES = int(os.environ.get("SYMPHONY_EDITS", "2500")), 30
"""So many edits without a lost one (`just worlds` asks for 40,000), and so many lives at once
until there are as many."""

FEW_LIVES = 6

PATIENT = settings(deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)


def all_lives(linear: World, examples: int, tally: Tally, lags: float = 1.0) -> None:
    """So many lives more, added up in `tally`."""

    @settings(PATIENT, max_examples=examples)
    @given(life=lives)
    def all_is_known(life: Life) -> None:
        live(linear, life, tally, lags)

    all_is_known()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_no_update_is_lost_in_thousands_of_edits() -> None:
    linear, tally = OwnWorld(), Tally()
    try:
        while tally.edits < EDITS:
            all_lives(linear, LIVES, tally)
    finally:
        linear.close()
    print(tally)
    assert tally.looks > tally.lives


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.shared
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", ["standin", "standin-strict"])
def test_none_is_lost_on_a_server_that_executes_the_whole_schema(
    stand_in_processes: ProcessOf, kind: str
) -> None:
    linear = StandInWorld(stand_in_processes(kind), strict=kind == "standin-strict")
    tally = Tally()
    all_lives(linear, FEW_LIVES, tally, lags=0.05)
    print(tally)
    assert tally.edits >= FEW_LIVES * 20
