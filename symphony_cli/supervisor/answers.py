"""Which answer each request of the server gets, in one table.

Every request must be answered, or the turn hangs for ever. Refusals let the turn go on; the answer
`cancel` would end it and is never given. A request that we do not know gets an error, which Codex
takes for a refusal ("approval request failed"), so nothing is guessed about its shape. Kinds and
shapes: measured with Codex 0.163 and 0.169, and the binaries' own JSON schema, which knows eleven
requests; the eleventh, `item/tool/call`, is the desk's.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from symphony_cli.core.reasons import BlockReason
from symphony_cli.core.run import CodexSettings
from symphony_cli.core.shape import Json
from symphony_cli.supervisor.notices import child, text
from symphony_cli.supervisor.protocol import Request

NOBODY_HERE = "Nobody is here to answer. Decide for yourself, note the decision, and go on."
"""What an agent reads in place of an answer to its question."""

LONGEST_QUESTION = 4000
"""Characters of a question, or of an agent's reason, that go into the report and the comment."""

TIME = "currentTime/read"
"""Asked before every request to the model when Codex's `current_time_reminder` has an external
clock. An error in reply would fail the turn (measured with 0.163)."""

REFUSED = {
    "account/chatgptAuthTokens/refresh": "Symphony keeps no login: run `codex login` for the "
    "agents' CODEX_HOME.",
    "attestation/generate": "Symphony has no means to attest anything.",
}
"""What only a client is asked for that offered it, which we do not; with the reply to it."""

Params = dict[str, Json]


class Answer(NamedTuple):
    """What we reply to a request, and what that means for the run.

    `result` None stands for an error in reply, whose text is `question`. `block` is set when a
    person must answer: the run ends.
    """

    kind: str
    verdict: str
    result: Json
    question: str = ""
    block: BlockReason | None = None


def answer(request: Request, settings: CodexSettings, at: datetime, ending: bool = False) -> Answer:
    """The answer to any request but a tool call. Once the run is `ending`, nothing is accepted."""
    if request.method == TIME:
        return Answer("time", "told", {"currentTimeAt": int(at.timestamp())})
    row = TABLE.get(request.method)
    if row is None:
        return _refusal(request.method)
    policy = "decline" if ending else getattr(settings, row.setting)
    accepted = policy == "accept" and not _for_a_person(request.params)
    build = row.accept if accepted and row.accept is not None else row.decline
    return Answer(
        row.kind,
        "decline" if build is row.decline else "accept",
        build(request.params),
        shortened(row.question(request.params).strip() or f"{request.method}, without any words"),
        BlockReason(row.kind) if policy == "block" else None,
    )


def _refusal(method: str) -> Answer:
    name = method[:200]
    if method in REFUSED:
        return Answer(name, "refused", None, REFUSED[method])
    return Answer(name, "unknown", None, f"Symphony does not know {name}.")


def _for_a_person(params: Params) -> bool:
    """A checkpoint that only a person may pass; Codex 0.169 keeps it for clients that offer one."""
    return params.get("kind") == "humanCommand"


def shortened(said: str) -> str:
    """A text for a person, of bounded length; a cut is said, with the whole size."""
    if len(said) <= LONGEST_QUESTION:
        return said
    return f"{said[:LONGEST_QUESTION]}\n[cut: {len(said)} characters in all]"


def _command(params: Params) -> str:
    command = params.get("command")
    words = " ".join(map(str, command)) if isinstance(command, list) else text(params, "command")
    host, more = child(params, "networkApprovalContext"), child(params, "additionalPermissions")
    asked = "May it run this command"
    if host:
        asked = f"May it reach {text(host, 'protocol')}://{text(host, 'host')} with this command"
    elif params.get("kind") == "writeStdin":
        asked = "May it type into a running command"
    with_more = f", with more permissions {_shown(more)}" if more else ""
    return _with_reason(f"{asked}: {words}{with_more}", params)


