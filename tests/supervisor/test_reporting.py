"""The report of a run whose disk is full: a folder that is missing, or a limit on file sizes."""

from __future__ import annotations

import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from symphony_cli import runfolder
from symphony_cli.core.report import Line, Phase, Said, UsageSeen
from symphony_cli.core.usage import Usage
from symphony_cli.errors import StateError
from symphony_cli.paths import RunPaths
from symphony_cli.supervisor.reporting import MOST_KEPT, PATIENCE, ReportFile

from .play import START


@contextmanager
def no_file_longer_than(size: int) -> Iterator[None]:
    """A write beyond this many bytes is cut there, and the next one fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def missing(tmp_path: Path) -> RunPaths:
    """A run folder that nothing can be written to until it is made."""
    return RunPaths(tmp_path / "run")


def tell(file: ReportFile, lines: Sequence[Line], mono: float = 0.0) -> None:
    for line in lines:
        file.tell(line, mono)


def said(*texts: object) -> list[Line]:
    return [Said(START, str(text)) for text in texts]


def usage(thread: str, total: int) -> UsageSeen:
    return UsageSeen(START, thread, Usage(total=total))


def test_lines_that_cannot_be_written_are_written_later_in_their_order(tmp_path: Path) -> None:
    paths = missing(tmp_path)
    file = ReportFile(paths, ())
    tell(file, said(1, 2))
    paths.folder.mkdir()
    tell(file, said(3))
    before = runfolder.report_lines(paths)
    file.flush(20.0)
    tell(file, said(4))
    assert (before, list(runfolder.report_lines(paths))) == ((), said(1, 2, 3, 4))


@pytest.mark.parametrize("room", range(0, 200, 7))
def test_a_disk_that_fills_up_within_a_line_leaves_whole_lines(tmp_path: Path, room: int) -> None:
    paths = RunPaths(tmp_path)
    file = ReportFile(paths, ())
    told = [*said("first"), Phase(START, "turn"), *said("x" * 60, "last")]
    with no_file_longer_than(room):
        tell(file, told)
        written = paths.report.read_bytes()
    file.flush(20.0)
    assert written == b"" or written.endswith(b"\n")
    assert list(runfolder.report_lines(paths)) == told


def test_behind_a_line_that_somebody_left_torn_a_new_one_begins(tmp_path: Path) -> None:
    paths = RunPaths(tmp_path)
    paths.report.write_bytes(b'{"kind": "said", "at": "20')
    file = ReportFile(paths, ())
    with no_file_longer_than(0):
        tell(file, said(1))
    file.flush(20.0)
    assert list(runfolder.report_lines(paths)) == said(1)


def test_of_waiting_totals_of_a_thread_only_the_newest_is_kept(tmp_path: Path) -> None:
    paths = missing(tmp_path)
    file = ReportFile(paths, ())
    a, b = said("a", "b")
    tell(file, [usage("t", 1), a, usage("sub", 7), usage("t", 2), b, usage("t", 3)])
    paths.folder.mkdir()
    file.flush(20.0)
    assert list(runfolder.report_lines(paths)) == [a, usage("sub", 7), b, usage("t", 3)]


def test_of_very_many_waiting_lines_the_newest_are_kept(tmp_path: Path) -> None:
    paths = missing(tmp_path)
    file = ReportFile(paths, ())
    tell(file, said(*range(MOST_KEPT + 5)))
    paths.folder.mkdir()
    file.flush(20.0)
    found = runfolder.report_lines(paths)
    assert ([found[0], found[-1]], len(found)) == (said(5, MOST_KEPT + 4), MOST_KEPT)


def test_a_report_is_overdue_after_five_minutes_without_success_and_says_why(
    tmp_path: Path,
) -> None:
    paths = missing(tmp_path)
    file = ReportFile(paths, ())
    tell(file, said(1), mono=1000.0)
    file.flush(1000.0 + PATIENCE)
    early, late = file.overdue(999.9 + PATIENCE), file.overdue(1000.0 + PATIENCE)
    paths.folder.mkdir()
    file.flush(1400.0)
    assert (early, "report.jsonl cannot be written" in late) == ("", True)
    assert file.overdue(9999.0) == ""


def test_what_cannot_be_written_at_the_very_end_is_an_error(tmp_path: Path) -> None:
    file = ReportFile(missing(tmp_path), ())
    tell(file, said(1))
    with pytest.raises(StateError, match=r"report\.jsonl cannot be"):
        file.finish()


def test_lines_that_waited_are_written_without_the_secrets(tmp_path: Path) -> None:
    paths = missing(tmp_path)
    file = ReportFile(paths, ("very-secret-value",))
    tell(file, said("it is very-secret-value"))
    paths.folder.mkdir()
    file.finish()
    assert list(runfolder.report_lines(paths)) == said("it is [secret]")
