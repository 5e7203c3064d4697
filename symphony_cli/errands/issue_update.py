"""The tool `issue_update`: an agent changes the issue that it works on, whatever the tracker is."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from symphony_cli.core.issue import norm
from symphony_cli.core.policy import STOP_LABELS
from symphony_cli.core.run import Order
from symphony_cli.core.shape import Json
from symphony_cli.errands.reply import BadCall, Reply
from symphony_cli.errors import SymphonyError
from symphony_cli.ids import write_id
from symphony_cli.ports import Tracker

LONGEST_COMMENT = 32 * 1024
"""Characters of a comment; more is a log, and belongs elsewhere."""

LONGEST_NAME = 100
"""Characters of a state or a label."""


@dataclass(frozen=True, slots=True)
class Update:
    """What `issue_update` was asked to do; empty means: leave it."""

    state: str = ""
    comment: str = ""
    add_labels: tuple[str, ...] = ()
    remove_labels: tuple[str, ...] = ()


_MEMBERS = ("state", "comment", "add_labels", "remove_labels")


def parse_update(arguments: Json) -> Update:
    """The arguments of `issue_update`.

    Raises:
        BadCall: they are no object, ask for nothing, or have a member that makes no sense.
    """
    if not isinstance(arguments, dict):
        raise BadCall("The arguments must be a JSON object.")
    strange = sorted(set(map(str, arguments)).difference(_MEMBERS))
    if strange:
        raise BadCall(f"Unknown argument {strange[0]!r}; known are {', '.join(_MEMBERS)}.")
    given = {name: value for name, value in arguments.items() if value is not None}
    update = Update(
        _text(given, "state", LONGEST_NAME),
        _text(given, "comment", LONGEST_COMMENT),
        _labels(given, "add_labels"),
        _labels(given, "remove_labels"),
    )
    if update == Update():
        raise BadCall(f"Nothing to do: give at least one of {', '.join(_MEMBERS)}.")
    both = set(map(norm, update.add_labels)).intersection(map(norm, update.remove_labels))
    if both:
        raise BadCall(f"The label {min(both)!r} is in add_labels and in remove_labels.")
    return update


def _text(given: Mapping[str, Json], name: str, longest: int) -> str:
    if name not in given:
        return ""
    value = given[name]
    if not isinstance(value, str) or not value.strip():
        raise BadCall(f"`{name}` must be a text that is not empty.")
    if len(value) > longest:
        raise BadCall(f"`{name}` has {len(value)} characters; at most {longest} are allowed.")
    return value if name == "comment" else " ".join(value.split())


def _labels(given: Mapping[str, Json], name: str) -> tuple[str, ...]:
    value = given.get(name, [])
    if not isinstance(value, list):
        raise BadCall(f'`{name}` must be a list of label names, for example ["bug"].')
    return tuple(_text({name: label}, name, LONGEST_NAME) for label in value)


def issue_update(arguments: Json, order: Order, tracker: Tracker) -> Reply:
    """Change the run's own issue: comment, labels, and last its state.

    Each step is safe to repeat: the comment's write id is made from the run and the call. A step
    that fails ends the call, and the reply says what was done before it.

    Raises:
        BadCall: the arguments make no sense, or ask for what only a person may do; or agents may
            write nothing here.
    """
    ref = order.settings.tracker
    if ref.kind == "linear" and ref.tool_writes not in ("issue", "project"):
        raise BadCall(
            f"Agents may change nothing in Linear here (tracker.tool_writes is {ref.tool_writes}): "
            "say in your last message what should be changed. Nothing was changed."
        )
    update, issue = parse_update(arguments), order.issue.id
    guarded = {*order.settings.rules.stop_labels, *STOP_LABELS}
    for label in update.remove_labels:
        if norm(label) in guarded:
            raise BadCall(f"Only a person may remove the label {label!r}. Nothing was changed.")
    steps: list[tuple[str, Callable[[], object]]] = []
    if update.comment:
        write = write_id(order.run, "issue_update", json.dumps(arguments, sort_keys=True))
        steps.append(("comment posted", lambda: tracker.comment(issue, update.comment, write)))
    for label in update.add_labels:
        steps.append((f"label {label!r} set", _step(tracker.add_label, order, label)))
    for label in update.remove_labels:
        steps.append((f"label {label!r} removed", _step(tracker.remove_label, order, label)))
    if update.state:
        steps.append((f"state is {update.state!r}", _step(tracker.set_state, order, update.state)))
    return _take(steps, order.issue.identifier)


def _step(write: Callable[..., None], order: Order, name: str) -> Callable[[], object]:
    return lambda: write(order.issue.id, name)


def _take(steps: Sequence[tuple[str, Callable[[], object]]], identifier: str) -> Reply:
    done: list[str] = []
    for meaning, act in steps:
        try:
            act()
        except SymphonyError as error:
            so_far = f"Done before that: {'; '.join(done)}." if done else "Nothing was changed."
            return Reply(False, f"Not done: {meaning}. {error} {so_far}")
        done.append(meaning)
    return Reply(True, f"{identifier}: {'; '.join(done)}.")
