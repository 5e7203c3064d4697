"""An order for a run on an issue of a Markdown folder, as a tick would write it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from symphony_cli import runfolder
from symphony_cli.adapters.markdown_tracker import MarkdownTracker
from symphony_cli.core.issue import Issue
from symphony_cli.core.policy import STOP_LABELS, Rules
from symphony_cli.core.run import (
    Order,
    PromptSettings,
    Settings,
    TrackerRef,
    WorkspaceSettings,
)
from symphony_cli.ids import IssueId, Key, RunId
from symphony_cli.paths import RunPaths, StatePaths

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ONE = IssueId("one")
RULES = Rules(required_labels=("agent",), stop_labels=(*STOP_LABELS, "hold"))

WORKFLOW = """\
---
tracker:
  kind: markdown
  required_labels: [agent]
agent:
  stop_continue_labels: [hold]
---
Work on {{ issue.identifier }}.
"""


def issue_file(root: Path, state: str = "Todo", labels: str = "[agent]", more: str = "") -> Path:
    """The file of the run's issue, with these facts."""
    path = root / "issues" / "one.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"---\nstate: {state}\nlabels: {labels}\n{more}---\n\nText.\n")
    return path


def order_in(root: Path) -> Order:
    """What a tick orders for that issue."""
    workflow = root / "WORKFLOW.md"
    workflow.write_text(WORKFLOW)
    return Order(
        run=RunId("run_1"),
        issue=Issue(ONE, "one", "one", "Todo", labels=("agent",)),
        key=Key("one"),
        number=1,
        attempt=1,
        settings=Settings(
            workspace=WorkspaceSettings(str(root / "workspaces")),
            tracker=TrackerRef(
                "markdown", f"markdown:{(root / 'issues').resolve()}", str(workflow)
            ),
            prompt=PromptSettings("Work on {{ issue.identifier }}."),
            rules=RULES,
        ),
        state_dir=str(root / "state"),
        ordered_at=NOON,
    )


def run_folder(root: Path) -> RunPaths:
    """The folder of that run, with its order in it."""
    paths = StatePaths(root / "state").run("one", 1)
    paths.folder.mkdir(parents=True)
    runfolder.save(order_in(root), paths.order)
    return paths


def tracker_in(root: Path) -> MarkdownTracker:
    """The folder as a tracker."""
    return MarkdownTracker(root / "issues", RULES, lambda: NOON, root / "state" / "markdown.lock")
