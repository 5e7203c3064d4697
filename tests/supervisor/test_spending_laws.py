"""Promise 10 as a law: over all runs of an issue, what was counted is what the model served, less
only what the end of a run made unknowable, and that is counted as cut answers.

A Codex that keeps books (`served`) talks to the real session; what it tells goes the whole way:
report lines, a death between two of them, the verdict, the ledger, the next order.
"""

from __future__ import annotations

import json
from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from symphony_cli.core import events as e
from symphony_cli.core import limits, report
from symphony_cli.core.decisions import Settle
from symphony_cli.core.plan import dispatch
from symphony_cli.core.policy import Policy
from symphony_cli.core.reasons import BlockReason, Cause, Outcome
from symphony_cli.core.record import Record
from symphony_cli.core.run import Order, StopNote
from symphony_cli.core.settle import ended
from symphony_cli.core.shape import decode, encode
from symphony_cli.core.usage import Usage
from symphony_cli.core.verdict import compose
from symphony_cli.perform import perform
from symphony_cli.supervisor.actions import Tell
from symphony_cli.supervisor.states import State
from tests import builders
from tests.fakes.world import FakeWorld
from tests.supervisor.play import brief, moment
from tests.supervisor.served import Answer, Conversation, Thread, cost

WEIGHTS = st.sampled_from([0.0, 0.1, 0.29, 0.5, 1.0])
BUDGETS = st.none() | st.integers(min_value=1, max_value=4000)
PART = st.integers(min_value=0, max_value=300)
FATES = st.sampled_from(["nothing", "lost", "on record"])


@st.composite
def costs(draw: st.DrawFn) -> Usage:
    given, written = draw(st.integers(1, 600)), draw(st.integers(1, 100))
    cached, reasoning = min(given, draw(PART)), min(written, draw(PART))
    return Usage(given, cached, written, reasoning, given + written)


