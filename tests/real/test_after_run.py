"""The hook `after_run` is run for each run that had a workspace, however that run ended."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from symphony_cli import processes
from symphony_cli.errands.finish import NO_TICK
from symphony_cli.ids import Key
from tests.errands.world import until
from tests.real.conftest import Furnish
from tests.real.house import House
from tests.real.stopping import NAME, SPEND, WORKING, Act, known, settle_in

pytestmark = [pytest.mark.real, pytest.mark.slow]

LASTS: dict[str, list[Act]] = {
    "handed_over": [{"tool": {"name": "issue_update", "arguments": {"state": "Done"}}}],
    "rolled_over": [{"say": "I end my turn."}],
    "asked": [{"tool": {"name": "symphony_block", "arguments": {"reason": "Which?"}}}, WORKING],
    "failed": [{"fail": {"message": "no"}}],
    "provider": [{"fail": {"message": "no", "info": "serverOverloaded"}}],
    "over_budget": [SPEND, WORKING],
    "stalled": [{"silence": 300}],
    "environment": [{"exit": 101}],
    "stopped": [{"say": "I wait."}, WORKING],
    "interrupted": [{"say": "I wait."}, WORKING],
    "lost": [{"say": "I wait."}, WORKING],
}
"""The steps of an agent whose run ends so."""

ROOMY = {
    "max_concurrent_agents": len(LASTS),
    "max_turns": 1,
    "max_tokens_per_issue": 50_000,
}
SOON = {"stall_timeout_ms": 8_000, "max_stall_recoveries": 0}


class QuietHouse(House):
    """A house whose runs start no tick at their end, so that no run follows another."""

    @property
    def environ(self) -> dict[str, str]:
        return super().environ | {NO_TICK: "1"}


def all_endings(house: Furnish, tmp_path: Path) -> House:
    """A house with an issue for each ending, and a hook that tells which run it is run for."""
    hooks = {"after_run": 'echo "$SYMPHONY_RUN $PWD" >> ../../after'}
    place = settle_in(house, tmp_path, WORKING, hooks=hooks, agent=ROOMY, codex=SOON)
    (place.checkout / "issues" / f"{NAME}.md").unlink()
    issues = [{"match": f"Issue {name}:", "turns": [steps]} for name, steps in LASTS.items()]
    (tmp_path / "agents" / "script.json").write_text(json.dumps({"issues": issues}))
    for name in LASTS:
        place.write_issue(name)
    return QuietHouse(place.root)


def end_by(house: House, name: str) -> None:
    """End the run of this issue, once its agent waits for that."""
    report = house.state.run(Key(name), 1).report
    until(lambda: report.exists() and "I wait." in report.read_text(), 60.0, f"work on {name}")
    process = known(house.runs(name)[0]).process
    if name == "stopped":
        assert house.symphony("stop", name).returncode == 0
    else:
        number = signal.SIGTERM if name == "interrupted" else signal.SIGKILL
        assert processes.signal_if_same(process, number)


def test_after_run_runs_once_in_the_workspace_however_a_run_ends(
    house: Furnish, tmp_path: Path
) -> None:
    place = all_endings(house, tmp_path)
    place.tick()
    for name in ("stopped", "interrupted", "lost"):
        end_by(place, name)
    others = [name for name in LASTS if name != "lost"]
    until(lambda: all(place.verdicts(name) for name in others), 60.0, "all verdicts but one")
    place.tick()
    until(lambda: place.verdicts("lost") or None, 60.0, "the verdict about a lost run")
    first = {name: place.verdicts(name)[0] for name in LASTS}

    assert {name: verdict.outcome.value for name, verdict in first.items()} == {n: n for n in LASTS}
    ran = (place.root / "after").read_text().splitlines()
    assert [ran.count(f"{one.run} {one.workspace}") for one in first.values()] == [1] * len(LASTS)
