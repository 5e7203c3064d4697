"""The fixtures of `servers` and `watch`, for the tests of this folder."""

from __future__ import annotations

import pytest

from tests.linear.asks import Asks
from tests.linear.servers import stand_in_processes, world
from tests.linear.watch import watching
from tests.linear.world import World

__all__ = ["stand_in_processes", "watching", "world"]


@pytest.fixture
def ask(world: World) -> Asks:
    """Sends documents to the Linear of a test."""
    return Asks(world)