class Spending(RuleBasedStateMachine):
    """One issue, its runs one after the other, and the books of its Codex."""

    def __init__(self) -> None:
        super().__init__()
        self.world = FakeWorld()
        self.threads: dict[str, Thread] = {}
        self.run: Conversation | None = None
        self.cut_answers = 0

    @initialize(budget=BUDGETS, weight=WEIGHTS)
    def an_issue_with_a_budget(self, budget: int | None, weight: float) -> None:
        self.policy = Policy(
            interval=30.0,
            slots=1,
            max_tokens_per_issue=budget,
            cached_token_weight=weight,
            max_dispatch_attempts=None,
        )
        self.world.policy = self.policy
        self.world.sockets().ledger.append(builders.sighted(), builders.enrolled())

    @property
    def record(self) -> Record:
        found = self.world.history.find(builders.iid("ABC-1"))
        assert found is not None
        return found

    @property
    def answers(self) -> list[Answer]:
        return [answer for thread in self.threads.values() for answer in thread.answers]

    @property
    def talk(self) -> Conversation:
        assert self.run is not None, "a run goes on"
        return self.run

    # A run begins.

    @precondition(lambda self: self.run is None)
    @rule(resumes=st.integers(0, 4), limit_is_met=FATES, what=costs())
    def dispatched(self, resumes: int, limit_is_met: str, what: Usage) -> None:
        self.world.time += timedelta(days=1)
        sockets = self.world.sockets()
        perform(dispatch(self.record, self.policy), sockets, self.world.time)
        (started,) = self.world.agents.living()
        order = decode(Order, json.loads(json.dumps(encode(started.order))))
        for thread in self.threads.values():
            thread.told = []
        self.run = Conversation(order, self.threads, resumes=resumes > 0)
        self._look(limit_is_met, what)

    # A run goes on.

    def _look(self, fate: str, what: Usage) -> None:
        """After each message: the budget ends the run at once, and then all of it ends."""
        talk, session = self.talk, self.talk.session
        most, weight = talk.order.settings.limits.tokens, self.policy.cached_token_weight
        spent = session.tally.meter.spent.spend(weight)
        over = most is not None and spent >= max(most, 1)
        assert over == (session.closing is not None)
        if session.closing is not None:
            assert session.closing.outcome is Outcome.OVER_BUDGET
            self._wind_down(fate, what)

    def _wind_down(self, fate: str, what: Usage) -> None:
        self.talk.ends(lambda name: self._cut(name, fate, what))
        self._settle(len(self.talk.lines))

    def _cut(self, name: str, fate: str, what: Usage) -> None:
        """What becomes of an answer that is under way when a turn is cut off."""
        if fate != "nothing":
            turn = self.talk.turns[name]
            self.threads[name].serve(what, turn, on_record=fate == "on record")

    @precondition(lambda self: self.run and self.run.turns)
    @rule(data=st.data(), what=costs(), fate=FATES)
    def answered(self, data: st.DataObject, what: Usage, fate: str) -> None:
        talk = self.talk
        running = dict(talk.turns)
        name = data.draw(st.sampled_from(sorted(running)))
        self.threads[name].serve(what, running[name])
        talk.update(name)
        if talk.session.closing is not None:
            assert talk.interrupts() == set(running), "what still runs may still spend"
        self._look(fate, what)

    @precondition(lambda self: self.run and self.run.turns)
    @rule(data=st.data(), last=st.integers(0, 9000), fate=FATES, what=costs())
    def told_again(self, data: st.DataObject, last: int, fate: str, what: Usage) -> None:
        """The same total, an older one, one that comes with an estimate, or an empty one."""
        name = data.draw(st.sampled_from(sorted(self.talk.turns)))
        again = data.draw(st.sampled_from([*self.threads[name].tellable(), {}]))
        self.talk.update(name, again, last)
        self._look(fate, what)

    @precondition(lambda self: self.run and self.run.turns)
    @rule(number=st.integers(0, 1))
    def a_sub_agent_starts(self, number: int) -> None:
        name = f"sub-agent-{number}"
        if name not in self.talk.turns:
            self.talk.sub_agent_starts(name)

    @precondition(lambda self: self.run and len(self.run.turns) > 1)
    @rule(data=st.data(), status=st.sampled_from(["completed", "interrupted"]), fate=FATES)
    def a_sub_agent_ends(self, data: st.DataObject, status: str, fate: str) -> None:
        subs = sorted(set(self.talk.turns) - {self.talk.main.name})
        name = data.draw(st.sampled_from(subs))
        if status == "interrupted":
            self._cut(name, "lost" if fate == "lost" else "nothing", Usage(5, 0, 1, 0, 6))
        self.talk.turn_ends(name, status)

    @precondition(lambda self: self.run is not None)
    @rule(standing=st.sampled_from(["go_on", "go_on", "handed_over"]), fate=FATES, what=costs())
    def the_turn_completes(self, standing: str, fate: str, what: Usage) -> None:
        talk = self.talk
        talk.turn_ends(talk.main.name)
        talk.goes_on(standing)
        if talk.session.closing is not None:
            self._wind_down(fate, what)

    @precondition(lambda self: self.run is not None)
    @rule(what=costs(), fate=FATES)
    def the_context_overflows(self, what: Usage, fate: str) -> None:
        talk, name = self.talk, self.talk.main.name
        self._tell_if_needed(name)
        self.threads[name].overflow()
        talk.update(name)
        talk.turn_ends(name, "failed", "contextWindowExceeded")
        if talk.session.state is not State.COMPACTING:
            self._wind_down(fate, what)
            return
        end = talk.compacts()
        end(what)
        if talk.session.closing is None:
            talk.turn_starts()
        self._look(fate, what)

    def _tell_if_needed(self, name: str) -> None:
        """Codex tells the total as it was before it begins anew."""
        if self.threads[name].counted or self.threads[name].overflows:
            self.talk.update(name)

    @precondition(lambda self: self.run is not None)
    @rule(fate=FATES, what=costs())
    def nothing_is_heard(self, fate: str, what: Usage) -> None:
        talk = self.talk
        talk.silence()
        if talk.session.closing is None:
            talk.obey(lambda name: self._cut(name, fate, what))
        if talk.session.state is State.CLEANING:
            talk.cleans()
            talk.turn_starts()
        if talk.session.closing is not None:
            self._wind_down(fate, what)

    # A run ends.

    @precondition(lambda self: self.run is not None)
    @rule(fate=FATES, what=costs())
    def the_stream_breaks(self, fate: str, what: Usage) -> None:
        name = self.talk.main.name
        self._cut(name, "lost" if fate == "lost" else "nothing", what)
        self.talk.turn_ends(name, "failed", "other")
        self._wind_down(fate, what)

    @precondition(lambda self: self.run is not None)
    @rule(fate=FATES, what=costs())
    def stopped(self, fate: str, what: Usage) -> None:
        note = StopNote("label", "it carries the stop label")
        self.talk.take(self.talk.session.stop(note, moment(self.talk.seconds)))
        self._wind_down(fate, what)

    @precondition(lambda self: self.run is not None)
    @rule(data=st.data(), fate=FATES, what=costs(), forgets=st.sampled_from([0, 1, 2]))
    def killed(self, data: st.DataObject, fate: str, what: Usage, forgets: int) -> None:
        """The machine dies while the last lines are written; the newest of Codex's own record of
        the thread may be lost, too."""
        talk = self.talk
        newest = sum(isinstance(action, Tell) for action in talk.batch)
        kept = len(talk.lines) - data.draw(st.integers(0, newest))
        for name, turn in talk.turns.items():
            talk.cuts.add(turn)
            if talk.begun_at[turn] < kept:
                self._cut(name, fate, what)
        counted = talk.main.counted
        del counted[max(1, len(counted) - forgets) :]
        self._settle(kept, torn=data.draw(st.booleans()))

    def _settle(self, kept: int, *, torn: bool = False) -> None:
        """What was written goes the whole way into the ledger."""
        talk, now = self.talk, self.world.time
        texts = [report.to_text(line).encode() for line in talk.lines[: kept + torn]]
        told = b"\n".join(texts)
        if torn and kept < len(talk.lines):
            told = told[: -len(texts[-1]) // 2]
        verdict = compose(talk.order, brief(), report.from_bytes(told), now)
        record = self.record
        assert record.running is not None
        event = ended(record, record.running, verdict, self.world.history, self.policy, now)
        perform(Settle(record.id, event), self.world.sockets(), now)
        for run in self.world.agents.living():
            run.alive = False
        self._keep_books(kept)
        self._bound_what_is_unknown(verdict.cut_answers)
        self.run = None
        self._unblock()

    def _keep_books(self, kept: int) -> None:
        for answer in self.answers:
            answer.known = answer.known or (answer.line is not None and answer.line < kept)
            answer.line = None

    def _bound_what_is_unknown(self, counted: int) -> None:
        """Each turn of this run that hides an answer is among the cut ones, and few others are."""
        mine = f"{self.talk.order.run}/"
        hiding = {a.turn for a in self.answers if not a.known and a.turn.startswith(mine)}
        assert len(hiding) <= counted <= len(self.talk.cuts) + 1
        self.cut_answers += counted

    def _unblock(self) -> None:
        """A person gives one more helping of a spent budget."""
        record, now = self.record, self.world.time
        ran_out = limits.spent(record, self.policy)
        if record.last is not None and record.last.outcome is Outcome.OVER_BUDGET:
            assert ran_out is not None and ran_out[0] is BlockReason.BUDGET
        if ran_out is not None:
            blocked = e.Blocked(now, record.id, *ran_out)
            cleared = e.Unblocked(now, record.id, Cause.UNBLOCK, "ana")
            self.world.sockets().ledger.append(blocked, cleared)
            budget = self.policy.max_tokens_per_issue
            assert limits.tokens_left(self.record, self.policy) == budget

    # The law.

    @invariant()
    def what_is_counted_is_what_was_served_and_told(self) -> None:
        if self.run is None and self.threads:
            record = self.record
            known = cost(answer for answer in self.answers if answer.known)
            assert (record.usage, record.cut_answers) == (known, self.cut_answers)


TestSpendingLaws = Spending.TestCase
TestSpendingLaws.settings = settings(
    max_examples=40,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
    report_multiple_bugs=False,
)
