"""The conversation with one `codex app-server`, as a state machine without any I/O.

Messages, results and the time go in; actions come out (`actions`). Nobody here reads a clock, a
pipe or a file, so each path can be played by hand in a test.

The theory. A run is a chain of turns on one thread. Only between turns do we ask whether to go on;
within a turn we answer what the server asks, count, and listen for silence. A turn is over at
`turn/completed` with our thread's and our turn's id, and at nothing else: sub-agents end turns on
the same connection. Whoever decides that the run ends says so in the report at once (`Closing`, the
first one counts) and only then begins to take things apart, so that a death half-way is told right.

The states, and what each is left by: `states`.
"""

from __future__ import annotations

from datetime import datetime

from symphony_cli.core import report
from symphony_cli.core.reasons import Outcome
from symphony_cli.core.run import Brief, Order, RunLimits, StopNote, ThreadRef
from symphony_cli.core.usage import Usage
from symphony_cli.supervisor import (
    between,
    clocks,
    faults,
    launch,
    notices,
    opening,
    protocol,
    renewal,
    states,
)
from symphony_cli.supervisor.actions import Action, AskRefresh, Moment, Refreshed, Relaunch
from symphony_cli.supervisor.desk import Desk
from symphony_cli.supervisor.ending import GENTLE, POLITE, QUICK, Ending, Step
from symphony_cli.supervisor.faults import Fault
from symphony_cli.supervisor.leaving import RELAUNCH_WAIT, Leaving
from symphony_cli.supervisor.mending import End, Mending
from symphony_cli.supervisor.notices import child, text
from symphony_cli.supervisor.opening import Opening
from symphony_cli.supervisor.outgoing import CLEAN, Outgoing
from symphony_cli.supervisor.protocol import Delta, Noise, Notice, Refusal, Reply, Request
from symphony_cli.supervisor.pulse import Pulse
from symphony_cli.supervisor.sandbox import SandboxWatch
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
        self._pulse = Pulse(self._codex)
        has_past = thread is not None and known_totals(order)[thread.id] != Usage()
        self._mending = Mending(self._out, self.tally, brief.workspace, has_past)
        self._leaving = Leaving()
        self._desk = Desk(self._codex, self._out)
        self._sandbox = SandboxWatch()
        self._turn = ""
        self._timer: float | None = None
        self._retry: float | None = None
        self._patience = between.Patience(order.settings.tracker_wait)

    # What comes in.

    def begin(self, pid: int, now: Moment) -> list[Action]:
        """Codex was started with this pid, for the first time or once more."""
        self._leaving.came(pid)
        if self.state is State.RELAUNCHING:
            self._enter(State.STARTING, now)
        else:
            self._pulse.began = self._pulse.asked = now.mono
            self._out.tell(report.Phase(now.at, self.phase))
        self._opening.begin()
        return self._done()

    def launch_failed(self, sentence: str, now: Moment) -> list[Action]:
        """Codex could not be started at all."""
        self._leaving.gone = True
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
                self._noticed(message.method, notices.understand(message), now)
            case Delta(turn=turn):
                if self._work.is_current(turn):
                    self._listen(message.method, now)
            case Noise():
                pass
        return self._done()

    def tool_done(
        self, request: protocol.RequestId, success: bool, said: str, now: Moment
    ) -> list[Action]:
        """A tool errand came back."""
        self._pulse.listen(now.mono)
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
        leaving = self._leaving
        leaving.gone = True
        if self.state is State.ENDING:
            if self._ending.step not in POLITE:
                self._out.tell(report.Ended(now.at, self._ending.step, (leaving.pid,)))
            self._ending.stop()
            self._maybe_over(now)
        elif leaving.may_come_back(self.state, now.mono - self._pulse.began, code):
            self._enter(State.RELAUNCHING, now)
            self._timer = now.mono + RELAUNCH_WAIT
        elif self.state not in (State.LEFT, State.OVER):
            wait = leaving.left(code, last_words, answered=self.tally.answered)
            self._enter(State.LEFT, now)
            self._timer = now.mono + wait
            self._tick(now)
        return self._done()

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
        due = self._due()
        due_at = due.at if due is not None else None
        dates = (self._timer, self._retry, self._opening.due, self._ending.until, due_at)
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
        self._pulse.listen(now.mono)
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
            case method, _ if method in renewal.METHODS and self.state is State.RENEWING:
                self._renewed(method, message, now)
            case method, _ if method == CLEAN:
                self._cleaned(now)

    def _opening_replied(self, method: str, message: Reply | Refusal, now: Moment) -> None:
        if self.state not in (State.STARTING, State.OPENING):
            return
        fault = self._opening.replied(method, message, now)
        if fault is not None:
            self._end(fault, now)
        elif self.state is State.STARTING:
            self._enter(State.OPENING, now)
        elif self._opening.due is not None:
            self._pulse.asked = now.mono  # it answers; another process is what we wait for
        elif self._opening.thread is not None:
            if self._opening.resumed:
                self._announce(now)
            self._start_turn(self._opening.prompt, now)

    def _announce(self, now: Moment) -> None:
        line = self._opening.announce(now)
        if line is not None:
            self.tally.based(line.thread.id, line.base)
            self._out.tell(line)

    # Turns.

    def _start_turn(self, prompt: str, now: Moment, model: str = "") -> None:
        assert self.thread is not None, "a turn needs an open thread"
        self.turn_number += 1
        self._turn, self._work.asked_for_turn = "", True
        self._pulse.turn_starts(now.mono)
        self._enter(State.TURN, now)
        params = launch.turn_params(self.thread.id, prompt, self._order, self._brief, model)
        self._out.request("turn/start", params)

    def _continue(self, now: Moment) -> None:
        number = self.turn_number + 1
        said = launch.continuation(self._brief.continuation, number, self._limits.max_turns)
        self._start_turn(said, now)

    def _turn_over(self, event: notices.TurnCompleted, now: Moment) -> None:
        self._turn = ""
        if self.state is State.COMPACTING:
            self._compaction_over(event, now)
            return
        error = event.error.message if event.error is not None else ""
        self._out.tell(report.TurnEnded(now.at, self.turn_number, event.status, error[:2000]))
        if event.status == "completed":
            self._mending.worked()
            self.tally.answered = True
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
            for thread in self._work.threads:
                self._out.clean(thread)
        else:
            sentence = "Somebody else interrupted the turn."
            self._end(Fault(Outcome.FAILED, "turn_interrupted", sentence), now)

    def _turn_failed(self, event: notices.TurnCompleted, now: Moment) -> None:
        then = self._mending.failed(event, now.at)
        if isinstance(then, End):
            self._end(then.fault, now, then.hold_until)
            return
        self._enter(then, now)
        if then is State.RENEWING:
            self._timer = now.mono + states.INTERRUPT_WAIT

    def _compaction_over(self, event: notices.TurnCompleted, now: Moment) -> None:
        if event.status == "completed":
            self._continue(now)
        else:
            end = self._mending.not_shortened(event, now.at)
            self._end(end.fault, now, end.hold_until)

    def _renewed(self, method: str, message: Reply | Refusal, now: Moment) -> None:
        model = self._mending.model(method, message, self._opening.model)
        if isinstance(model, End):
            self._end(model.fault, now)
        elif model is not None:
            self._start_turn(renewal.TEXT, now, model)

    # Between turns.

    def _judge(self, found: Refreshed, now: Moment) -> None:
        moved = between.moved(self._brief.state, found, self._order.settings.prompt)
        fault = between.end_of(found, self.turn_number, self._limits.max_turns, moved)
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

    def _noticed(self, method: str, event: notices.Told, now: Moment) -> None:
        if isinstance(event, notices.LimitsTold):
            self._out.tell(*self.tally.limited(event, now.at))
            return
        if isinstance(event, notices.Retrying):
            self._pulse.retried = event.error
            return
        if not event.thread:
            return
        self._listen(method, now)
        ours = self.thread is not None and event.thread == self.thread.id
        if isinstance(event, notices.OfWork):
            self._work.take(event)
        if isinstance(event, notices.OfTurns):
            self._out.tell(*self.tally.turned(event, now.at))
        if isinstance(event, notices.ItemCompleted):
            self._end_for(self._sandbox.take(event), now)
        match event:
            case notices.ItemStarted():
                self._out.tell(*self.tally.worked(event.kind, now.at))
                self._desk.started(event)
            case notices.TurnStarted():
                self._turn_started(event, ours)
            case notices.TurnCompleted() if ours and event.turn == self._turn:
                self._turn_over(event, now)
            case notices.ItemCompleted(kind="userMessage") if ours:
                self._announce(now)
            case notices.ItemCompleted(kind="agentMessage") if ours:
                self._out.tell(*self.tally.said(event.text, now.at))
            case notices.TokensCounted():
                self._counted(event, ours, now)
        self._ending.turns_changed(now.mono)
        self._maybe_over(now)

    def _turn_started(self, event: notices.TurnStarted, ours: bool) -> None:
        if ours:
            self._work.asked_for_turn = False
            self._turn = self._turn or event.turn
        if self._interrupts:
            self._out.interrupt(event.thread, event.turn)

    def _counted(self, event: notices.TokensCounted, ours: bool, now: Moment) -> None:
        if ours:
            self._announce(now)
        during_turn = bool(self._turn) or self.state is State.COMPACTING
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
        self._pulse.listen(now.mono)
        self.tally.heard(event, now.at)

    def _due(self) -> clocks.Due | None:
        return self._pulse.due(
            self.state,
            quiet=self._work.quiet,
            waits_for_us=self._desk.busy,
            waited=self._patience.waited,
        )

    def _tick(self, now: Moment) -> None:
        if self._retry is not None and now.mono >= self._retry:
            self._retry = None
            if self._interrupts:
                self._interrupt_all()
        if self._opening.due is not None and now.mono >= self._opening.due:
            self._opening.again()
        if self._timer is not None and now.mono >= self._timer:
            self._timer = None
            self._timer_rang(now)
        if self._ending.until is not None and now.mono >= self._ending.until:
            self._ending.next(now.mono)
            self._maybe_over(now)
        due = self._due()
        if due is not None and now.mono >= due.at:
            self._limit_reached(due.what, now)

    def _timer_rang(self, now: Moment) -> None:
        match self.state:
            case State.LEFT:
                self._end(self._leaving.fault, now)
            case State.RELAUNCHING:
                self._out.do(Relaunch())
            case State.AWAITING:
                self._out.do(AskRefresh())
            case State.RENEWING:
                self._end(self._mending.unserved().fault, now)
            case State.INTERRUPTING | State.CLEANING:
                sentence = "Codex did not react when its silent turn was interrupted."
                self._end(Fault(Outcome.STALLED, "interrupt", sentence), now)

    def _limit_reached(self, what: clocks.What, now: Moment) -> None:
        if what is clocks.What.SILENCE:
            self._stalled(now)
        else:
            self._end(faults.of_limit(what, self._codex), now)

    def _stalled(self, now: Moment) -> None:
        pulse, error = self._pulse, self._pulse.retried
        may_go_on = pulse.stall(now.mono) and self.state is not State.COMPACTING
        self._out.tell(report.Stalled(now.at, round(pulse.silent, 1)))
        if not may_go_on:
            self._end(faults.of_silence(pulse.silent, pulse.stalls, error), now)
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
        if self.state is State.CLEANING and not self._out.waits_for(CLEAN):
            self._start_turn(launch.after_stall(self._pulse.silent), now)
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
        outcome, reason, detail, state = fault
        self.closing = report.Closing(now.at, outcome, reason, detail, hold_until, state)
        self._out.tell(self.closing)
        self._enter(State.ENDING, now)
        self._opening.due = None
        ran = self.thread.id if self.thread is not None and self.turn_number else ""
        if not self._leaving.gone:
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
