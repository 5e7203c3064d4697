"""The cache of the fold: always the same as the whole fold, and thrown away when in doubt."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from symphony_cli.adapters.ledger import read_ledger
from symphony_cli.adapters.ledger_cache import load_cache
from symphony_cli.core import events as e
from symphony_cli.core.events import Event
from symphony_cli.core.history import History
from symphony_cli.errors import LedgerDamaged, StateError
from symphony_cli.paths import StatePaths
from tests.adapters.books import WORKFLOW, as_line, book, content, fold, lines_of, told
from tests.builders import NOW, dispatched, ended, enrol_all, enrolled, iid, sighted
from tests.stories import stories

ABC, OLD = iid("ABC-1"), iid("OLD-1")
FINISHED_ONE: tuple[Event, ...] = (
    *enrol_all("OLD-1", "ABC-1"),
    dispatched("OLD-1"),
    ended("OLD-1", turns=3),
    sighted("OLD-1", "Done"),
    e.Finished(NOW, OLD, "Done"),
)


def cached_book(root: Path) -> History:
    """A ledger with a finished and an unfinished issue, and its cache; what it adds up to."""
    made = book(root)
    made.append(*FINISHED_ONE)
    made.save_cache()
    assert load_cache(StatePaths(root)) is not None
    return made.history()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.one_of(stories(max_size=8), st.sampled_from(["save", "reopen", "save and reopen"])),
        max_size=10,
    )
)
def test_a_cached_fold_is_the_whole_fold(
    tmp_path_factory: pytest.TempPathFactory, steps: list[list[Event] | str]
) -> None:
    """Promise 3: through any story, with finished issues that come back."""
    root = tmp_path_factory.mktemp("ledger")
    opened, model = book(root), History()
    model = History(opened.history().id, WORKFLOW, position=1)
    for step in steps:
        if isinstance(step, list):
            opened.append(*step)
            model.take_all(step)
        else:
            if "save" in step:
                opened.save_cache()
            if "reopen" in step:
                opened = book(root)
        assert told(opened.history()) == told(model)
    assert fold(root) == told(model) == told(book(root).history())


@given(stories(), stories())
@settings(max_examples=25, deadline=None)
def test_lines_after_the_cache_are_folded_on_top_of_it(
    tmp_path_factory: pytest.TempPathFactory, first: list[Event], then: list[Event]
) -> None:
    root = tmp_path_factory.mktemp("ledger")
    opened = book(root)
    opened.append(*first)
    opened.save_cache()
    with (root / "ledger.jsonl").open("ab") as stream:
        stream.writelines(map(as_line, then))
    reading = read_ledger(StatePaths(root), WORKFLOW)
    assert (told(reading.cached.history), reading.was_cached) == (fold(root), not then)


def test_finished_issues_leave_the_view_and_are_found_all_the_same(tmp_path: Path) -> None:
    before = told(cached_book(tmp_path))
    history = book(tmp_path).history()
    assert (list(history.records), list(history.finished)) == ([ABC], [OLD])
    found = history.find(OLD)
    assert found is not None and found.turns == 3
    assert (history.named("old-1"), "old-1" in history.keys()) == (found, True)  # noqa: SIM118
    assert told(history) == before


def test_a_process_goes_on_after_saving_as_a_new_one_would(tmp_path: Path) -> None:
    saved = cached_book(tmp_path)
    assert (list(saved.records), list(saved.finished)) == ([ABC], [OLD])


def test_each_finished_issue_is_written_once_however_often_the_cache_is_saved(
    tmp_path: Path,
) -> None:
    made = book(tmp_path)
    made.append(*FINISHED_ONE)
    for number in range(3):
        made.append(e.Polled(NOW, f"c{number}"))
        made.save_cache()
    assert len((tmp_path / "finished.jsonl").read_bytes().splitlines()) == 1


def test_an_issue_that_comes_back_and_finishes_again_is_the_newer_one(tmp_path: Path) -> None:
    cached_book(tmp_path)
    again = book(tmp_path)
    again.append(sighted("OLD-1"), enrolled("OLD-1"), e.Finished(NOW, OLD, "Closed"))
    again.save_cache()
    found = book(tmp_path).history().find(OLD)
    assert found is not None and found.entries == {"todo": 2, "done": 1}
    assert told(book(tmp_path).history()) == fold(tmp_path)


def test_a_finished_issue_that_is_owed_a_write_stays_in_the_view(tmp_path: Path) -> None:
    made = book(tmp_path)
    made.append(*FINISHED_ONE, e.Owed(NOW, OLD, "w1", "comment", "bye"))
    made.save_cache()
    assert OLD in book(tmp_path).history().records
    made.append(e.Delivered(NOW, "w1"))
    made.save_cache()
    assert OLD not in book(tmp_path).history().records


def test_a_cache_that_is_up_to_date_is_not_written_again(tmp_path: Path) -> None:
    cached_book(tmp_path)
    before = (tmp_path / "view.json").stat()
    again = book(tmp_path)
    again.append()
    again.save_cache()
    after = (tmp_path / "view.json").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


# --- thrown away


def _replaced(root: Path) -> None:
    other = root.parent / "other"
    made = book(other)
    made.append(*enrol_all("X-1", "X-2", "X-3", "X-4", "X-5", "X-6", "X-7", "X-8"))
    (other / "ledger.jsonl").replace(root / "ledger.jsonl")


def _another_with_the_same_lines(root: Path) -> None:
    first, *rest = lines_of(root)
    header = {**json.loads(first), "id": "ledger_of_someone_else"}
    (root / "ledger.jsonl").write_bytes(json.dumps(header).encode() + b"\n" + b"".join(rest))


def _truncated(root: Path) -> None:
    (root / "ledger.jsonl").write_bytes(b"".join(lines_of(root)[:-1]))


def _cut_to_the_header(root: Path) -> None:
    (root / "ledger.jsonl").write_bytes(lines_of(root)[0])


def _last_line_edited(root: Path) -> None:
    data = (root / "ledger.jsonl").read_bytes()
    (root / "ledger.jsonl").write_bytes(data[:-10] + data[-10:].replace(b"Done", b"Gone"))


def _view(data: bytes) -> Callable[[Path], None]:
    def write(root: Path) -> None:
        (root / "view.json").write_bytes(data)

    return write


def _view_member(**members: object) -> Callable[[Path], None]:
    def edit(root: Path) -> None:
        view = json.loads((root / "view.json").read_bytes())
        (root / "view.json").write_text(json.dumps({**view, **members}))

    return edit


def _finished_short(root: Path) -> None:
    data = (root / "finished.jsonl").read_bytes()
    (root / "finished.jsonl").write_bytes(data[:-1])


def _finished_lost(root: Path) -> None:
    (root / "finished.jsonl").unlink()


@pytest.mark.parametrize(
    "happened",
    [
        _replaced,
        _another_with_the_same_lines,
        _truncated,
        _cut_to_the_header,
        _last_line_edited,
        *map(_view, (b"", b"{", b"null", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000, b"\0" * 300)),
        _view_member(format=1),
        _view_member(ledger="ledger_x"),
        _view_member(offset=10**30),
        _view_member(offset=-1),
        _view_member(offset=3),
        _view_member(line_bytes=0),
        _view_member(line_hash=""),
        _view_member(history=[]),
        _view_member(history={"records": {"x": {}}}),
        _finished_short,
        _finished_lost,
    ],
)
def test_a_cache_that_does_not_fit_is_thrown_away_and_made_anew(
    tmp_path: Path, happened: Callable[[Path], None]
) -> None:
    root = tmp_path / "state"
    cached_book(root)
    happened(root)
    assert load_cache(StatePaths(root)) is None
    opened = book(root)
    assert told(opened.history()) == fold(root)
    opened.save_cache()
    assert load_cache(StatePaths(root)) is not None
    assert told(book(root).history()) == fold(root)


def test_a_view_torn_at_any_byte_is_thrown_away(tmp_path: Path) -> None:
    before = told(cached_book(tmp_path))
    view = (tmp_path / "view.json").read_bytes()
    for cut in range(0, len(view), 13):
        (tmp_path / "view.json").write_bytes(view[:cut])
        assert load_cache(StatePaths(tmp_path)) is None
    assert told(book(tmp_path).history()) == before


def test_a_ledger_that_lost_its_name_is_damaged_whatever_the_cache_says(tmp_path: Path) -> None:
    cached_book(tmp_path)
    first, *rest = lines_of(tmp_path)
    (tmp_path / "ledger.jsonl").write_bytes(first.replace(b'"id"', b'"ie"') + b"".join(rest))
    with pytest.raises(LedgerDamaged, match="line 1"):
        book(tmp_path)


def test_damage_after_the_cache_names_its_line_in_the_whole_file(tmp_path: Path) -> None:
    cached_book(tmp_path)
    number = len(lines_of(tmp_path)) + 1
    with (tmp_path / "ledger.jsonl").open("ab") as stream:
        stream.write(b"oops\n" + as_line(sighted()))
    with pytest.raises(LedgerDamaged, match=rf"ledger\.jsonl, line {number}:"):
        book(tmp_path)


def test_a_crash_between_the_two_files_of_the_cache_costs_nothing(tmp_path: Path) -> None:
    """`finished.jsonl` has grown and the view does not know it yet."""
    cached_book(tmp_path)
    old_view = (tmp_path / "view.json").read_bytes()
    again = book(tmp_path)
    again.append(sighted(state="Done"), e.Finished(NOW, ABC, "Done"))
    again.save_cache()
    (tmp_path / "view.json").write_bytes(old_view)
    opened = book(tmp_path)
    assert told(opened.history()) == fold(tmp_path)
    opened.append(e.Polled(NOW, "c9"))
    opened.save_cache()
    assert len((tmp_path / "finished.jsonl").read_bytes().splitlines()) == 2
    assert told(book(tmp_path).history()) == fold(tmp_path)


def test_a_list_is_not_made_anew_while_a_view_that_counts_the_old_one_stands(
    tmp_path: Path,
) -> None:
    """A crash between the two would leave a view that counts other lines than there are."""
    cached_book(tmp_path)
    (tmp_path / "finished.jsonl").unlink()
    again = book(tmp_path)
    (tmp_path / "view.json").unlink()
    (tmp_path / "view.json").mkdir()
    with pytest.raises(StateError):
        again.save_cache()
    assert content(tmp_path).keys() == {"ledger.jsonl"}


def test_a_list_of_finished_issues_that_makes_no_sense_says_what_to_do(tmp_path: Path) -> None:
    cached_book(tmp_path)
    size = (tmp_path / "finished.jsonl").stat().st_size
    (tmp_path / "finished.jsonl").write_bytes(b"\0" * size)
    with pytest.raises(StateError, match=r"finished\.jsonl cannot be understood.*view\.json"):
        book(tmp_path).history().find(OLD)


def test_a_ledger_that_is_gone_is_damage_while_its_cache_is_there(tmp_path: Path) -> None:
    cached_book(tmp_path)
    (tmp_path / "ledger.jsonl").unlink()
    with pytest.raises(LedgerDamaged, match="is gone or empty"):
        book(tmp_path)
    (tmp_path / "view.json").unlink()
    assert book(tmp_path).history().records == {}
