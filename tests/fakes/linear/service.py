"""One request: the key and the bytes in, a reply out. No sockets here.

The order is Linear's: the key, then the bucket of requests, then the document, then its cost, and
only then what was asked for (measured: a request without a key is refused before its query is
looked at).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import DocumentNode

from tests.fakes.linear import attached, complaints, mutations, queries
from tests.fakes.linear.asked import Asked, note, understood
from tests.fakes.linear.changes import Changes
from tests.fakes.linear.complaints import Body, Refusal
from tests.fakes.linear.faults import Fault, first_of
from tests.fakes.linear.limits import Limits
from tests.fakes.linear.plan import MOST_POINTS, operation_of, plan, points, rounded, variables_of
from tests.fakes.linear.store import Row, Store
from tests.fakes.linear.times import ServerClock
from tests.fakes.linear.walk import Asking, Source, answer

LARGEST_BODY = 10_485_760
"""Bytes of a request (measured)."""

KEY = "lin_api_of_nobody"


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes over the wire; a `fault` that is not None says how it must be spoiled there."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    fault: Fault | None = None
    content_type: str = "application/json; charset=utf-8"


class Service:
    """The workspace and the rules of asking. `lock` guards all of it."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.clock = ServerClock()
        self.store = Store(self.clock)
        self.changes = Changes(self.store)
        self.limits = Limits(self.clock.now())
        self.faults: list[Fault] = []
        self.log: list[Asked] = []
        self.keys = {KEY}
        self.viewer: Row | None = None
        self.labels_by_owners = False
        self.escaped = False

    def serve(self, authorization: str, raw: bytes) -> Reply:
        """The reply to one POST."""
        with self.lock:
            asked = Asked()
            self.log.append(asked)
            if len(raw) > LARGEST_BODY:
                return self._reply(asked, 413, complaints.too_large(len(raw), LARGEST_BODY))
            try:
                request, document = understood(raw)
            except Refusal as refusal:
                return self._reply(asked, refusal.status, refusal.body())
            note(asked, request, document)
            fault = first_of(self.faults, asked.operation)
            if fault is not None and fault.kind not in ("partial", "cut_after_apply"):
                return self._spoilt(asked, fault)
            reply = self._answered(asked, authorization, request, document)
            return reply if fault is None else self._spoilt_after(asked, reply, fault)

    def _answered(
        self, asked: Asked, authorization: str, request: Body, document: DocumentNode | Refusal
    ) -> Reply:
        try:
            self._admit(authorization)
            return self._work(asked, request, document)
        except Refusal as refusal:
            known = refusal.status != 401
            limited = refusal.extensions.get("code") == "RATELIMITED"
            cost = None if asked.points is None else rounded(asked.points)
            headers = self.limits.told(self.clock.now(), cost, refused=limited) if known else {}
            path = [asked.fields[0]] if asked.fields and not refusal.before else None
            return self._reply(asked, refusal.status, refusal.body(path), headers)

    def _admit(self, authorization: str) -> None:
        """The key, then the bucket of requests.

        A personal key comes bare, an OAuth token as Bearer (documented); this server knows none of
        the latter.
        """
        if authorization.lower().startswith("bearer lin_api_"):
            raise complaints.with_bearer()
        if authorization not in self.keys:
            raise complaints.unauthenticated()
        if not self.limits.requests.take(1, self.clock.now()):
            raise complaints.too_often(int(self.limits.requests.limit))

    def _work(self, asked: Asked, request: Body, document: DocumentNode | Refusal) -> Reply:
        if isinstance(document, Refusal):
            raise document
        operation = operation_of(document, request.get("operationName"))
        variables = variables_of(operation, request.get("variables") or {})
        steps = plan(document, operation, variables)
        asked.points = points(steps)
        cost = rounded(asked.points)
        if asked.points > MOST_POINTS:
            raise complaints.too_complex(round(asked.points, 6), MOST_POINTS)
        if not self.limits.points.take(cost, self.clock.now()):
            raise complaints.too_often(int(self.limits.points.limit), "complexity points")
        root = "Mutation" if asked.kind == "mutation" else "Query"
        data = answer(self._asking(root), root, Row(), steps)
        return self._reply(asked, 200, {"data": data}, self.limits.told(self.clock.now(), cost))

    def _asking(self, root: str) -> Asking:
        if self.viewer is None:
            raise complaints.unauthenticated()
        return Asking(
            store=self.store,
            changes=self.changes,
            viewer=self.viewer,
            now=self.clock.now(),
            sources={**_SOURCES, ("Query", "rateLimitStatus"): self._rate_limit_status},
            writing=root == "Mutation",
            labels_by_owners=self.labels_by_owners,
            escaped=self.escaped,
        )

    def _rate_limit_status(self, asking: Asking, row: Row, args: Mapping[str, Any]) -> Row:
        """The same numbers without headers (published schema)."""
        reset = (asking.now.timestamp() + 3600) * 1000
        limits = [
            Row(
                type=name,
                allowedAmount=bucket.limit,
                remainingAmount=float(int(bucket.left)),
                requestedAmount=1.0,
                period=3_600_000.0,
                reset=float(int(reset)),
            )
            for name, bucket in (
                ("requests", self.limits.requests),
                ("complexity", self.limits.points),
            )
        ]
        return Row(identifier=asking.viewer["id"], kind="api_key", limits=limits)

    # --- failures

    def _spoilt(self, asked: Asked, fault: Fault) -> Reply:
        """The reply of a request that was not done."""
        if fault.kind in ("cut", "hang"):
            return Reply(0, b"", {}, fault)
        if fault.kind == "html":
            asked.status = fault.status or 502
            page = b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head></html>"
            return Reply(asked.status, page, {}, content_type="text/html; charset=UTF-8")
        now, headers = self.clock.now(), dict[str, str]()
        refusal = complaints.broken_inside(fault.status or 500)
        if fault.kind == "graphql_error":
            refusal = complaints.broken_inside(fault.status or 200)
        elif fault.kind == "ratelimited":
            refusal = complaints.too_often(
                int(self.limits.requests.limit), status=fault.status or 400
            )
            if fault.headers:
                headers = {**self.limits.told(now), "x-ratelimit-requests-remaining": "0"}
        return self._reply(asked, refusal.status, refusal.body(), headers)

    def _spoilt_after(self, asked: Asked, reply: Reply, fault: Fault) -> Reply:
        """The reply of a request that was done."""
        if fault.kind == "cut_after_apply":
            asked.status = 0
            return Reply(0, b"", {}, fault)
        body = json.loads(reply.body)
        if not body.get("data"):
            return reply
        name = next(iter(body["data"]))
        body["data"][name] = None
        body["errors"] = complaints.broken_inside().body([name])["errors"]
        return self._reply(asked, reply.status, body, reply.headers)

    def _reply(
        self, asked: Asked, status: int, body: Body, headers: Mapping[str, str] | None = None
    ) -> Reply:
        asked.status = status
        raw = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
        return Reply(status, raw, headers or {})


_SOURCES: Mapping[tuple[str, str], Source] = {
    **queries.SOURCES,
    **mutations.SOURCES,
    **attached.SOURCES,
}
