"""Questions to the client: how they are put, and what an answer means (measured with Codex)."""

from __future__ import annotations

import json
from dataclasses import dataclass

from symphony_cli.core.shape import Json
from symphony_cli.scripted import edits, shapes
from symphony_cli.scripted.script import Ask, AskKind, Write
from symphony_cli.scripted.stage import Stage, TurnCancelled
from symphony_cli.scripted.wire import Message, now_ms

APPROVAL = "waitingOnApproval"
USER_INPUT = "waitingOnUserInput"


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes of a question: a command or a change to carry out, or a text for the model."""

    call: str
    text: str = ""
    command: str | None = None
    change: edits.Change | None = None
    began: int = 0


async def ask(stage: Stage, action: Ask) -> Answer:
    """Put one question and wait for its answer.

    Raises:
        TurnCancelled: the client answered an approval with `cancel`.
    """
    match action.kind:
        case AskKind.COMMAND:
            return await _command(stage, action)
        case AskKind.FILE:
            return await _file(stage, action)
        case AskKind.PERMISSIONS:
            return await _permissions(stage, action)
        case AskKind.INPUT:
            return await _user_input(stage, action)
        case AskKind.ELICITATION:
            return await _elicitation(stage, action)
        case AskKind.UNKNOWN:
            return await _unknown(stage, action)


def decision(reply: Message) -> str:
    """`accept`, `decline`, `cancel`, or `failed` for an error and anything else."""
    match reply:
        case {"result": {"decision": "accept" | "acceptForSession"}}:
            return "accept"
        case {"result": {"decision": {"acceptWithExecpolicyAmendment": _}}}:
            return "accept"
        case {"result": {"decision": "decline"}}:
            return "decline"
        case {"result": {"decision": "cancel"}}:
            return "cancel"
        case _:
            return "failed"


async def _command(stage: Stage, action: Ask) -> Answer:
    call = stage.call("exec_command", json.dumps({"cmd": action.command}))
    item = shapes.command_execution(call, action.command, stage.live.cwd, None)
    began = stage.item_started(item)
    params = {
        "kind": "command",
        "itemId": call,
        "startedAtMs": began,
        "environmentId": "local",
        "reason": action.reason,
        "command": item["command"],
        "cwd": item["cwd"],
        "commandActions": item["commandActions"],
        "availableDecisions": ["accept", "cancel"],
    }
    decided = decision(await stage.ask("item/commandExecution/requestApproval", params, APPROVAL))
    if decided == "accept":
        return Answer(call, command=action.command, began=began)
    stage.item_completed({**item, "status": "declined"}, began)
    return Answer(call, _refused(decided, "exec_command failed: rejected by user"))


async def _file(stage: Stage, action: Ask) -> Answer:
    wanted = Write(action.path, action.content)
    arguments = {"path": action.path, "content": action.content}
    call = stage.call("apply_patch", json.dumps(arguments))
    try:
        change = edits.change(wanted, stage.live.cwd)
    except ValueError as error:
        return Answer(call, f"apply_patch verification failed: {error}")
    began = stage.item_started(shapes.file_change(call, (change.item,)))
    params = {"itemId": call, "startedAtMs": began, "reason": action.reason, "grantRoot": None}
    decided = decision(await stage.ask("item/fileChange/requestApproval", params, APPROVAL))
    if decided == "accept":
        return Answer(call, change=change, began=began)
    stage.item_completed(shapes.file_change(call, (change.item,), "declined"), began)
    return Answer(call, _refused(decided, "patch rejected by user"))


def _refused(decided: str, rejected: str) -> str:
    if decided == "cancel":
        raise TurnCancelled
    return rejected if decided == "decline" else "approval request failed"


async def _permissions(stage: Stage, action: Ask) -> Answer:
    wanted = {"network": {"enabled": True}}
    call = stage.call("request_permissions", json.dumps(wanted))
    params: dict[str, Json] = {"itemId": call, "cwd": str(stage.live.cwd)}
    params |= {"startedAtMs": now_ms(), "reason": action.reason, "permissions": wanted}
    reply = await stage.ask("item/permissions/requestApproval", params, APPROVAL)
    match reply:
        case {"result": {"permissions": dict(granted)}}:
            return Answer(call, json.dumps({"permissions": granted}))
        case _:
            return Answer(call, "permission request failed")


async def _user_input(stage: Stage, action: Ask) -> Answer:
    options = [{"label": label, "description": label} for label in action.options]
    question = {
        "id": "q1",
        "header": "Question",
        "question": action.question,
        "isOther": True,
        "isSecret": False,
        "options": options,
    }
    call = stage.call("request_user_input", json.dumps({"questions": [question]}))
    params = {"itemId": call, "questions": [question], "isBlocking": False}
    params["autoResolutionMs"] = None
    reply = await stage.ask("item/tool/requestUserInput", params, USER_INPUT)
    match reply:
        case {"result": {"answers": dict(answers)}}:
            return Answer(call, json.dumps({"answers": answers}))
        case _:
            return Answer(call, json.dumps({"answers": {}}))


async def _elicitation(stage: Stage, action: Ask) -> Answer:
    call = stage.call("mcp__lab__ask", json.dumps({"message": action.message}))
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    params: dict[str, Json] = {"serverName": "lab", "mode": "form", "_meta": None}
    params |= {"message": action.message, "requestedSchema": schema}
    reply = await stage.ask("mcpServer/elicitation/request", params, APPROVAL)
    match reply:
        case {"result": {"action": "accept", "content": content}}:
            return Answer(call, json.dumps({"action": "accept", "content": content}))
        case {"result": {"action": "cancel"}}:
            return Answer(call, json.dumps({"action": "cancel"}))
        case _:
            return Answer(call, json.dumps({"action": "decline"}))


async def _unknown(stage: Stage, action: Ask) -> Answer:
    call = stage.call("unheard_of", json.dumps({"method": action.method}))
    reply = await stage.ask(action.method, {"itemId": call}, APPROVAL)
    shown = {name: reply[name] for name in ("result", "error") if name in reply}
    return Answer(call, json.dumps(shown))
