"""Nobody pays for what is not used: `--help`, an idle tick, and every supervisor (rows S1, S2)."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.house import SYMPHONY, House

pytestmark = pytest.mark.real

HEAVY = {"httpx", "git", "jinja2", "tabulate", "pydantic", "yaml"}


def imported(house: House, *words: str) -> set[str]:
    """The modules that a Python loads; `-X importtime` names each on stderr after a `|`."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *words],
        cwd=house.project,
        env=house.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines[1:]}


def held(house: House, code: str) -> set[str]:
    """The modules that a Python holds after running `code`."""
    command = [sys.executable, "-P", "-c", f"import sys; {code}; print(*sys.modules)"]
    done = subprocess.run(command, env=house.environ, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def tops(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def test_help_loads_nothing_heavy(house: House) -> None:
    assert tops(imported(house, *SYMPHONY[1:], "--help")) & HEAVY == set()


def test_an_idle_tick_loads_nothing_heavy(house: House) -> None:
    house.issue("A-1", state="In Review")
    house.run("tick")
    loaded = tops(imported(house, *SYMPHONY[1:], "tick"))
    # PyYAML reads the front matter of issue files; a tracker without files does without.
    assert loaded & HEAVY == {"yaml"}


def test_a_supervisor_loads_the_standard_library_and_us_only(house: House) -> None:
    bare = held(house, "pass")
    loaded = held(house, "import symphony_cli.supervisor.__main__")
    assert tops(loaded - bare) - sys.stdlib_module_names == {"symphony_cli"}
    assert "symphony_cli.supervisor.session" in loaded
    assert "symphony_cli.adapters" not in loaded
