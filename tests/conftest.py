"""How many tests run at a time, and that none fails for being slow."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two for each core: the tests with real processes mostly wait for them."""
    return 2 * (os.cpu_count() or 1)
