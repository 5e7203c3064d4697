from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from symphony_cli.core.shorten import left_out
from symphony_cli.paths import RunPaths
from symphony_cli.supervisor.records import AgentLog, Transcript

AT = datetime(2026, 1, 1, tzinfo=UTC)
KEY = "very-secret-value"


def test_a_transcript_keeps_its_first_and_its_newest_part(tmp_path: Path) -> None:
    paths = RunPaths(tmp_path)
    transcript = Transcript(paths, 1000, ())
    for number in range(100):
        transcript.add("in", b'{"n":%d}' % number, AT)
    transcript.close()
    parts = [tmp_path / "transcript.1.jsonl", paths.transcript]
    lines = [[json.loads(line)["line"] for line in p.read_text().splitlines()] for p in parts]
    assert (lines[0][0], lines[1][-1]) == ({"n": 0}, {"n": 99})
    assert sum(part.stat().st_size for part in parts) <= 1000


def test_however_small_the_room_and_however_long_the_lines_the_transcript_keeps_to_it(
    tmp_path: Path,
) -> None:
    for cap in (0, 100, 500, 2000, 50_000):
        folder = tmp_path / str(cap)
        folder.mkdir()
        transcript = Transcript(RunPaths(folder), cap, ())
        for size in (1, 10, 100, 1000, 10_000, 100_000):
            transcript.add("in", json.dumps({"n": size, "text": "é" * size}).encode(), AT)
            transcript.add("in", b"\0\xff" * size, AT, is_json=False)
        transcript.close()
        parts = list(folder.iterdir())
        assert sum(part.stat().st_size for part in parts) <= cap
        lines = [json.loads(line) for part in parts for line in part.read_bytes().splitlines()]
        assert all(set(line) == {"at", "dir", "line"} for line in lines)


def test_of_a_very_long_line_all_is_kept_but_the_middle_of_long_texts(tmp_path: Path) -> None:
    output = "first\n" + "x" * 3_000_000 + "\nlast words"
    item = {"type": "commandExecution", "id": "c1", "aggregatedOutput": output, "exitCode": 3}
    message = {"method": "item/completed", "params": {"item": item, "threadId": "t"}}
    transcript = Transcript(RunPaths(tmp_path), 1_000_000, ())
    transcript.add("in", json.dumps(message).encode(), AT)
    transcript.close()
    (line,) = (tmp_path / "transcript.jsonl").read_bytes().splitlines()
    kept = json.loads(line)["line"]
    text = kept["params"]["item"].pop("aggregatedOutput")
    assert (text[:6], text[-10:], left_out(text) > 2_900_000) == ("first\n", "last words", True)
    item.pop("aggregatedOutput")
    assert (kept, len(line) < 66_000) == (message, True)


def test_each_new_part_says_its_number_and_a_reader_of_the_old_one_loses_nothing(
    tmp_path: Path,
) -> None:
    paths = RunPaths(tmp_path)
    transcript = Transcript(paths, 600, ())
    transcript.add("in", b'{"n":0}', AT)
    streams, numbers = [paths.transcript.open()], []
    for number in range(1, 13):
        transcript.add("in", b'{"n":%d}' % number, AT)
        if paths.transcript.stat().st_ino != os.fstat(streams[-1].fileno()).st_ino:
            streams.append(paths.transcript.open())
    transcript.close()
    lines = [json.loads(line) for stream in streams for line in stream]
    for stream in streams:
        stream.close()
    numbers = [line["line"]["n"] for line in lines if line["dir"] == "in"]
    parts = [line["line"] for line in lines if line["dir"] == "part"]
    assert (numbers, parts) == ([*range(13)], [*range(2, len(streams) + 1)])
    assert len(streams) > 2


def test_a_secret_that_comes_in_pieces_does_not_get_into_the_log(tmp_path: Path) -> None:
    log = AgentLog(RunPaths(tmp_path), (KEY,))
    for piece in (b"key very-", b"secret-value here\nand", b" more"):
        log.add(piece)
    log.close()
    assert (tmp_path / "agent.log").read_text() == "key [secret] here\nand more\n"


def test_a_full_log_says_so_and_takes_no_more_but_keeps_the_last_words(tmp_path: Path) -> None:
    log = AgentLog(RunPaths(tmp_path), (), max_bytes=70)
    for words in (b"first line\n", b"second line\n" * 3, b"third line\n"):
        log.add(words)
    log.close()
    full = "[agent.log is full: the rest is not kept]\n"
    assert (tmp_path / "agent.log").read_text() == "first line\nsecond line\n" + full
    assert log.tail == "first line\n" + "second line\n" * 3 + "third line\n"


def test_a_secret_in_a_line_without_an_end_is_not_cut_in_two(tmp_path: Path) -> None:
    log = AgentLog(RunPaths(tmp_path), (KEY,))
    data = b"." * 65_530 + KEY.encode() + b"." * 70_000
    for start in range(0, len(data), 7):
        log.add(data[start : start + 7])
    log.close()
    text = (tmp_path / "agent.log").read_text()
    assert text.replace("\n", "") == "." * 65_530 + "[secret]" + "." * 70_000


def test_a_transcript_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    transcript = Transcript(RunPaths(tmp_path / "missing"), 1000, ())
    transcript.add("in", b"{}", AT)
    transcript.close()
    assert not (tmp_path / "missing").exists()
