"""A plain client for the tests of the servers themselves, and the documents that it sends."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from tests.linear.world import World

BY_FILTER = """query ByFilter($first: Int!, $after: String, $filter: IssueFilter, $old: Boolean) {
  issues(first: $first, after: $after, filter: $filter, includeArchived: $old) {
    nodes { identifier } pageInfo { hasNextPage endCursor } } }"""

ONE = "query One($id: String!) { issue(id: $id) { identifier state { name } labelIds } }"

COMMENT = """mutation Comment($id: String!, $issue: String!, $body: String!) {
  commentCreate(input: {id: $id, issueId: $issue, body: $body}) { success comment { id body } } }"""

LABELS = """query Labels($name: String!) {
  issueLabels(first: 10, filter: {name: {eqIgnoreCase: $name}}) { nodes { id name team { key } } }
  }"""

CHANGE = """mutation Change($id: String!, $input: IssueUpdateInput!) {
  issueUpdate(id: $id, input: $input) { success issue { labelIds state { name } } } }"""

VIEWER = "query Viewer { viewer { name } }"


class Asks:
    """Sends documents as plainly as can be; `status` and `headers` are those of the last answer."""

    def __init__(self, world: World) -> None:
        self.world, self.key = world, world.key
        self.status, self.headers = 0, dict[str, str]()

    def raw(self, document: str, variables: Mapping[str, Any]) -> bytes:
        body = json.dumps({"query": document, "variables": variables}).encode()
        headers = {"content-type": "application/json", "authorization": self.key}
        request = urllib.request.Request(self.world.endpoint, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                text: bytes = reply.read()
                self.status, self.headers = reply.status, _lower(reply.headers)
        except urllib.error.HTTPError as error:
            text = error.read()
            self.status, self.headers = error.code, _lower(error.headers)
        return text

    def __call__(self, document: str, **variables: Any) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.raw(document, variables))
        return answer

    def data(self, document: str, **variables: Any) -> Any:
        answer = self(document, **variables)
        assert "errors" not in answer, answer
        return answer["data"]

    def found(self, filter: Mapping[str, Any], *, old: bool = False) -> list[str]:
        """The identifiers that match, sorted."""
        page = self.data(BY_FILTER, first=50, filter=filter, old=old)["issues"]
        return sorted(node["identifier"] for node in page["nodes"])


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def code(answer: Mapping[str, Any]) -> str:
    found: str = answer["errors"][0]["extensions"]["code"]
    return found


def catch_up(world: World) -> None:
    """Let readers see everything: what a lag does has a test of its own."""
    world.lag(0)
