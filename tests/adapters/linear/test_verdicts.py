"""What an answer of Linear means, row by row of the table, without a socket."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symphony_cli.adapters.linear.verdicts import (
    BEARER,
    WRONG_KEY,
    Passing,
    RawReply,
    Reply,
    TooOften,
    complaint,
    faults,
    judge,
)
from symphony_cli.errors import KeyRejected, TrackerError, WriteRefused
from tests.values import json_values

LIMITED = "Rate limit exceeded. Only 2500 requests are allowed per 1 hour."
AS_BEARER = (
    "It looks like you're trying to use an API key as a Bearer token. Remove the Bearer prefix."
)


def reply(status: int, body: Any, **more: str) -> Reply:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, {name.replace("_", "-"): said for name, said in more.items()}, content)


def error(message: str = "No.", code: str = "", kind: str = "", **more: Any) -> dict[str, Any]:
    extensions = {"code": code, "type": kind, **more}
    return {"message": message, "extensions": {k: v for k, v in extensions.items() if v}}


def errors(*entries: Any, data: Any = None) -> dict[str, Any]:
    return {"errors": list(entries), "data": data}


def raised(answer: Reply) -> TrackerError:
    with pytest.raises(TrackerError) as caught:
        judge(answer)
    return caught.value


@pytest.mark.parametrize("status", [200, 400, 429, 500])
@pytest.mark.parametrize(
    "entry",
    [
        error(LIMITED, "RATELIMITED", "ratelimited", statusCode=429),
        error("?", code="RATELIMITED"),
        error("?", kind="ratelimited"),
        {"message": LIMITED},
        LIMITED,
    ],
)
def test_too_often_is_told_by_the_body_on_any_status(status: int, entry: Any) -> None:
    assert type(raised(reply(status, errors(entry, data={"viewer": {}})))) is TooOften


def test_a_429_is_too_often_whoever_says_it() -> None:
    assert type(raised(reply(429, b"<html>error 1015</html>"))) is TooOften


def test_a_search_that_used_up_its_own_limit_is_named() -> None:
    limited = {
        "x_ratelimit_endpoint_name": "searchIssues",
        "x_ratelimit_endpoint_requests_remaining": "0",
    }
    answer = errors(error(LIMITED, "RATELIMITED"))

    free = raised(reply(400, answer, **limited, x_ratelimit_requests_remaining="2400"))
    drained = raised(reply(400, answer, **limited, x_ratelimit_requests_remaining="0"))

    assert isinstance(free, TooOften) and isinstance(drained, TooOften)
    assert (free.endpoint, drained.endpoint) == ("searchIssues", "")


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (401, errors(error("Authentication required", "AUTHENTICATION_ERROR")), WRONG_KEY),
        (200, errors(error("?", kind="authentication error")), WRONG_KEY),
        (401, b"<html>", WRONG_KEY),
        (400, errors(error(AS_BEARER, "INPUT_ERROR", "invalid input")), BEARER),
    ],
)
def test_a_key_that_is_not_accepted_is_said_so(status: int, body: Any, sentence: str) -> None:
    rejected = raised(reply(status, body))
    assert (type(rejected), str(rejected)) == (KeyRejected, sentence)


def test_a_document_that_talks_of_bearers_is_no_wrong_key() -> None:
    text = 'Cannot query field "useAsABearerToken" on "Issue" as a Bearer token.'
    body = errors(error(text, "GRAPHQL_VALIDATION_FAILED", "graphql error"))
    assert judge(reply(400, body)) == body


@pytest.mark.parametrize(
    ("status", "entry"),
    [
        (200, error("x", "INTERNAL_SERVER_ERROR", "internal error")),
        (200, error("x", kind="network error")),
        (200, error("x", kind="bootstrap error")),
        (400, error("x", kind="lock timeout")),
        (200, error("x", code="INTERNAL_SERVER_ERROR")),
        (503, error("x", kind="unknown")),
        (500, {"message": "x"}),
        (200, error("x", kind="other", statusCode=502)),
    ],
)
def test_trouble_of_theirs_may_pass_and_data_next_to_it_is_not_used(
    status: int, entry: Any
) -> None:
    passing = raised(reply(status, errors(entry, data={"viewer": {"id": "1"}})))
    assert (type(passing), str(passing)) == (
        Passing,
        "Linear has trouble of its own (x): try again later.",
    )


@pytest.mark.parametrize(
    ("status", "entry"),
    [
        (200, error("Entity not found: Issue", "INPUT_ERROR", "invalid input")),
        (400, error("Query too complex", "INPUT_ERROR", "invalid input")),
        (400, error("Cannot query field", "GRAPHQL_VALIDATION_FAILED", "graphql error")),
        (200, error("No right", "FORBIDDEN", "forbidden")),
        (500, error("Bad", kind="user error")),
        (200, error("x", kind="unknown")),
        (200, error("x", kind="a kind of tomorrow")),
    ],
)
def test_what_linear_refuses_is_a_complaint_and_the_reply_is_kept_whole(
    status: int, entry: Any
) -> None:
    body = errors(entry, data={"viewer": {"id": "1"}})

    kept = RawReply(status, judge(reply(status, body)))

    refused = complaint(kept)
    assert kept.body == body
    assert refused is not None
    assert refused.message == entry["message"]


def test_a_complaint_has_everything_that_linear_said() -> None:
    entry = error("Bad id", "INPUT_ERROR", "invalid input", userPresentableMessage="Not yours.")

    refused = complaint(RawReply(200, errors(error(kind="internal error"), entry)))

    assert refused is not None
    named = (refused.message, refused.code, refused.kind)
    assert named == ("Bad id", "INPUT_ERROR", "invalid input")
    assert (refused.presentable, str(refused)) == (
        "Not yours.",
        "Linear refused the request: Not yours.",
    )


def test_one_refusal_among_passing_errors_makes_asking_again_useless() -> None:
    body = errors(error("later", kind="internal error"), error("never", kind="forbidden"))
    refused = complaint(RawReply(200, judge(reply(200, body))))
    assert refused is not None and refused.message == "never"


@pytest.mark.parametrize(
    ("status", "content", "what"),
    [
        (503, b"upstream connect error", "HTTP 503, upstream connect error"),
        (502, b"<!DOCTYPE html><h1>Bad Gateway", "HTTP 502, an HTML page"),
        (500, b"", "HTTP 500, nothing in it"),
        (500, b'{"error": "oh"}', "HTTP 500, oh"),
    ],
)
def test_a_5xx_without_errors_may_pass(status: int, content: bytes, what: str) -> None:
    passing = raised(reply(status, content))
    assert (type(passing), str(passing)) == (
        Passing,
        f"Linear has trouble of its own ({what}): try again later.",
    )


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "nothing in it"),
        (b"<html>", "an HTML page"),
        (b'{"data": {"viewer"', 'broken JSON: {"data": {"viewer"'),
        (b'{"data": {"n": NaN}}', 'broken JSON: {"data": {"n": NaN}}'),
        (b"\xff\xfe\xfd", "\ufffd\ufffd\ufffd"),
        (b"[]", "[]"),
        (b'"text"', '"text"'),
        (b"null", "null"),
        (b"{}", "an object without data"),
        (b'{"data": null}', "an object without data"),
        (b'{"data": []}', "an object without data"),
        (b'{"errors": [], "data": null}', "an object without data"),
        (b'{"errors": null}', "an object without data"),
    ],
)
def test_half_an_answer_with_200_may_pass(content: bytes, what: str) -> None:
    passing = raised(reply(200, content))
    assert (type(passing), str(passing)) == (
        Passing,
        f"Linear's answer cannot be understood (HTTP 200, {what}): try again later.",
    )


def test_json_that_is_nested_without_end_cannot_be_understood() -> None:
    assert type(raised(reply(200, b"[" * 200_000))) is Passing


@pytest.mark.parametrize(
    ("status", "content", "what"),
    [
        (400, b'{"error": "Unexpected token in JSON"}', "HTTP 400, Unexpected token in JSON"),
        (403, b"<html>blocked", "HTTP 403, an HTML page"),
        (404, b"page not found", "HTTP 404, page not found"),
        (302, b"", "HTTP 302, nothing in it"),
    ],
)
def test_another_status_without_errors_is_not_linear_and_not_repeated(
    status: int, content: bytes, what: str
) -> None:
    refused = raised(reply(status, content))
    assert type(refused) is TrackerError
    assert str(refused) == (
        f"The request was refused, and not by Linear's API ({what}): "
        "check `tracker.endpoint` and the proxies on the way."
    )


def test_a_request_that_is_too_large_is_refused_for_good() -> None:
    body = {"error": "request entity too large", "extensions": {"code": "PAYLOAD_TOO_LARGE"}}
    refused = raised(reply(413, body))
    assert (type(refused), str(refused)) == (
        WriteRefused,
        "The request is too large for Linear (at most 10,485,760 bytes): shorten it.",
    )


def test_data_without_errors_is_the_answer() -> None:
    body = {"data": {"viewer": {"id": "1"}}, "extensions": {}}
    assert judge(reply(200, body)) == body
    assert complaint(RawReply(200, body)) is None


def test_a_server_that_talks_without_end_is_quoted_in_one_short_line() -> None:
    assert len(str(raised(reply(500, b"word \n" * 10_000)))) < 500


@given(status=st.integers(100, 599), body=json_values)
def test_any_json_is_judged_without_a_crash(status: int, body: Any) -> None:
    for said in (body, {"errors": body}, {"errors": [body]}, {"errors": [{"extensions": body}]}):
        try:
            judged = judge(reply(status, said))
        except TrackerError:
            continue
        assert faults(judged) or isinstance(judged["data"], dict)
