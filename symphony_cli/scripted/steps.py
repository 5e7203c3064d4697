"""What each step does. Commands, files and commits are real."""

from __future__ import annotations

import asyncio
import json
import os
import re

from symphony_cli import clock
from symphony_cli.core.shape import Json
from symphony_cli.scripted import edits, shapes, terminals
from symphony_cli.scripted.asks import ask
from symphony_cli.scripted.live import ended_item, new_id
from symphony_cli.scripted.script import (
    Action,
    Ask,
    BigLine,
    Commit,
    Daemon,
    Edit,
    Exit,
    Fail,
    Garbage,
    Hold,
    IgnoreInterrupt,
    IgnoreTerm,
    RateLimits,
    RetryError,
    Run,
    Say,
    SayEnv,
    Silence,
    Spend,
    Tool,
    Wait,
    Write,
)
from symphony_cli.scripted.stage import Stage, TurnFailed
from symphony_cli.scripted.wire import Message, now_ms

SHOWN_AFTER = 0.2
"""Seconds after which a command's item begins, or with the command's end (measured)."""

SIGN_EVERY = 0.5
"""Seconds between two signs of life of a model that thinks."""

AUTHOR = "-c user.name='Scripted agent' -c user.email=agent@scripted.invalid"


async def perform(stage: Stage, action: Action) -> None:
    """Play one step.

    Raises:
        TurnFailed: the step ends the turn as failed.
        TurnCancelled: the client's answer ends it as interrupted.
    """
    match action:
        case Run() | Daemon() | Commit():
            await _run(stage, _shell(action))
        case Write() | Edit():
            _change(stage, action)
        case Say(text=text):
            say(stage, text)
        case SayEnv(name=name):
            value = os.environ.get(name)
            say(stage, f"{name} is not set" if value is None else f"{name}={value}")
        case Tool():
            await _call_tool(stage, action)
        case Ask():
            await _ask(stage, action)
        case Wait(seconds=seconds):
            await _think(stage, seconds)
        case Silence(seconds=seconds):
            await asyncio.sleep(seconds)
        case Spend():
            pass
        case _:
            _misbehave(stage, action)


def _shell(action: Run | Daemon | Commit) -> Run:
    match action:
        case Daemon(command=command):
            return Run(terminals.detached(command))
        case Commit(message=message):
            quoted = message.replace("'", "'\"'\"'")
            return Run(f"git add -A && git {AUTHOR} commit -q -m '{quoted}'")
        case Run():
            return action


def _misbehave(stage: Stage, action: Action) -> None:
    wire = stage.live.house.wire
    match action:
        case RateLimits(limits=limits):
            stage.live.tell_limits(limits)
        case Fail(message=message, info=info):
            raise TurnFailed(message, info)
        case RetryError(message=message):
            info = {"responseStreamDisconnected": {"httpStatusCode": None}}
            stage.note("error", error=shapes.turn_error(message, info), willRetry=True)
        case Garbage(text=text):
            wire.raw(text.encode())
        case BigLine(bytes=size):
            stage.note("turn/diff/updated", diff="x" * size)
        case IgnoreTerm(on=on):
            stage.live.house.ignores_term = on
        case IgnoreInterrupt(on=on):
            stage.live.house.ignores_interrupt = on
        case Hold(command=command):
            terminals.hold(command, stage.live.cwd)
        case Exit(code=code):
            stage.settle()
            wire.close(1.0)
            os._exit(code)


def say(stage: Stage, text: str) -> None:
    """A message of the model, word by word."""
    item = shapes.agent_message(f"msg_{new_id()}", "")
    began = stage.item_started(item)
    for word in re.findall(r"\s*\S+\s*", text):
        stage.note("item/agentMessage/delta", itemId=item["id"], delta=word)
    stage.said = {**item, "text": text}
    stage.item_completed(stage.said, began)
    stage.heard({**shapes.said_by("assistant", text), "id": item["id"]})


async def _think(stage: Stage, seconds: float) -> None:
    item: Json = {"type": "reasoning", "id": f"rs_{new_id()}", "summary": [], "content": []}
    began, end = stage.item_started(item), clock.monotonic() + seconds
    while (left := end - clock.monotonic()) > 0:
        await asyncio.sleep(min(left, SIGN_EVERY))
        delta = {"itemId": item["id"], "delta": ".", "summaryIndex": 0}
        stage.note("item/reasoning/summaryTextDelta", **delta)
    stage.item_completed(item, began)


