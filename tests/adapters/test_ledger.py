"""The ledger on real files: what is written stays, what is torn is told, what is damaged stops."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from symphony_cli.adapters.ledger import read_ledger, view_ledger
from symphony_cli.core import events as e
from symphony_cli.core.events import Event, from_json, to_json
from symphony_cli.core.history import History
from symphony_cli.core.reasons import BlockReason, Outcome
from symphony_cli.errors import LedgerDamaged, LedgerError, LedgerTooNew, StateError
from symphony_cli.ids import Key
from symphony_cli.paths import StatePaths
from tests.adapters.books import FIXTURE, WORKFLOW, as_line, book, content, fold, lines_of, told
from tests.builders import NOW, dispatched, ended, enrolled, iid, issue, later, rid, sighted

ABC = iid("ABC-1")
FEW: tuple[Event, ...] = (sighted(), e.Polled(NOW, "c1"), enrolled())
KEY = "lin_api_0123456789abcdef"


def damage(root: Path) -> LedgerDamaged:
    """The error that opening this ledger ends with; every file stays as it was."""
    before = content(root)
    with pytest.raises(LedgerDamaged) as caught:
        book(root)
    assert content(root) == before
    return caught.value


# --- appending and opening again


def test_a_new_ledger_names_itself_and_its_workflow(tmp_path: Path) -> None:
    made = book(tmp_path / "state")
    (line,) = lines_of(tmp_path / "state")
    assert json.loads(line) == {
        "ledger": 1,
        "id": made.history().id,
        "workflow": WORKFLOW,
        "created": "2025-11-20T09:00:00+00:00",
    }
    assert (made.history().position, made.repaired) == (1, "")


def test_files_and_folder_are_private(tmp_path: Path) -> None:
    root = tmp_path / "state"
    book(root).append(*FEW)
    modes = [path.stat().st_mode & 0o777 for path in (root, *root.iterdir())]
    assert modes == [0o700, 0o600]


def test_what_was_appended_is_there_when_the_ledger_is_opened_again(tmp_path: Path) -> None:
    first = book(tmp_path)
    first.append(*FEW)
    first.append(dispatched(), ended(outcome=Outcome.FAILED, wait=10.0))
    again = book(tmp_path)
    assert told(again.history()) == told(first.history())
    assert again.history().position == 6
    assert lines_of(tmp_path)[1:4] == [as_line(event) for event in FEW]


def test_an_append_of_nothing_and_an_opening_write_nothing(tmp_path: Path) -> None:
    book(tmp_path).append(*FEW)
    before = content(tmp_path)
    book(tmp_path).append()
    assert content(tmp_path) == before


def test_moments_are_kept_as_the_file_has_them(tmp_path: Path) -> None:
    made = book(tmp_path)
    made.append(e.Sighted(later(0.1234567), issue(), Key("ABC-1")))
    assert told(made.history()) == told(book(tmp_path).history())


def test_half_a_character_does_not_part_memory_and_disk(tmp_path: Path) -> None:
    made = book(tmp_path)
    made.append(e.Sighted(NOW, replace(issue(), title="half \ud83d of it"), Key("ABC-1")))
    made.save_cache()
    assert made.history().records[ABC].issue.title == "half ? of it"
    assert told(made.history()) == told(book(tmp_path).history()) == fold(tmp_path)


def test_events_of_a_newer_version_are_kept_and_count_as_lines(tmp_path: Path) -> None:
    book(tmp_path).append(*FEW)
    strange = b'{"e": "teleported", "at": "2025-11-20T09:00:00Z", "to": [1]}\n'
    with (tmp_path / "ledger.jsonl").open("ab") as stream:
        stream.write(strange)
    again = book(tmp_path)
    again.append(e.Enrolled(NOW, ABC))
    assert again.history().records[ABC].place == 6
    assert lines_of(tmp_path)[4] == strange


# --- whose ledger, and which format


def test_a_newer_format_is_refused_and_untouched(tmp_path: Path) -> None:
    newer = FIXTURE.read_bytes().replace(b'{"ledger": 1', b'{"ledger": 2', 1)
    (tmp_path / "ledger.jsonl").write_bytes(newer)
    before = content(tmp_path)
    with pytest.raises(LedgerTooNew, match=r"ledger\.jsonl has format 2.*upgrade Symphony"):
        book(tmp_path)
    assert content(tmp_path) == before


@pytest.mark.parametrize("cached", [False, True])
def test_the_ledger_of_another_workflow_is_refused(tmp_path: Path, cached: bool) -> None:
    made = book(tmp_path)
    made.append(*FEW)
    if cached:
        made.save_cache()
    with pytest.raises(LedgerError, match=r"belongs to /srv/alpha/WORKFLOW\.md, not to /srv/beta"):
        read_ledger(StatePaths(tmp_path), "/srv/beta/WORKFLOW.md")


@pytest.mark.parametrize(
    "line",
    [b"", b"[]", b"{}", b'{"ledger": 1}', b"null", b"\xff", b"[" * 100_000, b'{"e": "polled"}'],
    ids=["empty", "list", "map", "no id", "null", "no text", "deep", "event"],
)
def test_a_file_that_does_not_begin_as_a_ledger_is_damaged(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "ledger.jsonl").write_bytes(line + b"\n" + as_line(FEW[0]))
    assert "line 1: this is not the first line of a ledger" in str(damage(tmp_path))


# --- a crash in the middle of a write


def test_a_crash_at_any_byte_of_a_write_keeps_the_whole_lines(tmp_path: Path) -> None:
    """Promise 8."""
    made = book(tmp_path / "whole")
    made.append(sighted())
    before = b"".join(lines_of(tmp_path / "whole"))
    batch: list[Event] = [e.Missed(NOW, ABC), e.Polled(NOW, "größer"), enrolled()]
    data = b"".join(map(as_line, batch))
    for cut in range(len(data) + 1):
        root = tmp_path / str(cut)
        root.mkdir()
        (root / "ledger.jsonl").write_bytes(before + data[:cut])
        _check_repair(root, before, data[:cut], batch)


def _check_repair(root: Path, before: bytes, written: bytes, batch: list[Event]) -> None:
    whole, torn = written[: written.rfind(b"\n") + 1], written[written.rfind(b"\n") + 1 :]
    kept: list[Event] = [sighted(), *batch[: whole.count(b"\n")]]
    told_line = [e.Repaired(NOW, len(torn), "ledger.torn")] if torn else []
    opened = book(root)
    expected = {"ledger.jsonl": before + whole + b"".join(map(as_line, told_line))}
    if torn:
        expected["ledger.torn"] = torn + b"\n"
    assert content(root) == expected
    assert (f"({len(torn)} bytes" in opened.repaired) is bool(torn)
    history = History(opened.history().id, WORKFLOW, 1).take_all([*kept, *told_line])
    assert told(opened.history()) == told(history) == told(book(root).history())


def test_a_crash_at_any_byte_of_the_first_line_starts_anew(tmp_path: Path) -> None:
    first = b'{"ledger": 1, "id": "ledger_x", "workflow": "/srv/alpha/WORKFLOW.md"}'
    for cut in range(1, len(first) + 1, 7):
        root = tmp_path / str(cut)
        root.mkdir()
        (root / "ledger.jsonl").write_bytes(first[:cut])
        opened = book(root)
        opened.append(*FEW)
        assert (root / "ledger.torn").read_bytes() == first[:cut] + b"\n"
        assert opened.repaired and told(book(root).history()) == told(opened.history())


def test_torn_tails_are_kept_one_after_the_other(tmp_path: Path) -> None:
    book(tmp_path).append(*FEW)
    for tail in (b'{"e": "pol', b"\0\0\0\0", b"\xff\xfe"):
        with (tmp_path / "ledger.jsonl").open("ab") as stream:
            stream.write(tail)
        assert book(tmp_path).history().records[ABC].place == 4
    assert (tmp_path / "ledger.torn").read_bytes() == b'{"e": "pol\n\0\0\0\0\n\xff\xfe\n'
    assert book(tmp_path).history().repairs == 3


def test_a_crash_between_keeping_a_tail_and_cutting_it_off_loses_nothing(tmp_path: Path) -> None:
    book(tmp_path).append(*FEW)
    with (tmp_path / "ledger.jsonl").open("ab") as stream:
        stream.write(b'{"e"')
    (tmp_path / "ledger.torn").write_bytes(b'{"e"\n')
    assert book(tmp_path).repaired
    assert (tmp_path / "ledger.torn").read_bytes() == b'{"e"\n{"e"\n'


def test_a_torn_tail_behind_a_cache_is_repaired_too(tmp_path: Path) -> None:
    made = book(tmp_path)
    made.append(*FEW)
    made.save_cache()
    with (tmp_path / "ledger.jsonl").open("ab") as stream:
        stream.write(as_line(dispatched()) + b'{"e": "miss')
    opened = book(tmp_path)
    assert opened.repaired and opened.history().records[ABC].running is not None
    assert told(opened.history()) == fold(tmp_path)


# --- damage


def _flip(line: bytes, at: int) -> bytes:
    return line[:at] + bytes([line[at] ^ 0x80]) + line[at + 1 :]


def _damaged_forms(line: bytes) -> list[bytes]:
    middle = len(line) // 2
    return [
        _flip(line, 0),
        _flip(line, middle),
        line[1:],
        line[:-2] + b"\n",
        line[:middle] + b"\xff" + line[middle:],
        line[:middle] + b"\0" + line[middle:],
        line[:middle] + b"\n" + line[middle:],
        b"\n" + line,
        line[:middle] + b"\n",
        b"\0" * (len(line) - 1) + b"\n",
        line[:-1] + line,
    ]


FIXTURE_LINES = FIXTURE.read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize("number", range(1, len(FIXTURE_LINES) + 1))
def test_damage_in_any_line_names_it_and_touches_nothing(tmp_path: Path, number: int) -> None:
    """Promise 8."""
    whole = FIXTURE_LINES[number - 1]
    for form in _damaged_forms(whole):
        lines = [*FIXTURE_LINES[: number - 1], form, *FIXTURE_LINES[number:]]
        (tmp_path / "ledger.jsonl").write_bytes(b"".join(lines))
        assert f"ledger.jsonl, line {number}:" in str(damage(tmp_path))


def test_a_flipped_bit_at_any_byte_of_a_line_is_damage(tmp_path: Path) -> None:
    number = 4
    for at in range(len(FIXTURE_LINES[number - 1]) - 1):
        flipped = _flip(FIXTURE_LINES[number - 1], at)
        lines = [*FIXTURE_LINES[: number - 1], flipped, *FIXTURE_LINES[number:]]
        (tmp_path / "ledger.jsonl").write_bytes(b"".join(lines))
        assert f"line {number}:" in str(damage(tmp_path))


@pytest.mark.parametrize("number", range(1, len(FIXTURE_LINES)))
def test_a_lost_line_end_is_damage(tmp_path: Path, number: int) -> None:
    joined = [*FIXTURE_LINES]
    joined[number - 1] = joined[number - 1][:-1]
    (tmp_path / "ledger.jsonl").write_bytes(b"".join(joined))
    assert f"line {number}:" in str(damage(tmp_path))


@pytest.mark.parametrize(
    "garbage",
    [b"\n", b"oops\n", b"{}\n", b"[]\n", b'{"e": 1}\n', b"\0\0\0\n", b"[" * 100_000 + b"\n"],
    ids=["empty", "word", "map", "list", "number", "zeros", "deep"],
)
def test_a_last_line_that_has_its_end_and_makes_no_sense_is_damage(
    tmp_path: Path, garbage: bytes
) -> None:
    (tmp_path / "ledger.jsonl").write_bytes(FIXTURE.read_bytes() + garbage)
    assert f"line {len(FIXTURE_LINES) + 1}:" in str(damage(tmp_path))


@pytest.mark.parametrize(
    ("member", "value"),
    [("at", "soon"), ("at", "0001-01-01T00:00:00+23:00"), ("issue", 7), ("issue", None)],
)
def test_a_known_kind_with_members_that_make_no_sense_is_damage(
    tmp_path: Path, member: str, value: object
) -> None:
    line = {**to_json(enrolled()), member: value}
    (tmp_path / "ledger.jsonl").write_bytes(
        FIXTURE_LINES[0] + json.dumps(line).encode() + b"\n" + as_line(sighted())
    )
    assert f"line 2: {member}: " in str(damage(tmp_path))


# --- readers


def test_a_reader_passes_over_a_torn_tail_and_touches_nothing(tmp_path: Path) -> None:
    book(tmp_path).append(*FEW)
    whole = fold(tmp_path)
    with (tmp_path / "ledger.jsonl").open("ab") as stream:
        stream.write(as_line(dispatched())[:-1])
    before = content(tmp_path)
    view = view_ledger(StatePaths(tmp_path), WORKFLOW)
    assert (told(view.history()), content(tmp_path)) == (whole, before)
    with pytest.raises(StateError, match="reading only"):
        view.append(enrolled())


def test_a_reader_finds_no_ledger_where_there_is_none(tmp_path: Path) -> None:
    assert view_ledger(StatePaths(tmp_path / "none"), WORKFLOW).history() == History()


# --- secrets


@pytest.mark.parametrize("key", [KEY, 'quo"te\\and\ttab-é', "12345678"])
def test_no_secret_reaches_the_folder_and_no_secret_breaks_a_line(tmp_path: Path, key: str) -> None:
    """Promise 9."""
    nested = json.dumps({"error": f"<{key}>"})
    made = book(tmp_path, secrets=[key])
    made.append(
        e.Sighted(NOW, replace(issue(), title=key, labels=(f"a {key}",), url=key), Key("ABC-1")),
        sighted("ABC-2", labels=(key,)),
        dispatched(),
        ended(outcome=Outcome.FAILED, detail=nested, killed={key: (12345678,)}, turns=12345678),
        e.Blocked(NOW, ABC, BlockReason.AGENT, f"{key}{key}"),
        e.Faulted(NOW, ABC, "settling", key, f"Traceback {key}"),
        e.Owed(NOW, ABC, "w1", "comment", key),
        e.Tried(NOW, "w1", key, 1.0),
        e.Finished(NOW, iid("ABC-2"), key),
    )
    made.save_cache()
    shown = [name for name, data in content(tmp_path).items() if any(key in t for t in texts(data))]
    assert shown == []
    assert sorted(content(tmp_path)) == ["finished.jsonl", "ledger.jsonl", "view.json"]
    assert told(made.history()) == told(book(tmp_path).history()) == fold(tmp_path)


def texts(data: bytes) -> Iterator[str]:
    """Every text in a file of JSON lines, names of members included."""
    values = [json.loads(line) for line in data.splitlines()]
    while values:
        value = values.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            values += [*value, *value.values()]
        elif isinstance(value, list):
            values += value


def test_the_bytes_of_a_plain_key_are_nowhere(tmp_path: Path) -> None:
    made = book(tmp_path, secrets=[KEY])
    made.append(sighted(labels=(KEY,)), e.Faulted(NOW, ABC, "x", f"Bearer {KEY}"))
    made.save_cache()
    with (tmp_path / "ledger.jsonl").open("ab") as stream:
        stream.write(b'{"e": "torn')
    book(tmp_path, secrets=[KEY])
    assert [path for path, data in content(tmp_path).items() if KEY.encode() in data] == []


# --- every kind of line, kept for ever


def test_the_fixture_has_a_line_of_every_kind() -> None:
    assert {json.loads(line)["e"] for line in FIXTURE_LINES[1:]} == set(e.KINDS)


@pytest.mark.parametrize("line", FIXTURE_LINES[1:])
def test_a_line_of_the_first_format_is_understood_for_ever(line: bytes) -> None:
    event = from_json(json.loads(line))
    assert event is not None
    assert to_json(event) == json.loads(line)


def test_a_ledger_of_the_first_format_folds_to_what_it_always_did(tmp_path: Path) -> None:
    (tmp_path / "ledger.jsonl").write_bytes(FIXTURE.read_bytes())
    history = book(tmp_path).history()
    first, second, third, fourth = history.records.values()
    assert (history.id, history.position, history.cursor, history.repairs) == (
        "ledger_0123456789abcdef",
        len(FIXTURE_LINES),
        "2025-11-20T09:00:00.000Z",
        1,
    )
    assert (first.place, first.runs, first.turns, first.usage.spend(), first.fault) == (
        9,
        1,
        4,
        240,
        "settling: TypeError: oops",
    )
    assert (second.released, second.missed, third.finished_at is not None) == ("gone", 1, True)
    assert first.last is not None and (first.last.run, first.block) == (rid(), None)
    assert (fourth.block, fourth.runs, fourth.began) == (
        None,
        1,
        "0123456789abcdef" * 2 + "01234567",
    )
    assert (fourth.extra_tokens, fourth.extra_attempts, fourth.extra_rework) == (0, -1, 1)
    assert (list(history.outbox), list(history.undeliverable)) == (["w_4"], ["w_2"])
    assert (history.holds, history.pause, len(history.day)) == ({}, None, 1)


def test_a_second_writer_is_met_before_the_two_are_mixed(tmp_path: Path) -> None:
    first, second = book(tmp_path), book(tmp_path)
    first.append(sighted("A-1"))
    before = content(tmp_path)
    with pytest.raises(StateError, match="somebody else wrote to it"):
        second.append(sighted("A-2"))
    assert content(tmp_path) == before
    assert "A-2" not in second.history().records
