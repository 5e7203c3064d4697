"""Members of the client's requests, checked where they enter."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from symphony_cli.core.shape import Json
from symphony_cli.scripted import shapes
from symphony_cli.scripted.record import Settings
from symphony_cli.scripted.wire import Message, Refused

T = TypeVar("T")


def member(params: Message, name: str, kind: type[T]) -> T:
    """A member that a request must have.

    Raises:
        Refused: it is missing or of another type.
    """
    if name not in params:
        raise Refused(f"Invalid request: missing field `{name}`")
    value = params[name]
    if not isinstance(value, kind):
        raise Refused(f"Invalid request: invalid type for `{name}`")
    return value


def said(params: Message) -> str:
    """The text of a request's input."""
    parts = member(params, "input", list)
    return "\n".join(part["text"] for part in parts if part.get("type") == "text")


def changed(settings: Settings, params: Message) -> Settings:
    """Settings after a request that may carry some of them."""
    if isinstance(params.get("cwd"), str):
        settings = replace(settings, cwd=params["cwd"])
    if params.get("approvalPolicy") is not None:
        settings = replace(settings, approval_policy=policy(params["approvalPolicy"]))
    if params.get("sandbox") is not None:
        settings = replace(settings, sandbox=sandbox(params["sandbox"]))
    if params.get("sandboxPolicy") is not None:
        settings = replace(settings, sandbox=params["sandboxPolicy"])
    return settings


def policy(value: Json) -> Json:
    """An approval policy, if it is one of today's.

    Raises:
        Refused: it is an older form or no policy at all.
    """
    known = ("untrusted", "on-request", "granular", "never")
    name = next(iter(value), "") if isinstance(value, dict) else value
    if name not in known or (name == "granular") != isinstance(value, dict):
        expected = ", ".join(f"`{one}`" for one in known)
        raise Refused(f"Invalid request: unknown variant `{name}`, expected one of {expected}")
    return value


def sandbox(name: Json) -> Json:
    """The policy that a sandbox's name stands for.

    Raises:
        Refused: there is no such sandbox.
    """
    if name not in shapes.SANDBOXES:
        expected = ", ".join(f"`{one}`" for one in shapes.SANDBOXES)
        raise Refused(f"Invalid request: unknown variant `{name}`, expected one of {expected}")
    return shapes.SANDBOXES[name]
