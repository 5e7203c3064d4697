"""The conversation with one `codex app-server`, as a state machine without any I/O.

Messages, results and the time go in; actions come out (`actions`). Nobody here reads a clock, a
pipe or a file, so each path can be played by hand in a test.

The theory. A run is a chain of turns on one thread. Only between turns do we ask whether to go on;
within a turn we answer what the server asks, count, and listen for silence. A turn is over at
`turn/completed` with our thread's and our turn's id, and at nothing else: sub-agents end turns on
the same connection. Whoever decides that the run ends says so in the report at once (`Closing`, the
first one counts) and only then begins to take things apart, so that a death half-way is told right.

    state         left by                                         for
    starting      reply to initialize                             opening
                  Codex fails at once, for the first time         relaunching
    relaunching   a second                                        starting
    opening       reply to thread/resume or thread/start          turn
                  resume refused (but not for another writer)     opening, with thread/start
    turn          turn/completed: completed                       refreshing
                  turn/completed: failed, context too long, once  compacting
                  silence                                         interrupting
    interrupting  turn/completed: interrupted                     cleaning
    cleaning      reply to thread/backgroundTerminals/clean       turn, told why
    compacting    turn/completed of the compaction                turn
    refreshing    the tracker says: go on                         turn
                  the tracker cannot be reached                   awaiting
    awaiting      the tracker says: go on                         turn
    any of these  Codex is gone                                   left: was it the machine's end?
    any of these  a decision that the run ends                    ending
    left          a stop, a signal, or nothing for a while        over
    ending        Codex is gone, or nothing more can be done      over
"""

from __future__ import annotations

from datetime import datetime

from symphony_cli.core import report
from symphony_cli.core.reasons import Outcome
from symphony_cli.core.run import Brief, Order, RunLimits, StopNote, ThreadRef
from symphony_cli.supervisor import between, clocks, faults, launch, opening, protocol, states
from symphony_cli.supervisor.actions import Action, AskRefresh, Moment, Refreshed, Relaunch
from symphony_cli.supervisor.desk import Desk
from symphony_cli.supervisor.ending import GENTLE, POLITE, QUICK, Ending, Step
from symphony_cli.supervisor.faults import Fault
from symphony_cli.supervisor.notices import (
    ItemCompleted,
    ItemStarted,
    LimitsTold,
    Retrying,
    TokensCounted,
    Told,
    TurnCompleted,
    TurnStarted,
    child,
    text,
    understand,
)
from symphony_cli.supervisor.opening import Opening
from symphony_cli.supervisor.outgoing import CLEAN, Outgoing
from symphony_cli.supervisor.protocol import Delta, Noise, Notice, Refusal, Reply, Request
from symphony_cli.supervisor.states import State
from symphony_cli.supervisor.tally import Tally, known_totals
from symphony_cli.supervisor.work import OpenWork


