"""What a run leaves to the next: ticks, comments, counts, and the place that it worked in."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from symphony_cli import files, processes, runfolder
from symphony_cli.adapters.locks import is_held
from symphony_cli.core import report
from symphony_cli.core.reasons import Outcome
from symphony_cli.core.run import Brief, Hooks, Order, StopNote, ThreadRef
from symphony_cli.errands import finish
from symphony_cli.errands.comments import last_shown
from symphony_cli.paths import RunPaths
from tests.errands.world import ORDERED_AT, World, acts, in_hook, until

pytestmark = pytest.mark.real

SIGNAL = report.Closing(ORDERED_AT, Outcome.INTERRUPTED, "signal")
REBOOT = report.Closing(ORDERED_AT, Outcome.INTERRUPTED, "reboot")
FAILED = report.Closing(ORDERED_AT, Outcome.FAILED, "turn")
TURN = report.TurnBegan(ORDERED_AT, 1)
THREAD = report.ThreadBegan(ORDERED_AT, ThreadRef("t"))


def run_of(world: World, number: int, told: Sequence[report.Line], at: datetime) -> RunPaths:
    """The folder of a run that is over."""
    paths = world.state.run("ABC-1", number)
    files.make_folder(paths.folder)
    runfolder.save(world.order(number=number, ordered_at=at), paths.order)
    lines = (report.to_text(line).encode() + b"\n" for line in told)
    files.append(paths.report, b"".join(lines))
    return paths


# The tick at the end.


@pytest.mark.parametrize(
    ("closing", "stop", "knocked", "expected"),
    [
        (SIGNAL, False, False, True),
        (SIGNAL, True, False, False),
        (REBOOT, False, False, False),
        (FAILED, False, False, False),
        (FAILED, False, True, True),
        (FAILED, True, True, False),
        (None, False, False, False),
    ],
)
def test_a_signal_that_nobody_explains_means_that_the_machine_goes_down(
    world: World, closing: report.Closing | None, stop: bool, knocked: bool, expected: bool
) -> None:
    paths = run_of(world, 1, [closing] if closing else [], ORDERED_AT)
    if stop:
        runfolder.save(StopNote("operator"), paths.stop)
    assert finish.goes_down(paths, knocked=knocked) is expected


@pytest.mark.parametrize("is_signalled", [True, False])
def test_a_run_that_a_signal_ends_starts_no_tick_and_any_other_does(
    world: World, is_signalled: bool
) -> None:
    world.ticks = True
    world.write_issue()
    done = f"sed -i s/Todo/Done/ {world.issues}/ABC-1.md\n"
    last = "sleep 300 & echo $! > child; wait" if is_signalled else "exit 1"
    world.hooks = Hooks(before_run=done + last, timeout=300.0)
    paths = world.start(world.order())
    if is_signalled:
        until(lambda: in_hook(paths))
        known = runfolder.pid_file(paths)
        assert known is not None
        processes.signal_if_same(known.process, signal.SIGTERM)
    verdict = world.verdict(paths)
    known = runfolder.pid_file(paths)
    assert known is not None
    until(lambda: processes.identify(known.process.pid) is None)
    if is_signalled:
        began = world.state.tick.exists() or bool(acts(world.root))
        assert (began, (verdict.outcome, verdict.reason)) == (False, finish.BY_SIGNAL)
    else:
        assert until(world.state.tick.exists) and verdict.reason == "hook"
        until(lambda: not is_held(world.state.lock) and not acts(world.root))


# What an agent was shown.


def test_comments_are_new_since_the_newest_run_that_had_a_turn(world: World) -> None:
    hours = [ORDERED_AT + timedelta(hours=n) for n in range(4)]
    run_of(world, 1, [THREAD, TURN], hours[0])
    run_of(world, 2, [THREAD, TURN, FAILED], hours[1])
    run_of(world, 3, [THREAD, FAILED], hours[2])
    (world.state.issue("ABC-1") / "4").mkdir()
    (world.state.issue("ABC-1") / "lock").touch()
    newest = run_of(world, 5, [THREAD, TURN], hours[3])
    assert last_shown(newest, THREAD.thread) == hours[1]


def test_what_another_thread_was_shown_is_new_to_this_one(world: World) -> None:
    """A reviewer's run saw a comment that the thread which made the work has not seen yet."""
    hours = [ORDERED_AT + timedelta(hours=n) for n in range(3)]
    review = replace(THREAD, thread=ThreadRef("review"))
    run_of(world, 1, [THREAD, TURN], hours[0])
    run_of(world, 2, [review, TURN], hours[1])
    third = run_of(world, 3, [], hours[2])
    threads = (THREAD.thread, review.thread, None)
    assert [last_shown(third, thread) for thread in threads] == [*hours[:2], None]


