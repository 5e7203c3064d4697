"""Plays one turn: which steps come, in which order things are told, and how it ends.

The order is that of Codex 0.163 and 0.169 (measured): status active, `turn/started`, the user's
message, items, after each answer of the model the running total and the rate limits, read state,
status idle, and `turn/completed` as the last.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from symphony_cli.core.shape import Json
from symphony_cli.scripted import shapes
from symphony_cli.scripted.live import IDLE, SYSTEM_ERROR, Live, new_id
from symphony_cli.scripted.record import (
    Began,
    Compacted,
    Done,
    Ended,
    Input,
    Line,
    Place,
    Record,
    open_calls,
)
from symphony_cli.scripted.script import ACTIONS, ANSWERS, Say, Script, Step
from symphony_cli.scripted.stage import Stage, TurnCancelled, TurnFailed
from symphony_cli.scripted.steps import perform
from symphony_cli.scripted.wire import now_ms

START_GAP = 0.005
"""Seconds between the reply to `turn/start` and the moment a turn can be interrupted (measured)."""

NOTHING_LEFT = (Step(Say("There is nothing left to do.")),)
_NAMES = {kind: name for name, kind in ACTIONS.items()}
_ABORTED = "<turn_aborted>\nThe user interrupted the previous turn on purpose.\n</turn_aborted>"


def coming(script: Script, record: Record, prompt: str) -> Iterator[tuple[Place, Step]]:
    """The steps that a turn will play, each with the place that the thread is at after it.

    A list of steps that was cut off is played to its end first; after the last list there is
    nothing left to do, for as many turns as the client starts.
    """
    place = record.place or Place(script.choose(prompt).match)
    issue = script.named(place.match) or script.choose(prompt)
    turn, done = place.turn, place.step
    if turn < len(issue.turns) and done >= len(issue.turns[turn]):
        turn, done = turn + 1, 0
    steps = issue.turns[turn][done:] if turn < len(issue.turns) else NOTHING_LEFT
    for number, step in enumerate(steps, start=done + 1):
        yield Place(issue.match, turn, number), step


async def play(live: Live, turn: str, prompt: str) -> None:
    """Play one turn of a thread from `turn/started` to `turn/completed`."""
    await asyncio.sleep(START_GAP)
    began = now_ms()
    first = live.record.input[0]["content"][0]["text"] if live.record.input else prompt
    steps = list(coming(live.house.script, live.record, first))
    stage = Stage(live, turn, began, live.record.place or Place(steps[0][0].match))
    _start(stage)
    try:
        stage.hear_user(prompt, Began(turn, began))
        for place, step in steps:
            await _play_step(stage, place, step)
    except TurnFailed as failed:
        _fail(stage, failed)
    except (asyncio.CancelledError, TurnCancelled):
        _interrupt(stage)
    else:
        _complete(stage)


async def _play_step(stage: Stage, place: Place, step: Step) -> None:
    await asyncio.sleep(0)
    stage.take_steered()
    stage.place = place
    if isinstance(step.action, ANSWERS):
        stage.usage = step.usage
        stage.live.log_request(_NAMES[type(step.action)])
    await perform(stage, step.action)
    stage.settle()


def _start(stage: Stage) -> None:
    stage.live.started = True
    stage.live.change_status({"type": "active", "activeFlags": []})
    view = shapes.turn(stage.turn, started=stage.began)
    stage.live.notify("turn/started", {"turn": view})


def _complete(stage: Stage) -> None:
    stage.take_steered()
    at = now_ms()
    stage.live.rollout.write(Ended(stage.turn, "completed", at))
    _tell_read_state(stage)
    items = () if stage.said is None else (stage.said,)
    stage.live.change_status(IDLE)
    _tell_end(stage, "completed", at, items=items, view="summary")


def _fail(stage: Stage, failed: TurnFailed) -> None:
    at, error = now_ms(), shapes.turn_error(str(failed), failed.info)
    stage.drop()
    stage.live.rollout.write(stage.place, Ended(stage.turn, "failed", at, error))
    stage.live.change_status(SYSTEM_ERROR)
    stage.note("error", error=error, willRetry=False)
    _tell_read_state(stage)
    _tell_end(stage, "failed", at, error=error)


def _interrupt(stage: Stage) -> None:
    """The step that was cut off counts as played: a model would not simply begin it again."""
    live, at = stage.live, now_ms()
    stage.drop()
    waited = (at - stage.began) / 1000
    aborted = f"Wall time: {waited:.1f} seconds\naborted by user"
    outputs = [shapes.function_output(call, aborted) for call in open_calls(live.record)]
    lines: list[Line] = [Input((*outputs, shapes.said_by("user", _ABORTED))), stage.place]
    if stage.usage is not None:
        lines.append(live.spent_after(stage.usage))
    live.rollout.write(*lines, Ended(stage.turn, "interrupted", at))
    live.tell_usage(stage.turn, live.record.spent)
    live.tell_limits()
    for request in live.interrupts:
        live.house.wire.reply(request, {})
    live.interrupts.clear()
    live.change_status(IDLE)
    _tell_end(stage, "interrupted", at)
    for number in sorted(stage.asked):
        live.notify("serverRequest/resolved", {"requestId": number})


def _tell_read_state(stage: Stage) -> None:
    unread = {"type": "turn", "turnId": stage.turn}
    state = {"firstUnread": unread, "revision": new_id()}
    stage.live.notify("thread/readState/changed", {"readState": state})


def _tell_end(
    stage: Stage,
    status: str,
    at: int,
    *,
    items: tuple[Json, ...] = (),
    view: str = "notLoaded",
    error: Json = None,
) -> None:
    live = stage.live
    live.turn, live.started, live.task = "", False, None
    live.steered.clear()
    view_of_turn = shapes.turn(
        stage.turn,
        status,
        items=items,
        view=view,
        error=error,
        started=stage.began,
        completed=at,
    )
    live.notify("turn/completed", {"turn": view_of_turn})


async def compact(live: Live, turn: str) -> None:
    """A turn of its own that replaces the model's input: the client's messages, and a summary."""
    await asyncio.sleep(START_GAP)
    began = now_ms()
    stage = Stage(live, turn, began, live.record.place or Place(""))
    _start(stage)
    item = {"type": "contextCompaction", "id": new_id()}
    stage.item_started(item)
    said = [i for i in live.record.input if i.get("role") == "user"]
    summary = shapes.said_by("user", f"Summary: {len(live.record.input)} items came before.")
    at = now_ms()
    live.rollout.write(
        Began(turn, began),
        Compacted((*said, summary)),
        Done(turn, item, began, at),
        Ended(turn, "completed", at),
    )
    live.tell_usage(turn, live.record.spent)
    live.tell_limits()
    stage.note("item/completed", item=item, completedAtMs=at)
    live.change_status(IDLE)
    _tell_end(stage, "completed", at)
