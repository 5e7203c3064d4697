"""Looking at what takes disk, and cleaning it up: `ports.Holdings`, fake and real."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from symphony_cli.adapters import ready
from symphony_cli.adapters.holdings import LocalHoldings
from symphony_cli.core.holdings import Found, Kind, Wanted
from symphony_cli.core.removal import Tidying
from symphony_cli.ids import Key
from symphony_cli.paths import StatePaths
from symphony_cli.ports import Holdings
from tests.adapters.gitworld import NOW
from tests.cli.house import held
from tests.fakes.holdings import FakeHoldings

THREAD = "019a2b3c-0000-7000-8000-0123456789ab"
SESSION = f"sessions/2026/01/02/rollout-2026-01-02T03-04-05-{THREAD}.jsonl"


@dataclass(frozen=True)
class Disk:
    """A workspace root, a `state/` and a home of Codex below one folder."""

    top: Path

    @property
    def root(self) -> Path:
        return self.top / "workspaces"

    @property
    def home(self) -> Path:
        return self.top / "codex"

    @property
    def state(self) -> StatePaths:
        return StatePaths(self.top / "state")

    @property
    def wanted(self) -> Wanted:
        key = (Key("A-1"),)
        return Wanted((str(self.root),), key, (Key("B-1"),), frozenset([THREAD]), (str(self.home),))

    @property
    def tidying(self) -> Tidying:
        return Tidying(NOW, (str(self.root),), ("A-1",), ("B-1",))

    def put(self, path: str, size: int = 5000) -> Path:
        """A file of that size, and the folders on the way to it."""
        place = self.top / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"x" * size)
        return place

    def mark(self, name: str, scope: str = "ours", repo: str = "") -> None:
        marker = ready.marker_path(self.root, name)
        ready.write(marker, ready.Marker("ready", str(self.root / name), NOW, scope, repo))

    def local(self, repo: str = "") -> LocalHoldings:
        return LocalHoldings(self.state, "ours", repo, str(self.home))


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


def seen(disk: Disk, wanted: Wanted | None = None) -> dict[str, Found]:
    """What is found, by kind and name."""
    looked = disk.local("https://example.org/a.git").look(wanted or disk.wanted)
    assert looked.faults == ()
    return {f"{one.kind} {one.name}": one for one in looked.found}


# --- the contract


@pytest.fixture(params=["fake", "real"])
def cleaner(request: pytest.FixtureRequest, disk: Disk) -> Holdings:
    """Trash, a leftover, old transcripts, old run folders and a thread, and somebody's folder."""
    disk.put("workspaces/.trash/X.0123456789ab/workspace/file")
    disk.put("workspaces/.symphony/scratch/A-1/file")
    disk.put("workspaces/mine/file")
    disk.put("state/runs/A-1/1/transcript.jsonl")
    disk.put("state/runs/B-1/1/order.json")
    disk.put(f"codex/{SESSION}")
    if request.param == "real":
        return disk.local()
    fake = FakeHoldings()
    fake.put(*(replace(one, unread=0) for one in disk.local().look(disk.wanted).found))
    return fake


def kinds(cleaner: Holdings, disk: Disk) -> list[str]:
    return sorted(one.kind for one in cleaner.look(disk.wanted).found)


def test_what_goes_by_tidying_is_gone_after_it(cleaner: Holdings, disk: Disk) -> None:
    assert kinds(cleaner, disk) == [
        "folder", "leftover", "runs", "session", "transcripts", "trash",
    ]  # fmt: skip
    assert cleaner.tidy(disk.tidying) == [] and cleaner.tidy(disk.tidying) == []
    assert kinds(cleaner, disk) == ["folder", "leftover", "session"]


def test_what_goes_by_itself_is_gone_when_it_is_removed(cleaner: Holdings, disk: Disk) -> None:
    pieces = cleaner.look(disk.wanted).found
    one_by_one = [one for one in pieces if one.kind in (Kind.LEFTOVER, Kind.SESSION)]
    assert [cleaner.is_there(one) for one in one_by_one] == [True, True]
    assert [cleaner.remove(one) for one in one_by_one] == ["", ""]
    assert [cleaner.is_there(one) for one in one_by_one] == [False, False]
    assert kinds(cleaner, disk) == ["folder", "runs", "transcripts", "trash"]


def test_only_what_is_asked_for_is_found(cleaner: Holdings) -> None:
    assert cleaner.look(Wanted(("/nowhere",), homes=("/nowhere",))).found == ()


# --- workspace roots


def test_a_root_that_is_not_there_is_no_trouble(disk: Disk) -> None:
    assert seen(disk) == {}


def test_every_entry_of_a_root_is_told_apart(disk: Disk) -> None:
    for name in ("A-1", "theirs", "clone", "mine", "sub"):
        disk.put(f"workspaces/{name}/file")
    disk.mark("A-1", repo="example.org/a")
    disk.mark("theirs", scope="linear:other")
    disk.mark("clone", repo="example.org/b")
    disk.put("workspaces/notes.txt")
    disk.put("elsewhere/big", 2_000_000)
    (disk.root / "link").symlink_to(disk.top / "elsewhere")
    (disk.root / ".symphony" / "rescue.git").mkdir()
    wanted = replace(disk.wanted, roots=(str(disk.root), str(disk.root / "sub")))
    found = seen(disk, wanted)
    told = {name: (one.marked, one.stranger) for name, one in found.items()}
    assert told == {
        "folder A-1": (True, ""),
        "folder clone": (True, "clone of ours, a clone of example.org/b"),
        "link link": (False, ""),
        "folder mine": (False, ""),
        "file notes.txt": (False, ""),
        "root sub": (False, ""),
        "folder theirs": (True, "theirs of linear:other"),
        "store .symphony/rescue.git": (False, ""),
        "file file": (False, ""),
    }
    assert 5000 <= found["folder mine"].bytes < 20_000
    assert found["link link"].bytes == 0


