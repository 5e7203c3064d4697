"""A house that runs as an ordinary user, its Linear, and an agent that sends out a hunter of keys.

ROOT/project/symphony.env   the key: the operator's own file, which the hunter leaves alone
ROOT/hunt/                  what the hunter says
ROOT/agents/                CODEX_HOME of the agents
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from symphony_cli import processes
from tests.cli.linear_house import MOVE
from tests.errands.world import end, until
from tests.fakes.linear import FakeLinear
from tests.fakes.linear.truth import Truth
from tests.real import hunter
from tests.real.anybody import Anybody, anybody
from tests.real.house import House, Options, furnish

PLENTY = 36_000
"""Requests per hour, so that no tick spaces its own."""


@dataclass
class OnesHouse(House):
    """A house whose commands are typed by a user without rights."""

    who: Anybody = field(default_factory=anybody)
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        return super().environ | self.extra

    def command(self, *words: str) -> list[str]:
        return [*self.who.wrap, *super().command(*words)]


@dataclass
class Hunt:
    """A house, its Linear with issues to work, and what a hunter of its agents says."""

    house: OnesHouse
    linear: FakeLinear

    @property
    def agents(self) -> Path:
        return self.house.root / "agents"

    @property
    def pledge(self) -> Path:
        return self.house.root / "hunt" / "pledge.json"

    @property
    def finds(self) -> Path:
        return self.house.root / "hunt" / "finds.jsonl"

    @property
    def env_file(self) -> Path:
        return self.house.checkout / "symphony.env"

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.linear.key.encode()).hexdigest()

    @property
    def sets_out(self) -> str:
        """What the agent types: a shared process outlives its run, so this one sees everything."""
        spared = ",".join([str(os.getpid()), str(self.env_file)])
        words = [sys.executable, "-I", hunter.__file__, str(self.finds), str(self.pledge), spared]
        told = shlex.join([*words, str(self.house.root)])
        wait = f"until [ -e {self.pledge} ]; do sleep 0.05; done"
        return f"SYMPHONY_SHARED=1 setsid -f {told} </dev/null >{self.pledge}.log 2>&1; {wait}"

    def done(self, issue: Truth) -> dict[str, Any]:
        """The arguments by which the agent of an issue moves it to Done."""
        state = self.linear.service.store.named("WorkflowState", "Done")["id"]
        return {"query": MOVE, "variables": {"id": issue["id"], "state": state}}

    def over(self) -> dict[str, Any]:
        """Let the hunter look round once more, end it, and say what it pledged."""
        seen = self._pledged()["rounds"]
        told: dict[str, Any] = until(lambda: self._later(seen), what="another round of the hunter")
        end(told["pid"])
        until(lambda: processes.identify(told["pid"]) is None, what="the end of the hunter")
        return told

    def _later(self, seen: int) -> dict[str, Any] | None:
        told = self._pledged()
        return told if told["rounds"] > seen else None

    def _pledged(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.pledge.read_text())
        return told

    def found(self) -> list[dict[str, str]]:
        """Where the hunter found keys."""
        return [json.loads(line) for line in self.finds.read_text().splitlines()]

    def close(self) -> None:
        """End everything of it, by pid."""
        self.house.end()
        if self.pledge.exists():
            end(self._pledged()["pid"])
        self.linear.close()


@contextmanager
def hunt(codex: Callable[[Path], Mapping[str, str]], *needed: str) -> Iterator[Hunt]:
    """Everything but issues and what the agents do; `codex` is told the folder of the agents.
    `needed` are files that these need."""
    who = anybody(hunter.__file__, *needed)
    root = Path(tempfile.mkdtemp(prefix="symphony-hunt-"))
    linear = FakeLinear()
    linear.key = f"lin_api_{secrets.token_hex(20)}"
    linear.service.keys = {linear.key}
    linear.limit(PLENTY)
    tracker = {
        "kind": "linear",
        "endpoint": linear.endpoint,
        "api_key": "$LINEAR_API_KEY",
        "project_slug": linear.project,
        "terminal_states": ["Done", "Canceled"],
    }
    (root / "house" / "agents").mkdir(parents=True)
    agent = {"thread_sandbox": "danger-full-access", **codex(root / "house" / "agents")}
    sections: Options = {"tracker": tracker, "agent": {"max_turns": 3}, "codex": agent}
    made = Hunt(OnesHouse(furnish(root / "house", sections).root, who=who), linear)
    _hide_the_key(made)
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(root)


def _hide_the_key(made: Hunt) -> None:
    house = made.house
    (house.checkout / ".gitignore").write_text("state/\nsymphony.env\n")
    house.git(house.checkout, "commit", "-qam", "Keep the key out of git")
    house.git(house.checkout, "push", "-q")
    made.env_file.touch(mode=0o600)
    made.env_file.write_text(f"LINEAR_API_KEY={made.linear.key}\n")
    made.finds.parent.mkdir()
    made.finds.touch()
