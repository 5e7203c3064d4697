"""A workflow in a temporary folder, and how one types its tick."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.measure import Command, Failed, once
from symphony_cli.paths import StatePaths

_WORKFLOW = """\
---
tracker:
  kind: markdown
  active_states: [Todo, In Progress]
  terminal_states: [Done, Cancelled]
workspace:
  root: workspaces
agent:
  max_concurrent_agents: {slots}
  max_tokens_per_issue: 500000
codex:
  command: codex app-server
---
You work alone on {{{{ issue.identifier }}}}: {{{{ issue.title }}}}

{{{{ issue.description }}}}
"""

_ISSUE = """\
---
title: {title}
state: {state}
priority: 2
labels: [bug]
assignee:
blocked_by: [{blocker}]
branch:
pr:
---

The second line of the report is empty when the first number is negative. It should say so, and
the exit code should be 1. There is no test for it yet.
"""

BYTECODE = "PYTHONPYCACHEPREFIX"
"""Where Python keeps bytecode, if not beside the source."""

_MOST_TICKS = 6


@dataclass(frozen=True, slots=True)
class World:
    """The folder of one WORKFLOW.md; nothing of it lies elsewhere."""

    folder: Path

    @property
    def workflow(self) -> Path:
        """What `symphony --workflow` takes."""
        return self.folder / "WORKFLOW.md"

    @property
    def state(self) -> StatePaths:
        """Its `state/`."""
        return StatePaths(self.folder / "state")

    @property
    def environ(self) -> dict[str, str]:
        """An environment whose user folders lie in here."""
        return environment(self.folder)

    @property
    def tick(self) -> Command:
        """`symphony tick`, as a timer types it."""
        arguments = ("-P", "-m", "symphony_cli", "--workflow", str(self.workflow), "tick")
        return Command(arguments, self.environ, self.folder)


def environment(folder: Path) -> dict[str, str]:
    """A timer's environment: this process's without the variables of Symphony, git and Python,
    but for the place of bytecode; user folders, temporary ones included, are in `folder`."""
    strange = ("SYMPHONY_", "GIT_", "PYTHON")
    own = {
        name: value
        for name, value in os.environ.items()
        if name == BYTECODE or not name.startswith(strange)
    }
    return own | {"XDG_STATE_HOME": str(folder / "home"), "TMPDIR": str(folder)}


def make(folder: Path, slots: int = 2) -> World:
    """A workflow without issues."""
    world = World(folder.resolve())
    (world.folder / "issues").mkdir(parents=True)
    world.workflow.write_text(_WORKFLOW.format(slots=slots), "utf-8")
    return world


def add_issue(world: World, name: str, state: str = "Todo", blocker: str = "") -> None:
    """One more issue file."""
    text = _ISSUE.format(title=f"The report of {name}", state=state, blocker=blocker)
    (world.folder / "issues" / f"{name}.md").write_text(text, "utf-8")


def settle(world: World) -> None:
    """Tick until a tick appends nothing to the ledger: from then on each is an idle one.

    Raises:
        Failed: after several ticks there is still something to write down.
    """
    size = -1
    for _ in range(_MOST_TICKS):
        once(world.tick)
        before, size = size, world.state.ledger.stat().st_size
        if before == size:
            return
    raise Failed(f"{world.folder.name}: tick {_MOST_TICKS} was not idle yet")


def last_tick(world: World) -> Mapping[str, object]:
    """`tick.json`; members that are left out have their default."""
    told: dict[str, object] = json.loads(world.state.tick.read_bytes())
    return told
