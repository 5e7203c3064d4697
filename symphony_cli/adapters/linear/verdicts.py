"""What an answer of Linear means. Pure: status, headers and bytes in; a reply or an error out.

The HTTP status alone never tells: `errors` come with 200, "too often" with 400. So the body
decides, and the first row that fits:

    the answer                                               is                  for us
    ------------------------------------------------------   -----------------   ----------------
    HTTP 413                                                 too large           WriteRefused
    code RATELIMITED, type "ratelimited", a message that     too often           TooOften
        begins "Rate limit exceeded"; or HTTP 429
    code AUTHENTICATION_ERROR, type "authentication          wrong key           KeyRejected
        error", a complaint about "Bearer"; or HTTP 401
    errors: all of them internal, network or bootstrap       trouble of          Passing
        error or lock timeout, or of a type that we do       theirs
        not know together with 5xx
    errors: any other, also next to data                     a refusal           Complaint
    no errors, HTTP 5xx                                      trouble of theirs   Passing
    no errors, HTTP 3xx or 4xx                               not Linear at all   TrackerError
    HTTP 2xx: HTML, broken JSON, nothing, no object,         half an answer      Passing
        no `data`
    HTTP 2xx: `data` and no errors                           the answer          RawReply

Data next to errors is never used by `ask`. The kinds of errors are those of Linear's own client;
that "too often" comes with 400, 429 and 200, people measured on the live service.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from symphony_cli.adapters.linear.exchange import Complaint
from symphony_cli.adapters.linear.headers import drained_endpoint
from symphony_cli.core.shape import Json
from symphony_cli.errors import KeyRejected, TrackerError, WriteRefused

LARGEST_REQUEST = 10_485_760
"""Bytes of a request's body that Linear takes; it answers 413 above (measured)."""

LONGEST_QUOTE = 300
"""So many characters of what a server said are repeated in a sentence of ours."""

THEIR_TROUBLE = frozenset({"internal error", "network error", "bootstrap error", "lock timeout"})
"""`extensions.type` of errors that may pass."""

OUR_FAULT = frozenset(
    {
        "feature not accessible",
        "forbidden",
        "graphql error",
        "invalid input",
        "usage limit exceeded",
        "user error",
    }
)
"""`extensions.type` of errors that stay, also with HTTP 5xx."""

WRONG_KEY = (
    "Linear does not accept the key: check LINEAR_API_KEY (or what `tracker.api_key` names), or "
    "make a new key in Linear's settings, under Security & access, and put it into symphony.env."
)

BEARER = (
    "Linear does not accept a personal key with the word Bearer before it: remove that word from "
    "LINEAR_API_KEY (or what `tracker.api_key` names)."
)


class Passing(TrackerError):
    """A failure that may pass; a change that was asked for may have been made all the same."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}: try again later.")


class TooOften(TrackerError):
    """Linear says that we ask too often; `endpoint` when that holds for one of its fields only."""

    def __init__(self, endpoint: str = "") -> None:
        super().__init__("Linear says that we ask too often.")
        self.endpoint = endpoint


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP response that was read to its end; names of headers in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


@dataclass(frozen=True, slots=True)
class RawReply:
    """A whole GraphQL answer: `body` may have `errors` next to `data`, or `errors` alone."""

    status: int
    body: dict[str, Json]
    date: datetime | None = None
    requests: int = 1


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry of `errors`; what it does not have, or has in another shape, is empty."""

    message: str
    code: str = ""
    kind: str = ""
    presentable: str = ""
    server: bool = False
    """It says of itself that it has a status of 5xx."""


