"""A folder of issue files for a test, and a tracker over it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from symphony_cli.adapters.markdown_tracker import MarkdownTracker
from symphony_cli.core.policy import Rules
from symphony_cli.ids import IssueId
from tests.adapters.tracker_contract import NOON

ONE = IssueId("one")


def folder_of(tmp_path: Path) -> Path:
    folder = tmp_path / "issues"
    folder.mkdir(exist_ok=True)
    return folder


def tracker_in(
    tmp_path: Path,
    *,
    commit: bool = False,
    before_swap: Callable[[Path], None] = lambda path: None,
) -> MarkdownTracker:
    lock = tmp_path / "state" / "markdown.lock"
    return MarkdownTracker(
        folder_of(tmp_path), Rules(), lambda: NOON, lock, commit, None, before_swap
    )


def save(tmp_path: Path, name: str, text: str) -> Path:
    path = folder_of(tmp_path) / name
    path.write_bytes(text.encode())
    return path


def an_issue_file(state: str = "Todo", front: str = "", body: str = "Text.\n") -> str:
    return f"---\nstate: {state}\n{front}---\n\n{body}"
