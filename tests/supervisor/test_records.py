from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

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
    kept = [[json.loads(line)["line"]["n"] for line in p.read_text().splitlines()] for p in parts]
    assert (kept[0][0], kept[1][-1]) == (0, 99)
    assert sum(part.stat().st_size for part in parts) <= 1000


def test_of_a_very_long_line_only_the_beginning_is_kept(tmp_path: Path) -> None:
    transcript = Transcript(RunPaths(tmp_path), 1_000_000, ())
    transcript.add("in", b'{"text":"' + b"x" * 100_000 + b'"}', AT)
    transcript.close()
    (line,) = (tmp_path / "transcript.jsonl").read_text().splitlines()
    assert json.loads(line)["line"] == '{"text":"' + "x" * 4087 + "…"


def test_a_secret_that_comes_in_pieces_does_not_get_into_the_log(tmp_path: Path) -> None:
    log = AgentLog(RunPaths(tmp_path), (KEY,))
    for piece in (b"key very-", b"secret-value here\nand", b" more"):
        log.add(piece)
    log.close()
    assert (tmp_path / "agent.log").read_text() == "key [secret] here\nand more\n"


def test_a_full_log_says_so_and_takes_no_more_but_keeps_the_last_words(tmp_path: Path) -> None:
    log = AgentLog(RunPaths(tmp_path), (), max_bytes=10)
    for word in (b"first line\n", b"second line\n", b"third line\n"):
        log.add(word)
    log.close()
    full = "[agent.log is full: the rest is not kept]\n"
    assert (tmp_path / "agent.log").read_text() == "first line\n" + full
    assert log.tail == "first line\nsecond line\nthird line\n"


def test_a_transcript_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    transcript = Transcript(RunPaths(tmp_path / "missing"), 1000, ())
    transcript.add("in", b"{}", AT)
    transcript.close()
    assert not (tmp_path / "missing").exists()
