"""Looking at the processes of a house: who they are, and that no issue has two runs."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from symphony_cli import processes
from symphony_cli.core.run import MARKER, Identity
from tests.real.house import House

ACTS = {
    "symphony_cli.errands.prepare": "prepare",
    "symphony_cli.supervisor": "supervisor",
    "symphony_cli.errands.finish": "finish",
}
HELPERS = {"symphony_cli.errands.tool", "symphony_cli.errands.refresh"}

LASTING = 0.5
"""Seconds. A run that has let go of its lock may still be exiting while the next one starts; two
runs that are at work last longer."""


@dataclass(frozen=True)
class Seen:
    """A process of ours: what it is, and which run of which issue it belongs to."""

    identity: Identity
    kind: str
    issue: str = ""
    run: str = ""


@dataclass
class Watch:
    """Looks at /proc again and again; `found` are the sights that may not be."""

    house: House
    found: list[str] = field(default_factory=list)
    _runs: dict[str, str] = field(default_factory=dict)
    _since: dict[frozenset[Identity], float] = field(default_factory=dict)

    def look(self) -> list[Seen]:
        """Everything of ours that runs now."""
        seen = list(self._processes())
        self._judge(seen)
        return seen

    def _processes(self) -> Iterator[Seen]:
        for pid in processes.all_pids():
            words = _parts(pid, "cmdline")
            identity = processes.identify(pid) if words else None
            one = None if identity is None else self._understand(pid, identity, words)
            if one is not None:
                yield one

    def _understand(self, pid: int, identity: Identity, words: list[str]) -> Seen | None:
        runs = f"{self.house.state.runs}/"
        folder = next((word for word in words if word.startswith(runs)), "")
        module = next((word for word in words if word in ACTS), "")
        if folder and module:
            issue, number = folder.removeprefix(runs).split("/")
            return Seen(identity, ACTS[module], issue, self._run_of(issue, number))
        if str(self.house.workflow) in words:
            return Seen(identity, "tick") if words[-1] == "tick" else None
        marks = [word for word in _parts(pid, "environ") if word.startswith(f"{MARKER}=")]
        run = marks[0].partition("=")[2] if marks else ""
        issue = self._issue_of(run)
        if not issue or HELPERS.intersection(words):
            return None
        return Seen(identity, _kind(words), issue, run)

    def _run_of(self, issue: str, number: str) -> str:
        order = self.house.state.issue(issue) / number / "order.json"
        return str(json.loads(order.read_text())["run"])

    def _issue_of(self, run: str) -> str:
        if run and run not in self._runs:
            for order in self.house.state.runs.glob("*/*/order.json"):
                self._runs[json.loads(order.read_text())["run"]] = order.parent.parent.name
        return self._runs.get(run, "")

    def _judge(self, seen: list[Seen]) -> None:
        now, present = time.monotonic(), set()
        for issue, crowd in _by_issue(seen).items():
            acts = [one for one in crowd if one.kind in ACTS.values()]
            for kind, group in (("runs", _one_of_each(crowd)), ("acts", acts)):
                pair = frozenset(one.identity for one in group)
                if len(pair) > 1:
                    present.add(pair)
                    if now - self._since.setdefault(pair, now) > LASTING:
                        self.found.append(f"{issue} has two {kind} at once: {group}")
        self._since = {pair: since for pair, since in self._since.items() if pair in present}


def _kind(words: list[str]) -> str:
    """What a process with the mark of a run is; a child of the agent that may die is one that
    only waits: a commit that is killed is not made, and that is nobody's fault."""
    if "symphony_cli.scripted" in words:
        return "codex"
    return "child" if any("sleep" in word for word in words) else "other"


def _by_issue(seen: list[Seen]) -> dict[str, list[Seen]]:
    crowds: dict[str, list[Seen]] = defaultdict(list)
    for one in seen:
        if one.issue:
            crowds[one.issue].append(one)
    return crowds


def _one_of_each(crowd: list[Seen]) -> list[Seen]:
    """One process of each run, the same ones as long as they live."""
    ordered = sorted(crowd, key=lambda one: one.identity.pid, reverse=True)
    return list({one.run: one for one in ordered}.values())


def _parts(pid: int, name: str) -> list[str]:
    try:
        data = Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return []
    return data.decode("utf-8", "surrogateescape").rstrip("\0").split("\0")
