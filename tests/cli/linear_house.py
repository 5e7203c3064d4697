"""A house whose tracker is a Linear: WORKFLOW.md names its address, its project and the key.

    def test_...(linear: LinearHouse) -> None:
        linear.world.create()
        assert linear.tick().did == ["enrol ENG-1", "dispatch ENG-1"]

Routine requests follow each other at most ten at once, then every 1.5 s: a test with more of them
would have to wait.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cli.house import House, Told, until
from tests.linear.asks import Asks
from tests.linear.world import World

STATE_IDS = "query States { workflowStates(first: 50) { nodes { id name } } }"

MOVE = """mutation Move($id: String!, $state: String!) {
  issueUpdate(id: $id, input: {stateId: $state}) { success } }"""

STATES = "Backlog, Canceled, Done, Duplicate, Human Review, In Progress, Merging, Rework, Todo"
"""As a sentence lists them."""

LABELS = "bug, chore, feature, needs-human, stop-continue"

BUSY = [{"say": "I work."}, {"wait": 60}]
"""An agent that is at it for as long as any test takes."""


@dataclass(frozen=True)
class Tick:
    """How a tick ended, how many requests it sent to Linear, and what it printed as JSON."""

    code: int
    requests: int
    json: Any

    @property
    def errors(self) -> list[str]:
        found: list[str] = self.json["errors"]
        return found

    @property
    def did(self) -> list[str]:
        """What it decided besides taking in: `dispatch ENG-1`."""
        return [
            f"{one['kind']} {one['issue_identifier']}"
            for one in self.json["decisions"]
            if one["kind"] != "take_in"
        ]

    @property
    def passed(self) -> dict[str, str]:
        """Why issues were passed over: `slots: the only slot is taken (...)`."""
        return {
            one["issue_identifier"]: f"{one['reason']}: {one['why']}"
            for one in self.json["passed_over"]
        }

    @property
    def outcome(self) -> tuple[int, int, list[str]]:
        """Code, requests, errors."""
        return self.code, self.requests, self.errors


OF_RUNS = ("Issue", "Refresh")
"""Operations that only runs send; one that a tick has just started may be quick."""


@dataclass
class LinearHouse(House):
    """A house beside a Linear."""

    world: World = field(kw_only=True)

    @property
    def env_file(self) -> Path:
        return self.project / "symphony.env"

    @property
    def user_state(self) -> Path:
        """The user's state folder, with the budget files."""
        return self.root / "home" / "state" / "symphony"

    @property
    def key_line(self) -> str:
        """WORKFLOW.md and the line of its section `tracker`, as errors name them."""
        lines = self.workflow.read_text().splitlines()
        line = next(n for n, text in enumerate(lines, 1) if text.startswith("tracker:"))
        return f"{self.workflow}, line {line}"

    def configure(
        self, front: str = "", prompt: str = "Issue {{ issue.identifier }}.", **tracker: Any
    ) -> None:
        """Write WORKFLOW.md; `tracker` has keys of its section, None takes one out."""
        section = {
            "kind": "linear",
            "endpoint": self.world.endpoint,
            "project_slug": self.world.project,
            "api_key": "$LINEAR_API_KEY",
            "active_states": ["Todo", "In Progress"],
            "terminal_states": ["Done", "Canceled"],
            **tracker,
        }
        kept = {name: value for name, value in section.items() if value is not None}
        super().configure(f"{front}\ntracker: {json.dumps(kept)}", prompt)

    def asked(self, *arguments: str, **more: Any) -> tuple[Told, int]:
        """Run a command; what it said, and how many requests Linear saw meanwhile. Those of a run
        that it started are not its own."""
        before = len(self.world.operations())
        told = self.run(*arguments, **more)
        mine = [name for name in self.world.operations()[before:] if name not in OF_RUNS]
        return told, len(mine)

    def tick(self, *arguments: str, **more: Any) -> Tick:
        """`tick --json`."""
        told, requests = self.asked("tick", "--json", *arguments, **more)
        assert told.out, told
        return Tick(told.code, requests, told.json)

    def use(self, key: str | None) -> None:
        """Another key for every command from now on, or none."""
        self.extra.pop("LINEAR_API_KEY", None)
        if key is not None:
            self.extra["LINEAR_API_KEY"] = key

    def moves(self, issue: str, state: str) -> dict[str, Any]:
        """The step of an agent that moves an issue with its tool."""
        rows = Asks(self.world).data(STATE_IDS)["workflowStates"]["nodes"]
        to = next(row["id"] for row in rows if row["name"] == state)
        arguments = {"query": MOVE, "variables": {"id": issue, "state": to}}
        return {"tool": {"name": "linear_graphql", "arguments": arguments}}

    def busy(self, key: str) -> None:
        """Wait until the agent of an issue is at it."""
        report = self.folder(key) / "report.jsonl"
        until(lambda: report.exists() and "I work." in report.read_text(), f"work on {key}")


@contextmanager
def beside(root: Path, world: World) -> Iterator[LinearHouse]:
    """A house beside this Linear; nobody is left in it afterwards."""
    house = LinearHouse(root, world=world)
    house.use(world.key)
    house.begin()
    try:
        yield house
    finally:
        house.end()