def test_the_newest_comment_that_was_shown_counts_by_the_date_that_the_tracker_gave(
    world: World,
) -> None:
    """Its clock and ours differ by minutes, and a comment must not fall between the two."""
    shown = ORDERED_AT - timedelta(minutes=3)
    told = report.IssueRead(ORDERED_AT, world.order().issue.facts(), shown)
    run_of(world, 1, [told, THREAD, TURN], ORDERED_AT)
    assert last_shown(run_of(world, 2, [], ORDERED_AT), THREAD.thread) == shown


def test_when_no_run_had_a_turn_every_comment_is_new(world: World) -> None:
    first = run_of(world, 1, [THREAD, FAILED], ORDERED_AT)
    second = run_of(world, 2, [], ORDERED_AT)
    assert [last_shown(run, THREAD.thread) for run in (first, second)] == [None, None]


# Roots and counts.


def git(folder: Path, *words: str) -> str:
    command = ["git", "-c", "user.name=A", "-c", "user.email=a@b", *words]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def cloned(world: World, order: Order) -> Order:
    """The order, for a workspace that is a clone of a repository with two commits."""
    repo = world.root / "origin"
    if not repo.exists():
        git(world.root, "init", "-q", "-b", "main", str(repo))
        for name in ("one", "two"):
            git(repo, "commit", "-q", "--allow-empty", "-m", name)
    return with_place(order, repo=str(repo))


def with_place(order: Order, **place: str) -> Order:
    workspace = replace(order.settings.workspace, **place)  # type: ignore[arg-type]
    return replace(order, settings=replace(order.settings, workspace=workspace))


def ended_run(world: World, order: Order, number: int) -> Brief:
    """A run of the issue that ends in its hook; what it was about."""
    paths = world.start(replace(order, number=number, attempt=number))
    world.verdict(paths)
    found = runfolder.brief(paths)
    assert found is not None
    return found


def test_a_run_that_ends_before_it_looked_counts_no_commits(world: World) -> None:
    world.hooks = Hooks(before_run="exit 1")
    world.write_issue()
    first = ended_run(world, cloned(world, world.order()), 1)
    (world.issues / "ABC-1.md").unlink()
    again = with_place(cloned(world, world.order(number=2, attempt=2)), path=first.workspace)

    verdict = world.verdict(world.start(again))

    assert verdict.outcome is Outcome.NOT_ELIGIBLE
    assert (verdict.workspace, verdict.root) == (first.workspace, str(world.root / "workspaces"))
    assert verdict.git is not None and (verdict.git.commits, verdict.git.head) == (0, first.base)


def test_an_issue_goes_on_where_it_was_when_the_root_is_changed(world: World) -> None:
    world.hooks = Hooks(before_run="echo work >> mine.txt; exit 1")
    world.write_issue()
    first = ended_run(world, cloned(world, world.order()), 1)
    moved = with_place(
        cloned(world, world.order(number=2, attempt=2)),
        path=first.workspace,
        root=str(world.root / "elsewhere"),
    )

    verdict = world.verdict(world.start(moved))

    place = Path(first.workspace)
    assert (verdict.workspace, verdict.root) == (str(place), str(place.parent))
    assert (place / "mine.txt").read_text() == "work\nwork\n"
    assert verdict.git is not None and verdict.git.rescue == "refs/symphony/rescue/ABC-1/2"
    assert not (world.root / "elsewhere").exists()


def test_finish_does_nothing_in_a_workspace_that_is_not_ours(world: World) -> None:
    world.hooks = Hooks(before_run="exit 1", after_run="touch after")
    world.write_issue()
    foreign = world.root / "foreign" / "ABC-1"
    foreign.mkdir(parents=True)
    order = with_place(world.order(number=2, attempt=2), path=str(foreign))

    verdict = world.verdict(world.start(order))

    assert (verdict.outcome, verdict.reason) == (Outcome.ENVIRONMENT, "workspace")
    assert f"set workspace.root to {foreign.parent}" in verdict.detail
    assert (verdict.workspace, verdict.git, list(foreign.iterdir())) == ("", None, [])
