"""A repository and an agent that want our processes to run their programs: none of them is run."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from symphony_cli.adapters.rescuestore import restore, store_path
from symphony_cli.core.reasons import Outcome
from symphony_cli.demo.material import scripted_command
from tests.errands.world import until
from tests.real import traps
from tests.real.conftest import Furnish
from tests.real.house import House

pytestmark = [pytest.mark.real, pytest.mark.slow]


def marks(house: House) -> dict[str, str]:
    """What the traps that were run have written."""
    return {path.name: path.read_text() for path in sorted((house.root / "marks").iterdir())}


def hostile_house(house: Furnish, tmp_path: Path) -> House:
    """A house whose remote has all traps, and its clones those of a work tree; its agent lays the
    others there."""
    home, script = tmp_path / "codex-home", tmp_path / "script.json"
    home.mkdir()
    agent = {"command": scripted_command(sys.executable, script), "home": str(home)}
    made = house(codex=agent, agent={"max_turns": 1, "max_retry_backoff_ms": 200})
    script.write_text(json.dumps({"default": {"turns": turns(made)}}))
    (made.root / "marks").mkdir()
    traps.lay(made.root / "marks", made.checkout)
    made.git(made.checkout, "add", "-A")
    made.git(made.checkout, "commit", "-q", "-m", "Traps")
    made.git(made.checkout, "push", "-q", "origin", "main")
    traps.lay_in_git(made.root / "marks", made.origin)
    return made


def turns(house: House) -> list[list[dict[str, Any]]]:
    """The agent lays its traps without git, leaves work behind, and is done in the next run."""
    words = [sys.executable, "-I", traps.__file__, str(house.root / "marks"), "."]
    more = "echo unsaved >> README.md; echo new > new.txt"
    done = {"name": "issue_update", "arguments": {"state": "Done"}}
    return [[{"run": f"{shlex.join(words)}; {more}"}, {"say": "Laid."}], [{"tool": done}]]


def go(house: House) -> None:
    """Tick from within the hostile checkout, with a PATH that looks there first."""
    environ = {**house.environ, "PATH": f".:{os.environ['PATH']}"}

    def done() -> bool:
        command = house.command("tick", "--json")
        ran = subprocess.run(
            command, cwd=house.checkout, env=environ, capture_output=True, text=True, check=False
        )
        assert ran.returncode in (0, 11), (ran.stdout, ran.stderr)
        return house.state.ledger.exists() and house.finished("EVIL-1")

    until(done, 60.0, "the end of EVIL-1")
    until(lambda: not house.alive(), what="the end of all processes")


def test_none_of_the_programs_of_a_hostile_repository_is_run_by_us(
    house: Furnish, tmp_path: Path
) -> None:
    place = hostile_house(house, tmp_path)
    place.write_issue("EVIL-1")
    go(place)
    assert marks(place) == {}
    assert os.listdir(place.root / "elsewhere") == []
    first, second = place.verdicts("EVIL-1")
    assert (first.outcome, second.outcome) == (Outcome.ROLLED_OVER, Outcome.HANDED_OVER)
    assert first.git is not None and {"README.md", "new.txt"} <= set(first.git.dirty_files)
    assert_rescued(place, first.git.rescue)
    assert_healed(place)
    assert_armed(place)


def assert_rescued(house: House, ref: str) -> None:
    """The agent's unsaved work comes back, byte for byte, and without its traps being run."""
    into = house.root / "back"
    restore(store_path(house.root / "workspaces"), ref, into)
    assert (into / "README.md").read_bytes() == b"A project.\nunsaved\n"
    assert (into / "new.txt").read_bytes() == b"new\n"
    assert marks(house) == {}


def assert_healed(house: House) -> None:
    """The second run began by healing what the first one left."""
    folder = house.root / "workspaces/EVIL-1/.git"
    left = [name for name in ("index.lock", "MERGE_HEAD") if (folder / name).exists()]
    assert left == []


def assert_armed(house: House) -> None:
    """The traps work: whoever is careless in that workspace runs them."""
    place = house.root / "workspaces/EVIL-1"
    house.git(place, "status", check=False)
    house.git(place, "--work-tree=.", "add", "-A", check=False)
    careless = [sys.executable, "-c", "import json, symphony_cli"]
    subprocess.run(careless, cwd=place, env=house.environ, check=False, capture_output=True)
    ran = set(marks(house))
    assert {"fsmonitor", "clean", "json.py", "symphony_cli.py"} <= ran, ran
