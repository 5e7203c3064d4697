"""What is done about a turn that failed: a full thread is shortened, a model that is gone replaced,
each once; everything else ends the run."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from symphony_cli.supervisor import faults, resets
from symphony_cli.supervisor.faults import Fault
from symphony_cli.supervisor.notices import TurnCompleted
from symphony_cli.supervisor.outgoing import Outgoing
from symphony_cli.supervisor.protocol import Refusal, Reply
from symphony_cli.supervisor.renewal import Renewal
from symphony_cli.supervisor.states import State
from symphony_cli.supervisor.tally import Tally


class End(NamedTuple):
    """The run is over because of it; until when everybody waits, if the provider said so."""

    fault: Fault
    hold_until: datetime | None = None


class Mending:
    """Remembers what was tried in this run. It sends the requests; the session takes the steps."""

    def __init__(self, out: Outgoing, tally: Tally, workspace: str, has_past: bool) -> None:
        """`has_past`: the thread to resume has had answers in earlier runs."""
        self._out, self._tally, self._has_past = out, tally, has_past
        self._renewal = Renewal(out, workspace)
        self._compacted = False
        self._unserved: End | None = None

    def worked(self) -> None:
        """A turn was completed: should the thread be full once more, it may be shortened again."""
        self._compacted = False

    def failed(self, event: TurnCompleted, at: datetime) -> State | End:
        """What follows on a failed turn: the state in which it is mended, or the end."""
        fault = faults.of_turn(event.error, self._tally.answered or self._has_past)
        if fault.reason == faults.CONTEXT and not self._compacted:
            self._compacted = True
            self._out.request("thread/compact/start", {"threadId": event.thread})
            return State.COMPACTING
        if fault.reason == faults.MODEL and not self._renewal.asked:
            self._unserved = End(fault)
            self._renewal.begin()
            return State.RENEWING
        return self._end(fault, at)

    def not_shortened(self, event: TurnCompleted, at: datetime) -> End:
        """What it means that a compaction did not complete."""
        return self._end(faults.of_compaction(event.error), at)

    def model(self, method: str, message: Reply | Refusal, old: str) -> str | End | None:
        """The model to go on with, or the end when there is none; None while it is asked for."""
        found = self._renewal.replied(method, message, old)
        return found if found is None else found or self.unserved()

    def unserved(self) -> End:
        """The end of a run whose model is gone."""
        assert self._unserved is not None, "a model is looked for after a turn failed for it"
        return self._unserved

    def _end(self, fault: Fault, at: datetime) -> End:
        if fault.reason != faults.USAGE_LIMIT:
            return End(fault)
        return End(fault, self._tally.resets_at() or resets.of_words(fault.detail, at))
