"""Fixtures: a Linear for a test, of each kind that there is here.

A conftest makes them known with `from tests.linear.servers import stand_in_processes, world`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.linear.own import OwnWorld
from tests.linear.standin import StandInWorld
from tests.linear.standin_process import StandInProcess, stand_ins
from tests.linear.world import World

WORLDS = [
    pytest.param("own", id="own"),
    pytest.param("standin", id="standin", marks=[pytest.mark.shared, pytest.mark.real]),
    pytest.param(
        "standin-strict", id="standin-strict", marks=[pytest.mark.shared, pytest.mark.real]
    ),
]

ProcessOf = Callable[[str], StandInProcess]


@pytest.fixture(scope="session")
def stand_in_processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessOf]:
    """One process for each kind, started when it is first needed."""
    started: dict[str, StandInProcess] = {}

    def process(kind: str) -> StandInProcess:
        if not (stand_ins() / "linear" / "run.sh").is_file():
            pytest.skip(f"the stand-in for Linear is not there: {stand_ins()}")
        if kind not in started:
            started[kind] = StandInProcess(tmp_path_factory.mktemp(kind))
        return started[kind]

    yield process
    for one in started.values():
        one.end()


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest, stand_in_processes: ProcessOf) -> Iterator[World]:
    """A Linear with one project and no issues; the test runs on each kind."""
    if request.param == "own":
        own = OwnWorld()
        yield own
        own.close()
    else:
        strict = request.param == "standin-strict"
        yield StandInWorld(stand_in_processes(request.param), strict=strict)
