"""Which answer each request of the server gets, in one table.

Every request must be answered, or the turn hangs for ever. Refusals let the turn go on; the answer
`cancel` would end it and is never given. Kinds and shapes: measured with Codex 0.163 and 0.169;
the two approvals of the first protocol version follow the binary's own JSON schema.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from symphony_cli.core.reasons import BlockReason
from symphony_cli.core.run import CodexSettings
from symphony_cli.core.shape import Json
from symphony_cli.supervisor.notices import child, text
from symphony_cli.supervisor.protocol import Request

NOBODY_HERE = "Nobody is here to answer. Decide for yourself, note the decision, and go on."
"""What an agent reads in place of an answer to its question."""

_LONGEST_QUESTION = 4000


class Answer(NamedTuple):
    """What we reply to a request, and what that means for the run.

    `result` None stands for "we do not know this request". `block` is set when a person must
    answer: the run ends.
    """

    kind: str
    verdict: str
    result: Json
    question: str = ""
    block: BlockReason | None = None


def answer(request: Request, settings: CodexSettings) -> Answer:
    """The answer to any request but a tool call."""
    row = _TABLE.get(request.method)
    if row is None:
        return Answer(request.method, "unknown", None)
    policy = getattr(settings, row.setting)
    accepted = policy == "accept" and row.accept is not None
    build = row.accept if accepted and row.accept is not None else row.decline
    return Answer(
        row.kind,
        "accept" if accepted else "decline",
        build(request.params),
        row.question(request.params)[:_LONGEST_QUESTION],
        BlockReason(row.kind) if policy == "block" else None,
    )


def _command(params: dict[str, Json]) -> str:
    command = params.get("command")
    words = " ".join(map(str, command)) if isinstance(command, list) else text(params, "command")
    return _with_reason(f"May it run this command: {words}", params)


def _patch(params: dict[str, Json]) -> str:
    root = text(params, "grantRoot")
    return _with_reason(f"May it change files{f' below {root}' if root else ''}?", params)


def _permissions(params: dict[str, Json]) -> str:
    return _with_reason(f"May it have more permissions: {params.get('permissions')}", params)


def _with_reason(question: str, params: dict[str, Json]) -> str:
    reason = text(params, "reason")
    return f"{question} ({reason})" if reason else question


def _questions(params: dict[str, Json]) -> list[dict[str, Json]]:
    asked = params.get("questions")
    return [one for one in asked if isinstance(one, dict)] if isinstance(asked, list) else []


def _input(params: dict[str, Json]) -> str:
    return "\n".join(map(_one_question, _questions(params)))


def _one_question(question: dict[str, Json]) -> str:
    options = question.get("options")
    named = [text(one, "label") for one in options or [] if isinstance(one, dict)]
    return text(question, "question") + (f" [{' | '.join(named)}]" if named else "")


def _fixed_input(params: dict[str, Json]) -> Json:
    said = {"answers": [NOBODY_HERE]}
    return {"answers": {text(one, "id"): said for one in _questions(params)}}


def _elicitation(params: dict[str, Json]) -> str:
    return f"{text(params, 'serverName')}: {text(params, 'message')}"


def _always(result: Json) -> Callable[[dict[str, Json]], Json]:
    return lambda params: result


def _grant(params: dict[str, Json]) -> Json:
    return {"permissions": child(params, "permissions"), "scope": "turn"}


class _Row(NamedTuple):
    """One kind of request: its block reason, the setting that decides, how it is answered."""

    kind: str
    setting: str
    question: Callable[[dict[str, Json]], str]
    decline: Callable[[dict[str, Json]], Json]
    accept: Callable[[dict[str, Json]], Json] | None = None


_DECLINE, _ACCEPT = _always({"decision": "decline"}), _always({"decision": "accept"})
_DENIED, _APPROVED = _always({"decision": "denied"}), _always({"decision": "approved"})
_NOTHING = _always({"permissions": {}, "scope": "turn"})

_APPROVAL, _INPUT, _ELICIT = "approval_answer", "input_answer", "elicitation_policy"

_TABLE: dict[str, _Row] = {
    "item/commandExecution/requestApproval": _Row(
        "approval", _APPROVAL, _command, _DECLINE, _ACCEPT
    ),
    "item/fileChange/requestApproval": _Row("approval", _APPROVAL, _patch, _DECLINE, _ACCEPT),
    "item/permissions/requestApproval": _Row("approval", _APPROVAL, _permissions, _NOTHING, _grant),
    "execCommandApproval": _Row("approval", _APPROVAL, _command, _DENIED, _APPROVED),
    "applyPatchApproval": _Row("approval", _APPROVAL, _patch, _DENIED, _APPROVED),
    "item/tool/requestUserInput": _Row("input", _INPUT, _input, _fixed_input),
    "mcpServer/elicitation/request": _Row(
        "elicitation", _ELICIT, _elicitation, _always({"action": "decline"})
    ),
}