def test_a_root_that_is_named_twice_or_by_a_link_is_one(disk: Disk) -> None:
    disk.put("workspaces/mine/file")
    (disk.top / "other").symlink_to(disk.root)
    wanted = replace(disk.wanted, roots=(str(disk.top / "other"), str(disk.root)))
    assert [one.path for one in seen(disk, wanted).values()] == [str(disk.root / "mine")]


def test_trash_that_is_a_link_is_a_link(disk: Disk) -> None:
    kept = disk.put("elsewhere/file")
    disk.root.mkdir()
    (disk.root / ".trash").symlink_to(disk.top / "elsewhere")
    assert list(seen(disk)) == ["link .trash"]
    disk.local().tidy(disk.tidying)
    assert kept.exists()


def test_names_that_are_no_text_are_told_as_they_are(disk: Disk) -> None:
    disk.root.mkdir()
    os.mkdir(os.path.join(os.fsencode(disk.root), b"\xff\n"))
    (found,) = seen(disk).values()
    assert os.fsencode(found.name) == b"\xff\n"


UNREADABLE = """
import ctypes, os, sys
for right in range(64):
    ctypes.CDLL(None).prctl(24, right, 0, 0, 0)  # PR_CAPBSET_DROP
os.execv(sys.executable, [sys.executable, "-c", sys.argv[1], *sys.argv[2:]])
"""
"""Root may read everything, unless it gives its rights away; it is somebody else after an exec."""

LOOK = """
import sys
from pathlib import Path
from symphony_cli.adapters.holdings import LocalHoldings
from symphony_cli.core.holdings import Wanted
from symphony_cli.paths import StatePaths
disk = LocalHoldings(StatePaths(Path("/nowhere")), "ours", "", "")
looked = disk.look(Wanted(tuple(sys.argv[1:])))
print([(one.name, one.unread) for one in looked.found], looked.faults)
"""


def test_what_cannot_be_read_is_told(disk: Disk) -> None:
    (disk.put("workspaces/A-1/closed/file").parent).chmod(0)
    (disk.put("shut/B-1/file").parents[1]).chmod(0)
    command = [sys.executable, "-c", UNREADABLE, LOOK, str(disk.root), str(disk.top / "shut")]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    for place in (disk.root / "A-1/closed", disk.top / "shut"):
        place.chmod(0o700)
    fault = f"{disk.top / 'shut'} cannot be listed: Permission denied."
    assert done.stdout.strip() == f"{[('A-1', 1)]} {(fault,)}"


# --- threads


def test_threads_are_found_by_their_id_also_packed_and_archived_ones(disk: Disk) -> None:
    archived = SESSION.replace("sessions/2026/01/02", "archived_sessions") + ".zst"
    for path in (SESSION, archived, SESSION.replace(THREAD, THREAD[:-1] + "c"), f"{SESSION}.bak"):
        disk.put(f"codex/{path}")
    (disk.home / "sessions" / "link").symlink_to(disk.home / "archived_sessions")
    assert list(seen(disk)) == [f"session {SESSION}", f"session {archived}"]


def test_threads_that_name_no_home_are_in_that_of_today(disk: Disk) -> None:
    disk.put(f"codex/{SESSION}")
    assert list(seen(disk, replace(disk.wanted, homes=("",)))) == [f"session {SESSION}"]


def test_a_thread_that_somebody_has_open_is_left_alone(disk: Disk) -> None:
    disk.put(f"codex/{SESSION}")
    with held(disk.put(f"codex/thread-writer-locks/{THREAD}")):
        (found,) = seen(disk).values()
        assert (found.busy, disk.local().remove(found)) == (True, "a Codex has it open")
    (found,) = seen(disk).values()
    assert (found.busy, disk.local().remove(found)) == (False, "")


# --- removing


def test_nothing_is_removed_by_way_of_a_folder_that_became_a_link(disk: Disk) -> None:
    disk.put("workspaces/.symphony/scratch/A-1/file")
    (found,) = seen(disk).values()
    kept = disk.put("elsewhere/A-1/file")
    (disk.root / ".symphony/scratch").rename(disk.top / "moved")
    (disk.root / ".symphony/scratch").symlink_to(disk.top / "elsewhere")
    assert disk.local().remove(found) == f"{disk.root}/.symphony/scratch has become a link"
    assert kept.exists()


def test_a_clean_up_that_is_at_work_already_is_told(disk: Disk) -> None:
    disk.put("workspaces/.trash/X.0123456789ab/file")
    with held(disk.put("state/tidy.lock")):
        assert disk.local().tidy(disk.tidying) == ("Another process is removing what is old.",)
    assert list(seen(disk)) == ["trash .trash/X.0123456789ab"]
