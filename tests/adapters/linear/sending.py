"""What tests of the transport share: a key, documents, answers, and a time that they move."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from symphony_cli.adapters.linear.transport import Transport
from tests.adapters.linear.sockets import Server
from tests.builders import NOW

Listening = Callable[..., Server]
"""Starts a server that gives these answers."""

To = Callable[..., Transport]
"""A transport to a server or an address."""

KEY = "lin_api_0123456789abcdef"
QUERY = "query Me { viewer { id } }"
MUTATION = 'mutation Say { commentCreate(input: {body: "x"}) { success } }'
LIMITED = {"errors": [{"message": "Rate limit exceeded.", "extensions": {"code": "RATELIMITED"}}]}
PASSING = {"errors": [{"message": "oh", "extensions": {"type": "internal error"}}]}
VIEWER = {"viewer": {"id": "1"}}


class Time:
    """A clock that moves when somebody pauses."""

    def __init__(self) -> None:
        self.gone = 0.0
        self.pauses: list[float] = []

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.gone)

    def monotonic(self) -> float:
        return self.gone

    def pause(self, seconds: float) -> None:
        self.pauses.append(round(seconds, 3))
        self.gone += seconds
