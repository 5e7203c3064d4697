"""A Linear that fails, hangs, is not there, or says that it was asked too often (rows T5, T6): the
tick says so, agents and issues stay as they are, and nobody knocks more often than helps."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest

from symphony_cli import clock
from symphony_cli.core.times import stamp
from tests.adapters.linear.sockets import Server, bytes_, says
from tests.cli.linear_house import BUSY, LinearHouse
from tests.linear.own import OwnWorld
from tests.linear.world import ENDLESS

pytestmark = pytest.mark.real

FAILURES: dict[str, tuple[dict[str, Any], str]] = {
    "500": (
        {"kind": "status", "status": 500},
        "Linear has trouble of its own (Internal server error): try again later.",
    ),
    "html": (
        {"kind": "html"},
        "Linear has trouble of its own (HTTP 502, an HTML page): try again later.",
    ),
    "cut": (
        {"kind": "cut"},
        "Linear could not be reached at {endpoint} (Server disconnected without sending a "
        "response): try again later.",
    ),
    "an answer in part": (
        {"kind": "partial"},
        "Linear has trouble of its own (Internal server error): try again later.",
    ),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_that_may_pass_is_tried_once_more_and_then_left_to_the_next_tick(
    linear: LinearHouse, name: str
) -> None:
    fault, sentence = FAILURES[name]
    linear.world.create()
    linear.world.fault(times=ENDLESS, **fault)
    failed = linear.tick()
    linear.world.mend()
    linear.world.fault(times=1, **fault)
    mended = linear.tick()

    expected = sentence.format(endpoint=linear.world.endpoint)
    assert (failed.outcome, failed.did) == ((13, 2, [expected]), [])
    assert (mended.outcome, mended.did) == ((0, 3, []), ["enrol ENG-1", "dispatch ENG-1"])


def test_a_refusal_of_something_before_linear_is_not_tried_again(linear: LinearHouse) -> None:
    linear.world.fault("html", status=403, times=ENDLESS)
    sentence = (
        "The request was refused, and not by Linear's API (HTTP 403, an HTML page): check "
        "`tracker.endpoint` and the proxies on the way."
    )
    assert linear.tick().outcome == (13, 1, [sentence])


HALF = {
    "broken JSON": (
        says(200, b'{"data": {"names_viewer": {'),
        r"Linear's answer cannot be understood \(HTTP 200, broken JSON: \{\"data\": .*\)",
    ),
    "nothing": (
        says(200, b""),
        r"Linear's answer cannot be understood \(HTTP 200, nothing in it\)",
    ),
    "the first bytes": (
        bytes_(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
        r"Linear could not be reached at http://127.0.0.1:\d+/graphql \(peer closed .*\)",
    ),
}


@pytest.mark.parametrize("name", HALF)
def test_half_an_answer_is_none_and_is_asked_for_once_more(linear: LinearHouse, name: str) -> None:
    answer, sentence = HALF[name]
    server = Server([answer])
    linear.configure(endpoint=server.endpoint)
    told = linear.tick()
    server.close()

    assert (told.code, told.did, len(server.requests)) == (13, [], 2)
    assert re.fullmatch(rf"{sentence}: try again later\.", told.errors[0]), told.errors


def test_a_failure_in_mid_work_changes_nothing_and_costs_nobody_a_place(
    linear: LinearHouse,
) -> None:
    linear.script(default=BUSY)
    linear.configure("agent: {max_concurrent_agents: 1}")
    linear.world.create()
    linear.world.create()
    linear.run("tick")
    linear.busy("ENG-1")
    before = linear.ledger.read_bytes()
    linear.world.fault("status", times=ENDLESS)
    failed = linear.tick()
    after = linear.ledger.read_bytes()
    linear.world.mend()
    mended = linear.tick()

    assert (failed.code, failed.did, after == before) == (13, [], True)
    assert (mended.code, mended.did) == (0, [])


def test_a_tick_outlives_a_server_that_does_not_answer(
    linear: LinearHouse,
) -> None:
    linear.world.create()
    linear.world.fault("hang", times=ENDLESS, seconds=30)
    told = linear.tick("--deadline", "2")

    # At twice its deadline it would have ended itself by a signal.
    assert (told.code, told.did) == (13, [])
    assert re.fullmatch(
        r"Linear gave no whole answer within [\d.]+ s: try again later\.", told.errors[0]
    )


NOWHERE = {
    "no such name": ("https://linear.invalid/graphql", r"\[Errno -\d+\] [\w ]+"),
    "nobody listens": ("http://127.0.0.1:9/graphql", r"\[Errno 111\] Connection refused"),
}


@pytest.mark.parametrize("name", NOWHERE)
def test_an_address_where_nobody_is_is_named(linear: LinearHouse, name: str) -> None:
    endpoint, why = NOWHERE[name]
    linear.configure(endpoint=endpoint)
    told = linear.tick()

    sentence = rf"Linear could not be reached at {re.escape(endpoint)} \({why}\): try again later\."
    assert (told.code, told.json["requests"]) == (13, 2)
    assert re.fullmatch(sentence, told.errors[0])


def test_too_often_is_13_once_and_then_nobody_asks_before_the_date(linear: LinearHouse) -> None:
    linear.world.create()
    linear.world.fault("ratelimited", headers=False)
    refused = linear.tick()
    quiet, loud = linear.asked("tick"), linear.tick()
    shown, line = linear.run("status").out, linear.status()["tracker"]

    sentence = "Linear says that it was asked too often: we ask it again in 60 s."
    assert refused.outcome == (13, 1, [sentence])
    assert (quiet[0].code, quiet[0].out, quiet[1]) == (0, "", 0)
    assert loud.outcome == (0, 0, [])
    assert re.fullmatch(
        r"Linear is not asked for the next ([2-5]\d|60) s: the tracker said that we ask too"
        r" often\.",
        loud.json["note"],
    )
    assert re.search(
        r"asks\s+again\s+in\s+([2-5]\d|60)\s+s\s+\(the tracker said that we ask too\s+often\)",
        shown,
    )
    assert (0 < line["wait_s"] <= 60, line["why"]) == (
        True,
        "the tracker said that we ask too often",
    )


def test_when_the_date_has_come_a_tick_goes_on_by_itself(linear: LinearHouse) -> None:
    linear.world.create()
    linear.world.fault("ratelimited", headers=False)
    linear.tick()
    later(linear, 61)
    assert linear.tick().did == ["enrol ENG-1", "dispatch ENG-1"]


def test_with_headers_the_wait_is_what_the_bucket_needs_and_not_an_hour(
    linear: LinearHouse,
) -> None:
    linear.world.create()
    linear.world.fault("ratelimited")
    refused = linear.tick()
    waiting = linear.tick()
    line = linear.status()["tracker"]

    assert (refused.code, refused.requests, waiting.outcome) == (13, 1, (0, 0, []))
    assert re.fullmatch(
        r"Linear is not asked for the next \d\d s: \d of 2500 requests are left, and those are "
        r"kept for our own writes\.",
        waiting.json["note"],
    )
    assert (line["limit"], line["remaining"] < 100, 0 < line["wait_s"] < 80) == (2500, True, True)


def test_a_bucket_that_others_drained_is_no_error_and_agents_go_on(linear: LinearHouse) -> None:
    linear.script(default=BUSY)
    linear.world.create()
    linear.run("tick")
    linear.busy("ENG-1")
    linear.world.drain(3)
    heard = linear.tick()
    waits = [linear.tick(), linear.tick()]
    line = linear.status()["tracker"]
    later(linear, 80)
    linear.world.drain(60)
    again = linear.tick()

    assert [tick.outcome for tick in (heard, *waits, again)] == [
        (0, 1, []),
        (0, 0, []),
        (0, 0, []),
        (0, 1, []),
    ]
    assert [row["issue_identifier"] for row in linear.status()["running"]] == ["ENG-1"]
    assert (line["remaining"] < 100, 0 < line["wait_s"] < 80) == (True, True), line


def test_two_workflows_with_one_key_share_one_budget(linear: LinearHouse, own: OwnWorld) -> None:
    linear.world.create()
    other = LinearHouse(linear.root / "other", extra=dict(linear.extra), world=own)
    other.extra["XDG_STATE_HOME"] = str(linear.user_state.parent)
    other.begin()
    linear.world.fault("ratelimited", headers=False)
    refused, spared = linear.tick(), other.tick()
    other.end()

    assert (refused.code, refused.requests) == (13, 1)
    assert (spared.code, spared.requests, spared.did) == (0, 0, [])
    assert len(list(linear.user_state.glob("budget-*.json"))) == 1


def later(linear: LinearHouse, seconds: float) -> None:
    """Let the budget be so many seconds older."""
    (path,) = linear.user_state.glob("budget-*.json")
    bucket = json.loads(path.read_text())
    then = stamp(clock.now() - timedelta(seconds=seconds))
    closed = bucket["closed"] and {**bucket["closed"], "since": then}
    path.write_text(json.dumps({**bucket, "as_of": then, "closed": closed}))
