"""A house for each test, and nobody left in it afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.house import House
from tests.cli.linear_house import LinearHouse, beside
from tests.linear.own import OwnWorld
from tests.linear.servers import stand_in_processes, world
from tests.linear.world import World

__all__ = ["stand_in_processes", "world"]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    home = House(tmp_path).begin()
    yield home
    home.end()


@pytest.fixture
def own() -> Iterator[OwnWorld]:
    """Our own small Linear."""
    made = OwnWorld()
    yield made
    made.close()


@pytest.fixture
def linear(tmp_path: Path, own: OwnWorld) -> Iterator[LinearHouse]:
    """A house beside our own small Linear."""
    with beside(tmp_path, own) as home:
        yield home


@pytest.fixture
def any_linear(tmp_path: Path, world: World) -> Iterator[LinearHouse]:
    """A house beside each kind of Linear that there is."""
    with beside(tmp_path, world) as home:
        yield home
