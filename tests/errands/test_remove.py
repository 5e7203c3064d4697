"""`errands.remove`: a workspace goes only when its issue is over and its work is kept (row G5)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from symphony_cli import files, processes, runfolder
from symphony_cli.adapters import ready
from symphony_cli.adapters.agents import LocalAgents
from symphony_cli.adapters.locks import is_held
from symphony_cli.adapters.rescuestore import restore, store_path
from symphony_cli.core.removal import RemovalVerdict, Tidying
from symphony_cli.core.run import Hooks, Order, TrackerRef, WorkspaceSettings
from symphony_cli.core.snapshot import RemovalSight
from symphony_cli.errands import act, remove
from symphony_cli.paths import RunPaths, StatePaths
from tests.adapters.gitworld import NOW, GitWorld, files_in, git_world
from tests.errands.an_order import ONE, issue_file, order_in
from tests.errands.world import acts, end, until

pytestmark = pytest.mark.real

REF = "refs/symphony/rescue/one/1"


@dataclass(frozen=True)
class Site:
    """An issue that is done, and the workspace that its last run left."""

    folder: Path
    git: GitWorld
    order: Order

    @property
    def workspace(self) -> Path:
        return self.git.root / "one"

    @property
    def state(self) -> StatePaths:
        return StatePaths(self.folder / "state")

    @property
    def paths(self) -> RunPaths:
        return self.state.removal("one")

    def configured(self, **more: Any) -> Site:
        settings = self.order.settings
        workspace = replace(settings.workspace, **more)
        return replace(
            self, order=replace(self.order, settings=replace(settings, workspace=workspace))
        )

    def removed(self) -> RemovalVerdict:
        """What the errand finds, in this process."""
        files.make_folder(self.paths.folder)
        return remove.removed(act.Act(self.paths, (), ()), self.order)

    def back(self) -> Path:
        """The newest rescue, in a folder."""
        into = self.folder / f"back-{os.urandom(3).hex()}"
        restore(store_path(self.git.root), REF, into)
        return into


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    world = git_world(tmp_path)
    order = order_in(tmp_path)
    place = world.clone("one")
    settings = WorkspaceSettings(str(world.root), str(place), repo=str(world.origin))
    order = replace(order, settings=replace(order.settings, workspace=settings))
    ready.write(
        ready.marker_path(world.root, order.key),
        ready.marker_for(order, ready.READY, place, NOW),
    )
    issue_file(tmp_path, state="Done")
    yield Site(tmp_path, world, order)
    for pid in acts(tmp_path):
        end(pid)


def work(site: Site) -> dict[str, bytes]:
    """Commits, changed and new files that the remote does not have; all that lies there."""
    site.git.commit(site.workspace, "done.txt", "done\n")
    (site.workspace / "readme.txt").write_text("changed\n")
    (site.workspace / "new").mkdir()
    (site.workspace / "new/bytes").write_bytes(b"\0\xff")
    return files_in(site.workspace)


def test_a_workspace_without_work_goes_and_nothing_is_kept(site: Site) -> None:
    assert site.removed() == RemovalVerdict(site.order.run, True)
    assert not site.workspace.exists()
    assert not ready.marker_path(site.git.root, "one").exists()


def test_what_was_not_pushed_is_kept_first(site: Site) -> None:
    before = work(site)
    assert site.removed() == RemovalVerdict(site.order.run, True, rescue=REF)
    assert (files_in(site.back()), site.workspace.exists()) == (before, False)


def test_one_that_is_gone_already_is_as_good_as_removed(site: Site) -> None:
    shutil.rmtree(site.workspace)
    assert site.removed() == RemovalVerdict(site.order.run, True, "it was gone already")


def test_an_issue_that_is_worked_again_keeps_it_and_nobody_has_to_come_back(site: Site) -> None:
    issue_file(site.folder, state="Todo")
    told = site.removed()
    assert told == RemovalVerdict(site.order.run, False, "its state is Todo again", over=False)
    assert site.workspace.is_dir()


def test_an_issue_that_the_tracker_does_not_have_any_more_is_over(site: Site) -> None:
    (site.folder / "issues/one.md").unlink()
    assert site.removed().removed


def test_a_tracker_that_cannot_say_keeps_it(site: Site) -> None:
    (site.folder / "issues/one.md").write_text("---\nstate: [\n")
    unreadable = site.removed()
    shutil.rmtree(site.folder / "issues")
    away = site.removed()
    assert [(one.removed, one.over) for one in (unreadable, away)] == [(False, True)] * 2
    assert unreadable.why.startswith("it is not known whether it is still finished: ")
    assert away.why.startswith("the tracker could not say whether it is still finished: ")
    assert site.workspace.is_dir()


def test_somebody_who_works_in_it_keeps_it(site: Site) -> None:
    shell = "sleep 600 > /dev/null 2>&1 & echo $!"
    person = subprocess.check_output(["sh", "-c", shell], cwd=site.workspace)
    told = site.removed()
    end(int(person))
    assert (told.removed, told.why) == (False, f"pid {int(person)} works in it")
    until(lambda: processes.identify(int(person)) is None, what="its end")
    assert site.removed().removed


def test_work_that_cannot_be_kept_keeps_it(site: Site) -> None:
    (site.workspace / "large").write_bytes(os.urandom(300_000))
    told = site.configured(rescue_max_bytes=100_000).removed()
    assert (told.removed, "100" in told.why, site.workspace.is_dir()) == (False, True, True)


def test_without_git_nothing_is_known_of_the_work_so_it_stays(site: Site) -> None:
    shutil.rmtree(site.workspace / ".git")
    told = site.removed()
    assert (told.removed, told.why != "", site.workspace.is_dir()) == (False, True, True)


def test_a_link_is_refused_and_what_it_leads_to_is_let_be(site: Site) -> None:
    elsewhere = site.workspace.rename(site.folder / "elsewhere")
    site.workspace.symlink_to(elsewhere)
    told = site.removed()
    assert (told.removed, told.why) == (
        False,
        f"{site.workspace} is a link and not a folder: remove it.",
    )
    assert (elsewhere / "readme.txt").exists()


def test_a_folder_outside_of_the_root_is_refused(site: Site) -> None:
    elsewhere = site.workspace.rename(site.folder / "elsewhere")
    told = site.configured(path=str(elsewhere)).removed()
    assert (told.removed, "lies outside of workspace.root" in told.why) == (False, True)
    assert elsewhere.is_dir()


def test_one_of_another_project_is_refused(site: Site) -> None:
    settings = replace(site.order.settings, tracker=TrackerRef("markdown", "markdown:other", "w"))
    order = replace(site.order, settings=settings)
    marker = ready.marker_for(order, ready.READY, site.workspace, NOW)
    ready.write(ready.marker_path(site.git.root, "one"), marker)
    told = site.removed()
    assert (told.removed, "belongs to one of markdown:other" in told.why) == (False, True)
    assert site.workspace.is_dir()


HOOK = 'echo "$PWD $SYMPHONY_ISSUE_KEY ${LINEAR_API_KEY-no key} $COLOUR"; echo to err >&2; exit 0'


def test_before_remove_has_the_environment_of_the_agent_and_its_output_is_kept(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINEAR_API_KEY", "lin_api_0123456789abcdef")
    ref = replace(site.order.settings.tracker, secret_names=("LINEAR_API_KEY",))
    site = replace(
        site, order=replace(site.order, settings=replace(site.order.settings, tracker=ref))
    )
    told = site.configured(hooks=Hooks(before_remove=HOOK), env={"COLOUR": "blue"}).removed()
    assert (told.removed, told.why) == (True, "")
    log = site.paths.log.read_text()
    assert f"{site.workspace} " in log and "no key blue" in log and "to err" in log


@pytest.mark.parametrize(
    ("hook", "why"),
    [
        ("exit 3", "Hook before_remove failed"),
        ("sleep 600 & wait", "Hook before_remove took longer than 0.5 s"),
    ],
)
def test_a_before_remove_that_fails_is_told_and_keeps_nothing(
    site: Site, hook: str, why: str
) -> None:
    before = work(site)
    told = site.configured(hooks=Hooks(before_remove=hook, timeout=0.5)).removed()
    assert (told.removed, told.why.startswith(why), told.rescue) == (True, True, REF), told
    assert files_in(site.back()) == before


def test_what_before_remove_writes_is_kept_too(site: Site) -> None:
    told = site.configured(hooks=Hooks(before_remove="echo last > words.txt")).removed()
    assert told.rescue == REF
    assert (site.back() / "words.txt").read_text() == "last\n"


# --- As a process, started by a tick.


def agents(site: Site) -> LocalAgents:
    environ = {"PATH": os.environ["PATH"], "HOME": str(site.folder / "home")}
    return LocalAgents(site.state, environ, (), site.order.settings.tracker.scope, ())


def begin(site: Site) -> LocalAgents:
    hands = agents(site)
    claim = hands.claim(ONE, site.order.key)
    hands.remove(claim, site.order)
    claim.drop()
    return hands


def settled(site: Site, hands: LocalAgents) -> RemovalSight:
    """What can be seen of the removal once it holds the lock no more."""

    def over() -> RemovalSight | None:
        seen = hands.removal(site.order.key, site.order.run)
        return None if seen.alive else seen

    return until(over, what="the end of the removal")


def test_a_tick_starts_it_and_sees_what_became_of_it(site: Site) -> None:
    before = work(site)
    hands = begin(site)
    seen = settled(site, hands)
    assert seen.verdict is not None and (seen.verdict.removed, seen.verdict.rescue) == (True, REF)
    assert hands.removal(site.order.key, replace(site.order).run).verdict == seen.verdict
    assert files_in(site.back()) == before
    until(lambda: not os.listdir(site.git.root / ".trash"), what="an empty trash")


def test_it_holds_the_lock_of_the_issue_until_it_has_told(site: Site) -> None:
    hook = f"touch {site.folder}/begun; while ! test -e {site.folder}/go; do sleep 0.05; done"
    site = site.configured(hooks=Hooks(before_remove=hook, timeout=120))
    hands = begin(site)
    until((site.folder / "begun").exists, what="the hook")
    assert is_held(site.state.issue_lock("one"))
    assert hands.removal(site.order.key, site.order.run) == RemovalSight(alive=True)
    (site.folder / "go").touch()
    seen = settled(site, hands)
    assert seen.verdict is not None and seen.verdict.removed


# --- Killed at any moment.

REMOVAL = """
import sys
from pathlib import Path
from symphony_cli import runfolder
from symphony_cli.errands import act, remove
from symphony_cli.paths import RunPaths
paths = RunPaths(Path(sys.argv[1]))
step, sparks = int(sys.argv[2]), [0]

