"""How many tests run at a time, in which order, and that none fails for being slow."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "house", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60
)
settings.load_profile("house")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Three for each core: the tests with real processes mostly wait for them."""
    return 3 * (os.cpu_count() or 1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest begin first, so that nobody waits for a lone one at the end."""
    items.sort(key=lambda item: -_patience(item))


def _patience(item: pytest.Item) -> float:
    """The time limit of a test, where it has one of its own."""
    own = item.get_closest_marker("timeout")
    return float(own.args[0]) if own is not None else 0.0
