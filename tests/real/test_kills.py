"""Whatever is killed, whenever: every issue is done once, by one agent at a time, on one thread."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from symphony_cli import processes
from symphony_cli.adapters.ledger import view_ledger
from symphony_cli.adapters.locks import is_held
from symphony_cli.core.events import Finished
from symphony_cli.core.history import History
from symphony_cli.core.record import Record
from symphony_cli.core.run import MARKER, Identity
from symphony_cli.core.usage import Usage
from symphony_cli.demo.material import scripted_command
from symphony_cli.ids import IssueId
from tests.errands.world import until
from tests.real.conftest import Furnish
from tests.real.house import House
from tests.real.watch import Seen, Watch

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(600)]

ISSUES = tuple(f"K-{number}" for number in range(1, 13))
"""The first four are there from the beginning; more come while not enough was killed."""

ROUNDS = 8
MOST_OF_A_RUN = 3
"""Kills of one kind in one run: a last act that dies five times is given up (settle.py)."""

KINDS = {
    "tick": 0.25,
    "prepare": 0.15,
    "supervisor": 1.2,
    "codex": 1.2,
    "finish": 0.3,
    "child": 0.3,
}
"""What is killed, and how many seconds after it was first seen at the latest."""

PATIENCE = 240.0


def script(root: Path) -> dict[str, Any]:
    """Agents that write a journal, make two commits each, and leave processes behind."""
    return {
        "issues": [
            {"match": f"Issue {name}:", "turns": [steps(root / "journal" / name)]}
            for name in ISSUES
        ]
    }


def steps(journal: Path) -> list[dict[str, Any]]:
    tell = {"run": f"for i in 1 2 3 4; do echo $SYMPHONY_RUN >> {journal}; sleep 0.1; done"}
    acts: list[dict[str, Any]] = [
        {"say": "I look around."},
        {"tool": {"name": "issue_update", "arguments": {"state": "In Progress"}}},
        {"run": "sleep 301", "background": True},
        {"daemon": "sleep 302"},
        tell,
        {"write": {"path": "work.txt", "content": "one\n"}},
        commit("one"),
        tell,
        {"write": {"path": "work.txt", "content": "two\n"}},
        commit("two"),
        {"tool": {"name": "issue_update", "arguments": {"state": "Done"}}},
        {"say": "Done."},
    ]
    usage = {"input": 1000, "cached_input": 900, "output": 10, "reasoning": 3}
    return [{**act, "usage": usage} for act in acts]


def commit(message: str) -> dict[str, Any]:
    """A commit by an agent that knows that its last git may have been killed half-way."""
    who = "-c user.name=Agent -c user.email=agent@example.org"
    words = f"git add -A && git {who} commit -qm {message}"
    return {"run": f"find .git -name '*.lock' -delete; {words}"}


def settle_in(house: Furnish, tmp_path: Path) -> House:
    place = tmp_path / "agents"
    (place / "home").mkdir(parents=True)
    (tmp_path / "house" / "journal").mkdir(parents=True)
    (place / "script.json").write_text(json.dumps(script(tmp_path / "house")))
    command = scripted_command(sys.executable, place / "script.json")
    made = house(codex={"command": command, "home": str(place / "home")})
    for name in ISSUES[:4]:
        made.write_issue(name)
    return made


def written(house: House) -> list[str]:
    """The issues that are there by now."""
    return [name for name in ISSUES if (house.checkout / "issues" / f"{name}.md").exists()]


@dataclass
class Killer:
    """Kills processes of one kind, each at a random moment after it was first seen."""

    kind: str
    dice: random.Random
    killed: list[Seen] = field(default_factory=list)
    _due: dict[Identity, float] = field(default_factory=dict)

    def strike(self, seen: list[Seen]) -> None:
        now = time.monotonic()
        for one in seen:
            if one.kind != self.kind or self._spared(one):
                continue
            due = self._due.setdefault(one.identity, now + self.dice.uniform(0, KINDS[self.kind]))
            if now >= due and processes.signal_if_same(one.identity, signal.SIGKILL):
                self.killed.append(one)

    def _spared(self, one: Seen) -> bool:
        had = sum(1 for other in self.killed if one.run and other.run == one.run)
        return len(self.killed) >= ROUNDS or had >= MOST_OF_A_RUN


def torment(house: House, watch: Watch, killer: Killer) -> None:
    """Ticks in the background, looks and kills, until all issues are finished."""
    deadline, next_tick = time.monotonic() + PATIENCE, 0.0
    ticks: list[subprocess.Popen[bytes]] = []
    try:
        while not house.finished(*written(house)) or more_wanted(house, killer):
            assert time.monotonic() < deadline, f"not done after {PATIENCE} s\n{house.story()}"
            ticks = [one for one in ticks if one.poll() is None]
            if time.monotonic() >= next_tick and len(ticks) < 2:
                ticks.append(a_tick(house))
                next_tick = time.monotonic() + 0.4
            killer.strike(watch.look())
            time.sleep(0.01)
    finally:
        for one in ticks:
            one.wait(60)


def more_wanted(house: House, killer: Killer) -> bool:
    """Another issue, when all are done and not enough was killed."""
    names = written(house)
    if len(killer.killed) == ROUNDS or len(names) == len(ISSUES):
        return False
    house.write_issue(ISSUES[len(names)])
    return True


def a_tick(house: House) -> subprocess.Popen[bytes]:
    quiet = subprocess.DEVNULL
    return subprocess.Popen(house.command("tick"), env=house.environ, stdout=quiet, stderr=quiet)


def test_the_watch_sees_two_runs_of_one_issue(house: Furnish, tmp_path: Path) -> None:
    place = house()
    for number in ("1", "2"):
        (place.state.issue("K-1") / number).mkdir(parents=True)
        order = place.state.issue("K-1") / number / "order.json"
        order.write_text(json.dumps({"run": f"run_{tmp_path.name}_{number}"}))
    people = [
        subprocess.Popen(["sleep", "60"], env={MARKER: run}) for run in sorted(place.run_ids())
    ]
    watch = Watch(place)
    try:
        until(lambda: bool(watch.look() and watch.found), what="the sight of both")
        assert watch.found[0].startswith("K-1 has two runs at once")
    finally:
        for one in people:
            one.kill()
            one.wait(20)


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_is_killed_every_issue_is_done_once_on_one_thread(
    house: Furnish, tmp_path: Path, kind: str
) -> None:
    seed = int(os.environ.get("SYMPHONY_TEST_SEED") or random.SystemRandom().randrange(10**6))
    print(f"SYMPHONY_TEST_SEED={seed}")
    place = settle_in(house, tmp_path)
    watch, killer = Watch(place), Killer(kind, random.Random(seed))
    torment(place, watch, killer)
    until(lambda: not watch.look(), what="an end of all processes")
    assert watch.found == []
    # Short acts on a fast machine are often gone before the blow; how many land is luck.
    assert len(killer.killed) >= ROUNDS // 2
    assert_done_once(place)
    assert_counted_once(place, tmp_path / "agents" / "home")
    assert_nothing_left(place)


def assert_done_once(house: House) -> None:
    finished = Counter(event.issue for event in house.events() if isinstance(event, Finished))
    assert finished == dict.fromkeys(written(house), 1)
    for name in written(house):
        assert "state: Done" in house.issue(name)
        subjects = house.git(house.root / "workspaces" / name, "log", "--format=%s", "main..")
        assert subjects.splitlines() == ["two", "one"], name
        lines = (house.root / "journal" / name).read_text().splitlines()
        authors = [run for run, _ in groupby(lines)]
        assert len(authors) == len(set(authors)), f"two agents wrote at once: {lines}"


def assert_counted_once(house: House, home: Path) -> None:
    for name in written(house):
        record = house.record(name)
        threads = {verdict.thread.id for verdict in house.verdicts(name) if verdict.thread}
        assert record.thread is not None and threads == {record.thread.id}, name
        assert record.fresh_threads == 0
        assert record.usage == served(home, record.thread.id), name


def served(home: Path, thread: str) -> Usage:
    """The last running total in a thread's own file: what its model served."""
    (path,) = home.glob(f"sessions/*/*/*/rollout-*-{thread}.jsonl")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    totals = [line["total"] for line in lines if line["type"] == "tokens"]
    return Usage(**totals[-1])