def judge(reply: Reply) -> dict[str, Json]:
    """The body of an answer that Linear gave after it had looked at the request.

    Raises:
        WriteRefused, TooOften, KeyRejected, Passing, TrackerError: see the table above.
    """
    if reply.status == 413:
        raise WriteRefused(
            f"The request is too large for Linear (at most {LARGEST_REQUEST:,} bytes): shorten it."
        )
    body = _body(reply.content)
    found = faults(body)
    if reply.status == 429 or any(map(_too_often, found)):
        raise TooOften(drained_endpoint(reply.headers))
    if any(map(_about_bearer, found)):
        raise KeyRejected(BEARER)
    if reply.status == 401 or any(map(_about_the_key, found)):
        raise KeyRejected(WRONG_KEY)
    if found and all(_passes(fault, reply.status) for fault in found):
        raise Passing(f"Linear has trouble of its own ({_quoted(found[0].message)})")
    if not found:
        _refuse_without_errors(reply, body)
    return body if isinstance(body, dict) else {}


def _refuse_without_errors(reply: Reply, body: Json) -> None:
    what = f"HTTP {reply.status}, {_described(reply.content, body)}"
    if reply.status >= 500:
        raise Passing(f"Linear has trouble of its own ({what})")
    if not 200 <= reply.status < 300:
        raise TrackerError(
            f"The request was refused, and not by Linear's API ({what}): "
            "check `tracker.endpoint` and the proxies on the way."
        )
    if not isinstance(body, dict) or not isinstance(body.get("data"), dict):
        raise Passing(f"Linear's answer cannot be understood ({what})")


def complaint(reply: RawReply) -> Complaint | None:
    """Why Linear refused; None when it did not."""
    for fault in faults(reply.body):
        if not _passes(fault, reply.status):
            return Complaint(
                _quoted(fault.message), fault.code, fault.kind, _quoted(fault.presentable)
            )
    return None


def faults(body: Json) -> tuple[Fault, ...]:
    """The entries of `errors`, whatever they look like."""
    errors = body.get("errors") if isinstance(body, dict) else None
    return tuple(map(_fault, errors if isinstance(errors, list) else [errors] if errors else []))


def _fault(entry: Json) -> Fault:
    extensions = entry.get("extensions") if isinstance(entry, dict) else None
    status = extensions.get("statusCode") if isinstance(extensions, dict) else None
    return Fault(
        message=_text(entry, "message") or (entry if isinstance(entry, str) else json.dumps(entry)),
        code=_text(extensions, "code"),
        kind=_text(extensions, "type"),
        presentable=_text(extensions, "userPresentableMessage"),
        server=isinstance(status, int) and status >= 500,
    )


def _text(value: Json, name: str) -> str:
    member = value.get(name) if isinstance(value, dict) else None
    return member if isinstance(member, str) else ""


def _too_often(fault: Fault) -> bool:
    limited = fault.code == "RATELIMITED" or fault.kind == "ratelimited"
    return limited or fault.message.startswith("Rate limit exceeded")


def _about_the_key(fault: Fault) -> bool:
    return fault.code == "AUTHENTICATION_ERROR" or fault.kind == "authentication error"


def _about_bearer(fault: Fault) -> bool:
    """A validation error may quote the word from an agent's document; it has another code."""
    return fault.code == "INPUT_ERROR" and "as a bearer token" in fault.message.casefold()


def _passes(fault: Fault, status: int) -> bool:
    if fault.kind in THEIR_TROUBLE or (not fault.kind and fault.code == "INTERNAL_SERVER_ERROR"):
        return True
    return fault.kind not in OUR_FAULT and (status >= 500 or fault.server)


def _body(content: bytes) -> Json:
    """What the bytes say in JSON; None when they are none."""
    try:
        return json.loads(content, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None


def _no_number(name: str) -> Json:
    raise ValueError(f"{name} is no JSON")


def _described(content: bytes, body: Json) -> str:
    """What an answer without `errors` looks like, in a few words."""
    text = content.decode("utf-8", "replace").strip()
    if isinstance(body, dict):
        return _quoted(_text(body, "error")) or "an object without data"
    if not text:
        return "nothing in it"
    if text.startswith("<"):
        return "an HTML page"
    is_broken = body is None and text[0] in "{["
    return f"broken JSON: {_quoted(text)}" if is_broken else _quoted(text)


def _quoted(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_QUOTE else f"{line[:LONGEST_QUOTE]} ..."
