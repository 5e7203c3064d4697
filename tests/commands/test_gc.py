"""`symphony gc`, on a world in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from symphony_cli.commands.gc import GcResult, GcRow, gc
from symphony_cli.commands.removing import LOOKS, Hands
from symphony_cli.core import events as e
from symphony_cli.core.holdings import Found, Kind
from symphony_cli.core.policy import Policy
from symphony_cli.core.retention import MOST_AT_ONCE
from symphony_cli.errors import ExitCode
from symphony_cli.ports import World
from symphony_cli.render.machine import as_json
from symphony_cli.render.text import as_text
from tests import promises
from tests.fakes.holdings import FakeHoldings
from tests.fakes.world import FakeWorld

ROOT = "/workspaces"
NAMES = ("A-1", "A-2", "A-3", "A-4")
BUSY = "pid 7 works in it"


@dataclass
class Desk:
    """A person at the keyboard: a world, its disk, and what happens while the person waits."""

    world: FakeWorld
    disk: FakeHoldings
    meanwhile: Callable[[], None] = lambda: None
    told: list[str] = field(default_factory=list)
    slept: int = 0
    locked: bool = False

    @contextmanager
    def hold(self) -> Iterator[World]:
        assert not self.locked, "one moment at a time"
        self.locked = True
        yield self.world.sockets()
        self.locked = False

    def sleep(self, seconds: float) -> None:
        assert not self.locked, "nobody waits under the lock"
        assert len(self.world.agents.removing()) <= MOST_AT_ONCE
        self.slept += 1
        self.meanwhile()

    def ask(self, *, dry_run: bool = False, sessions: bool = False) -> GcResult:
        hands = Hands(self.hold, self.told.append, self.sleep)
        shown = self.world.sockets()
        result = gc(shown, self.disk, None if dry_run else hands, sessions=sessions)
        promises.check(self.world)
        return result

    def end(self, *names: str, **more: object) -> None:
        """Removals come to their end; what is removed is not there any more."""
        for key in self.world.agents.removing():
            if not names or key in names:
                self.world.agents.remove_to_the_end(key, **more)
                if more.get("removed", True):
                    self.disk.drop(f"{ROOT}/{key}")


def workspace(name: str, **more: object) -> Found:
    found = Found(Kind.FOLDER, ROOT, name, f"{ROOT}/{name}", 1000, key=name, marked=True)
    return replace(found, **more)  # type: ignore[arg-type]


@pytest.fixture
def desk() -> Desk:
    """Four issues that are over, A-1 first, of which one workspace may stay; and two strangers."""
    world = FakeWorld(Policy(interval=30.0, slots=9, keep_workspaces=9, keep_run_days=90))
    for name in NAMES:
        world.issue(name)
    world.tick()
    for name in NAMES:
        world.end(name, root=ROOT)
        world.edit(name, state="Done")
        world.tick()
        world.later(seconds=60)
    world.configure(keep_workspaces=1)
    disk = FakeHoldings()
    disk.put(*map(workspace, NAMES), workspace("mine", marked=False, bytes=70))
    desk = Desk(world, disk)
    desk.meanwhile = desk.end
    return desk


def fates(result: GcResult) -> dict[str, str]:
    return {row.name: row.fate for row in result.rows}


def row(result: GcResult, name: str) -> GcRow:
    return next(row for row in result.rows if row.name == name)


def lines(desk: Desk) -> list[str]:
    return [type(event).__name__ for event in desk.world.ledger.events()]


def test_a_dry_run_says_what_would_go_and_changes_nothing(desk: Desk) -> None:
    before = lines(desk)
    result = desk.ask(dry_run=True)
    assert fates(result) == {
        "A-1": "goes", "A-2": "goes", "A-3": "goes", "A-4": "stays", "mine": "stays",
    }  # fmt: skip
    assert (result.goes.count, result.goes.bytes, result.stays.bytes) == (3, 3000, 1070)
    assert (result.exit_code, desk.told, desk.slept) == (ExitCode.DONE, [], 0)
    assert (lines(desk), desk.world.agents.removals, desk.disk.tidied) == (before, {}, [])


def test_what_goes_is_gone_at_the_end_and_what_stays_is_there(desk: Desk) -> None:
    result = desk.ask()
    assert fates(result) == {
        "A-1": "gone", "A-2": "gone", "A-3": "gone", "A-4": "stays", "mine": "stays",
    }  # fmt: skip
    assert result.exit_code is ExitCode.DONE
    assert lines(desk)[-6:].count("Removed") == lines(desk)[-6:].count("RemovalAsked") == 3
    assert desk.told[:2] == ["A-1: removing /workspaces/A-1", "A-2: removing /workspaces/A-2"]
    assert desk.told[-1] == "A-3: its workspace is removed"
    assert [what.roots for what in desk.disk.tidied] == [(ROOT,)]


def test_where_work_was_kept_is_told(desk: Desk) -> None:
    desk.meanwhile = lambda: desk.end(rescue="refs/symphony/rescue/A/1", why="hook failed")
    why = row(desk.ask(), "A-1").why
    assert why.endswith("; what only it had is kept as refs/symphony/rescue/A/1; hook failed")


def test_one_that_has_to_stay_is_told_with_its_reason(desk: Desk) -> None:
    def meanwhile() -> None:
        desk.end("A-1", removed=False, why=BUSY)
        desk.end()

    desk.meanwhile = meanwhile
    result = desk.ask()
    assert fates(result)["A-1"] == "stays" and fates(result)["A-3"] == "gone"
    assert (row(result, "A-1").why, row(result, "A-1").due) == (BUSY, True)
    assert (result.exit_code, lines(desk).count("RemovalAsked")) == (ExitCode.PARTIAL, 3)
    desk.meanwhile = desk.end
    again = desk.ask()
    assert (fates(again)["A-1"], again.exit_code) == ("gone", ExitCode.DONE), "no wait is kept"


def test_a_tick_may_take_in_what_was_begun_here(desk: Desk) -> None:
    def meanwhile() -> None:
        desk.end("A-1", removed=False, why=BUSY)
        desk.end()
        desk.world.tick()

    desk.meanwhile = meanwhile
    result = desk.ask()
    assert (fates(result)["A-1"], fates(result)["A-3"]) == ("stays", "gone")
    assert row(result, "A-1").why == BUSY
    assert {"A-1: its workspace stays", "A-2: its workspace is removed"} <= set(desk.told)


def test_a_removal_that_a_tick_began_is_waited_for_and_not_begun_twice(desk: Desk) -> None:
    desk.world.tick()
    assert desk.world.agents.removing() == ["A-1", "A-2"]
    result = desk.ask()
    assert (result.gone.count, lines(desk).count("RemovalAsked")) == (3, 3)


def test_a_removal_that_died_before_is_begun_again(desk: Desk) -> None:
    desk.world.tick()
    for removal in desk.world.agents.removals.values():
        removal.alive = False
    result = desk.ask()
    assert (result.gone.count, result.exit_code) == (3, ExitCode.DONE)
    assert lines(desk).count("Kept") == 2


def test_nobody_is_waited_for_longer_than_a_removal_may_take(desk: Desk) -> None:
    desk.meanwhile = lambda: None
    result = desk.ask()
    assert desk.slept == LOOKS
    assert [row(result, name).why for name in ("A-1", "A-3")] == [
        "its removal goes on; a tick takes in what becomes of it",
        "it could not be removed now",
    ]
    assert result.exit_code is ExitCode.PARTIAL


def test_an_issue_that_lives_elsewhere_is_passed_over(desk: Desk) -> None:
    desk.world.agents.locked_elsewhere.add(desk.world.record("A-1").key)
    result = desk.ask()
    assert (row(result, "A-1").why, result.gone.count) == ("a run of A-1 is alive.", 2)


def test_a_workspace_that_was_deleted_by_hand_is_settled_and_in_no_list(desk: Desk) -> None:
    desk.disk.drop(f"{ROOT}/A-1")
    result = desk.ask()
    assert (result.gone.count, result.faults, result.exit_code) == (2, (), ExitCode.DONE)
    assert not desk.world.record("A-1").has_workspace


def test_a_broken_workflow_file_lists_by_its_last_good_copy_and_removes_nothing(
    desk: Desk,
) -> None:
    desk.world.policy_error = "WORKFLOW.md is torn"
    before = lines(desk)
    result = desk.ask()
    assert (result.gone.count, result.stays.count) == (0, 5)
    assert (result.exit_code, lines(desk), desk.disk.tidied) == (ExitCode.CONFIG, before, [])
    assert "nothing was removed" in as_text(result)
    assert desk.ask(dry_run=True).exit_code is ExitCode.DONE


def test_a_workflow_file_that_breaks_meanwhile_begins_nothing_more(desk: Desk) -> None:
    def meanwhile() -> None:
        desk.world.policy_error = "WORKFLOW.md is torn"
        desk.end()

    desk.meanwhile = meanwhile
    result = desk.ask()
    assert (result.gone.count, fates(result)["A-3"]) == (2, "stays")
    assert (result.faults, result.exit_code) == (("WORKFLOW.md is torn",), ExitCode.PARTIAL)
    assert desk.disk.tidied == []


# --- what else there is


def leftover(name: str) -> Found:
    place = f".symphony/making/{name}"
    return Found(Kind.LEFTOVER, ROOT, place, f"{ROOT}/{place}", 10, key=name)


def thread(name: str) -> Found:
    return Found(Kind.SESSION, "", name, f"/codex/{name}", 10, key=f"thread-of-{name}")


def test_leftovers_go_under_the_claim_of_their_issue(desk: Desk) -> None:
    desk.disk.put(leftover("A-4"), leftover("A-3"), leftover("Z-1"))
    desk.disk.stuck[leftover("A-3").path] = "permission denied"
    result = desk.ask()
    told = {one.name: (one.fate, one.why) for one in result.rows if one.kind == "leftover"}
    assert told == {
        ".symphony/making/A-4": ("gone", "left by a run that was killed"),
        ".symphony/making/A-3": ("stays", "permission denied"),
        ".symphony/making/Z-1": ("stays", "of an issue that the ledger does not know"),
    }
    assert (result.exit_code, desk.world.agents.claimed) == (ExitCode.PARTIAL, set())


def test_a_leftover_of_an_issue_that_is_worked_again_meanwhile_stays(desk: Desk) -> None:
    desk.disk.put(leftover("A-4"))

    def meanwhile() -> None:
        desk.world.edit("A-4", state="Todo")
        desk.world.tick()
        desk.end()

    desk.meanwhile = meanwhile
    assert row(desk.ask(), ".symphony/making/A-4").why == "A-4 may be using it"


def test_threads_go_when_they_are_old_and_a_person_says_so(desk: Desk) -> None:
    desk.disk.put(thread("A-4"))
    young = row(desk.ask(sessions=True), "A-4")
    assert young.fate == "stays"
    desk.world.later(days=91)
    threads = [one for one in desk.ask().rows if one.kind == "session"]
    assert [(one.fate, one.due) for one in threads] == [("stays", False)]
    threads = [one for one in desk.ask(sessions=True).rows if one.kind == "session"]
    assert [(one.fate, one.due) for one in threads] == [("gone", True)]


def test_old_run_folders_and_trash_go_whenever_a_tick_last_looked(desk: Desk) -> None:
    desk.world.time += timedelta(days=91)
    desk.world.agents.tidied = desk.world.time
    runs = Found(Kind.RUNS, "/state/runs", "A-4", "/state/runs/A-4", 30, key="A-4")
    trash = Found(Kind.TRASH, ROOT, ".trash/X.1", f"{ROOT}/.trash/X.1", 40)
    stuck = replace(trash, name=".trash/X.2", path=f"{ROOT}/.trash/X.2")
    desk.disk.put(runs, trash, stuck)
    desk.disk.stuck[stuck.path] = f"{stuck.path} cannot be removed: permission denied."
    result = desk.ask()
    fate = {(one.kind, one.name): one.fate for one in result.rows if one.kind != "folder"}
    assert fate == {
        ("runs", "A-4"): "gone",
        ("trash", ".trash/X.1"): "gone",
        ("trash", ".trash/X.2"): "stays",
    }
    assert row(result, ".trash/X.2").why == desk.disk.stuck[stuck.path]
    assert result.exit_code is ExitCode.PARTIAL


# --- how it is shown


def test_the_list_fits_into_eighty_columns_and_drives_no_terminal(desk: Desk) -> None:
    long = "evil\x1b[31m" + "-and-long" * 12
    desk.disk.put(
        workspace(long, marked=False, bytes=2_345_678_901, unread=2),
        Found(Kind.LINK, ROOT, "link", f"{ROOT}/link"),
        thread("A-1"),
    )
    desk.disk.faults = ("/shut cannot be listed: permission denied.",)
    result = desk.ask(dry_run=True)
    text = as_text(result)
    assert max(map(len, text.splitlines())) <= 80 and "\x1b" not in text
    assert ">2.3 GB" in text and "(2 in it" in text
    assert "Warning: /shut cannot be listed" in text
    assert text.endswith("goes: 3 entries, 3.0 KB; stays: 5 entries, 2.3 GB")
    assert result.exit_code is ExitCode.PARTIAL


def test_nothing_at_all_is_said(desk: Desk) -> None:
    desk.disk.pieces = {}
    assert as_text(desk.ask(dry_run=True)).startswith("Nothing: no workspace root has anything")


def test_programs_get_bytes_and_names_that_are_text(desk: Desk) -> None:
    desk.disk.put(workspace("\udcff", marked=False))
    data = json.loads(as_json(desk.ask()).encode())
    assert data["rows"][0] == {
        "kind": "folder",
        "issue_identifier": "A-1",
        "place": ROOT,
        "name": "A-1",
        "path": f"{ROOT}/A-1",
        "bytes": 1000,
        "unread": 0,
        "due": True,
        "fate": "gone",
        "why": "only the newest of finished issues stays (`workspace.keep_last_n`)",
    }
    assert (data["gone"], data["exit_code"], data["dry_run"]) == (
        {"count": 3, "bytes": 3000},
        0,
        False,
    )


def test_the_events_are_those_of_a_tick(desk: Desk) -> None:
    desk.ask()
    asked = [one for one in desk.world.ledger.events() if isinstance(one, e.RemovalAsked)]
    assert {one.why for one in asked} == {
        "only the newest of finished issues stays (`workspace.keep_last_n`)"
    }
