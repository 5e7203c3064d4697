"""Short ways to ask for a plan and to say what should be in it."""

from __future__ import annotations

from typing import Any

from symphony_cli.core.decisions import Dispatch
from symphony_cli.core.events import Event
from symphony_cli.core.plan import plan
from symphony_cli.core.policy import Policy
from symphony_cli.core.run import RunLimits
from tests.builders import dispatched, enrol_all, history, iid, snapshot

TAKE_OFF = "; take it off to let it run"
ABC, POLICY = iid("ABC-1"), Policy(interval=30.0, slots=3)
RUNNING = (*enrol_all("ABC-1"), dispatched())


def decided(*events: Event, policy: Policy = POLICY, **world: Any) -> list[Any]:
    """What is decided after these events; the tracker has nothing new unless told."""
    return list(plan(snapshot(**world), history(*events), policy))


def looked(*issues: Any, after: tuple[Event, ...] = (), **world: Any) -> list[Any]:
    """What is decided when the tracker tells of these issues."""
    return list(plan(snapshot(*issues, **world), history(*after), POLICY))


def start(name: str = "ABC-1", attempt: int = 1, **more: Any) -> Dispatch:
    state, limits = more.pop("state", "Todo"), more.pop("limits", RunLimits())
    return Dispatch(iid(name), attempt, state, limits, **more)
