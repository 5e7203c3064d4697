"""Thousands of small histories: people edit, agents end, machines die, clocks move on."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from symphony_cli.core.reasons import Outcome
from tests.fakes.world import FakeWorld
from tests.promises import check, check_at_rest

NAMES = ["A-1", "A-2", "a-3", "B/4"]
STATES = ["Todo", "In Progress", "Human Review", "Done", "Cancelled"]


class Worlds(RuleBasedStateMachine):
    """Any order of ticks, crashes, ends, edits and waits keeps the promises."""

    def __init__(self) -> None:
        super().__init__()
        self.world = FakeWorld()

    @rule(name=st.sampled_from(NAMES), state=st.sampled_from(STATES))
    def somebody_writes_or_moves_an_issue(self, name: str, state: str) -> None:
        self.world.issue(name, state)

    @rule(name=st.sampled_from(NAMES), labelled=st.booleans())
    def somebody_labels_an_issue(self, name: str, labelled: bool) -> None:
        if name in self.world.tracker.issues:
            self.world.edit(name, labels=("symphony-stuck",) if labelled else ())

    @rule(name=st.sampled_from(NAMES))
    def somebody_deletes_an_issue(self, name: str) -> None:
        self.world.tracker.issues.pop(name, None)  # type: ignore[call-overload]

    @rule(down=st.booleans())
    def the_tracker_goes_away_or_comes_back(self, down: bool) -> None:
        self.world.tracker.down = "it is being repaired" if down else ""

    @rule(name=st.sampled_from(NAMES), readable=st.booleans())
    def a_file_is_half_saved(self, name: str, readable: bool) -> None:
        self.world.tracker.unreadable.pop(name, None)  # type: ignore[call-overload]
        if not readable:
            self.world.tracker.unreadable[name] = "it is half saved"  # type: ignore[index]

    @rule()
    def a_tick(self) -> None:
        self.world.tick()

    @rule(spark=st.integers(1, 40))
    def a_tick_dies(self, spark: int) -> None:
        self.world.tick_until_power_cut(spark)

    @rule(seconds=st.sampled_from([1, 30, 200, 700, -90]))
    def time_goes_by(self, seconds: int) -> None:
        self.world.later(seconds=seconds)

    @precondition(lambda self: self.world.agents.living())
    @rule(data=st.data(), outcome=st.sampled_from(list(Outcome)))
    def a_run_ends(self, data: st.DataObject, outcome: Outcome) -> None:
        run = data.draw(st.sampled_from(self.world.agents.living()))
        reason = "input" if outcome is Outcome.ASKED else ""
        self.world.agents.end(run, outcome, self.world.time, reason=reason)

    @precondition(lambda self: self.world.agents.living())
    @rule(data=st.data())
    def a_run_is_lost(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.world.agents.living())).alive = False

    @invariant()
    def promises_hold(self) -> None:
        check(self.world)

    def teardown(self) -> None:
        self.world.tracker.down = ""
        self.world.tracker.unreadable.clear()
        for _ in range(3):
            self.world.tick()
            self.world.let_finishes_end()
            self.world.later(seconds=3000)
        check_at_rest(self.world)


TestRandomWorlds = Worlds.TestCase
TestRandomWorlds.settings = settings(
    max_examples=150,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
