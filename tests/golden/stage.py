"""Plays a story of tests/golden: a ledger, what the tracker and the runs show, tick after tick.

A folder is a story. `WORKFLOW.md` is its policy, `ledger.jsonl` what was remembered before (without
the header line), `story.yaml` what happens, `expected.txt` what is decided and what people see.
Of `story.yaml`, per tick: `later` (seconds since the tick before), `tracker` (issues by
identifier, only what changed; null deletes one; or `down: why`), `comments`, `runs` (`working`,
`gone`, or how one ended), `spent` (tokens of living runs so far), `disk` (GB free), `person` (what
somebody types before the tick). `show` is what is printed at the end.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from symphony_cli.adapters.workflow import load_workflow
from symphony_cli.commands.explain import explain
from symphony_cli.commands.pause import pause, resume
from symphony_cli.commands.retry import retry
from symphony_cli.commands.status import status
from symphony_cli.commands.stop import block, stop
from symphony_cli.commands.unblock import Asked, unblock
from symphony_cli.core.history import History
from symphony_cli.core.issue import Issue
from symphony_cli.core.removal import RemovalVerdict, Tidying
from symphony_cli.core.run import Identity, Order, PidFile, RunLimits, StopNote, Verdict
from symphony_cli.core.shape import decode
from symphony_cli.core.snapshot import Disk, RemovalSight, Sighting
from symphony_cli.core.usage import Usage
from symphony_cli.ids import IssueId, Key, RunId
from symphony_cli.ports import World
from symphony_cli.render.text import as_text, tick_text
from tests.fakes.fuse import Fuse
from tests.fakes.ledger import FakeLedger
from tests.fakes.tracker import FakeTracker
from tests.fakes.world import SETTINGS, FakeBulletin

BEGIN = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
BY = "ana@desk"


class Theatre:
    """`ports.Agents` whose runs are what the story says, and which notes what it is told."""

    def __init__(self) -> None:
        self.seen: dict[RunId, Sighting] = {}
        self.told: list[str] = []
        self.removing: dict[Key, RemovalSight] = {}
        self.tidied: datetime | None = None
        self.now = BEGIN

    def claim(self, issue: IssueId, key: Key) -> Theatre:
        return self

    def drop(self) -> None:
        """There is no lock here."""

    def start(self, claim: object, order: Order) -> int:
        thread = f", thread {order.thread.id}" if order.thread else ""
        limits = order.settings.limits.words()
        self.told.append(f"start {order.issue.identifier}: {order.run}{thread}, {limits}")
        self.work(order.run, Usage())
        return order.number

    def work(self, run: RunId, spent: Usage) -> None:
        """A run is at it and has spent so much."""
        pid = PidFile(run, Identity(4242, 1, "boot"), "turn", self.now, answered=True, spent=spent)
        before = self.seen.get(run, Sighting())
        self.seen[run] = replace(before, alive=True, run=run, number=1, pid=pid)

    def finish(self, claim: object, key: Key, run: RunId) -> None:
        self.told.append(f"finish {key}: {run}")

    def sight(self, key: Key, run: RunId) -> Sighting:
        return self.seen[run]

    def stop(self, key: Key, run: RunId, note: StopNote) -> None:
        self.told.append(f"stop {key}: {note.reason}, {note.detail}")
        self.seen[run] = replace(self.seen[run], stop_there=True)

    def grant(self, key: Key, run: RunId, limits: RunLimits) -> None:
        self.told.append(f"grant {key}: {limits.words()}")
        self.seen[run] = replace(self.seen[run], granted=limits)

    def signal(self, key: Key, run: RunId, name: str) -> bool:
        self.told.append(f"signal {key}: {name}")
        return True

    def remove(self, claim: object, order: Order) -> None:
        self.told.append(f"remove the workspace of {order.issue.identifier}")
        self.removing[order.key] = RemovalSight(alive=True)

    def removal(self, key: Key, run: RunId) -> RemovalSight:
        return self.removing.get(key, RemovalSight())

    def remove_to_the_end(self, key: Key, run: RunId, said: Mapping[str, Any]) -> None:
        """The removal of a workspace says what became of it."""
        verdict = decode(RemovalVerdict, {"run": run, "removed": True, **said})
        self.removing[key] = RemovalSight(alive=False, verdict=verdict)

    def tidied_at(self) -> datetime | None:
        return self.tidied

    def tidy(self, what: Tidying) -> None:
        self.tidied = what.at


@dataclass
class Stage:
    """One story while it is played."""

    folder: Path
    now: datetime = BEGIN
    runs_made: int = 0
    disk: Disk | None = None
    fuse: Fuse = field(default_factory=Fuse)

    def __post_init__(self) -> None:
        lines = (self.folder / "ledger.jsonl").read_text().splitlines()
        self.story = yaml.safe_load((self.folder / "story.yaml").read_text())
        self.ledger = FakeLedger(self.fuse, lines)
        self.tracker, self.agents = FakeTracker(self.fuse), Theatre()
        self.bulletin = FakeBulletin(self.fuse)
        workflow = load_workflow(self.folder / "WORKFLOW.md", {"HOME": "/home/ada"})
        self.policy, self.asked_for = workflow.policy, workflow.settings.limits

    @property
    def history(self) -> History:
        return self.ledger.history()

    def world(self) -> World:
        """What the next process sees: the ledger is read anew."""
        self.ledger = self.ledger.reopened()
        return World(
            ledger=self.ledger,
            tracker=self.tracker,
            agents=self.agents,
            bulletin=self.bulletin,
            clock=lambda: self.now,
            new_run=self._new_run,
            disk=lambda: self.disk,
            policy=self.policy,
            settings=replace(SETTINGS, rules=self.policy.rules),
            state_dir="state",
        )

    def _new_run(self) -> RunId:
        self.runs_made += 1
        return RunId(f"new_{self.runs_made}")

    # What happens.

    def happens(self, step: Mapping[str, Any]) -> None:
        """Everything that a tick is going to find."""
        self.now += timedelta(seconds=step.get("later", 60))
        self.tracker.now = self.agents.now = self.now
        self._tracker(step.get("tracker", {}))
        for name, words in step.get("comments", {}).items():
            self.tracker.says(IssueId(name), words, at=self.now)
        if "disk" in step:
            self.disk = Disk(round(step["disk"] * 1e9), 1_000_000, "/workspaces")
        self._runs(step.get("runs", {}), step.get("spent", {}))
        self._removals(step.get("removals", {}))
        if "policy" in step:
            self.policy = replace(self.policy, **step["policy"])

    def _tracker(self, told: Mapping[str, Any]) -> None:
        self.tracker.down = told.get("down", "")
        for name, members in told.items():
            issue = IssueId(name)
            if members is None:
                self.tracker.issues.pop(issue, None)
            elif name != "down":
                known = self.tracker.issues.get(issue) or Issue(issue, name, f"About {name}", "")
                fresh = decode(
                    Issue, {"id": name, "identifier": name, "title": "", "state": ""} | members
                )
                changes = {member: getattr(fresh, member) for member in members}
                self.tracker.issues[issue] = replace(known, **changes)

    def _runs(self, told: Mapping[str, Any], spent: Mapping[str, int]) -> None:
        """Runs that the story does not name go on as before, with a sign of life."""
        for record in self.history.records.values():
            if record.running is None:
                continue
            run, name = record.running.run, record.issue.identifier
            shown = told.get(name, "working")
            if shown == "working":
                self.agents.work(run, Usage(input=spent.get(name, 0)))
            elif shown == "gone":
                self.agents.seen[run] = Sighting(False, run, 1)
            else:
                verdict = decode(Verdict, {"run": run, "issue": record.id} | shown)
                self.agents.seen[run] = Sighting(False, run, 1, verdict=verdict)

    def _removals(self, told: Mapping[str, Any]) -> None:
        for record in self.history.records.values():
            if record.removal is not None and record.issue.identifier in told:
                said = told[record.issue.identifier] or {}
                self.agents.remove_to_the_end(record.key, record.removal.run, said)

    # What is printed.

    def play(self) -> str:
        """The whole story as text."""
        from symphony_cli.commands.tick import tick

        parts = [f"{self.story['about']}\n"]
        for number, step in enumerate(self.story["ticks"], 1):
            self.happens(step)
            parts.append(f"== {self.now:%H:%M:%S} tick {number}")
            if "person" in step:
                parts += [f"$ symphony {step['person']}", self.types(step["person"])]
            parts += self._effects()
            result = tick(self.world(), deadline=45.0, elapsed=lambda: 0.0)
            parts += [tick_text(replace(result, duration_s=0.0)), *self._effects(), ""]
        for command in self.story["show"]:
            parts += [f"$ symphony {command}", self.types(command), ""]
        return "\n".join(parts)

    def _effects(self) -> Iterator[str]:
        yield from (f"  -> {effect}" for effect in (*self.agents.told, *self.tracker.writes))
        self.agents.told.clear()
        self.tracker.writes.clear()

    def types(self, line: str) -> str:
        """What a person types, and sees."""
        command, *words = shlex.split(line)
        name = words[0] if words else ""
        return as_text(_commands(self.world(), name, words[1:])[command]())


def _commands(world: World, name: str, options: Sequence[str]) -> dict[str, Any]:
    given = dict(zip(options[::2], options[1::2], strict=True))
    tokens, attempts = given.get("--grant-tokens"), given.get("--grant-attempts")
    asked = Asked(
        tokens=int(tokens) if tokens else None,
        attempts=int(attempts) if attempts else None,
        note=given.get("--note", ""),
    )
    return {
        "status": lambda: explain(world, name, ()) if name else status(world),
        "unblock": lambda: unblock(world, name, BY, asked),
        "stop": lambda: stop(world, name, BY, asked.note),
        "block": lambda: block(world, name, BY, asked.note),
        "retry": lambda: retry(world, name, BY, asked.note),
        "pause": lambda: pause(world, BY, name),
        "resume": lambda: resume(world, BY),
    }
