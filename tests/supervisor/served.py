"""A Codex that keeps books: what its model served, what it has on record, and what it told.

Its habits are measured with Codex 0.163 and 0.169: a total per thread that carries on over turns,
runs and compactions; the same total again at a turn's end, an interrupt and a resume; a total that
begins anew when the context overflows; an answer that is cut off, which may be on record or not.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from symphony_cli.core import report
from symphony_cli.core.run import Order
from symphony_cli.core.usage import Usage
from symphony_cli.supervisor.actions import Action, CloseStdin, Refreshed, Send, Tell
from symphony_cli.supervisor.protocol import parse
from symphony_cli.supervisor.session import Session
from symphony_cli.supervisor.states import State
from tests.supervisor.play import PID, brief, moment

WINDOW = 258_400
CLEAN = "thread/backgroundTerminals/clean"


@dataclass(eq=False)
class Answer:
    """One answer of the model. `line` is the first line of the present run's report that covers
    it; `known`: such a line was read when a run was settled."""

    cost: Usage
    turn: str
    line: int | None = None
    known: bool = False


@dataclass
class Thread:
    """A thread as Codex has it on record; `counted` are the answers that its total is made of."""

    name: str
    answers: list[Answer] = field(default_factory=list)
    counted: list[Answer] = field(default_factory=list)
    overflows: int = 0
    told: list[dict[str, int]] = field(default_factory=list)
    """The totals that this process has told since the total last began anew."""

    def serve(self, cost: Usage, turn: str, *, on_record: bool = True) -> None:
        answer = Answer(cost, turn)
        self.answers.append(answer)
        if on_record:
            self.counted.append(answer)

    def total(self) -> dict[str, int]:
        sum_ = sum((answer.cost for answer in self.counted), Usage())
        return {
            "totalTokens": WINDOW * bool(self.overflows) + sum_.total,
            "inputTokens": sum_.input,
            "cachedInputTokens": sum_.cached_input,
            "outputTokens": sum_.output,
            "reasoningOutputTokens": sum_.reasoning,
        }

    def tellable(self) -> list[dict[str, int]]:
        """The totals that may be told once more: a new beginning only while nothing came after."""
        return [total for total in self.told if total["inputTokens"] or total is self.told[-1]]

    def overflow(self) -> None:
        self.counted, self.told, self.overflows = [], [], self.overflows + 1


class Conversation:
    """One run: the real session, and the server's half of what is said."""

    def __init__(self, order: Order, threads: dict[str, Thread], *, resumes: bool) -> None:
        self.order, self.threads = order, threads
        self.session = Session(order, brief(), order.thread)
        self.lines: list[report.Line] = []
        self.batch: list[Action] = []
        self.turns: dict[str, str] = {}
        self.begun_at: dict[str, int] = {}
        """How many lines the report had when a turn began."""
        self.cuts: set[str] = set()
        """Turns whose last answer may have been cut off."""
        self.seconds = 0.0
        self._asked: list[dict[str, Any]] = []
        self._begun, self._hung_up = 0, False
        self.main = threads[self._open(resumes)]
        self.turn_starts()

    # The opening.

    def _open(self, resumes: bool) -> str:
        self.take(self.session.begin(PID, moment(0)))
        self.reply("initialize", userAgent="x/0.169.0 (y)", codexHome="/home/me/.codex")
        old = self.order.thread
        if old is not None and resumes:
            self.reply("thread/resume", thread={"id": old.id})
            if self.threads[old.id].counted or self.threads[old.id].overflows:
                self.update(old.id)
            return old.id
        if old is not None:
            self.receive(
                {"id": self._number("thread/resume"), "error": {"message": "no rollout found"}}
            )
        name = f"thread-{len(self.threads)}"
        self.threads[name] = Thread(name)
        self.reply("thread/start", thread={"id": name})
        return name

    # Messages.

    def take(self, actions: list[Action]) -> None:
        self.batch = actions
        self.lines += [action.line for action in actions if isinstance(action, Tell)]
        self._hung_up |= any(isinstance(action, CloseStdin) for action in actions)
        sent = [json.loads(action.line) for action in actions if isinstance(action, Send)]
        self._asked += [message for message in sent if "id" in message]

    def receive(self, message: dict[str, Any]) -> None:
        self.seconds += 0.5
        line = json.dumps(message).encode()
        before = self.session.tally.meter.spent
        actions = self.session.receive(parse(line), moment(self.seconds))
        assert before.highest(self.session.tally.meter.spent) == self.session.tally.meter.spent, (
            "what was spent fell"
        )
        self.take(actions)

    def say(self, method: str, **params: Any) -> None:
        self.receive({"method": method, "params": params})

    def reply(self, method: str, **result: Any) -> None:
        self.receive({"id": self._number(method), "result": result})

    def _number(self, method: str) -> int:
        found = next(message for message in self._asked if message["method"] == method)
        self._asked.remove(found)
        return int(found["id"])

    # Tokens.

    def update(self, name: str, total: dict[str, int] | None = None, last: int = 0) -> None:
        """Tell a total; from now on each answer in it is told, if the line is kept."""
        thread = self.threads[name]
        told = thread.total() if total is None else total
        usage = {"total": told, "last": {"totalTokens": last}, "modelContextWindow": WINDOW}
        at = len(self.lines)
        self.say("thread/tokenUsage/updated", threadId=name, tokenUsage=usage)
        written = [
            at + n
            for n, line in enumerate(self.lines[at:])
            if isinstance(line, report.UsageSeen) and line.thread == name
        ]
        if total is None:
            thread.told.append(told)
            for answer in thread.counted:
                if answer.line is None and not answer.known:
                    (answer.line,) = written

    def interrupts(self) -> set[str]:
        """The threads that the last thing we did was to interrupt."""
        sent = [json.loads(action.line) for action in self.batch if isinstance(action, Send)]
        asked = [m for m in sent if m.get("method") == "turn/interrupt"]
        return {message["params"]["threadId"] for message in asked}

    # Turns.

    def turn_starts(self) -> None:
        """The turn that the run asked for runs."""
        turn = self._new_turn()
        self.reply("turn/start", turn={"id": turn})
        self._runs(self.main.name, turn)
        item = {"type": "userMessage", "id": f"said-in-{turn}"}
        self.say("item/completed", threadId=self.main.name, item=item)

    def sub_agent_starts(self, name: str) -> None:
        self.threads.setdefault(name, Thread(name))
        self._runs(name, self._new_turn())

    def _new_turn(self) -> str:
        self._begun += 1
        return f"{self.order.run}/turn-{self._begun}"

    def _runs(self, name: str, turn: str) -> None:
        self.turns[name], self.begun_at[turn] = turn, len(self.lines)
        self.say("turn/started", threadId=name, turn={"id": turn})

    def turn_ends(self, name: str, status: str = "completed", kind: str = "") -> None:
        turn = self.turns.pop(name)
        error = {"message": "no", "codexErrorInfo": kind} if kind else None
        if status != "completed" and kind != "contextWindowExceeded":
            self.cuts.add(turn)
        told = {"id": turn, "status": status, "error": error}
        self.say("turn/completed", threadId=name, turn=told)

    def goes_on(self, standing: str) -> None:
        """The tracker answers between turns."""
        found = Refreshed(standing, state="Todo")
        self.take(self.session.refreshed(found, moment(self.seconds)))
        if standing == "go_on" and self.session.state is State.TURN:
            self.turn_starts()

    def compacts(self) -> Callable[[Usage], None]:
        """A turn of its own begins that shortens the conversation; call it with its cost."""
        self.reply("thread/compact/start")
        turn = self._new_turn()
        self._runs(self.main.name, turn)
        self.update(self.main.name)

        def end(cost: Usage) -> None:
            self.main.serve(cost, turn)
            self.update(self.main.name)
            self.update(self.main.name, last=6788)
            self.turn_ends(self.main.name)

        return end

    # The end.

    def obey(self, cut: Callable[[str], None]) -> None:
        """Interrupt what we were asked to; `cut` says what becomes of each last answer."""
        for message in [m for m in self._asked if m["method"] == "turn/interrupt"]:
            self._asked.remove(message)
            self.receive({"id": message["id"], "result": {}})
            name = message["params"]["threadId"]
            if name in self.turns:
                cut(name)
                self.update(name)
                self.turn_ends(name, "interrupted")

    def cleans(self) -> None:
        """End the commands in the background, of each thread that we were asked about."""
        for _ in [message for message in self._asked if message["method"] == CLEAN]:
            self.reply(CLEAN)

    def ends(self, cut: Callable[[str], None]) -> None:
        """Do all that is asked until the run is over."""
        for _ in range(50):
            if self.session.state is State.OVER:
                return
            self.obey(cut)
            self.cleans()
            if any(message["method"] == "turn/start" for message in self._asked):
                self.turn_starts()
            if self._hung_up:
                self.take(self.session.gone(0, "", moment(self.seconds)))
        raise AssertionError(f"it does not end: {self.session.state}")

    def silence(self) -> None:
        """Nothing is heard for so long that the session acts."""
        due = self.session.deadline()
        assert due is not None
        self.seconds = max(self.seconds, due - 1000.0)
        self.take(self.session.tick(moment(self.seconds)))


def cost(answers: Iterable[Answer]) -> Usage:
    return sum((answer.cost for answer in answers), Usage())
