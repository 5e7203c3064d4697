"""Proxies and certificates come from the variables that we are given, and from nowhere else."""

from __future__ import annotations

import pytest

from symphony_cli.adapters.linear.proxies import routes
from symphony_cli.errors import TrackerError
from tests.adapters.linear.sending import QUERY, Listening, To
from tests.adapters.linear.sockets import data, says

ELSEWHERE = "http://linear.invalid/graphql"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, {}),
        ({"PATH": "/bin", "TRAVIS_APT_PROXY": "x", "HTTPS_PROXY": ""}, {}),
        ({"HTTPS_PROXY": "proxy:3128"}, {"https://": "http://proxy:3128"}),
        ({"https_proxy": "http://low", "HTTPS_PROXY": "http://UP"}, {"https://": "http://low"}),
        ({"https_proxy": "", "HTTPS_PROXY": "http://UP"}, {}),
        (
            {"HTTP_PROXY": "http://a", "all_proxy": "https://b:1"},
            {"http://": "http://a", "all://": "https://b:1"},
        ),
        ({"ALL_PROXY": "http://a", "NO_PROXY": "example.com, *"}, {}),
        (
            {"ALL_PROXY": "http://a", "no_proxy": " example.com,.local ,localhost,10.0.0.1,::1,"},
            {
                "all://": "http://a",
                "all://*example.com": None,
                "all://*.local": None,
                "all://localhost": None,
                "all://10.0.0.1": None,
                "all://[::1]": None,
            },
        ),
        ({"NO_PROXY": "10.0.0.0/8"}, {"all://10.0.0.0/8": None}),
        ({"NO_PROXY": "https://example.com:8443"}, {"https://example.com:8443": None}),
    ],
)
def test_variables_say_which_proxy_leads_where(
    environ: dict[str, str], expected: dict[str, str | None]
) -> None:
    assert routes(environ) == expected


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_a_request_goes_through_the_proxy_that_the_given_variables_name(
    listening: Listening, to: To, name: str
) -> None:
    proxy = listening(data())
    given = {name: proxy.endpoint.removesuffix("/graphql")}

    to(ELSEWHERE, environ=given).ask("Me", QUERY, {})

    assert [one.line for one in proxy.requests] == [f"POST {ELSEWHERE} HTTP/1.1"]


def test_a_request_with_tls_asks_the_proxy_for_a_tunnel(listening: Listening, to: To) -> None:
    proxy = listening(says(403, b""))
    given = {"HTTPS_PROXY": proxy.endpoint.removesuffix("/graphql")}

    with pytest.raises(TrackerError):
        to("https://linear.invalid/graphql", environ=given).ask("Me", QUERY, {})

    assert proxy.requests[0].line == "CONNECT linear.invalid:443 HTTP/1.1"


def test_a_host_that_no_proxy_is_for_is_asked_directly(listening: Listening, to: To) -> None:
    linear, proxy = listening(data()), listening(data())
    given = {"ALL_PROXY": proxy.endpoint.removesuffix("/graphql"), "NO_PROXY": "127.0.0.1"}

    to(linear, environ=given).ask("Me", QUERY, {})

    assert (len(linear.requests), len(proxy.requests)) == (1, 0)


def test_variables_of_this_process_that_nobody_gave_us_do_not_count(
    listening: Listening, to: To, monkeypatch: pytest.MonkeyPatch
) -> None:
    linear, proxy = listening(data()), listening(data())
    monkeypatch.setenv("http_proxy", proxy.endpoint.removesuffix("/graphql"))

    to(linear).ask("Me", QUERY, {})

    assert (len(linear.requests), len(proxy.requests)) == (1, 0)


@pytest.mark.parametrize(
    ("name", "value"), [("http_proxy", "gopher://x"), ("SSL_CERT_FILE", "/no/such/file")]
)
def test_an_environment_that_cannot_be_used_is_named(to: To, name: str, value: str) -> None:
    with pytest.raises(TrackerError, match=r"check the variables for proxies and certificates"):
        to("https://127.0.0.1:1/graphql", environ={name: value}).ask("Me", QUERY, {})
