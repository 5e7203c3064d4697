"""The agent's tool `linear_graphql`: one GraphQL operation with Symphony's key (row R5).

The document is judged by `guard` before anything is sent. An agent's requests are routine for the
shared budget, its mutations too: only what Symphony itself writes may use the reserve.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from symphony_cli.adapters.linear.agent_targets import Scope, question, refusal
from symphony_cli.adapters.linear.exchange import Asks, Complaint
from symphony_cli.adapters.linear.guard import Allowed, Refused, Target, judge
from symphony_cli.adapters.linear.transport import RawReply
from symphony_cli.core.shape import Json, Malformed
from symphony_cli.errors import KeyRejected, PutOff, RateLimited, TrackerError, WriteRefused

LONGEST_CALL = 1024 * 1024
"""Bytes of document and variables; Linear itself takes ten times as much, nobody needs it."""

_MEMBERS = ("query", "variables", "operationName")


class Sends(Asks, Protocol):
    """Sends documents of our own and of agents (implemented by `transport.Transport`)."""

    def exchange(
        self,
        operation: str,
        document: str,
        variables: Mapping[str, Json],
        *,
        ours: bool = False,
    ) -> RawReply:
        """The whole reply to a document, errors and all; raises what `ask` raises, no Complaint."""


@dataclass(frozen=True, slots=True)
class Tool:
    """What the tool needs to answer: a way to Linear, and what is within reach; `changing` is
    called before a change is sent, and again after it."""

    linear: Sends
    scope: Scope
    changing: Callable[[], None]


class _No(ValueError):
    """The call is refused, and nothing was sent for it."""


def linear_graphql(arguments: Json, tool: Tool) -> tuple[bool, str]:
    """Answer one call: whether it worked, and the reply of Linear or what is wrong."""
    try:
        document, variables = parse_call(arguments)
        verdict = judge(document, variables, tool.scope.reach)
        if isinstance(verdict, Refused):
            raise _No(verdict.sentence)
        if verdict.confirm:
            _confirm(verdict.confirm, tool)
    except _No as error:
        return False, f"{error} Nothing was sent."
    except (PutOff, RateLimited) as error:
        return False, f"{_later(error)} The change was not sent."
    except TrackerError as error:
        return False, f"What the change is for could not be looked up: {error} It was not sent."
    return _send(document, variables, verdict, tool)


def parse_call(arguments: Json) -> tuple[str, dict[str, Json]]:
    """The document and its variables. The document alone may come as a bare text, and variables
    as JSON in a text: models do both.

    Raises:
        ValueError: the arguments make no sense; the text says what to send.
    """
    given = {"query": arguments} if isinstance(arguments, str) else arguments
    if not isinstance(given, dict):
        raise _No('The arguments must be {"query": TEXT, "variables": OBJECT}.')
    strange = sorted(set(given).difference(_MEMBERS))
    if strange:
        raise _No(f"Unknown argument {strange[0][:60]!r}; known are {', '.join(_MEMBERS)}.")
    document = given.get("query")
    if not isinstance(document, str) or not document.strip():
        raise _No("`query` must be a GraphQL document: one query or mutation.")
    variables = _variables(given.get("variables"))
    size = _size(document, variables)
    if size > LONGEST_CALL:
        raise _No(
            f"The call has {size} bytes, and at most {LONGEST_CALL} are sent to Linear. Keep long "
            "texts in files of the repository and write a short one."
        )
    return document, variables


def _variables(value: Json) -> dict[str, Json]:
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.strip() else None
        except (ValueError, RecursionError):
            raise _No("`variables` is a text that is no JSON; send an object.") from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _No("`variables` must be an object.")
    return value


def _size(document: str, variables: Mapping[str, Json]) -> int:
    try:
        values = json.dumps(variables, ensure_ascii=False, allow_nan=False)
        return len(document.encode()) + len(values.encode())
    except UnicodeEncodeError:
        raise _No("The call has half a character (a lone surrogate) in it.") from None
    except (ValueError, RecursionError):
        raise _No("`variables` cannot be written as JSON.") from None


def _confirm(targets: tuple[Target, ...], tool: Tool) -> None:
    """Look up what the mutation is about.

    Raises:
        _No: something of it is not there, or out of reach.
        TrackerError: nobody could tell.
    """
    document, variables = question(targets)
    try:
        answer = tool.linear.ask("AgentTargets", document, variables)
        said = refusal(targets, answer.data, tool.scope)
    except Complaint as error:
        names = ", ".join(target.id for target in targets)
        raise _No(f"Linear does not have all of {names}: {error}") from error
    except Malformed as error:
        raise TrackerError(f"Linear's answer cannot be understood: {error}.") from error
    if said:
        raise _No(said)


def _send(
    document: str, variables: Mapping[str, Json], verdict: Allowed, tool: Tool
) -> tuple[bool, str]:
    changes = verdict.kind == "mutation"
    if changes:
        tool.changing()
    try:
        return _said(tool.linear.exchange(verdict.operation, document, variables))
    except (PutOff, RateLimited) as error:
        return False, _later(error)
    except KeyRejected as error:
        return False, f"{error} Only the operator of Symphony can do that."
    except WriteRefused as error:
        return False, str(error)
    except TrackerError as error:
        doubt = " The change may have been made: look before you repeat it." if changes else ""
        return False, f"{error}{doubt}"
    finally:
        if changes:
            tool.changing()


def _later(error: PutOff | RateLimited) -> str:
    return f"{error} Try again in {max(1, math.ceil(error.wait))} seconds."


def _said(reply: RawReply) -> tuple[bool, str]:
    """The reply as JSON: `data` and `errors`, whichever there is."""
    parts = {name: reply.body[name] for name in ("data", "errors") if name in reply.body}
    text = json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
    return not parts.get("errors"), text
