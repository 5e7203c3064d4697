"""A script made from JSON, checked whole before anything is played."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import TypeVar

from symphony_cli.core.shape import Json, Malformed, decode
from symphony_cli.core.usage import Usage
from symphony_cli.errors import ConfigError
from symphony_cli.scripted.script import (
    ACTIONS,
    ANSWERS,
    IDLE,
    MAPS,
    Action,
    Issue,
    Run,
    Script,
    Spend,
    Step,
)

T = TypeVar("T")


def load(path: Path) -> Script:
    """The script in a file.

    Raises:
        ConfigError: it cannot be read or says something else than a script may; names the place.
    """
    try:
        return parse(json.loads(path.read_text("utf-8")))
    except OSError as error:
        raise ConfigError(
            f"The script {path} cannot be read ({error.strerror}): check --script."
        ) from error
    except ValueError as error:
        raise ConfigError(
            f"The script {path} cannot be used: {error}. Correct it there."
        ) from error


def parse(data: Json) -> Script:
    """A script made from JSON.

    Raises:
        Malformed: the text names the place, such as ``issues[0].turns[1][2].run``.
    """
    top = _map(data, "the script", {"issues", "default"})
    listed = _list(top.get("issues", []), "issues")
    issues = [_issue(item, f"issues[{n}]", matched=True) for n, item in enumerate(listed)]
    default = _issue(top["default"], "default", matched=False) if "default" in top else IDLE
    if not issues and default is IDLE:
        raise Malformed("it has neither `issues` nor `default`, so there is nothing to play")
    return Script((*issues, default))


def _issue(data: Json, place: str, *, matched: bool) -> Issue:
    members = _map(data, place, {"match", "turns"} if matched else {"turns"})
    match = members.get("match", "")
    if matched and (not isinstance(match, str) or not match):
        raise Malformed(f"{place}.match must be a text that is found in the issue's prompt")
    turns = _list(members.get("turns"), f"{place}.turns")
    return Issue(match, tuple(_turn(turn, f"{place}.turns[{t}]") for t, turn in enumerate(turns)))


def _turn(data: Json, place: str) -> tuple[Step, ...]:
    steps = _list(data, place)
    if not steps:
        raise Malformed(f"{place} has no steps; a turn needs at least one")
    return tuple(_step(step, f"{place}[{s}]") for s, step in enumerate(steps))


def _step(data: Json, place: str) -> Step:
    members = dict(_map(data, place, {*ACTIONS, "background"}))
    usage = members.pop("usage", None) if len(members.keys() & ACTIONS.keys()) > 1 else None
    names = members.keys() & ACTIONS.keys()
    if len(names) != 1:
        said = " and ".join(sorted(names)) or "none"
        raise Malformed(f"{place} must have exactly one of {', '.join(ACTIONS)}; it has {said}")
    name = names.pop()
    action = _action(ACTIONS[name], members.pop(name), members, f"{place}.{name}")
    if usage is not None and not isinstance(action, ANSWERS):
        raise Malformed(f"{place}.usage: {name} is no answer of the model, it costs no tokens")
    if isinstance(action, Spend):
        return Step(action, action.usage)
    return Step(action, _usage(usage, f"{place}.usage") if usage is not None else Usage())


def _action(kind: type[Action], value: Json, others: dict[str, Json], place: str) -> Action:
    if others and kind is not Run:
        raise Malformed(f"{place} cannot have {', '.join(others)}: only run can")
    if kind is Spend:
        return Spend(_usage(value, place))
    if kind in MAPS:
        return _decoded(kind, _map(value, place, {f.name for f in fields(kind)}), place)
    return _decoded(kind, {fields(kind)[0].name: value, **others}, place)


def _decoded(kind: type[T], data: Json, place: str) -> T:
    try:
        return decode(kind, data)
    except Malformed as error:
        raise Malformed(f"{place}: {error}") from None


def _usage(data: Json, place: str) -> Usage:
    names = {"input", "cached_input", "output", "reasoning"}
    counts = _decoded(Usage, _map(data, place, names), place)
    return Usage(
        counts.input,
        counts.cached_input,
        counts.output,
        counts.reasoning,
        counts.input + counts.output,
    )


def _map(data: Json, place: str, allowed: set[str]) -> dict[str, Json]:
    if not isinstance(data, dict):
        raise Malformed(f"{place} must be a map, not {type(data).__name__}")
    unknown = sorted(data.keys() - allowed)
    if unknown:
        known = ", ".join(sorted(allowed))
        raise Malformed(f"{place} does not know {', '.join(unknown)}; it knows {known}")
    return data


def _list(data: Json, place: str) -> list[Json]:
    if not isinstance(data, list):
        raise Malformed(f"{place} must be a list, not {type(data).__name__}")
    return data
