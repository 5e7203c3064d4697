"""From the launch of Codex to an open thread: initialize, then resume the old one or start anew."""

from __future__ import annotations

from dataclasses import replace

from symphony_cli.core.reasons import Outcome
from symphony_cli.core.report import ThreadBegan
from symphony_cli.core.run import Brief, Order, ThreadRef
from symphony_cli.core.shape import Json
from symphony_cli.core.usage import Usage
from symphony_cli.supervisor import faults, launch, protocol
from symphony_cli.supervisor.actions import Moment, Send
from symphony_cli.supervisor.faults import Fault
from symphony_cli.supervisor.notices import child, text
from symphony_cli.supervisor.outgoing import Outgoing
from symphony_cli.supervisor.protocol import Refusal, Reply
from symphony_cli.supervisor.tally import known_totals

METHODS = frozenset({"initialize", "thread/resume", "thread/start"})
"""The requests of ours that belong here."""

WRITER_PAUSE, WRITER_PATIENCE = 2.0, 40.0
"""Seconds between tries to resume a thread that another process has open, and how long that may
take. A Codex that dies lets go at once; one that lives, a person's own perhaps, does not, and then
a new thread is better than no work."""

GONE = ("no rollout found", "stale path", "failed to read thread", "thread not found")
"""Words of refusals after which a thread will never be resumed (measured with 0.163 and 0.169)."""

REFUSED_PATIENCE, PATIENT_RUNS = 6.0, 3
"""Any other refusal may pass (an MCP server that did not start, a provider that is not configured
any more): so many seconds it is asked again, then the run ends with the conversation kept. Only the
next run after so many such ends in a row gives it up."""


class Opening:
    """Asks for the thread of the order, or a new one, and knows when it may be told."""

    def __init__(
        self,
        order: Order,
        brief: Brief,
        thread: ThreadRef | None,
        fresh_because: str,
        out: Outgoing,
    ) -> None:
        self.thread: ThreadRef | None = None
        self._order, self._brief, self._out = order, brief, out
        self._old, self._fresh_because = thread, fresh_because
        self._home = self._version = self.model = ""
        self._told = False
        self._held_since: float | None = None
        self.due: float | None = None
        """When `again` must be called, on the monotonic clock."""

    def begin(self) -> None:
        """Say hello."""
        self._out.request("initialize", launch.initialize_params())

    def replied(self, method: str, message: Reply | Refusal, now: Moment) -> Fault | None:
        """Take in an answer; the fault it shows, if any. `thread` is set once it is open."""
        match method, message:
            case "initialize", Reply(result=result):
                self._initialized(result)
                return None
            case "thread/resume", Refusal(message=why) if "already has an active writer" in why:
                self._held_by_another(why, now)
                return None
            case "thread/resume", Refusal(message=why):
                return self._refused(message, why, now)
            case _, Refusal():
                return faults.of_opening(method, message)
            case _, Reply(result=result):
                self.model = text(result, "model")
                return self._opened(text(child(result, "thread"), "id"))
        return None

    def _initialized(self, result: dict[str, Json]) -> None:
        self._home = text(result, "codexHome")
        self._version = launch.version_of(text(result, "userAgent"))
        self._out.do(Send(protocol.notification("initialized")))
        self.again()

    def again(self) -> None:
        """Ask for the thread, for the first time or once more."""
        self.due = None
        if self._old is None:
            self._start()
        else:
            params = launch.resume_params(self._old.id, self._order, self._brief)
            self._out.request("thread/resume", params)

    def _held_by_another(self, why: str, now: Moment) -> None:
        if self._held_since is None:
            self._held_since = now.mono
        waited = now.mono - self._held_since
        if waited < WRITER_PATIENCE:
            self.due = now.mono + WRITER_PAUSE
        else:
            self._start_anew(f"another process has had it open for {waited:.0f} s ({why})")

    def _refused(self, refusal: Refusal, why: str, now: Moment) -> Fault | None:
        """The context is dear: it is left only when it is gone, or nothing else has helped."""
        given_up = self._order.environment_in_row >= PATIENT_RUNS
        if given_up or any(words in why for words in GONE):
            self._start_anew(why)
            return None
        if self._held_since is None:
            self._held_since = now.mono
        if now.mono - self._held_since >= REFUSED_PATIENCE:
            return faults.of_opening("thread/resume", refusal)
        self.due = now.mono + WRITER_PAUSE
        return None

    def _start_anew(self, because: str) -> None:
        self._old, self._fresh_because = None, because
        self._start()

    def _start(self) -> None:
        self._out.request("thread/start", launch.start_params(self._order, self._brief))

    def _opened(self, name: str) -> Fault | None:
        if not name:
            sentence = "Codex opened a thread without an id: this version is not understood."
            return Fault(Outcome.ENVIRONMENT, "launch", sentence)
        tools = self._brief.tools if self._old is None else self._old.tools
        self.thread = ThreadRef(name, self._home, self._version, tools)
        return None

    @property
    def prompt(self) -> str:
        """What the first turn says: a thread that begins now has been shown nothing yet."""
        whole = self._brief.fresh_prompt or self._brief.prompt
        return self._brief.prompt if self.resumed else whole

    @property
    def resumed(self) -> bool:
        """The thread is that of an earlier run."""
        return self._old is not None

    def announce(self, now: Moment) -> ThreadBegan | None:
        """Say which thread it is, once; None when that is done already.

        Call it when the thread can be resumed: a new one exists on disk only from its first user
        message on, and began at nothing. The base of a resumed one is the last total we know of
        it, and not the one that Codex repeats: what a kill hid from us lies above it.
        """
        if self._told or self.thread is None:
            return None
        self._told = True
        base = Usage() if self._old is None else known_totals(self._order)[self._old.id]
        self.thread = replace(self.thread, total=base)
        return ThreadBegan(now.at, self.thread, base, self.resumed, self._fresh_because)
