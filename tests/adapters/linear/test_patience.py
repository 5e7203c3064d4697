"""In a run a question waits for its answer; a change is sent once."""

from __future__ import annotations

import pytest

from symphony_cli.adapters.linear.allowance import Allowance
from symphony_cli.adapters.linear.verdicts import Passing
from symphony_cli.core.budget import KEPT, Told
from symphony_cli.errors import PutOff, RateLimited
from tests.adapters.linear.sending import (
    LIMITED,
    MUTATION,
    QUERY,
    VIEWER,
    Listening,
    Time,
    To,
)
from tests.adapters.linear.sockets import data, says


def test_a_patient_query_pauses_longer_and_longer_until_its_patience_is_over(
    listening: Listening, to: To, clock: Time
) -> None:
    transport = to(listening(says(503, b"")), patience=30)

    with pytest.raises(Passing, match="HTTP 503"):
        transport.ask("Me", QUERY, {})

    assert (clock.pauses, transport.sent) == ([0.5, 1.0, 2.0, 4.0, 8.0, 8.0], 8)


def test_a_patient_query_ends_with_the_first_answer(
    listening: Listening, to: To, clock: Time
) -> None:
    bad = says(502, b"<html>")
    answer = to(listening(bad, bad, bad, data()), patience=30).ask("Me", QUERY, {})
    assert (answer.data, answer.requests, clock.pauses) == (VIEWER, 4, [0.5, 1.0])


def test_a_patient_query_waits_for_the_date_that_linear_names(
    listening: Listening, to: To, clock: Time
) -> None:
    server = listening(says(400, LIMITED, Retry_After="3"), data())
    answer = to(server, patience=30).ask("Me", QUERY, {})
    assert (answer.requests, clock.pauses) == (2, [3.0])


def test_patience_does_not_wait_for_a_date_after_its_end(
    listening: Listening, to: To, clock: Time
) -> None:
    with pytest.raises(RateLimited, match="again in 31 s"):
        to(listening(says(400, LIMITED, Retry_After="31")), patience=30).ask("Me", QUERY, {})
    assert clock.pauses == []


def test_a_patient_mutation_waits_for_the_budget_and_is_sent_once(
    listening: Listening, to: To, clock: Time, allowance: Allowance
) -> None:
    allowance.refused(Told(), 5.0)
    server = listening(says(503, b""), says(400, LIMITED))

    with pytest.raises(Passing):
        to(server, patience=30).ask("Say", MUTATION, {}, ours=True)
    with pytest.raises(RateLimited):
        to(server, patience=300).ask("Say", MUTATION, {}, ours=True)

    assert (clock.pauses, len(server.requests)) == ([5.0], 2)


def test_an_agent_that_asks_in_a_loop_leaves_a_token_to_each_tick(
    listening: Listening, to: To, clock: Time
) -> None:
    server = listening(data())
    agent, tick = to(server, patience=20, yields=True), to(server)
    for minute in range(1, 7):
        while clock.gone < minute * 30:
            agent.ask("Me", QUERY, {})
        for _ in range(KEPT - 1):
            tick.ask("Look", QUERY, {})

    assert (tick.sent, agent.sent) == (24, 110)


def test_an_impatient_request_waits_for_nothing(
    listening: Listening, to: To, clock: Time, allowance: Allowance
) -> None:
    allowance.refused(Told(), 1.0)
    server = listening(data())
    with pytest.raises(PutOff):
        to(server).ask("Me", QUERY, {})
    assert (clock.pauses, server.requests) == ([], [])