def assert_nothing_left(house: House) -> None:
    locks = [house.state.lock, *(house.state.issue_lock(name) for name in written(house))]
    locks += (house.root / "home/state/symphony/locks").iterdir()
    assert [path for path in locks if is_held(path)] == []
    root = house.root / "workspaces"
    assert sorted(os.listdir(root)) == sorted([".symphony", *written(house)])
    work = [
        path for name in ("making", "scratch") for path in (root / ".symphony" / name).glob("*")
    ]
    assert [path for folder in work for path in folder.rglob("*")] == []
    assert unfolded(house) == everything(house.history())


def hidden(root: Path, name: str) -> list[Path]:
    """What an act left in its working place, but for an empty folder of the issue's name."""
    folder = root / ".symphony" / name
    return list(folder.glob("*/*"))


def everything(history: History) -> dict[IssueId, Record]:
    records: dict[IssueId, Record] = dict(history.records)
    records.update((issue, history.finished[issue]) for issue in history.finished)
    return records


def unfolded(house: House) -> dict[IssueId, Record]:
    """What the ledger adds up to without any cache."""
    caches = [path for path in (house.state.view, house.state.finished) if path.exists()]
    for cache in caches:
        cache.rename(cache.with_suffix(".aside"))
    try:
        return everything(view_ledger(house.state, str(house.workflow)).history())
    finally:
        for cache in caches:
            cache.with_suffix(".aside").rename(cache)
