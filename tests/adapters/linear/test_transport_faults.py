"""Whatever goes wrong on the way has an end, a reason, and at most one more try."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from symphony_cli.adapters.linear.allowance import Allowance
from symphony_cli.adapters.linear.verdicts import Passing
from symphony_cli.errors import PutOff, TrackerError
from tests.adapters.linear.sending import (
    MUTATION,
    PASSING,
    QUERY,
    VIEWER,
    Listening,
    Time,
    To,
)
from tests.adapters.linear.sockets import bytes_, data, drips, hangs, says

FAULTS = {
    "a 5xx": says(503, b"upstream connect error"),
    "an internal error": says(200, {**PASSING, "data": VIEWER}),
    "an HTML page": says(200, b"<html>"),
    "broken JSON": says(200, b'{"data": {"vie'),
    "nothing": says(200, b""),
    "no object": says(200, b"[]"),
    "no data": says(200, {"data": None}),
    "a cut": bytes_(b""),
    "a cut in the head": bytes_(b"HTTP/1.1 200 OK\r\nContent-"),
    "a cut in the body": bytes_(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"data"'),
    "no HTTP": bytes_(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "broken gzip": says(200, b"\x1f\x8bnonsense", Content_Encoding="gzip"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_query_that_meets_a_fault_is_asked_once_more_on_a_new_connection(
    listening: Listening, to: To, allowance: Allowance, clock: Time, fault: str
) -> None:
    server = listening(FAULTS[fault], data())

    answer = to(server).ask("Me", QUERY, {})

    assert (answer.data, answer.requests, clock.pauses) == (VIEWER, 2, [])
    assert [request.connection for request in server.requests] == [1, 2]
    assert allowance.gauge().remaining == 2498


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_stays_is_an_error_after_two_tries_and_a_mutation_is_sent_once(
    listening: Listening, to: To, fault: str
) -> None:
    server = listening(FAULTS[fault])

    with pytest.raises(Passing, match=r"^Linear.*: try again later\.$"):
        to(server).ask("Me", QUERY, {})
    with pytest.raises(Passing):
        to(server).ask("Say", MUTATION, {}, ours=True)

    assert [request.json["operationName"] for request in server.requests] == ["Me", "Me", "Say"]


def test_nobody_who_listens_is_an_error_with_the_reason(to: To) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(
        Passing, match=r"could not be reached at http.* \(.*refused\): try again later"
    ):
        to(f"http://127.0.0.1:{port}/graphql").ask("Me", QUERY, {})


@pytest.mark.parametrize("endpoint", ["ftp://127.0.0.1/x", "graphql", "http://[::1", "http://:0x/"])
def test_an_endpoint_that_is_none_is_named_and_asked_once(to: To, endpoint: str) -> None:
    transport = to(endpoint)
    with pytest.raises(TrackerError, match=r"cannot be asked .*: check `tracker.endpoint`\.$"):
        transport.ask("Me", QUERY, {})
    assert transport.sent == 1


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"

READ = 64 * 1024

SLOW = {
    "never answers": hangs,
    "drips its head": drips(b"HTTP/1.1 200 OK\r\n", b"X-Drop: 1\r\n"),
    "drips its body": drips(HEAD, b" "),
}


@pytest.mark.parametrize("server", SLOW)
def test_a_time_limit_is_for_the_whole_answer(listening: Listening, to: To, server: str) -> None:
    transport = to(listening(SLOW[server]), seconds=0.4)

    with pytest.raises(Passing, match=r"no whole answer within 0\.4 s: try again later"):
        transport.ask("Me", QUERY, {})

    assert transport.sent == 2


def test_a_change_whose_time_is_over_is_not_sent_late(to: To) -> None:
    body = "x" * 9_000_000
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, READ)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}/graphql"
        arrived: list[int] = []
        reader = threading.Thread(target=lambda: arrived.append(read_slowly(listener)))
        reader.start()

        with pytest.raises(Passing):
            to(endpoint, seconds=0.2).ask("Say", MUTATION, {"body": body}, ours=True)

        reader.join(30)
    assert arrived and arrived[0] < len(body)


def read_slowly(listener: socket.socket) -> int:
    """How many bytes arrive until the other side ends, at 13 MB a second at most."""
    connection, _ = listener.accept()
    count = 0
    with connection:
        connection.settimeout(10)
        while data := connection.recv(READ):
            count += len(data)
            time.sleep(0.005)
    return count


def test_without_time_nothing_is_sent_and_nothing_failed(
    listening: Listening, to: To, allowance: Allowance
) -> None:
    server = listening(data())
    with pytest.raises(PutOff, match="no time left"):
        to(server, seconds=0).ask("Me", QUERY, {})
    assert (server.requests, allowance.gauge().remaining) == ([], 2500)


def test_an_answer_without_end_is_not_read_to_its_end(listening: Listening, to: To) -> None:
    def endless(connection: socket.socket, over: threading.Event) -> bool:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        piece = b" " * 2**20
        while not over.is_set():
            connection.sendall(piece)
        return False

    transport = to(listening(endless))
    with pytest.raises(TrackerError, match="larger than 64 MB") as caught:
        transport.ask("Me", QUERY, {})
    assert (type(caught.value), transport.sent) == (TrackerError, 1)
