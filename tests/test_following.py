"""A file that another process writes: each line once, none before it is whole."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symphony_cli.errors import StateError
from symphony_cli.following import Tail
from symphony_cli.paths import RunPaths
from symphony_cli.supervisor.records import Transcript

AT = datetime(2026, 1, 1, tzinfo=UTC)


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as stream:
        stream.write(data)


def test_a_torn_line_is_waited_for(tmp_path: Path) -> None:
    path, seen = tmp_path / "file", []
    tail = Tail(path)
    for piece in (b"", b"one\ntw", b"o", b"\nthree\n"):
        append(path, piece)
        seen.append(list(tail.lines()))
    tail.close()
    assert seen == [[], [b"one\n"], [], [b"two\n", b"three\n"]]


def test_a_file_that_is_not_there_yet_has_no_lines(tmp_path: Path) -> None:
    path = tmp_path / "later" / "file"
    tail = Tail(path)
    before = (list(tail.lines()), tail.found)
    path.parent.mkdir()
    append(path, b"one\n")
    after = (list(tail.lines()), tail.found)
    tail.close()
    assert (before, after) == (([], False), ([b"one\n"], True))


def test_what_a_replaced_file_got_last_comes_before_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    append(path, b"one\n")
    tail = Tail(path)
    first = list(tail.lines())
    append(path, b"two\ntorn")
    path.rename(tmp_path / "file.1")
    append(path, b"three\n")
    second = list(tail.lines())
    path.unlink()
    gone = list(tail.lines())
    append(path, b"four\n")
    fourth = list(tail.lines())
    tail.close()
    assert (first, second, gone, fourth) == ([b"one\n"], [b"two\n", b"three\n"], [], [b"four\n"])


def test_a_file_that_was_emptied_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "file"
    append(path, b"one\ntwo\n")
    tail = Tail(path)
    first = list(tail.lines())
    os.truncate(path, 0)
    append(path, b"three\n")
    assert (first, list(tail.lines())) == ([b"one\n", b"two\n"], [b"three\n"])
    tail.close()


def test_a_reader_that_stops_in_the_middle_goes_on_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    append(path, b"one\ntwo\nthree\n")
    tail = Tail(path)
    one = next(tail.lines())
    assert (one, list(tail.lines())) == (b"one\n", [b"two\n", b"three\n"])
    tail.close()


def test_a_file_that_cannot_be_read_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(StateError, match=f"{tmp_path}/folder cannot be read"):
        (tmp_path / "folder").mkdir()
        list(Tail(tmp_path / "folder").lines())


@settings(max_examples=40)
@given(
    before=st.lists(st.integers(0, 300), max_size=30),
    during=st.lists(st.lists(st.integers(0, 300), max_size=3), max_size=20),
)
def test_a_follower_of_a_transcript_gets_all_that_is_on_disk_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, before: list[int], during: list[list[int]]
) -> None:
    paths = RunPaths(tmp_path_factory.mktemp("run"))
    transcript, count = Transcript(paths, 4000, ()), 0

    def add(sizes: list[int]) -> None:
        nonlocal count
        for size in sizes:
            transcript.add("in", b'{"n":%d,"x":"%s"}' % (count, b"x" * size), AT)
            count += 1

    add(before)
    parts = (paths.first_transcript, paths.transcript)
    there = b"".join(p.read_bytes() for p in parts if p.exists()).splitlines(keepends=True)
    tail = Tail(paths.transcript, paths.first_transcript)
    seen = list(tail.lines())
    for sizes in during:  # no more at once than one part holds
        add(sizes)
        seen += tail.lines()
    tail.close()
    transcript.close()
    assert seen[: len(there)] == there
    later = [line for line in seen[len(there) :] if b'"dir":"in"' in line]
    wanted = range(len(before), count)
    assert [int(line.split(b'"n":')[1].split(b",")[0]) for line in later] == [*wanted]
