"""A workflow whose issues are in a Linear, and issues of each kind in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.linear_server import Server
from bench.measure import Command
from bench.worlds import World, environment
from symphony_cli import clock, ids
from symphony_cli.adapters.ledger import FileLedger
from symphony_cli.core import events as e
from symphony_cli.core.issue import Issue
from symphony_cli.ids import IssueId
from tests.fakes.linear.truth import Truth
from tests.linear.twelve_ways import ASSIGNEE, LABEL

_WORKFLOW = """\
---
tracker:
  kind: linear
  endpoint: {endpoint}
  api_key: $LINEAR_API_KEY
  project_slug: {project}
  assignee: {assignee}
  required_labels: [{label}]
  active_states: [Todo, In Progress]
  terminal_states: [Done, Canceled]
workspace:
  root: workspaces
agent:
  max_concurrent_agents: {slots}
  queue_order: priority
  stop_continue_labels: [stop-continue]
codex:
  command: codex app-server
---
You work alone on {{{{ issue.identifier }}}}: {{{{ issue.title }}}}

{{{{ issue.description }}}}
"""

_POST = """
import sys, httpx
question = {"query": "query One { viewer { id } }"}
headers = {"authorization": sys.argv[2]}
httpx.post(sys.argv[1], json=question, headers=headers, verify=False).raise_for_status()
"""
"""Certificates cost 20 ms to load, and neither side has any here."""


def make(folder: Path, server: Server, slots: int = 2) -> World:
    """A workflow on that Linear; the key is in `symphony.env`, where a timer's tick finds it."""
    world = World(folder.resolve())
    world.folder.mkdir(parents=True)
    text = _WORKFLOW.format(
        endpoint=server.endpoint,
        project=server.project,
        assignee=ASSIGNEE,
        label=LABEL,
        slots=slots,
    )
    world.workflow.write_text(text, "utf-8")
    secret = world.folder / "symphony.env"
    secret.touch(mode=0o600)
    secret.write_text(f"LINEAR_API_KEY={server.key}\n", "utf-8")
    return world


def post(folder: Path, server: Server) -> Command:
    """A process that asks once, and does nothing besides."""
    arguments = ("-P", "-c", _POST, server.endpoint, server.key)
    return Command(arguments, environment(folder), folder)


def wish(state: str = "Todo", priority: int = 3, blocked_by: Iterable[str] = ()) -> dict[str, Any]:
    """An issue that is for us, as `Server.write` takes it."""
    return {
        "title": "The report is empty",
        "state": state,
        "priority": priority,
        "labels": [LABEL],
        "assignee": ASSIGNEE,
        "blocked_by": list(blocked_by),
    }


def stranger() -> Mapping[str, Any]:
    """An issue that is nobody's yet, and may block others."""
    return {"title": "It comes first", "state": "Backlog"}


def issue_of(truth: Truth) -> Issue:
    """As far as a ledger must know it before the first tick."""
    return Issue(
        id=IssueId(truth["id"]),
        identifier=truth["identifier"],
        title=truth["title"],
        state=truth["state"],
        created_at=datetime.fromisoformat(truth["createdAt"]),
        updated_at=datetime.fromisoformat(truth["updatedAt"]),
    )


def remember(world: World, events: Sequence[e.Event]) -> None:
    """What the ledger knows before the first tick."""
    book = FileLedger(world.state, str(world.workflow), clock.now, ids.new_ledger_id)
    book.append(*events)
