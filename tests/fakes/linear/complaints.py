"""How Linear says no.

The bodies are in the shapes that people recorded on the live service. The HTTP status tells nothing
by itself: an error while a field is worked out comes with 200, one in the document with 400.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Body = dict[str, Any]


class Refusal(Exception):
    """One entry of `errors`; `data` is null beside it, or absent when `before` it was executed."""

    def __init__(
        self,
        message: str,
        extensions: Mapping[str, Any],
        status: int = 200,
        *,
        before: bool = False,
    ) -> None:
        super().__init__(message)
        self.message, self.extensions = message, dict(extensions)
        self.status, self.before = status, before

    def body(self, path: list[str] | None = None) -> Body:
        """The whole answer."""
        entry: Body = {"message": self.message, "extensions": self.extensions}
        if path:
            entry["path"] = path
        return {"errors": [entry]} if self.before else {"errors": [entry], "data": None}


def refused(message: str, said: str) -> Refusal:
    """It makes no sense in this workspace; `said` is meant for people."""
    return Refusal(message, _extensions("invalid input", "INPUT_ERROR", said))


def not_found(kind: str) -> Refusal:
    """There is no code for this, only the beginning of the message (measured)."""
    return refused(f"Entity not found: {kind}", f"Could not find referenced {kind}.")


def exists(kind: str, id: str) -> Refusal:
    """An id of the caller's own is taken (measured with issues)."""
    return refused(f"conflict on insert of {kind}", f"Entity {kind} with id {id} already exists.")


def bad_argument(name: str, why: str) -> Refusal:
    """A value that a validator behind the schema does not take, `first: 251` for one (measured)."""
    extensions = _extensions("invalid input", "INVALID_INPUT", f"{name} {why}.")
    extensions["validationErrors"] = [{"property": name, "constraints": {"value": f"{name} {why}"}}]
    return Refusal("Argument Validation Error", extensions)


def forbidden(said: str) -> Refusal:
    """The key lacks the right."""
    return Refusal("Forbidden", _extensions("forbidden", "FORBIDDEN", said, 403))


def invalid(message: str) -> Refusal:
    """The document does not fit the schema (measured: HTTP 400, no `data`)."""
    return _before(message, "GRAPHQL_VALIDATION_FAILED")


def bad_variable(message: str) -> Refusal:
    """A variable does not fit its type. Its code and status have not been seen by anybody."""
    return _before(message, "BAD_USER_INPUT")


def bad_request(message: str, code: str = "BAD_REQUEST") -> Refusal:
    """No GraphQL request at all, or one that leaves open which operation is meant."""
    return _before(message, code)


def unauthenticated() -> Refusal:
    """No key, a wrong key, a revoked key: nobody can tell them apart (measured)."""
    said = "You need to authenticate to access this operation."
    extensions = _extensions("authentication error", "AUTHENTICATION_ERROR", said, 401)
    text = "Authentication required, not authenticated"
    return Refusal(text, {**extensions, "meta": {}, "http": {"status": 401}}, 401, before=True)


def with_bearer() -> Refusal:
    """A personal key that came as `Bearer` (measured)."""
    said = (
        "It looks like you're trying to use an API key as a Bearer token. "
        "Remove the Bearer prefix from the Authorization header."
    )
    extensions = _extensions("invalid input", "INPUT_ERROR", said)
    return Refusal(said, {**extensions, "http": {"status": 400}}, 400, before=True)


def too_often(limit: int, what: str = "requests", status: int = 400) -> Refusal:
    """HTTP 400, not 429; `duration` is the period of the limit, not a time to wait (measured)."""
    said = (
        f"Rate limit exceeded. Only {limit} {what} are allowed per 1 hour. For more information "
        "see our developer docs at: https://linear.app/developers/rate-limiting"
    )
    result = {
        "allowed": False,
        "requested": 1,
        "remaining": 0,
        "duration": 3_600_000,
        "limit": limit,
    }
    extensions = _extensions("ratelimited", "RATELIMITED", f"{said}.", 429)
    extensions["meta"] = {"rateLimitResult": result}
    extensions["http"] = {"headers": {}, "status": status}
    return Refusal(said, extensions, status, before=True)


def too_complex(points: float, most: int) -> Refusal:
    """One request over the limit of points; the number stands in the text for people (measured)."""
    said = f"The query is too complex. Complexity: {points}. Maximum allowed complexity: {most}."
    extensions = _extensions("invalid input", "INPUT_ERROR", said)
    return Refusal("Query too complex", {**extensions, "http": {"status": 400}}, 400, before=True)


def broken_inside(status: int = 500) -> Refusal:
    """Something that should not happen happened at Linear."""
    extensions = _extensions("internal error", "INTERNAL_SERVER_ERROR", "", status)
    return Refusal("Internal server error", extensions, status, before=True)


def too_large(length: int, most: int) -> Body:
    """The body of a 413 (measured): this one is not in the form of GraphQL."""
    extensions = {
        "code": "PAYLOAD_TOO_LARGE",
        "type": "payload too large",
        "statusCode": 413,
        "limit": most,
        "length": length,
    }
    return {"error": "request entity too large", "extensions": extensions, "code": 413}


def _before(message: str, code: str) -> Refusal:
    http = {"status": 400, "headers": {}}
    extensions = {"http": http, "code": code, "type": "graphql error", "userError": True}
    return Refusal(message, extensions, 400, before=True)


def _extensions(kind: str, code: str, said: str, status: int = 400) -> Body:
    """`type` is what Linear's own client goes by; `code` is less stable (published client)."""
    return {
        "type": kind,
        "code": code,
        "statusCode": status,
        "userError": status < 500,
        "userPresentableMessage": said,
    }
