"""Servers and transports that are closed after a test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from symphony_cli.adapters.linear.allowance import Allowance
from symphony_cli.adapters.linear.post import NO_VARIABLES
from symphony_cli.adapters.linear.transport import Transport
from tests.adapters.linear.sending import KEY, Listening, Time, To
from tests.adapters.linear.sockets import Answer as Does
from tests.adapters.linear.sockets import Server


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def allowance(tmp_path: Path, clock: Time) -> Allowance:
    return Allowance(tmp_path / "user", KEY, clock.now)


@pytest.fixture
def listening() -> Iterator[Listening]:
    servers: list[Server] = []

    def start(*answers: Does) -> Server:
        servers.append(Server(list(answers)))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def to(allowance: Allowance, clock: Time) -> Iterator[To]:
    opened: list[Transport] = []

    def transport(
        server: Server | str,
        *,
        key: str = KEY,
        seconds: float = 20,
        patience: float = 0,
        yields: bool = False,
        environ: Mapping[str, str] = NO_VARIABLES,
    ) -> Transport:
        opened.append(
            Transport(
                server if isinstance(server, str) else server.endpoint,
                key,
                allowance,
                timeout=lambda: seconds,
                patience=patience,
                yields=yields,
                environ=environ,
                pause=clock.pause,
                monotonic=clock.monotonic,
                spread=lambda: 1.0,
            )
        )
        return opened[-1]

    yield transport
    for one in opened:
        one.close()
