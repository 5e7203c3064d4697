"""Keys, limits, documents that do not fit, and failures on purpose, on both servers."""

from __future__ import annotations

import http.client
import json
import time
import uuid
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest

from tests.linear.asks import BY_FILTER, CHANGE, COMMENT, ONE, VIEWER, Asks, catch_up, code
from tests.linear.world import ENDLESS, World


def test_a_wrong_key_and_none_are_answered_alike(world: World, ask: Asks) -> None:
    said = []
    for key in ("", "lin_api_wrong", "Bearer whatever"):
        ask.key = key
        said.append((ask.raw(VIEWER, {}), ask.status))
    assert said[0] == said[1] == said[2]
    assert (said[0][1], code(json.loads(said[0][0]))) == (401, "AUTHENTICATION_ERROR")
    assert "x-ratelimit-requests-remaining" not in ask.headers


def test_a_revoked_key_is_refused_and_may_come_back(world: World, ask: Asks) -> None:
    statuses = []
    for revoked in (True, False):
        world.revoke(revoked)
        ask(VIEWER)
        statuses.append(ask.status)
    assert statuses == [401, 200]


def test_a_personal_key_as_bearer_is_named(world: World, ask: Asks) -> None:
    ask.key = f"Bearer {world.key}"
    answer = ask(VIEWER)
    assert (ask.status, code(answer)) == (400, "INPUT_ERROR")
    assert "Remove the Bearer prefix" in answer["errors"][0]["message"]


def test_an_empty_bucket_is_refused_with_400(world: World, ask: Asks) -> None:
    world.drain(1)
    ask(VIEWER)
    left = ask.headers["x-ratelimit-requests-remaining"]
    answer = ask(VIEWER)
    assert (left, ask.status, code(answer)) == ("0", 400, "RATELIMITED")
    strict = world.name == "standin-strict"
    assert ("x-ratelimit-requests-remaining" in ask.headers) is not strict


def test_an_empty_bucket_fills_by_the_second(world: World, ask: Asks) -> None:
    world.limit(3600)
    world.drain(0)
    refused = ask(VIEWER)
    world.clock(10)
    ask(VIEWER)
    told = {name: ask.headers[f"x-ratelimit-requests-{name}"] for name in ("limit", "remaining")}
    assert code(refused) == "RATELIMITED"
    assert (told["limit"], int(told["remaining"]) in range(9, 12)) == ("3600", True)


def test_reset_is_an_hour_ahead_in_milliseconds_by_the_servers_clock(
    world: World, ask: Asks
) -> None:
    world.clock(-120)
    ask(VIEWER)
    date = parsedate_to_datetime(ask.headers["date"])
    reset = datetime.fromtimestamp(int(ask.headers["x-ratelimit-requests-reset"]) / 1000, UTC)
    ahead = (datetime.now(UTC) - date).total_seconds()
    assert (round((reset - date).total_seconds() / 60), round(ahead / 10)) == (60, 12)


@pytest.mark.parametrize(
    "document",
    [
        "query A { nothing { id } }",
        "query A { viewer { nothing } }",
        "query A { viewer }",
        "query A { viewer { name",
        "query A { issues(first: 1, filter: {nothing: {eq: 1}}) { nodes { id } } }",
    ],
)
def test_a_document_that_does_not_fit_the_schema(world: World, ask: Asks, document: str) -> None:
    world.create()
    catch_up(world)
    answer = ask(document)
    assert (ask.status, code(answer), "data" in answer) == (
        400,
        "GRAPHQL_VALIDATION_FAILED",
        False,
    )


def test_a_request_over_ten_thousand_points_is_refused(world: World, ask: Asks) -> None:
    answer = ask(
        """query Wide { teams(first: 250) { nodes { states(first: 50) { nodes { id } } } } }"""
    )
    assert (ask.status, answer["errors"][0]["message"]) == (400, "Query too complex")


def test_requests_are_counted_named_and_priced(world: World, ask: Asks) -> None:
    ask(VIEWER)
    ask(BY_FILTER, first=50, filter={}, old=True)
    counted = (world.requests(), world.operations(), world.max_points())
    assert counted == (2, ["Viewer", "ByFilter"], 115.0)
    assert [(one.kind, one.fields, one.status) for one in world.asked()] == [
        ("query", ("viewer",), 200),
        ("query", ("issues",), 200),
    ]
    assert world.asked()[1].variables == {"first": 50, "filter": {}, "old": True}


def test_failures_strike_as_often_as_told_where_told(world: World, ask: Asks) -> None:
    world.fault("status", status=503, times=2, operation="Viewer")
    world.fault("html", operation="Viewer")
    said = []
    for document in ("query Other { viewer { id } }", VIEWER, VIEWER, VIEWER, VIEWER):
        text = ask.raw(document, {})
        said.append((ask.status, text[:9] == b"<!DOCTYPE"))
    assert said == [(200, False), (503, False), (503, False), (502, True), (200, False)]


def test_an_answer_that_is_cut_off_before_or_after_the_work(world: World, ask: Asks) -> None:
    world.create()
    world.fault("cut")
    world.fault("cut_after_apply")
    for body in ("lost", "kept"):
        with pytest.raises((http.client.HTTPException, OSError)):
            ask(COMMENT, id=str(uuid.uuid4()), issue="ENG-1", body=body)
    assert world.issue("ENG-1")["comments"] == ["kept"]


@pytest.mark.parametrize("headers", [True, False])
def test_too_often_on_purpose(world: World, ask: Asks, headers: bool) -> None:
    world.fault("ratelimited", headers=headers)
    answer = ask(VIEWER)
    assert (ask.status, code(answer)) == (400, "RATELIMITED")
    left = ask.headers.get("x-ratelimit-requests-remaining")
    assert left == ("0" if headers else None)


def test_a_partial_answer_has_data_and_errors(world: World, ask: Asks) -> None:
    world.fault("partial")
    answer = ask("query Two { viewer { name } organization { urlKey } }")
    assert answer["data"] == {"viewer": None, "organization": {"urlKey": "acme"}}
    assert code(answer) == "INTERNAL_SERVER_ERROR"


def test_a_failure_may_be_endless_and_be_mended(world: World, ask: Asks) -> None:
    world.fault("graphql_error", times=ENDLESS)
    said = [code(ask(VIEWER)) for _ in range(3)]
    world.mend()
    assert (said, ask.data(VIEWER)) == (
        ["INTERNAL_SERVER_ERROR"] * 3,
        {"viewer": {"name": "Agent Bot"}},
    )


def test_an_answer_that_hangs_ends_without_one(world: World, ask: Asks) -> None:
    world.fault("hang", seconds=0.2)
    started = time.monotonic()
    with pytest.raises((http.client.HTTPException, OSError)):
        ask(VIEWER)
    assert time.monotonic() - started >= 0.2


def test_a_reader_sees_a_change_later_and_the_writer_at_once(world: World, ask: Asks) -> None:
    world.lag(0)
    world.create(state="Todo")
    world.lag(0.6)
    world.person.move("ENG-1", "Done")
    stale = (
        ask.data(ONE, id="ENG-1")["issue"]["state"],
        ask.found({"state": {"name": {"eq": "Done"}}}),
    )
    written = ask.data(CHANGE, id="ENG-1", input={"title": "New"})["issueUpdate"]["issue"]["state"]
    assert (stale, written) == (({"name": "Todo"}, []), {"name": "Done"})
    until = time.monotonic() + 10
    while ask.data(ONE, id="ENG-1")["issue"]["state"] != {"name": "Done"}:
        assert time.monotonic() < until, "it never catches up"
        time.sleep(0.05)
