"""Durable writes: on a full disk, through kill -9, and where kernel locks cannot be trusted."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from symphony_cli import files
from symphony_cli.errors import StateError
from tests.limits import FULL_DISK, NOBODY, python

WRITER = """
import sys
from pathlib import Path
from symphony_cli import files
path, first = Path(sys.argv[1]), int(sys.argv[2])
print("ready", flush=True)
for number in range(first, first + 1_000_000):
    files.replace(path, f"{number} ".encode() * 5000, durable=number % 2 == 0)
"""

IN_A_FULL_DISK = (
    FULL_DISK
    + """
import sys
from pathlib import Path
from symphony_cli import files
from symphony_cli.errors import StateError
path = Path(sys.argv[1])
for room in range(len(path.read_bytes()), len(path.read_bytes()) + 40):
    room_for(room)
    try:
        files.append(path, b"x" * 30 + b"\\n" + b"y" * 30 + b"\\n")
        print("appended")
    except StateError as error:
        assert path.read_bytes() == b"one\\ntwo\\n", path.read_bytes()
    try:
        files.replace(path, b"z" * 100)
        print("replaced")
    except StateError as error:
        said = str(error)
        assert path.read_bytes() == b"one\\ntwo\\n", path.read_bytes()
room_again()
print(said)
files.append(path, b"three\\n")
"""
)


@pytest.mark.real
def test_a_full_disk_leaves_whole_lines_and_whole_files(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"one\ntwo\n")
    assert python(IN_A_FULL_DISK, str(path)) == f"{path} cannot be written: File too large."
    assert (path.read_bytes(), os.listdir(tmp_path)) == (b"one\ntwo\nthree\n", ["lines"])


@pytest.mark.real
def test_a_folder_of_somebody_else_is_a_state_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    (tmp_path / "file").chmod(0o444)
    tmp_path.chmod(0o555)
    program = f"""{NOBODY}
from pathlib import Path
from symphony_cli import files
from symphony_cli.errors import StateError
become_nobody()
path = Path("file")
for act in (
    lambda: files.append(path, b"x"),
    lambda: files.append(Path("new"), b"x"),
    lambda: files.replace(path, b"x"),
    lambda: files.cut(path, 0),
    lambda: files.make_folder(Path("folder/below")),
    lambda: files.make_new_folder(Path("folder")),
):
    try:
        act()
        print("written")
    except StateError as error:
        print(error)
