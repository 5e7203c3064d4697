"""Answer one tool call of an agent: `python -m symphony_cli.errands.tool RUN_DIR`.

The call comes as JSON on stdin, `{"tool": NAME, "arguments": {...}}`; the answer goes as JSON to
stdout, `{"success": true, "text": "..."}`. The text is for the model: what was done, or what is
wrong and how to call better. The exit code is 0 unless the command line is wrong.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial

from symphony_cli import runfolder, wiring
from symphony_cli.core.answers import OFFERED, capped
from symphony_cli.core.run import Order
from symphony_cli.core.secrets import redact
from symphony_cli.core.shape import Json
from symphony_cli.errands import mutations
from symphony_cli.errands.call import Call, called
from symphony_cli.errands.issue_update import issue_update
from symphony_cli.errands.reply import BadCall, Reply
from symphony_cli.errors import ExitCode, StateError, SymphonyError, UsageError
from symphony_cli.paths import RunPaths
from symphony_cli.ports import Tracker


@dataclass(frozen=True, slots=True)
class Desk:
    """What a tool needs to answer: the order, and ways to open what the tool works on.

    `changing` is called before and after whatever may change something in the tracker.
    """

    order: Order
    tracker: Callable[[], Tracker]
    linear: Callable[[Callable[[], None]], Callable[[Json], tuple[bool, str]]]
    changing: Callable[[], None]
    secrets: tuple[str, ...] = ()


def _issue_update(arguments: Json, desk: Desk) -> Reply:
    desk.changing()
    try:
        return issue_update(arguments, desk.order, desk.tracker())
    finally:
        desk.changing()


def _linear_graphql(arguments: Json, desk: Desk) -> Reply:
    if desk.order.settings.tracker.kind != "linear":
        raise BadCall(
            "There is no Linear here: the issues of this project are Markdown files. To comment "
            "on your issue, label it or move it, use the tool issue_update."
        )
    return Reply(*desk.linear(desk.changing)(arguments))


TOOLS: dict[str, Callable[[Json, Desk], Reply]] = {
    "issue_update": _issue_update,
    "linear_graphql": _linear_graphql,
}
"""Every tool that any version ever offered: a resumed thread still knows them."""


def answer(call: Json, desk: Desk) -> Reply:
    """The reply to one call: without secrets, and never longer than `answers.LONGEST`."""
    reply = _answer(call, desk)
    # First the secrets, then the cut: a cut may go through a key and leave half of it.
    return Reply(reply.success, capped(redact(reply.text, desk.secrets)))


def _answer(call: Json, desk: Desk) -> Reply:
    if not isinstance(call, dict) or not isinstance(call.get("tool"), str):
        return Reply(False, 'A call must be {"tool": NAME, "arguments": {...}}.')
    tool = TOOLS.get(call["tool"])
    if tool is None:
        known = ", ".join(OFFERED.get(desk.order.settings.tracker.kind, tuple(TOOLS))[:1])
        return Reply(False, f"There is no tool {call['tool']!r}. Known tools: {known}.")
    try:
        return tool(call.get("arguments"), desk)
    except (BadCall, SymphonyError) as error:
        return Reply(False, str(error))


def desk_of(call: Call) -> Desk:
    """What the run that is served has.

    Raises:
        StateError: its order cannot be read.
    """
    order = runfolder.order(call.paths)
    return Desk(
        order=order,
        tracker=partial(wiring.open_tracker, order, call.secrets, wiring.TOOL_PATIENCE),
        linear=partial(wiring.open_tool, order, call.secrets),
        changing=partial(note_change, call.paths, order),
        secrets=call.secrets,
    )


def note_change(paths: RunPaths, order: Order) -> None:
    """Note a change, so that no older look is believed. A Markdown file is always as it was left.

    A note that cannot be written stops no change: the look after the next is right again.
    """
    if order.settings.tracker.kind == "linear":
        with contextlib.suppress(StateError):
            mutations.note(paths)


def main(arguments: Sequence[str]) -> int:
    """Answer the call on stdin for the run in the folder that `arguments` names."""
    try:
        served = called("tool", arguments)
    except UsageError as error:
        print(error, file=sys.stderr)
        return ExitCode.USAGE
    try:
        reply = answer(json.loads(sys.stdin.buffer.read()), desk_of(served))
    except (ValueError, RecursionError):
        reply = Reply(False, "The call is no JSON.")
    except SymphonyError as error:
        reply = Reply(False, capped(redact(str(error), served.secrets)))
    print(redact(json.dumps(asdict(reply)), served.secrets))
    return ExitCode.DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
