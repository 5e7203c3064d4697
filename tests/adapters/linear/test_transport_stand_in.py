"""The transport against the stand-in that executes Linear's schema: each of its faults."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from symphony_cli.adapters.linear.allowance import Allowance
from symphony_cli.adapters.linear.exchange import Complaint
from symphony_cli.adapters.linear.verdicts import Passing
from symphony_cli.core.budget import Gauge
from symphony_cli.errors import KeyRejected, RateLimited, TrackerError
from tests.adapters.linear.sending import KEY, MUTATION, QUERY, Time, To
from tests.linear.standin_process import StandInProcess, stand_ins

pytestmark = [
    pytest.mark.shared,
    pytest.mark.real,
    pytest.mark.skipif(not stand_ins().is_dir(), reason="the stand-ins are not here"),
]

PASSING: list[dict[str, Any]] = [
    {"kind": "http_status", "status": 500},
    {"kind": "http_status", "status": 503, "body": "upstream connect error"},
    {"kind": "graphql_error", "type": "lock timeout", "status": 400},
    {"kind": "graphql_error"},
    {"kind": "partial"},
    {"kind": "html"},
    {"kind": "html", "status": 200},
    {"kind": "invalid_json"},
    {"kind": "empty"},
    {"kind": "cut"},
    {"kind": "cut", "after_apply": True},
    {"kind": "cut_mid_body"},
]

LATE: list[dict[str, Any]] = [
    {"kind": "hang", "seconds": 20},
    {"kind": "slow", "delay_ms": 20_000},
    {"kind": "drip", "chunk": 1, "interval_ms": 200},
]


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandInProcess]:
    started = StandInProcess(tmp_path_factory.mktemp("stand-in"))
    yield started
    started.end()


@pytest.fixture
def linear(process: StandInProcess) -> StandInProcess:
    process.call("/reset", {"issues": 3})
    process.call("/counters/reset")
    return process


def faulty(linear: StandInProcess, fault: dict[str, Any], count: int = 1) -> None:
    linear.call("/faults", {**fault, "count": count})


def requests(linear: StandInProcess) -> int:
    count: int = linear.call("/counters", method="GET")["requests"]
    return count


def test_it_answers_with_data_a_date_and_the_counts_of_the_budget(
    linear: StandInProcess, to: To, allowance: Allowance
) -> None:
    linear.call("/limits", {"requests_remaining": 2000})

    answer = to(linear.endpoint).ask("Me", "query Me { viewer { name } }", {})

    assert (answer.data, answer.requests) == ({"viewer": {"name": "Agent Bot"}}, 1)
    assert answer.date is not None
    assert allowance.gauge() == Gauge(2500, 1999, 0.0)


@pytest.mark.parametrize("fault", PASSING, ids=json.dumps)
def test_a_fault_that_passes_costs_a_query_one_more_try(
    linear: StandInProcess, to: To, fault: dict[str, Any]
) -> None:
    faulty(linear, fault)
    assert to(linear.endpoint).ask("Me", QUERY, {}).requests == 2


@pytest.mark.parametrize("fault", PASSING, ids=json.dumps)
def test_a_fault_that_stays_ends_after_two_tries_and_a_mutation_is_sent_once(
    linear: StandInProcess, to: To, fault: dict[str, Any]
) -> None:
    faulty(linear, fault, -1)

    for operation, document in (("Me", QUERY), ("Say", MUTATION.replace("body:", "issueId: 1"))):
        with pytest.raises(TrackerError):
            to(linear.endpoint).ask(operation, document, {})

    by_operation = linear.call("/counters", method="GET")["by_operation"]
    assert by_operation == {"Me": 2, "Say": 1}


@pytest.mark.parametrize("fault", LATE, ids=json.dumps)
def test_an_answer_that_comes_too_late_is_none(
    linear: StandInProcess, to: To, fault: dict[str, Any]
) -> None:
    faulty(linear, fault)
    answer = to(linear.endpoint, seconds=2.0).ask("Me", QUERY, {})
    assert answer.requests == 2

    faulty(linear, fault, -1)
    with pytest.raises(Passing, match=r"no whole answer within 0\.5 s"):
        to(linear.endpoint, seconds=0.5).ask("Me", QUERY, {})


@pytest.mark.parametrize("bare", [False, True])
@pytest.mark.parametrize("headers", [False, True])
@pytest.mark.parametrize("status", [400, 429, 200])
def test_too_often_is_recognised_in_every_dress(
    linear: StandInProcess, to: To, allowance: Allowance, status: int, headers: bool, bare: bool
) -> None:
    faulty(linear, {"kind": "ratelimited", "status": status, "headers": headers, "bare_body": bare})

    with pytest.raises(RateLimited) as caught:
        to(linear.endpoint).ask("Me", QUERY, {})

    wait = 72.0 if headers else 60.0
    assert (caught.value.wait, allowance.gauge().wait, requests(linear)) == (wait, wait, 1)


@pytest.mark.parametrize("style", ["rolling", "full", "window"])
@pytest.mark.parametrize("unit", ["ms", "s"])
def test_a_bucket_drained_by_somebody_else_is_asked_for_again_in_seconds(
    linear: StandInProcess, to: To, style: str, unit: str
) -> None:
    linear.call("/limits", {"reset_style": style, "reset_unit": unit})
    linear.call("/limits", {"requests_remaining": 0})

    with pytest.raises(RateLimited, match="we ask it again in 72 s"):
        to(linear.endpoint).ask("Me", QUERY, {})


def test_a_patient_query_waits_for_retry_after(linear: StandInProcess, to: To, clock: Time) -> None:
    faulty(linear, {"kind": "ratelimited", "retry_after": 2, "headers": False})
    answer = to(linear.endpoint, patience=30).ask("Me", QUERY, {})
    assert (answer.requests, clock.pauses) == (2, [2.0])


def test_points_that_ran_out_hold_routine_work_back(
    linear: StandInProcess, to: To, allowance: Allowance
) -> None:
    linear.call("/limits", {"complexity_remaining": 0})
    with pytest.raises(RateLimited):
        to(linear.endpoint).ask("Me", QUERY, {})
    assert "points are left" in allowance.gauge().why


def test_a_search_over_its_own_limit_closes_nothing_else(
    linear: StandInProcess, to: To, allowance: Allowance
) -> None:
    linear.call("/limits", {"endpoints": {"searchIssues": [0, 60]}})
    search = 'query Find { searchIssues(term: "x", first: 1) { nodes { id } } }'
    with pytest.raises(RateLimited, match="`searchIssues`"):
        to(linear.endpoint).ask("Find", search, {})
    assert allowance.gauge().wait == 0


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("query Q { nothing }", 'Cannot query field "nothing" on type "Query"'),
        ("query Q {", "Syntax Error"),
        ('query Q { issue(id: "ENG-99") { id } }', "Could not find referenced Issue"),
        (
            "query Q { teams(first: 250) { nodes { issues(first: 250) { nodes { id } } } } }",
            "complex",
        ),
    ],
)
def test_what_linear_refuses_is_said_in_its_words_and_asked_once(
    linear: StandInProcess, to: To, document: str, said: str
) -> None:
    with pytest.raises(Complaint, match=said):
        to(linear.endpoint).ask("Q", document, {})
    assert requests(linear) == 1


def test_keys_that_are_wrong_are_said_so(linear: StandInProcess, to: To) -> None:
    linear.call("/config", {"accept_any_key": False, "keys": {KEY: {"revoked": True}}})
    for key in (KEY, "lin_api_wrong", "lin_oauth_wrong"):
        with pytest.raises(KeyRejected, match="does not accept the key: check LINEAR_API_KEY"):
            to(linear.endpoint, key=key).ask("Me", QUERY, {})


def test_answers_come_packed_or_not(linear: StandInProcess, to: To) -> None:
    linear.call("/config", {"gzip": True})
    assert to(linear.endpoint).ask("Me", QUERY, {}).requests == 1
