"""One HTTP request to Linear and its whole answer, within so many seconds. What HTTP says here has
no meaning yet; foreign errors end here, and the key with them: nothing that comes out holds it.

**The deadline is for all of it**: looking up the name, connecting, sending, reading. httpx limits
each single read, so that a server which sends a byte now and then would hold a tick for ever, and
nothing can interrupt a name server that does not answer. Hence a request runs in a thread of its
own, which is left behind when its time is over. It cannot send a late change then: each piece of
the body is sent only while there is time, and a server does nothing with half a body.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from queue import Empty, SimpleQueue
from threading import Thread
from types import MappingProxyType
from typing import TYPE_CHECKING

from symphony_cli import __version__, clock
from symphony_cli.adapters.linear.verdicts import Passing, Reply
from symphony_cli.core.secrets import redact, redact_bytes
from symphony_cli.errors import KeyRejected, TrackerError

if TYPE_CHECKING:
    import ssl

    import httpx

NO_VARIABLES: Mapping[str, str] = MappingProxyType({})
"""An environment without proxies and certificates of its own."""

LARGEST_REPLY = 64 * 1024 * 1024
"""Bytes of an answer that are read, unpacked."""

PIECE = 64 * 1024
"""Bytes of a request that are sent at once."""

CONNECT_SHARE = 1 / 3
"""A host with two addresses of which one is dead costs this share of the time, not all of it."""

CONNECT_LEAST = 2.0
"""Seconds that a connection may take at least, where there are so many."""

QUOTES = frozenset("\"'`")
"""A shell takes them off a value; other places where variables are set do not."""

LONGEST_TEXT = 300
"""So many characters of a foreign error are repeated."""


class Post:
    """The way to one endpoint with one key; connections are kept until `close`.

    Proxies and certificates are those that `environ` names: a tick's variables may come from
    symphony.env and are not in `os.environ`, where httpx would look for them.
    """

    def __init__(
        self, endpoint: str, authorization: str, environ: Mapping[str, str] = NO_VARIABLES
    ) -> None:
        self._endpoint, self._environ = endpoint, environ
        self._headers = {
            "Authorization": authorization,
            "Content-Type": "application/json",
            "User-Agent": f"symphony-cli/{__version__}",
        }
        self._secrets = (authorization, authorization.rpartition(" ")[2])
        self._client: httpx.Client | None = None

    def send(self, body: bytes, seconds: float) -> Reply:
        """Send one request and read its answer to the end.

        After a failure the next request has a new connection.

        Raises:
            Passing: no answer in time, or none at all. The request may have arrived.
            TrackerError: the endpoint or the environment is wrong, or the answer is too large.
        """
        client = self._client if self._client is not None else self._opened()
        self._client = None
        outcomes: SimpleQueue[Reply | TrackerError | None] = SimpleQueue()
        due = clock.monotonic() + seconds

        def work() -> None:
            outcome: Reply | TrackerError | None = None
            try:
                outcome = self._exchanged(client, body, seconds, due)
            except TrackerError as error:
                client.close()
                outcome = error
            finally:
                outcomes.put(outcome)

        Thread(target=work, name="request to Linear", daemon=True).start()
        try:
            outcome = outcomes.get(timeout=seconds)
        except Empty:
            raise _late(seconds) from None
        if isinstance(outcome, Reply):
            self._client = client
            return outcome
        if outcome is None:
            raise RuntimeError("a request ended in a way that nobody foresaw: see the traceback")
        raise outcome

    def close(self) -> None:
        """Close the connections that are open."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _opened(self) -> httpx.Client:
        import httpx

        from symphony_cli.adapters.linear.proxies import routes

        plain = self._endpoint.casefold().startswith("http://")
        try:
            # Certificates cost 20 ms to load, and an endpoint without TLS has none.
            verify = False if plain else _certificates(self._environ)
            return httpx.Client(
                verify=verify,
                mounts={
                    pattern: httpx.HTTPTransport(verify=verify, trust_env=False, proxy=proxy)
                    if proxy is not None
                    else None
                    for pattern, proxy in routes(self._environ).items()
                },
                headers=self._headers,
                follow_redirects=False,
                trust_env=False,
            )
        except (httpx.InvalidURL, ValueError, OSError, ImportError) as error:
            raise TrackerError(
                f"Nothing can be asked over HTTP here ({self._clean(error)}): check the variables "
                "for proxies and certificates (HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE ...)."
            ) from error

    def _exchanged(self, client: httpx.Client, body: bytes, seconds: float, due: float) -> Reply:
        import httpx

        connect = min(seconds, max(CONNECT_LEAST, seconds * CONNECT_SHARE))
        try:
            with client.stream(
                "POST",
                self._endpoint,
                content=_pieces(body, seconds, due),
                headers={"Content-Length": str(len(body))},
                timeout=httpx.Timeout(seconds, connect=connect),
            ) as response:
                content = _content(response, seconds, due)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
            raise TrackerError(
                f"{self._endpoint!r} cannot be asked ({self._clean(error)}): "
                "check `tracker.endpoint`."
            ) from error
        except httpx.TimeoutException as error:
            raise _late(seconds) from error
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise Passing(
                f"Linear could not be reached at {self._endpoint} ({self._clean(error)})"
            ) from error
        headers = {name: redact(said, self._secrets) for name, said in response.headers.items()}
        return Reply(response.status_code, headers, redact_bytes(content, self._secrets))

    def _clean(self, error: Exception) -> str:
        """What a foreign error says, on one line, without the key."""
        text = " ".join(redact(str(error), self._secrets).split()) or type(error).__name__
        return text[:LONGEST_TEXT].rstrip(".")


