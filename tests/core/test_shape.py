"""What goes into a file comes out of it, and what is wrong with a file is named."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symphony_cli.core import events, report, run
from symphony_cli.core.history import History
from symphony_cli.core.shape import Malformed, decode, encode
from symphony_cli.core.snapshot import Snapshot
from symphony_cli.core.tickfile import TickFile
from symphony_cli.core.usage import Usage
from symphony_cli.ids import IssueId
from tests.builders import NOW, dispatched, issue, sighted, verdict
from tests.values import any_of


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Inner:
    size: int = 3


@dataclass(frozen=True)
class Outer:
    name: str
    colour: Colour = Colour.RED
    inner: Inner = Inner()
    sizes: tuple[int, ...] = ()
    share: float = 0.5
    maybe: Inner | None = None
    by_name: dict[str, Inner] = field(default_factory=dict)
    words: frozenset[str] = frozenset()
    free: Any = None


def through_json(value: object) -> Any:
    return json.loads(json.dumps(encode(value)))


@pytest.mark.parametrize("kind", sorted(events.KINDS))
@given(data=st.data())
def test_every_kind_of_event_survives_a_file(kind: str, data: st.DataObject) -> None:
    event = data.draw(any_of(events.KINDS[kind]))
    line = json.dumps(events.to_json(event))
    assert json.loads(line)["e"] == kind
    assert events.from_json(json.loads(line)) == event


@pytest.mark.parametrize("kind", sorted(report.KINDS))
@given(data=st.data())
def test_every_line_of_a_report_survives_a_file(kind: str, data: st.DataObject) -> None:
    line = data.draw(any_of(report.KINDS[kind]))
    assert report.from_bytes(report.to_text(line).encode() + b"\n") == (line,)


@pytest.mark.parametrize(
    "kind", [run.Order, run.Brief, run.PidFile, run.StopNote, run.Verdict, TickFile, History]
)
@given(data=st.data())
def test_what_tick_and_run_tell_each_other_survives_a_file(
    kind: type[Any], data: st.DataObject
) -> None:
    value = data.draw(any_of(kind))
    assert decode(kind, through_json(value)) == value


@given(st.data())
def test_the_full_form_is_understood_too(data: st.DataObject) -> None:
    value = data.draw(any_of(Outer))
    assert decode(Outer, json.loads(json.dumps(encode(value, full=True)))) == value


def test_every_kind_of_event_has_a_name_of_its_own() -> None:
    named = set(events.KINDS.values())
    assert named == set(events.Event.__args__)
    assert len(events.KINDS) == len(named)


def test_members_at_their_default_take_no_room() -> None:
    assert encode(Outer("x", sizes=(1,))) == {"name": "x", "sizes": [1]}


def test_the_full_form_has_every_member() -> None:
    assert encode(Outer("x", words=frozenset("ba")), full=True) == {
        "name": "x",
        "colour": "red",
        "inner": {"size": 3},
        "sizes": [],
        "share": 0.5,
        "maybe": None,
        "by_name": {},
        "words": ["a", "b"],
        "free": None,
    }


def test_a_member_of_a_newer_version_is_passed_over() -> None:
    assert decode(Outer, {"name": "x", "brand_new": [1]}) == Outer("x")


def test_a_missing_member_takes_its_default_or_is_named() -> None:
    assert decode(Outer, {"name": "x"}) == Outer("x")
    with pytest.raises(Malformed, match=r"^name is missing$"):
        decode(Outer, {})


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": 1}, "name: must be text, not int"),
    ({"name": None}, "name: must be text, not NoneType"),
    ({"inner": []}, "inner: must be a map, not list"),
    ({"inner": {"size": "3"}}, "inner: size: must be a whole number, not str"),
    ({"inner": {"size": True}}, "inner: size: must be a whole number, not bool"),
    ({"inner": {"size": 3.0}}, "inner: size: must be a whole number, not float"),
    ({"maybe": {"size": None}}, "maybe: size: must be a whole number, not NoneType"),
    ({"sizes": {}}, "sizes: must be a list, not dict"),
    ({"sizes": [1, "2"]}, "sizes: must be a whole number, not str"),
    ({"share": "0.5"}, "share: must be a number, not str"),
    ({"share": False}, "share: must be a number, not bool"),
    ({"share": float("nan")}, "share: nan is no number to go by"),
    ({"share": float("inf")}, "share: inf is no number to go by"),
    ({"by_name": {"a": 1}}, "by_name: must be a map, not int"),
    ({"words": "ab"}, "words: must be a list, not str"),
    ({"colour": "green"}, "colour: 'green' is none of red, blue"),
    ({"colour": ["red"]}, "colour: ['red'] is none of red, blue"),
]


@pytest.mark.parametrize(("member", "said"), WRONG)
def test_a_wrong_member_is_named_with_what_is_wrong(member: dict[str, Any], said: str) -> None:
    with pytest.raises(Malformed) as caught:
        decode(Outer, {"name": "x", **member})
    assert str(caught.value) == said


def test_a_number_that_is_too_large_is_malformed_and_no_accident() -> None:
    with pytest.raises(Malformed, match=r"^share: "):
        decode(Outer, {"name": "x", "share": 10**400})


@pytest.mark.parametrize(
    "date", ["", "soon", "2025-13-01T00:00:00Z", "0001-01-01T00:00:00+23:00", 17, None]
)
def test_a_wrong_date_is_named(date: object) -> None:
    with pytest.raises(Malformed, match=r"^at: "):
        events.from_json({"e": "polled", "at": date, "cursor": ""})


@pytest.mark.parametrize("data", [None, 1, "sighted", [], {}, {"e": 1}, {"E": "sighted"}])
def test_what_is_no_event_at_all_is_malformed(data: object) -> None:
    with pytest.raises(Malformed, match="no map with a member `e`"):
        events.from_json(data)


def test_an_event_of_a_newer_version_is_none() -> None:
    assert events.from_json({"e": "teleported", "at": "whatever"}) is None


@pytest.mark.parametrize("event", [sighted(), dispatched(limits=None)])
def test_each_member_of_an_event_that_is_needed_is_named_when_it_is_gone(
    event: events.Event,
) -> None:
    line = events.to_json(event)
    for member in sorted(set(line) - {"e"}):
        with pytest.raises(Malformed, match=rf"^{member} is missing$"):
            events.from_json({name: value for name, value in line.items() if name != member})


def test_trouble_deep_inside_is_named_all_the_way() -> None:
    line = events.to_json(sighted())
    line["issue"]["blocked_by"] = [{"identifier": 7}]
    with pytest.raises(Malformed, match=r"^issue: blocked_by: identifier: must be text, not int$"):
        events.from_json(line)


def test_ids_are_plain_text_in_a_file() -> None:
    assert encode(events.Missed(NOW, IssueId("id"))) == {
        "at": "2025-11-20T09:00:00.000Z",
        "issue": "id",
    }


def test_the_file_form_of_a_verdict_is_short() -> None:
    told = verdict(spent=Usage(input=5, total=5))
    assert through_json(told) == {
        "run": "run_1",
        "issue": "id-ABC-1",
        "outcome": "rolled_over",
        "usage": {"thread_1": {"input": 5, "total": 5}},
    }


def test_what_has_no_json_form_is_refused() -> None:
    with pytest.raises(TypeError, match="object has no JSON form"):
        encode(object())
    with pytest.raises(TypeError, match="no decoder for"):
        decode(bytes, b"")


def test_a_snapshot_encodes_for_people() -> None:
    seen = through_json(Snapshot(NOW, tracker=_view(), first=(issue().id,)))
    assert seen["first"] == ["id-ABC-1"]


def _view() -> Any:
    from symphony_cli.core.snapshot import TrackerView

    return TrackerView(None, NOW)
