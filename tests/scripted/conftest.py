"""A folder for the thread to work in, and servers that are gone when the test is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from tests.scripted.client import Client, launch


class Launcher(Protocol):
    def __call__(self, script: Path, *, initialize: bool = True, **environ: str) -> Client: ...


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Launcher]:
    clients: list[Client] = []

    def started(script: Path, *, initialize: bool = True, **environ: str) -> Client:
        client = launch(tmp_path / "home", script, initialize=initialize, **environ)
        clients.append(client)
        return client

    yield started
    for client in clients:
        client.kill()
        for stream in (client.process.stdin, client.process.stdout):
            if stream is not None:
                stream.close()