def dies(event, words):
    if event in ("subprocess.Popen", "os.rename", "os.remove", "os.mkdir", "os.link"):
        sparks[0] += 1
        if sparks[0] == step:
            import os, signal
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(dies)
remove.removed(act.Act(paths, (), ()), runfolder.order(paths))
print(sparks[0])
"""
"""Dies before the effect with that number on disk or process; else it says how many there were."""

ALIVE = 10_000
"""A step that no removal comes to."""


def test_killed_at_any_moment_the_workspace_is_whole_or_the_rescue_reads_back(
    site: Site,
) -> None:
    before = work(site)
    aside = site.folder / "aside"
    shutil.copytree(site.workspace, aside, symlinks=True)
    files.make_folder(site.paths.folder)
    runfolder.save(site.order, site.paths.order)
    for _ in range(2):  # the first one makes the store
        whole = killed_at(site, ALIVE)
        shutil.copytree(aside, site.workspace, symlinks=True)
    found = []
    for step in sorted({*range(1, whole, 6), *range(whole - 3, whole + 1)}):
        assert killed_at(site, step) == 0, step
        found.append(site.workspace.exists())
        place = site.workspace if found[-1] else site.back()
        assert files_in(place) == before, step
        assert site.removed().removed, step
        shutil.copytree(aside, site.workspace, symlinks=True)
    assert set(found) == {True, False}, "it was killed before the move and after it"


def killed_at(site: Site, step: int) -> int:
    """A removal that dies at a step: 0; one that was not: how many steps it had."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", REMOVAL, str(site.paths.folder), str(step)],
        check=False,
        stdout=subprocess.PIPE,
    )
    assert done.returncode in (0, -9), step
    return int(done.stdout or 0)