def _patch(params: Params) -> str:
    root = text(params, "grantRoot")
    names = ", ".join(child(params, "fileChanges"))
    asked = f"May it change files{f' below {root}' if root else ''}"
    return _with_reason(f"{asked}: {names}" if names else f"{asked}?", params)


def _permissions(params: Params) -> str:
    wanted = _shown(child(params, "permissions"))
    return _with_reason(f"May it have more permissions: {wanted}", params)


def _with_reason(question: str, params: Params) -> str:
    reason = text(params, "reason")
    return f"{question} ({reason})" if reason else question


def _shown(value: Params) -> str:
    """A map for people: without the members that say nothing."""
    return json.dumps(_said(value), ensure_ascii=False)


def _said(value: Json) -> Json:
    if isinstance(value, dict):
        return {name: _said(one) for name, one in value.items() if one is not None}
    return [_said(one) for one in value] if isinstance(value, list) else value


def _questions(params: Params) -> list[Params]:
    asked = params.get("questions")
    return [one for one in asked if isinstance(one, dict)] if isinstance(asked, list) else []


def _input(params: Params) -> str:
    return "\n".join(map(_one_question, _questions(params)))


def _one_question(question: Params) -> str:
    options = question.get("options")
    choices = options if isinstance(options, list) else []
    named = [text(one, "label") for one in choices if isinstance(one, dict)]
    return text(question, "question") + (f" [{' | '.join(named)}]" if named else "")


def _fixed_input(params: Params) -> Json:
    said = {"answers": [NOBODY_HERE]}
    names = [text(one, "id") for one in _questions(params)]
    return {"answers": {name: said for name in names if name}}


def _elicitation(params: Params) -> str:
    """What an MCP server asks, or Codex about a call of one of its tools."""
    said = text(params, "message") or ": ".join(
        part for part in (text(params, "title"), text(params, "description")) if part
    )
    given = child(child(params, "_meta"), "tool_params")
    parts = (said, text(params, "url"), _shown(given) if given else "")
    return f"{text(params, 'serverName')}: {' '.join(part for part in parts if part)}"


def _always(result: Json) -> Callable[[Params], Json]:
    return lambda params: result


def _grant(params: Params) -> Json:
    return {"permissions": child(params, "permissions"), "scope": "turn"}


class Row(NamedTuple):
    """One kind of request: its block reason, the setting that decides, how it is answered."""

    kind: str
    setting: str
    question: Callable[[Params], str]
    decline: Callable[[Params], Json]
    accept: Callable[[Params], Json] | None = None


_DECLINE, _ACCEPT = _always({"decision": "decline"}), _always({"decision": "accept"})
_DENIED = _always({"decision": {"denied": {"rejection": "rejected by policy"}}})
_APPROVED = _always({"decision": "approved"})
_NOTHING = _always({"permissions": {}, "scope": "turn"})

_APPROVAL, _INPUT, _ELICIT = "approval_answer", "input_answer", "elicitation_policy"

TABLE: dict[str, Row] = {
    "item/commandExecution/requestApproval": Row(
        "approval", _APPROVAL, _command, _DECLINE, _ACCEPT
    ),
    "item/fileChange/requestApproval": Row("approval", _APPROVAL, _patch, _DECLINE, _ACCEPT),
    "item/permissions/requestApproval": Row("approval", _APPROVAL, _permissions, _NOTHING, _grant),
    "execCommandApproval": Row("approval", _APPROVAL, _command, _DENIED, _APPROVED),
    "applyPatchApproval": Row("approval", _APPROVAL, _patch, _DENIED, _APPROVED),
    "item/tool/requestUserInput": Row("input", _INPUT, _input, _fixed_input),
    "mcpServer/elicitation/request": Row(
        "elicitation", _ELICIT, _elicitation, _always({"action": "decline"})
    ),
}
"""What a policy decides, by method."""
