"""Documents go to a real socket, and what comes back has one meaning."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from symphony_cli.adapters.linear.allowance import Allowance
from symphony_cli.adapters.linear.exchange import Answer, Complaint
from symphony_cli.adapters.linear.transport import RawReply
from symphony_cli.adapters.linear.verdicts import BEARER, WRONG_KEY, Passing
from symphony_cli.core.budget import Gauge
from symphony_cli.errors import KeyRejected, PutOff, RateLimited, TrackerError, WriteRefused
from tests.adapters.linear.sending import (
    KEY,
    LIMITED,
    MUTATION,
    QUERY,
    VIEWER,
    Listening,
    To,
)
from tests.adapters.linear.sockets import bytes_, data, says


def test_a_question_goes_out_as_json_and_its_data_comes_back(listening: Listening, to: To) -> None:
    server = listening(data(Date="Thu, 20 Nov 2025 09:00:00 GMT"))

    answer = to(server).ask("Me", QUERY, {"name": "Zoë"})

    (request,) = server.requests
    assert answer == Answer(VIEWER, datetime(2025, 11, 20, 9, tzinfo=UTC), 1)
    assert request.line == "POST /graphql HTTP/1.1"
    assert request.json == {"query": QUERY, "variables": {"name": "Zoë"}, "operationName": "Me"}
    assert request.headers["content-type"] == "application/json"
    assert request.headers["content-length"] == str(len(request.body))


def test_a_document_without_a_name_names_no_operation(listening: Listening, to: To) -> None:
    """An empty name is one that no operation has, and servers say so."""
    server = listening(data())
    to(server).ask("", "{ viewer { id } }", {})
    assert server.requests[0].json["operationName"] is None


@pytest.mark.parametrize(
    ("key", "header"),
    [
        (KEY, KEY),
        ("lin_oauth_abcdef", "Bearer lin_oauth_abcdef"),
        ("Bearer lin_oauth_abcdef", "Bearer lin_oauth_abcdef"),
        ("some other key", "some other key"),
    ],
)
def test_a_personal_key_goes_as_it_is_and_a_token_as_a_bearer(
    listening: Listening, to: To, key: str, header: str
) -> None:
    server = listening(data())
    to(server, key=key).ask("Me", QUERY, {})
    assert server.requests[0].headers["authorization"] == header


@pytest.mark.parametrize(
    "key",
    [
        "",
        "lin\napi",
        "lin_api_x\n",
        " lin_api_x",
        "schlüssel",
        "ключ",
        "Bearer lin_api_x",
        "a\0",
        "'lin_api_x'",
    ],
)
def test_a_key_that_no_header_can_hold_or_linear_refuses_is_not_sent(
    listening: Listening, to: To, allowance: Allowance, key: str
) -> None:
    server = listening(data())

    with pytest.raises(
        KeyRejected, match=r"LINEAR_API_KEY \(or what `tracker.api_key` names\)"
    ) as caught:
        to(server, key=key).ask("Me", QUERY, {})

    assert server.requests == []
    assert not key or key not in str(caught.value)
    assert ("remove it" in str(caught.value)) == key.startswith("Bearer")
    assert allowance.gauge().remaining == 2500


def test_a_connection_is_kept_between_requests_and_closed_at_the_end(
    listening: Listening, to: To
) -> None:
    server = listening(data())
    with to(server) as transport:
        transport.ask("Me", QUERY, {})
        transport.ask("Me", QUERY, {})
        transport.close()
        transport.ask("Me", QUERY, {})

    assert [request.connection for request in server.requests] == [1, 1, 2]
    assert transport.sent == 3


def test_a_request_that_is_too_large_is_not_sent(listening: Listening, to: To) -> None:
    server = listening(data())
    with pytest.raises(WriteRefused, match=r"has 10,485,8\d\d bytes and Linear takes at most 10,4"):
        to(server).ask("Say", MUTATION, {"body": "x" * 10_485_760}, ours=True)
    with pytest.raises(WriteRefused, match="cannot be written as JSON"):
        to(server).ask("Say", MUTATION, {"n": float("nan")}, ours=True)
    assert server.requests == []


def test_half_a_character_is_sent_as_a_question_mark(listening: Listening, to: To) -> None:
    server = listening(data())
    to(server).ask("Me", QUERY, {"name": "a\ud83d"})
    assert server.requests[0].json["variables"] == {"name": "a?"}


@pytest.mark.parametrize(
    ("status", "body", "kind", "sentence"),
    [
        (413, {"error": "too large"}, WriteRefused, "shorten it."),
        (401, {"errors": [{"message": "no"}]}, KeyRejected, WRONG_KEY),
        (
            400,
            {
                "errors": [
                    {"message": "Not as a Bearer token", "extensions": {"code": "INPUT_ERROR"}}
                ]
            },
            KeyRejected,
            BEARER,
        ),
        (403, b"<html>blocked", TrackerError, "check `tracker.endpoint` and the proxies"),
        (302, b"", TrackerError, "check `tracker.endpoint` and the proxies"),
        (200, {"errors": [{"message": "Entity not found: Issue"}]}, Complaint, "Entity not found"),
        (400, {"errors": [{"message": "Query too complex"}]}, Complaint, "Query too complex"),
    ],
)
def test_what_would_fail_again_is_not_asked_again(
    listening: Listening, to: To, status: int, body: object, kind: type, sentence: str
) -> None:
    server = listening(says(status, body, Location="http://127.0.0.1:1/"))

    with pytest.raises(TrackerError) as caught:
        to(server, patience=30).ask("Me", QUERY, {})

    assert (type(caught.value), len(server.requests)) == (kind, 1)
    assert sentence in str(caught.value)


def test_a_tool_gets_the_whole_reply_with_errors_next_to_data(listening: Listening, to: To) -> None:
    body = {"data": {"a": None}, "errors": [{"message": "Entity not found: Issue"}]}

    reply = to(listening(says(200, body))).exchange("A", "query A { a }", {})

    assert reply == RawReply(200, body, None, 1)


@pytest.mark.parametrize("status", [200, 400, 429])
def test_too_often_closes_the_budget_for_everybody(
    listening: Listening, to: To, allowance: Allowance, status: int
) -> None:
    server = listening(says(status, LIMITED))

    with pytest.raises(RateLimited, match=r"we ask it again in 60 s\.$") as caught:
        to(server).ask("Me", QUERY, {})
    with pytest.raises(PutOff, match="the tracker said that we ask too often"):
        to(server).ask("Say", MUTATION, {}, ours=True)

    assert (caught.value.wait, len(server.requests), allowance.gauge().wait) == (60, 1, 60)


def test_too_often_with_a_count_is_asked_again_in_seconds_and_not_at_the_reset(
    listening: Listening, to: To
) -> None:
    counts = {
        "x_ratelimit_requests_limit": "2500",
        "x_ratelimit_requests_remaining": "0",
        "x_ratelimit_requests_reset": "1763632800000",
    }
    with pytest.raises(RateLimited, match="again in 72 s") as caught:
        to(listening(says(400, LIMITED, **counts))).ask("Me", QUERY, {})
    assert caught.value.wait == 72


def test_a_search_that_is_asked_too_often_closes_nothing_else(
    listening: Listening, to: To, allowance: Allowance
) -> None:
    counts = {
        "x_ratelimit_requests_limit": "2500",
        "x_ratelimit_requests_remaining": "2400",
        "x_ratelimit_endpoint_name": "searchIssues",
        "x_ratelimit_endpoint_requests_remaining": "0",
        "retry_after": "0",
    }
    with pytest.raises(RateLimited, match="we ask for `searchIssues` again in 1 s"):
        to(listening(says(400, LIMITED, **counts))).ask("Me", QUERY, {})
    assert allowance.gauge() == Gauge(2500, 2400, 0.0)


@pytest.mark.parametrize("status", [200, 400, 503])
def test_every_answer_with_counts_corrects_the_budget(
    listening: Listening, to: To, allowance: Allowance, status: int
) -> None:
    counts = {"x_ratelimit_requests_limit": "5000", "x_ratelimit_requests_remaining": "4000"}
    body = {"data": VIEWER} if status == 200 else {"errors": [{"message": "no"}]}

    with to(listening(says(status, body, **counts))) as transport:
        try:
            transport.ask("Say", MUTATION, {}, ours=True)
        except TrackerError:
            assert status != 200

    assert allowance.gauge().remaining == 4000
    assert allowance.gauge().limit == 5000


def test_a_second_try_that_the_budget_puts_off_leaves_the_first_error(
    listening: Listening, to: To
) -> None:
    counts = {"x_ratelimit_requests_limit": "2500", "x_ratelimit_requests_remaining": "10"}
    server = listening(says(500, b"", **counts))
    with pytest.raises(Passing, match="HTTP 500"):
        to(server).ask("Me", QUERY, {})
    assert len(server.requests) == 1


def test_a_key_that_comes_back_is_in_no_error_and_no_answer(listening: Listening, to: To) -> None:
    echo = {"errors": [{"message": f"bad {KEY}", "extensions": {"userPresentableMessage": KEY}}]}
    answers = [
        says(200, echo),
        says(404, KEY.encode()),
        says(500, f"<{KEY}>".encode()),
        bytes_(f"HTTP/1.1 200 {KEY}\r\n{KEY}\r\n\r\n".encode()),
    ]
    for answer in answers:
        with pytest.raises(TrackerError) as caught:
            to(listening(answer)).ask("Say", MUTATION, {}, ours=True)
        assert KEY not in str(caught.value)

    reply = to(listening(says(200, {**echo, "data": {KEY: KEY}}))).exchange("Me", QUERY, {})
    assert KEY not in json.dumps(reply.body)


@pytest.mark.real
def test_whoever_asks_nothing_pays_nothing_for_http() -> None:
    program = (
        "import sys, symphony_cli.adapters.linear.transport\n"
        "print(sorted({'httpx', 'filelock', 'pydantic', 'ssl'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"