"""
    why = "permission denied: check who owns it."
    said = python(program, cwd=tmp_path)
    tmp_path.chmod(0o755)
    assert said.splitlines() == [
        f"file cannot be written: {why}",
        f"new cannot be written: {why}",
        f"file cannot be written: {why}",
        f"file cannot be repaired: {why}",
        f"folder/below cannot be created: {why}",
        f"folder cannot be created: {why}",
    ]
    assert (tmp_path / "file").read_text() == "old"


@pytest.mark.real
def test_a_file_that_is_replaced_is_whole_through_kill_9_and_no_droppings_pile_up(
    tmp_path: Path,
) -> None:
    path = tmp_path / "file"
    for round_number in range(1, 21):
        first = round_number * 1_000_000
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(first)], stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout is not None and writer.stdout.readline() == b"ready\n"
            _kill_in_the_middle(writer, path, round_number)
        words = path.read_bytes().split(b" ")
        assert (len(words), len(set(words[:-1])), words[-1]) == (5001, 1, b"")
        assert int(words[0]) >= first
        assert len(os.listdir(tmp_path)) <= 2
    files.replace(path, b"whole")
    assert (os.listdir(tmp_path), path.read_bytes()) == (["file"], b"whole")


def _kill_in_the_middle(writer: subprocess.Popen[bytes], path: Path, seed: int) -> None:
    """Kill it after its first write, at a moment that differs from round to round."""
    old = path.stat().st_ino if path.exists() else 0
    limit = time.monotonic() + 20
    while (not path.exists() or path.stat().st_ino == old) and time.monotonic() < limit:
        time.sleep(0.001)
    time.sleep(seed % 7 * 0.0013)
    writer.kill()
    writer.wait()


def test_the_hidden_file_of_a_writer_that_lives_is_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / f".file.{os.getpid()}.0123456789ab"
    others = tmp_path / ".file.of.mine"
    for path in (mine, others):
        path.write_text("x")
    files.replace(tmp_path / "file", b"new")
    assert sorted(os.listdir(tmp_path)) == sorted([mine.name, others.name, "file"])


def test_a_replaced_file_is_private_and_a_reader_keeps_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    files.replace(path, b"old")
    with path.open("rb") as reader:
        files.replace(path, b"new")
        assert (reader.read(), path.read_bytes()) == (b"old", b"new")
    assert path.stat().st_mode & 0o777 == 0o600


def test_folders_are_private_all_the_way_down(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        files.make_folder(tmp_path / "a" / "b" / "c")
    finally:
        os.umask(before)
    made = [tmp_path / "a", tmp_path / "a" / "b", tmp_path / "a" / "b" / "c"]
    assert [path.stat().st_mode & 0o777 for path in made] == [0o700] * 3
    files.make_folder(tmp_path / "a" / "b" / "c")


def test_a_new_folder_is_made_once(tmp_path: Path) -> None:
    made = [files.make_new_folder(tmp_path / "1") for _ in range(3)]
    assert made == [True, False, False]


def test_a_file_where_a_folder_should_be_is_a_state_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="cannot be created"):
        files.make_folder(tmp_path / "file" / "below")
    assert files.read(tmp_path / "file" / "below") is None


def test_what_is_there_is_read_and_what_is_not_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\0x")
    assert [files.read(tmp_path / name) for name in ("file", "none")] == [b"\0x", None]
    with pytest.raises(StateError, match="cannot be read"):
        files.read(tmp_path)


@pytest.mark.parametrize(
    ("data", "lines", "torn"),
    [
        (b"", [], b""),
        (b"a", [], b"a"),
        (b"a\n", [b"a"], b""),
        (b"\n\na\r\nb", [b"", b"", b"a\r"], b"b"),
    ],
)
def test_whole_lines_have_their_end(data: bytes, lines: list[bytes], torn: bytes) -> None:
    assert files.whole_lines(data) == (lines, torn)


# --- network file systems

MOUNTS = r"""
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:25 / /home rw shared:2 - nfs4 server:/home rw,vers=4.2
31 30 0:26 / /home/kim/local rw - ext4 /dev/sdb1 rw
32 22 0:27 / /mnt/two\040words rw master:3 propagate_from:2 - cifs //server/share rw
33 22 0:28 / /mnt/données rw - fuse.sshfs kim@server:/data rw
34 22 0:29 / /mnt/back\134slash rw - 9p share rw
35 22 0:30 / /mnt/over rw - nfs server:/x rw
36 35 8:2 / /mnt/over rw - xfs /dev/sdc1 rw
37 22 0:31 / /mnt/tmp rw - tmpfs tmpfs rw
38 22 0:32 / /mnt/fuse rw - fuse.gocryptfs crypt rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/state", None),
        ("/home", "nfs4"),
        ("/home/kim/state", "nfs4"),
        ("/homes/kim", None),
        ("/home/kim/local/state", None),
        ("/home/kim/local-not", "nfs4"),
        ("/mnt/two words/state", "cifs"),
        ("/mnt/données/état", "fuse.sshfs"),
        ("/mnt/back\\slash/x", "9p"),
        ("/mnt/over/state", None),
        ("/mnt/tmp/state", None),
        ("/mnt/fuse/state", None),
    ],
)
def test_the_file_system_of_a_path_is_that_of_its_innermost_newest_mount(
    path: str, kind: str | None
) -> None:
    assert files.network_file_system(Path(path), MOUNTS) == kind


def test_links_are_followed_to_where_the_files_lie(tmp_path: Path) -> None:
    link = tmp_path / "state"
    link.symlink_to("/home/kim/state")
    assert files.network_file_system(link / "ledger.jsonl", MOUNTS) == "nfs4"


def test_this_machine_can_be_asked(tmp_path: Path) -> None:
    assert files.network_file_system(tmp_path) in {None, *files.NETWORK_FILE_SYSTEMS}