def test_a_torn_verdict_is_told_as_trouble(site: Site) -> None:
    files.make_folder(site.paths.folder)
    site.paths.verdict.write_text('{"run": "run_1", "remo')
    seen = agents(site).removal(site.order.key, site.order.run)
    assert (seen.alive, seen.verdict, "exit.json" in seen.trouble) == (False, None, True)


# --- What is old.


def test_a_tick_has_old_run_folders_removed_and_the_lock_stays(site: Site) -> None:
    for number, key in ((1, "old"), (2, "old"), (1, "mid")):
        folder = site.state.run(key, number).folder
        folder.mkdir(parents=True)
        for name in ("transcript.jsonl", "transcript.1.jsonl", "exit.json"):
            (folder / name).write_text("{}\n")
        site.state.issue_lock(key).touch()
    hands = agents(site)
    what = Tidying(NOW, (str(site.git.root),), ("mid",), ("old",))
    grave = site.git.root / ".trash" / f"X.{'0' * 12}"
    grave.mkdir(parents=True)
    hands.tidy(what)
    until(lambda: not grave.exists() and not site.state.run("old", 1).folder.exists())
    until(lambda: sorted(os.listdir(site.state.run("mid", 1).folder)) == ["exit.json"])
    assert os.listdir(site.state.runs / "old") == ["lock"]
    assert json.loads(site.state.tidy.read_text())["folders"] == ["old"]
    at = hands.tidied_at()
    assert at is not None and abs(at.timestamp() - site.state.tidy.stat().st_mtime) < 0.001