async def _run(stage: Stage, action: Run) -> None:
    call = stage.call("exec_command", json.dumps({"cmd": action.command}))
    await _run_called(stage, call, action, shown=False)


async def _run_called(stage: Stage, call: str, action: Run, *, shown: bool) -> None:
    """Carry out a call; its item was `shown` already when it had to be approved."""
    live = stage.live
    try:
        terminal = await terminals.start(call, action.command, live.cwd)
    except OSError as error:
        stage.output(call, f"exec_command failed: {error}")
        return
    item = shapes.command_execution(call, action.command, live.cwd, terminal.process_id)
    task = live.watch(terminal)
    began = now_ms()
    try:
        await asyncio.wait({task}, timeout=SHOWN_AFTER)
        if not shown:
            began = stage.item_started(item)
        terminal.on_output = lambda text: stage.note(
            "item/commandExecution/outputDelta", itemId=call, delta=text
        )
        if action.background:
            live.complete_later(task, stage.turn, item, began)
            stage.output(call, f"Process running with session ID {terminal.process_id}")
            return
        ended = await asyncio.shield(task)
    except asyncio.CancelledError:
        live.complete_later(task, stage.turn, item, began)
        raise
    stage.item_completed(ended_item(item, ended), began)
    seconds = ended.duration_ms / 1000
    wall = f"Wall time: {seconds:.4f} seconds\nProcess exited with code {ended.exit_code}"
    stage.output(call, f"{wall}\nOutput:\n{ended.output}")


def _change(stage: Stage, action: Write | Edit) -> None:
    call = stage.call("apply_patch", _patch(action))
    try:
        change = edits.change(action, stage.live.cwd)
    except ValueError as error:
        stage.output(call, f"apply_patch verification failed: {error}")
        return
    began = stage.item_started(shapes.file_change(call, (change.item,)))
    _carry_out(stage, call, change, began)


def _patch(action: Write | Edit) -> str:
    if isinstance(action, Write):
        return json.dumps({"path": action.path, "content": action.content})
    return json.dumps({"path": action.path, "find": action.find, "replace": action.replace})


def _carry_out(stage: Stage, call: str, change: edits.Change, began: int) -> None:
    try:
        change.carry_out()
    except OSError as error:
        stage.item_completed(shapes.file_change(call, (change.item,), "failed"), began)
        stage.output(call, f"Failed to write file {change.path}: {error.strerror}")
        return
    stage.changes.append(change)
    stage.item_completed(shapes.file_change(call, (change.item,), "completed"), began)
    diff = "".join(one.diff(stage.live.cwd) for one in stage.changes)
    stage.then("turn/diff/updated", diff=diff)
    stage.output(call, f"Success. Updated the following files:\n{change.path}\n")


async def _call_tool(stage: Stage, action: Tool) -> None:
    call = stage.call(action.name, json.dumps(action.arguments))
    if action.name not in {tool["name"] for tool in stage.live.record.meta.tools}:
        stage.output(call, f"unsupported call: {action.name}")
        return
    item = shapes.tool_call(call, action.name, action.arguments)
    began = stage.item_started(item)
    params = {
        "callId": call,
        "namespace": None,
        "tool": item["tool"],
        "arguments": item["arguments"],
    }
    reply = await stage.ask("item/tool/call", params)
    success, contents, text = tool_answer(reply)
    status = "completed" if success else "failed"
    took = now_ms() - began
    done = {**item, "status": status, "success": success, "contentItems": contents}
    stage.item_completed({**done, "durationMs": took}, began)
    stage.output(call, text)


def tool_answer(reply: Message) -> tuple[bool, Json, str]:
    """Whether a tool call worked, its content, and what the model reads of it."""
    if "error" in reply:
        return False, None, "dynamic tool request failed"
    match reply.get("result"):
        case {"success": bool(success), "contentItems": list(contents)}:
            texts = [item["text"] for item in contents if "text" in item]
            plain = len(texts) == len(contents) == 1
            return success, contents, texts[0] if plain else json.dumps(contents)
        case _:
            return False, None, "dynamic tool response was invalid"


async def _ask(stage: Stage, action: Ask) -> None:
    answer = await ask(stage, action)
    if answer.command is not None:
        await _run_called(stage, answer.call, Run(answer.command), shown=True)
    elif answer.change is not None:
        _carry_out(stage, answer.call, answer.change, answer.began)
    else:
        stage.output(answer.call, answer.text)
