"""The ledger against a full disk, a folder that cannot be written, and a reader beside a writer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from symphony_cli.adapters.ledger import view_ledger
from symphony_cli.paths import StatePaths
from tests.adapters.books import WORKFLOW, book, content, fold, told
from tests.builders import enrol_all, iid
from tests.limits import FULL_DISK, NOBODY, python

pytestmark = pytest.mark.real

REPOSITORY = Path(__file__).parents[2]
IMPORTS = f"""
import sys
sys.path.insert(0, {str(REPOSITORY)!r})
from pathlib import Path
from symphony_cli.errors import StateError
from tests.adapters.books import as_line, book, told
from tests.builders import dispatched, enrol_all, sighted
"""

FILL = (
    IMPORTS
    + FULL_DISK
    + """
root = Path(sys.argv[1])
made = book(root)
made.append(*enrol_all("ABC-1"))
before, folded = (root / "ledger.jsonl").read_bytes(), told(made.history())
batch = [*enrol_all("ABC-2", "ABC-3"), dispatched()]
for room in range(sum(map(len, map(as_line, batch)))):
    room_for(len(before) + room)
    try:
        made.append(*batch)
        print("appended")
    except StateError as error:
        assert (root / "ledger.jsonl").read_bytes() == before
        assert told(made.history()) == folded
room_for(10)
try:
    made.save_cache()
    print("saved")
except StateError as error:
    print(error)
room_again()
made.append(*batch)
made.save_cache()
"""
)


def test_a_full_disk_leaves_whole_lines_at_any_byte(tmp_path: Path) -> None:
    """Promise 8: a failed append is cut back to whole lines."""
    said = python(FILL, str(tmp_path))
    assert said == f"{tmp_path / 'view.json'} cannot be written: File too large."
    assert sorted(content(tmp_path)) == ["ledger.jsonl", "view.json"]
    again = book(tmp_path)
    assert (again.repaired, list(again.history().records)) == (
        "",
        [iid("ABC-1"), iid("ABC-2"), iid("ABC-3")],
    )
    assert told(again.history()) == fold(tmp_path)


READ_ONLY = (
    IMPORTS
    + NOBODY
    + """
become_nobody()
root = Path()
def tell(act):
    try:
        act()
        print("written")
    except StateError as error:
        print(error)
if (root / "ledger.jsonl").exists():
    made = book(root)
    tell(lambda: made.append(sighted("ABC-2")))
    made._fresh = True
    tell(made.save_cache)
    print(sorted(made.history().records))
else:
    tell(lambda: book(root))
"""
)


@pytest.mark.parametrize("begun", [False, True], ids=["new", "begun"])
def test_a_folder_that_cannot_be_written_is_a_state_error(tmp_path: Path, begun: bool) -> None:
    if begun:
        book(tmp_path).append(*enrol_all("ABC-1"))
        (tmp_path / "ledger.jsonl").chmod(0o444)
    before = content(tmp_path)
    tmp_path.chmod(0o555)
    said = python(READ_ONLY, cwd=tmp_path).splitlines()
    tmp_path.chmod(0o755)
    why = "permission denied: check who owns it."
    refused = [f"ledger.jsonl cannot be written: {why}"]
    after = [f"view.json cannot be written: {why}", "['id-ABC-1']"]
    assert said == (refused + after if begun else refused)
    assert content(tmp_path) == before


WRITE = (
    IMPORTS
    + """
root = Path(sys.argv[1])
made = book(root)
print("ready", flush=True)
for number in range(150):
    made.append(*enrol_all(f"ABC-{number}", f"DEF-{number}"))
    if number % 10 == 0:
        made.save_cache()
"""
)


def test_readers_beside_a_writer_see_whole_lines_and_never_go_back(tmp_path: Path) -> None:
    paths, positions = StatePaths(tmp_path), [0]
    with subprocess.Popen(
        [sys.executable, "-c", WRITE, str(tmp_path)], stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None and writer.stdout.readline() == b"ready\n"
        while writer.poll() is None:
            history = view_ledger(paths, WORKFLOW).history()
            assert len(history.keys()) == history.position // 2
            positions.append(history.position)
    assert (writer.returncode, positions) == (0, sorted(positions))
    assert view_ledger(paths, WORKFLOW).history().position == 601
    assert len(set(positions)) > 1
