"""Sends documents to Linear: a token of the budget, one request, and what its answer means.

What an answer means is a table at the top of `verdicts`. What follows from it:

    RawReply, Complaint     handed on
    TooOften                told to the budget, for all processes; RateLimited to the caller
    KeyRejected,            handed on; asking again would not help
      WriteRefused,
      TrackerError
    Passing                 a query is sent once more at once, on a new connection; a mutation is
                            not, since it may have been done

With `patience` (runs have it, a tick never) a query goes on, with pauses that grow, until it is
over; what the budget or Linear says of the next date is waited for. A mutation waits for the
budget and is sent once.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import TracebackType

from symphony_cli import clock
from symphony_cli.adapters.linear import headers
from symphony_cli.adapters.linear.allowance import Allowance
from symphony_cli.adapters.linear.exchange import Answer
from symphony_cli.adapters.linear.post import NO_VARIABLES, Post, authorization
from symphony_cli.adapters.linear.verdicts import (
    LARGEST_REQUEST,
    Passing,
    RawReply,
    Reply,
    TooOften,
    complaint,
    judge,
)
from symphony_cli.core.budget import LIMITED_WAIT, SHORTEST_WAIT, Asker, Told
from symphony_cli.core.shape import Json
from symphony_cli.errors import PutOff, RateLimited, WriteRefused

__all__ = ["RawReply", "Transport"]

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 8.0
"""Seconds between two tries of a patient query; they double, each spread over its upper half."""

SHORTEST_TRY = 1.0
"""Seconds that a try has at least, also at the end of the patience."""


class Transport:
    """Implements `exchange.Asks` over HTTP. One at a time: no two threads may share it.

    Args:
        endpoint: the address of the API.
        key: a personal key, an OAuth token, or a whole value for the header.
        allowance: the budget of that key.
        timeout: seconds for the next try, for all of it; asked before each. None left: put off.
        patience: seconds from the beginning of `ask` during which a failure is not final.
        yields: whoever asks is a run or its agent, and leaves what is scarce to ticks.
        environ: where the variables for proxies and certificates are looked up.
        pause, monotonic, spread: time and chance.
    """

    def __init__(
        self,
        endpoint: str,
        key: str,
        allowance: Allowance,
        *,
        timeout: Callable[[], float],
        patience: float = 0.0,
        yields: bool = False,
        environ: Mapping[str, str] = NO_VARIABLES,
        pause: Callable[[float], None] = clock.sleep,
        monotonic: Callable[[], float] = clock.monotonic,
        spread: Callable[[], float] = random.random,
    ) -> None:
        self._endpoint, self._key, self._allowance = endpoint, key, allowance
        self._timeout, self._patience, self._environ = timeout, patience, environ
        self._routine = Asker.RUN if yields else Asker.TICK
        self._pause, self._monotonic, self._spread = pause, monotonic, spread
        self._post: Post | None = None
        self._sent = 0

    def __enter__(self) -> Transport:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections that are open; the next request opens new ones."""
        if self._post is not None:
            self._post.close()

    @property
    def sent(self) -> int:
        """How many requests were sent so far, answered or not."""
        return self._sent

    def ask(
        self,
        operation: str,
        document: str,
        variables: Mapping[str, Json],
        *,
        ours: bool = False,
    ) -> Answer:
        """The data of one operation; see `exchange.Asks`."""
        reply = self.exchange(operation, document, variables, ours=ours)
        refused = complaint(reply)
        if refused is not None:
            raise refused
        return Answer(reply.body["data"], reply.date, reply.requests)

    def exchange(
        self,
        operation: str,
        document: str,
        variables: Mapping[str, Json],
        *,
        ours: bool = False,
    ) -> RawReply:
        """The whole reply to one operation, refusals included; raises what `ask` raises but
        `Complaint`."""
        if self._post is None:
            self._post = Post(self._endpoint, authorization(self._key), self._environ)
        body = _encoded(operation, document, variables)
        # No change can be asked for without this word; a query that has it too is sent once.
        is_query = "mutation" not in document
        began, before = self._monotonic(), self._sent
        failures: list[Passing] = []
        while True:
            try:
                reply = self._once(self._post, body, ours, began)
                return replace(reply, requests=self._sent - before)
            except (Passing, PutOff, RateLimited) as error:
                trouble = error
            if isinstance(trouble, Passing):
                failures.append(trouble)
                self.close()
            pause = self._pause_after(trouble, len(failures))
            may_wait = is_query or isinstance(trouble, PutOff)
            if not may_wait or not self._in_time(pause, began):
                hides_more = isinstance(trouble, PutOff) and failures
                raise failures[-1] if hides_more else trouble
            if pause > 0:
                self._pause(pause)

    def _once(self, post: Post, body: bytes, ours: bool, began: float) -> RawReply:
        seconds = self._seconds(began)
        self._allowance.take(Asker.OURS if ours else self._routine)
        self._sent += 1
        reply = post.send(body, seconds)
        told = headers.told(reply.headers)
        if told != Told():
            self._allowance.heard(told)
        try:
            found = judge(reply)
        except TooOften as error:
            raise self._limited(error.endpoint, reply, told) from error
        return RawReply(reply.status, found, headers.moment(reply.headers))

    def _seconds(self, began: float) -> float:
        """How long the next try may take."""
        seconds = self._timeout()
        if seconds <= 0:
            raise PutOff("There is no time left to ask Linear now: it is asked later.", 1.0)
        if self._patience > 0:
            left = self._patience - (self._monotonic() - began)
            seconds = min(seconds, max(SHORTEST_TRY, left))
        return seconds

    def _limited(self, endpoint: str, reply: Reply, told: Told) -> RateLimited:
        """The error of an answer "too often", after the budget was told."""
        named = headers.retry_after(reply.headers)
        if endpoint:
            wait = LIMITED_WAIT if named is None else max(SHORTEST_WAIT, named)
            whom = f"for `{endpoint}`"
        else:
            wait, whom = self._allowance.refused(told, named, self._routine).seconds, "it"
        return RateLimited(
            f"Linear says that it was asked too often: we ask {whom} again in {math.ceil(wait)} s.",
            wait,
        )

    def _pause_after(self, error: Passing | PutOff | RateLimited, failures: int) -> float:
        """Seconds until the next try; 0 after the first failure, which may be a dead connection."""
        if not isinstance(error, Passing):
            return error.wait
        if failures == 1:
            return 0.0
        longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures - 2, 10))
        return longest * (0.5 + 0.5 * self._spread())

    def _in_time(self, pause: float, began: float) -> bool:
        """Whether there is time for a pause; there always is for none."""
        return pause <= 0 or self._monotonic() - began + pause <= self._patience


def _encoded(operation: str, document: str, variables: Mapping[str, Json]) -> bytes:
    """The body of a request.

    Raises:
        WriteRefused: it is larger than Linear takes, or no JSON.
    """
    question = {"query": document, "variables": variables, "operationName": operation or None}
    try:
        text = json.dumps(question, ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError) as error:
        raise WriteRefused(
            f"The variables cannot be written as JSON ({error}): correct them."
        ) from error
    body = text.encode("utf-8", "replace")
    if len(body) > LARGEST_REQUEST:
        raise WriteRefused(
            f"The request has {len(body):,} bytes and Linear takes at most {LARGEST_REQUEST:,}: "
            "shorten it."
        )
    return body