def _certificates(environ: Mapping[str, str]) -> ssl.SSLContext:
    """Whom to trust: what the environment names, else the authorities that httpx comes with."""
    import ssl

    import httpx

    file, folder = environ.get("SSL_CERT_FILE"), environ.get("SSL_CERT_DIR")
    if file:
        return ssl.create_default_context(cafile=file)
    if folder:
        return ssl.create_default_context(capath=folder)
    return httpx.create_ssl_context(trust_env=False)


def authorization(key: str) -> str:
    """The header for a key: a personal one goes as it is, an OAuth token as a Bearer.

    Raises:
        KeyRejected: Linear is known to refuse it, or no header can hold it.
    """
    if not key:
        raise KeyRejected(
            "Linear was not asked, for there is no key: set LINEAR_API_KEY (or what "
            "`tracker.api_key` names) in symphony.env beside WORKFLOW.md."
        )
    if not key.isascii() or not key.isprintable() or key != key.strip() or QUOTES & {*key}:
        raise KeyRejected(
            "The key for Linear has quotes, spaces around it, line ends or characters that no key "
            "has: correct LINEAR_API_KEY (or what `tracker.api_key` names)."
        )
    word, _, token = key.partition(" ")
    if word.casefold() == "bearer" and token.strip().startswith("lin_api_"):
        raise KeyRejected(
            "A personal key of Linear goes without the word Bearer: remove it from "
            "LINEAR_API_KEY (or what `tracker.api_key` names)."
        )
    return f"Bearer {key}" if key.startswith("lin_oauth_") else key


def _pieces(body: bytes, seconds: float, due: float) -> Iterator[bytes]:
    for start in range(0, len(body), PIECE):
        if clock.monotonic() >= due:
            raise _late(seconds)
        yield body[start : start + PIECE]


def _content(response: httpx.Response, seconds: float, due: float) -> bytes:
    content = bytearray()
    for chunk in response.iter_bytes():
        content += chunk
        if len(content) > LARGEST_REPLY:
            raise TrackerError(
                f"An answer of Linear is larger than {LARGEST_REPLY // 2**20} MB and was not read "
                "to its end: ask for less at once."
            )
        if clock.monotonic() >= due:
            raise _late(seconds)
    return bytes(content)


def _late(seconds: float) -> Passing:
    return Passing(f"Linear gave no whole answer within {seconds:.3g} s")
