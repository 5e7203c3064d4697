"""How many tests run at a time."""

from __future__ import annotations

import os

import pytest


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two for each core: the tests with real processes mostly wait for them."""
    return 2 * (os.cpu_count() or 1)