class Session:
    """One run's conversation. Every public method returns what is to be done now."""

    def __init__(
        self, order: Order, brief: Brief, thread: ThreadRef | None, fresh_because: str = ""
    ) -> None:
        """`thread` is to be resumed; without it, `fresh_because` says why the order's is not."""
        self.state = State.STARTING
        self.turn_number = 0
        self.tally = Tally(known_totals(order))
        self.closing: report.Closing | None = None
        self._out = Outgoing()
        self._opening = Opening(order, brief, thread, fresh_because, self._out)
        self._work = OpenWork()
        self._ending = Ending(self._work, self._out)
        self._brief, self._codex = brief, order.settings.codex
        self._order, self._limits = order, order.settings.limits
        self._waits = clocks.limits_of(self._codex)
        self._desk = Desk(self._codex, self._out)
        self._turn = ""
        self._began = self._turn_began = self._heard = 0.0
        self._timer: float | None = None
        self._retry: float | None = None
        self._stalls = 0
        self._silent = 0.0
        self._compacted = False
        self._patience = between.Patience(order.settings.tracker_wait)
        self._pid = 0
        self._gone = self._relaunched = False
        self._left = Fault(Outcome.FAILED, "codex_exit", "")

    # What comes in.

    def begin(self, pid: int, now: Moment) -> list[Action]:
        """Codex was started with this pid, for the first time or once more."""
        if self.state is State.RELAUNCHING:
            self._gone, self._relaunched = False, True
            self._enter(State.STARTING, now)
        else:
            self._began = now.mono
            self._out.tell(report.Phase(now.at, self.phase))
        self._pid = pid
        self._opening.begin()
        return self._done()

    def launch_failed(self, sentence: str, now: Moment) -> list[Action]:
        """Codex could not be started at all."""
        self._gone = True
        self._end(Fault(Outcome.ENVIRONMENT, "launch", sentence), now)
        return self._done()

    def unwritable(self, sentence: str, now: Moment) -> list[Action]:
        """For too long nothing could be written down; `sentence` says why."""
        self._end(Fault(Outcome.ENVIRONMENT, "state", sentence), now)
        return self._done()

    def receive(self, message: protocol.Message, now: Moment) -> list[Action]:
        """Codex says something."""
        match message:
            case Reply() | Refusal():
                self._replied(message, now)
            case Request():
                self._listen(message.method, now)
                ending = self.state in (State.ENDING, State.OVER)
                self._end_for(self._desk.take(message, ending, now), now)
            case Notice():
                self._noticed(message.method, understand(message), now)
            case Delta():
                self._listen(message.method, now)
            case Noise():
                pass
        return self._done()

    def tool_done(
        self, request: protocol.RequestId, success: bool, said: str, now: Moment
    ) -> list[Action]:
        """A tool errand came back."""
        self._heard = now.mono
        self._desk.done(request, success, said, now)
        return self._done()

    def refreshed(self, found: Refreshed, now: Moment) -> list[Action]:
        """The tracker errand came back."""
        if self.state in (State.REFRESHING, State.AWAITING):
            self._judge(found, now)
        return self._done()

    def stop(self, note: StopNote, now: Moment) -> list[Action]:
        """Somebody wants the run to end and says why."""
        self._end(Fault(Outcome.STOPPED, note.reason, note.detail), now)
        return self._done()

    def terminated(self, now: Moment) -> list[Action]:
        """A signal without a reason: the machine goes down, or somebody killed us by hand."""
        self._ending.hurry(now.mono)
        sentence = "The supervisor was sent a signal and nobody said why."
        self._end(Fault(Outcome.INTERRUPTED, "signal", sentence), now, steps=QUICK)
        return self._done()

    def gone(self, code: int | None, last_words: str, now: Moment) -> list[Action]:
        """Codex is gone, with this exit status; `last_words` is the end of its error output."""
        self._gone = True
        if self.state is State.ENDING:
            if self._ending.step not in POLITE:
                self._out.tell(report.Ended(now.at, self._ending.step, (self._pid,)))
            self._ending.stop()
            self._maybe_over(now)
        elif self._may_relaunch(code, now):
            self._enter(State.RELAUNCHING, now)
            self._timer = now.mono + states.RELAUNCH_WAIT
        elif self.state not in (State.LEFT, State.OVER):
            self._left = faults.of_exit(code, last_words, self.tally.answered)
            self._enter(State.LEFT, now)
            self._timer = now.mono + (states.LEFT_WAIT if code in states.POLITE_EXITS else 0.0)
            self._tick(now)
        return self._done()

    def _may_relaunch(self, code: int | None, now: Moment) -> bool:
        early = self.state is State.STARTING and now.mono - self._began < states.EARLY_EXIT
        return early and not self._relaunched and code not in states.FINAL_EXITS

    def granted(self, limits: RunLimits, now: Moment) -> list[Action]:
        """New limits for the rest of the run."""
        self._limits = limits
        self._check_budget(now)
        return self._done()

    def tick(self, now: Moment) -> list[Action]:
        """Time went by; call it when `deadline` is reached, and whenever you like."""
        self._tick(now)
        return self._done()

    def deadline(self) -> float | None:
        """When `tick` has something to do at the latest, on the monotonic clock."""
        due = clocks.next_due(self._waits, self._readings())
        dates = (self._timer, self._retry, self._ending.until, due.at if due else None)
        return min((date for date in dates if date is not None), default=None)

    @property
    def phase(self) -> str:
        """What report and pid file call the state."""
        return states.PHASES[self.state]

    @property
    def thread(self) -> ThreadRef | None:
        """The thread we talk on, once it is open."""
        return self._opening.thread

    def _replied(self, message: Reply | Refusal, now: Moment) -> None:
        method = self._out.answered(message)
        self._heard = now.mono
        match method, message:
            case method, _ if method in opening.METHODS:
                self._opening_replied(method, message, now)
            case "turn/start", Reply(result=result):
                self._turn = text(child(result, "turn"), "id")
                self._out.tell(report.TurnBegan(now.at, self.turn_number, self._turn))
            case "turn/start", Refusal():
                self._work.asked_for_turn = False
                self._end(faults.of_turn_start(message), now)
            case "turn/interrupt", Refusal(message=why) if "no active turn" in why:
                self._retry = now.mono + states.INTERRUPT_RETRY if self._interrupts else None
            case "thread/compact/start", Refusal(message=why):
                self._end(faults.of_context(why), now)
            case method, _ if method == CLEAN:
                self._cleaned(now)

    def _opening_replied(self, method: str, message: Reply | Refusal, now: Moment) -> None:
        if self.state not in (State.STARTING, State.OPENING):
            return
        fault = self._opening.replied(method, message)
        if fault is not None:
            self._end(fault, now)
        elif self.state is State.STARTING:
            self._enter(State.OPENING, now)
        elif self._opening.thread is not None:
            if self._opening.resumed:
                self._announce(now)
            self._start_turn(self._brief.prompt, now)

    def _announce(self, now: Moment) -> None:
        line = self._opening.announce(now)
        if line is not None:
            self.tally.based(line.thread.id, line.base)
            self._out.tell(line)

    # Turns.

    def _start_turn(self, prompt: str, now: Moment) -> None:
        assert self.thread is not None, "a turn needs an open thread"
        self.turn_number += 1
        self._turn, self._work.asked_for_turn = "", True
        self._turn_began = self._heard = now.mono
        self._enter(State.TURN, now)
        params = launch.turn_params(self.thread.id, prompt, self._order, self._brief)
        self._out.request("turn/start", params)

    def _continue(self, now: Moment) -> None:
        number = self.turn_number + 1
        said = launch.continuation(self._brief.continuation, number, self._limits.max_turns)
        self._start_turn(said, now)

    def _turn_over(self, event: TurnCompleted, now: Moment) -> None:
        self._turn = ""
        if self.state is State.COMPACTING:
            self._compaction_over(event, now)
            return
        error = event.error.message if event.error is not None else ""
        self._out.tell(report.TurnEnded(now.at, self.turn_number, event.status, error[:2000]))
        if event.status == "completed":
            self._compacted, self.tally.answered = False, True
        if self.state not in (State.TURN, State.INTERRUPTING):
            return
        if event.status == "completed":
            self._enter(State.REFRESHING, now)
            self._out.do(AskRefresh())
        elif event.status != "interrupted":
            self._turn_failed(event, now)
        elif self.state is State.INTERRUPTING:
            self._enter(State.CLEANING, now)
            self._timer = now.mono + states.INTERRUPT_WAIT
            self._out.clean(event.thread)
        else:
            sentence = "Somebody else interrupted the turn."
            self._end(Fault(Outcome.FAILED, "turn_interrupted", sentence), now)

    def _turn_failed(self, event: TurnCompleted, now: Moment) -> None:
        fault = faults.of_turn(event.error)
        if fault.reason != faults.CONTEXT or self._compacted:
            limited = fault.reason == faults.USAGE_LIMIT
            self._end(fault, now, hold_until=self.tally.resets_at() if limited else None)
            return
        self._compacted = True
        self._enter(State.COMPACTING, now)
        self._out.request("thread/compact/start", {"threadId": event.thread})

    def _compaction_over(self, event: TurnCompleted, now: Moment) -> None:
        if event.status == "completed":
            self._continue(now)
        else:
            why = event.error.message if event.error is not None else event.status
            self._end(faults.of_context(why), now)

    # Between turns.

    def _judge(self, found: Refreshed, now: Moment) -> None:
        fault = between.end_of(found, self.turn_number, self._limits.max_turns)
        if fault is not None:
            self._end(fault, now)
        elif found.standing == "go_on":
            self._patience.answered(now.mono)
            self._continue(now)
        else:
            self._tracker_silent(found, now)

    def _tracker_silent(self, found: Refreshed, now: Moment) -> None:
        again = self._patience.unanswered(now.mono)
        if again is None:
            self._end(between.silence(found), now)
            return
        if self.state is State.REFRESHING:
            self._enter(State.AWAITING, now)
        self._timer = again

    # What the server tells and asks.

    def _noticed(self, method: str, event: Told, now: Moment) -> None:
        if isinstance(event, LimitsTold):
            self._out.tell(*self.tally.limited(event, now.at))
            return
        if isinstance(event, Retrying) or not event.thread:
            return
        self._listen(method, now)
        ours = self.thread is not None and event.thread == self.thread.id
        if isinstance(event, TurnStarted | TurnCompleted | ItemStarted | ItemCompleted):
            self._work.take(event)
        match event:
            case TurnStarted():
                self._turn_started(event, ours)
            case TurnCompleted() if ours and event.turn == self._turn:
                self._turn_over(event, now)
            case ItemCompleted(kind="userMessage") if ours:
                self._announce(now)
            case ItemCompleted(kind="agentMessage") if ours:
                self._out.tell(*self.tally.said(event.text, now.at))
            case TokensCounted():
                self._counted(event, ours, now)
        self._ending.turns_changed(now.mono)
        self._maybe_over(now)

    def _turn_started(self, event: TurnStarted, ours: bool) -> None:
        if ours:
            self._work.asked_for_turn = False
            self._turn = self._turn or event.turn
        if self._interrupts:
            self._out.interrupt(event.thread, event.turn)

    def _counted(self, event: TokensCounted, ours: bool, now: Moment) -> None:
        if ours:
            self._announce(now)
        during_turn = self.state in (State.TURN, State.COMPACTING)
        self._out.tell(*self.tally.counted(event.thread, event.total, now.at, during_turn))
        self._check_budget(now)

    def _check_budget(self, now: Moment) -> None:
        most = self._limits.tokens
        spent = self.tally.meter.spent.spend(self._limits.cached_weight)
        if most is not None and spent >= max(most, 1):
            sentence = f"The run spent {spent} tokens; {most} were left for the issue."
            self._end(Fault(Outcome.OVER_BUDGET, "tokens", sentence), now)

    # Clocks.

    def _listen(self, event: str, now: Moment) -> None:
        self._heard = now.mono
        self.tally.heard(event, now.at)

    def _readings(self) -> clocks.Readings:
        if self.state in (State.LEFT, State.ENDING, State.OVER):
            return clocks.Readings(None)
        opening = self.state in (State.STARTING, State.OPENING)
        works = self.state in (State.TURN, State.COMPACTING)
        return clocks.Readings(
            run=None if self.state is State.AWAITING else self._began + self._patience.waited,
            start=self._began if opening else None,
            turn=self._turn_began if self.state is State.TURN else None,
            heard=self._heard if works and not self._desk.busy else None,
            busy=self._work.quiet,
        )

    def _tick(self, now: Moment) -> None:
        if self._retry is not None and now.mono >= self._retry:
            self._retry = None
            if self._interrupts:
                self._interrupt_all()
        if self._timer is not None and now.mono >= self._timer:
            self._timer = None
            self._timer_rang(now)
        if self._ending.until is not None and now.mono >= self._ending.until:
            self._ending.next(now.mono)
            self._maybe_over(now)
        due = clocks.next_due(self._waits, self._readings())
        if due is not None and now.mono >= due.at:
            self._limit_reached(due.what, now)

    def _timer_rang(self, now: Moment) -> None:
        match self.state:
            case State.LEFT:
                self._end(self._left, now)
            case State.RELAUNCHING:
                self._out.do(Relaunch())
            case State.AWAITING:
                self._out.do(AskRefresh())
            case State.INTERRUPTING | State.CLEANING:
                sentence = "Codex did not react when its silent turn was interrupted."
                self._end(Fault(Outcome.STALLED, "interrupt", sentence), now)

    def _limit_reached(self, what: clocks.What, now: Moment) -> None:
        if what is clocks.What.SILENCE:
            self._stalled(now)
        else:
            self._end(faults.of_limit(what, self._codex), now)

    def _stalled(self, now: Moment) -> None:
        self._stalls += 1
        self._silent = now.mono - self._heard
        self._out.tell(report.Stalled(now.at, round(self._silent, 1)))
        if self._stalls > self._codex.max_stall_recoveries or self.state is State.COMPACTING:
            sentence = f"Nothing was heard for {self._silent:.0f} seconds, {self._stalls} times."
            self._end(Fault(Outcome.STALLED, "silence", sentence), now)
            return
        self._enter(State.INTERRUPTING, now)
        self._timer = now.mono + states.INTERRUPT_WAIT
        self._interrupt_all()

    @property
    def _interrupts(self) -> bool:
        return self.state is State.INTERRUPTING or self._ending.step == "interrupt"

    def _interrupt_all(self) -> None:
        """Interrupt what runs. A turn that was asked for and has not started is waited for."""
        for thread, turn in self._work.turns.items():
            self._out.interrupt(thread, turn)

    def _cleaned(self, now: Moment) -> None:
        if self.state is State.CLEANING:
            self._start_turn(launch.after_stall(self._silent), now)
        self._ending.cleaned(now.mono)

    # The end.

    def _end_for(self, fault: Fault | None, now: Moment) -> None:
        if fault is not None:
            self._end(fault, now)

    def _end(
        self,
        fault: Fault,
        now: Moment,
        hold_until: datetime | None = None,
        steps: tuple[Step, ...] = GENTLE,
    ) -> None:
        """Decide that the run ends. Only the first decision counts."""
        if self.closing is not None:
            return
        self.closing = report.Closing(now.at, fault.outcome, fault.reason, fault.detail, hold_until)
        self._out.tell(self.closing)
        self._enter(State.ENDING, now)
        ran = self.thread.id if self.thread is not None and self.turn_number else ""
        if not self._gone:
            self._ending.begin(steps, ran, now.mono)
        self._maybe_over(now)

    def _maybe_over(self, now: Moment) -> None:
        if self.state is State.ENDING and self._ending.over:
            self._enter(State.OVER, now)

    # What goes out.

    def _enter(self, state: State, now: Moment) -> None:
        assert state in states.FOLLOWERS[self.state], f"{self.state} cannot become {state}"
        before, self.state, self._timer = self.phase, state, None
        if self.phase != before:
            self._out.tell(report.Phase(now.at, self.phase))

    def _done(self) -> list[Action]:
        return self._out.fetch()
