"""A house for each test, and nobody left in it afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.house import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    home = House(tmp_path).begin()
    yield home
    home.end()
