"""The errand between turns, as processes, against a Linear that counts its requests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from symphony_cli import clock, processes, runfolder
from symphony_cli.adapters import locks
from symphony_cli.adapters.trackers import Opening, open_tracker
from symphony_cli.core.issue import Issue
from symphony_cli.core.policy import Rules
from symphony_cli.core.run import Order, TrackerRef
from symphony_cli.errands import mutations
from symphony_cli.ids import IssueId, Key
from symphony_cli.paths import RunPaths, StatePaths
from tests.errands.an_order import order_in
from tests.errands.world import until
from tests.linear.own import OwnWorld

pytestmark = pytest.mark.real

READ = "Refresh"
"""The operation of the one request."""


@dataclass
class Site:
    """A workflow on a Linear: its state, and runs that hold their locks until the test ends."""

    root: Path
    linear: OwnWorld
    held: ExitStack
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def state(self) -> StatePaths:
        return StatePaths(self.root / "state")

    @property
    def environ(self) -> dict[str, str]:
        return {**os.environ, "XDG_STATE_HOME": str(self.root / "home")}

    @property
    def order(self) -> Order:
        endpoint, project = self.linear.endpoint, self.linear.project
        order = order_in(self.root)
        ref = TrackerRef(
            "linear", f"linear:{endpoint}", "WORKFLOW.md", endpoint=endpoint, project=project
        )
        rules = Rules(active_states=("todo", "in progress"), project=project)
        return replace(order, settings=replace(order.settings, tracker=ref, rules=rules))

    def learn_names(self) -> None:
        """A tick looks, and leaves what it learned of names."""
        ref, rules = self.order.settings.tracker, self.order.settings.rules
        how, secrets = Opening(keeps=True), (self.linear.key,)
        open_tracker(ref, rules, self.state, clock.now, self.environ, secrets, how).look("", ())

    def run(self, title: str = "Do it", state: str = "In Progress") -> RunPaths:
        """An issue with a run that is alive."""
        told = self.linear.create(title, state=state)
        issue = Issue(IssueId(told["id"]), told["identifier"], title, state)
        paths = self.state.run(told["identifier"], 1)
        paths.folder.mkdir(parents=True)
        order = replace(self.order, issue=issue, key=Key(told["identifier"]))
        runfolder.save(order, paths.order)
        lock = locks.take_run_lock(paths.lock)
        assert lock is not None
        self.held.callback(os.close, lock)
        return paths

    def ask(self, paths: RunPaths, latest: float | None = None) -> subprocess.Popen[str]:
        """Start the errand as a supervisor does, asked now or at this moment before."""
        asked = min(clock.monotonic(), latest or clock.monotonic())
        pipe = processes.secret_pipe((self.linear.key,))
        command = [sys.executable, "-P", "-m", "symphony_cli.errands.refresh", str(paths.folder)]
        command += ["--asked", str(asked), "--secrets", str(pipe)]
        errand = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, pass_fds=[pipe], env=self.environ
        )
        os.close(pipe)
        self.started.append(errand)
        return errand

    def reads(self) -> int:
        """How many requests asked how issues stand."""
        return self.linear.operations().count(READ)

    def end(self) -> None:
        """End what is left of a test that failed."""
        for errand in self.started:
            errand.kill()
            errand.wait()


@contextmanager
def a_site(root: Path) -> Iterator[Site]:
    linear = OwnWorld()
    with ExitStack() as held:
        site = Site(root, linear, held)
        site.state.root.mkdir()
        try:
            yield site
        finally:
            site.end()
            linear.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with a_site(tmp_path) as made:
        made.learn_names()
        yield made


def said(errand: subprocess.Popen[str]) -> dict[str, Any]:
    """What it answered, without the sentence."""
    text, _ = errand.communicate(timeout=120)
    answer = json.loads(text)
    assert isinstance(answer, dict)
    return answer


def short(answer: dict[str, Any]) -> tuple[str, str]:
    return answer["standing"], answer["reason"]


@pytest.mark.slow
def test_fifty_errands_that_are_started_within_a_second_cost_one_request(site: Site) -> None:
    runs = [site.run(f"Issue {number}") for number in range(50)]
    site.linear.person.move("ENG-7", "Human Review")

    within = clock.monotonic() + 0.95
    errands = [site.ask(run, within) for run in runs]
    answers = [short(said(errand)) for errand in errands]

    assert site.reads() == 1
    assert answers.pop(6) == ("handed_over", "Human Review")
    assert set(answers) == {("go_on", "")}


def test_when_the_errand_that_asks_is_killed_the_next_one_answers_all(site: Site) -> None:
    runs = [site.run(), site.run()]
    site.linear.fault("hang", operation=READ, seconds=60)
    first = site.ask(runs[0])
    until(lambda: site.reads() == 1, what="the first request")

    second = site.ask(runs[1])
    first.kill()

    assert (short(said(second)), first.wait(), site.reads()) == (("go_on", ""), -9, 2)


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ("move", ("handed_over", "Human Review")),
        ("to_project", ("stop", "project")),
        ("archive", ("stop", "not_eligible")),
        ("purge", ("unknown", "missing")),
    ],
)
def test_what_people_did_meanwhile_decides(
    site: Site, change: str, answer: tuple[str, str]
) -> None:
    run = site.run()
    more = {"move": ("Human Review",), "to_project": (None,)}.get(change, ())
    getattr(site.linear.person, change)("ENG-1", *more)

    assert (short(said(site.ask(run))), site.reads()) == (answer, 1)


def test_a_lagging_replica_does_not_buy_a_turn_for_an_issue_that_was_handed_over(
    site: Site,
) -> None:
    run = site.run()
    site.linear.lag(2.0)
    site.linear.person.move("ENG-1", "Human Review")
    mutations.note(run)

    answer = said(site.ask(run))

    assert (short(answer), site.reads()) == (("handed_over", "Human Review"), 2)


@pytest.mark.parametrize("kind", ["status", "html", "cut", "partial"])
def test_a_read_that_fails_for_a_while_is_repeated(site: Site, kind: Any) -> None:
    run = site.run()
    site.linear.fault(kind, times=3, operation=READ)

    assert short(said(site.ask(run))) == ("go_on", "")


def test_a_key_that_is_not_accepted_is_named_as_the_reason_and_is_not_in_the_answer(
    site: Site,
) -> None:
    run = site.run()
    site.linear.revoke()

    answer = said(site.ask(run))

    assert short(answer) == ("unknown", "key")
    assert site.linear.key not in str(answer) and "key" in answer["detail"]
    assert not site.state.refresh.exists()


def test_the_file_that_runs_share_holds_no_key_and_no_long_text(site: Site) -> None:
    run = site.run()
    site.linear.person.describe("ENG-1", "a very long text")

    said(site.ask(run))

    kept = site.state.refresh.read_text()
    assert site.linear.key not in kept and "a very long text" not in kept
    assert json.loads(kept)["issues"][0]["identifier"] == "ENG-1"
