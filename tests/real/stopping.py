"""A house with one issue whose run is stopped: how to begin it, stop it, and see it end."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

from symphony_cli import processes, runfolder
from symphony_cli.core.run import PidFile, Verdict
from symphony_cli.demo.material import scripted_command
from symphony_cli.paths import RunPaths
from tests.errands.world import until
from tests.real.conftest import Furnish
from tests.real.house import House

Act = dict[str, Any]
"""A step of a scripted agent."""

NAME = "S-1"
SPEND: Act = {"usage": {"input": 90_000, "output": 10_000}}
SAYS: Act = {"say": "I work."}
WORKING: Act = {"wait": 300}


def settle_in(house: Furnish, tmp_path: Path, *steps: Act, **more: Any) -> House:
    """A house with one issue, whose scripted agent takes these steps."""
    place = tmp_path / "agents"
    place.mkdir()
    script = {"default": {"turns": [list(steps)]}}
    (place / "script.json").write_text(json.dumps(script))
    program = scripted_command(sys.executable, place / "script.json")
    codex = {"command": program, "home": str(place), **more.pop("codex", {})}
    made = house(codex=codex, **more)
    made.write_issue(NAME)
    return made


def working(house: House, said: str = "I work.") -> RunPaths:
    """The run of the issue, once its agent has said this."""

    def found() -> RunPaths | None:
        runs = house.runs(NAME)
        report = runs[0].report if runs else None
        heard = report is not None and report.exists() and said in report.read_text()
        return runs[0] if heard else None

    house.tick()
    return until(found, what=f"an agent that says {said!r}")


def known(run: RunPaths) -> PidFile:
    found = runfolder.pid_file(run)
    assert found is not None
    return found


def codex_of(run: RunPaths) -> int:
    """The process of the app-server: it leads the newest group that the supervisor wrote down."""
    return known(run).groups[-1]


def the_end(house: House) -> Verdict:
    """The verdict, once nobody of the run is left."""

    def over() -> Verdict | None:
        verdicts = house.verdicts(NAME)
        return verdicts[0] if verdicts else None

    verdict = until(over, 40.0, "the verdict")
    until(lambda: not house.alive(), 40.0, "the end of all processes")
    return verdict


def stop(house: House, run: RunPaths, way: str) -> None:
    """Stop a run as a person, a label or a shutdown does it; a budget stops it by itself."""
    match way:
        case "operator":
            assert house.symphony("stop", NAME).returncode == 0
        case "label":
            path = house.checkout / "issues" / f"{NAME}.md"
            path.write_text(path.read_text().replace("labels: []", "labels: [symphony-stuck]"))
            house.tick()
        case "signal":
            assert processes.signal_if_same(known(run).process, signal.SIGTERM)


ENDINGS = {
    "operator": ("stopped", "operator"),
    "label": ("stopped", "label"),
    "budget": ("over_budget", "tokens"),
    "signal": ("interrupted", "signal"),
}
