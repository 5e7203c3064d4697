"""Which program `codex.command` means."""

from __future__ import annotations

from pathlib import Path

import pytest

from symphony_cli.core.issue import Comment, Issue
from symphony_cli.errands.comments import new_comments
from symphony_cli.errands.launcher import codex_argv
from symphony_cli.errors import MissingProgram
from symphony_cli.ids import IssueId
from tests.builders import NOW, later


def absent() -> str | None:
    return None


def folder_with(folder: Path, *names: str) -> str:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return str(folder)


def test_codex_comes_from_path_first(tmp_path: Path) -> None:
    path = folder_with(tmp_path / "bin", "codex", "bash")

    assert codex_argv("codex app-server", path, lambda: "/extra/codex") == (
        f"{path}/codex",
        "app-server",
    )


def test_codex_that_is_not_on_path_comes_from_the_extra(tmp_path: Path) -> None:
    path = folder_with(tmp_path / "bin")

    found = codex_argv('codex --config "model=gpt-5.5" app-server', path, lambda: "/extra/codex")

    assert found == ("/extra/codex", "--config", "model=gpt-5.5", "app-server")


def test_a_missing_codex_is_told_with_how_to_install_it(tmp_path: Path) -> None:
    path = folder_with(tmp_path / "bin", "bash")

    with pytest.raises(MissingProgram, match=r"not found on PATH.*npm install.*pip install"):
        codex_argv("codex app-server", path, absent)


@pytest.mark.parametrize(
    "command",
    [
        "codex app-server | tee log",
        "CODEX_HOME=/x codex app-server",
        "$HOME/bin/codex app-server",
        "~/bin/codex app-server",
        "codex 'app-server",
        "codex --config 'a={b=1}' app-server",
        "wrapper app-server",
        "",
    ],
)
def test_what_only_a_shell_understands_goes_to_a_login_shell(tmp_path: Path, command: str) -> None:
    path = folder_with(tmp_path / "bin", "bash", "codex")

    assert codex_argv(command, path, absent) == (f"{path}/bash", "-lc", command)


def test_a_plain_command_is_started_without_a_shell(tmp_path: Path) -> None:
    path = folder_with(tmp_path / "bin", "agent")

    assert codex_argv("agent --speak 'two words'", path, absent) == (
        f"{path}/agent",
        "--speak",
        "two words",
    )
    assert codex_argv(f"{path}/agent x", path, absent) == (f"{path}/agent", "x")


def test_a_shell_command_without_a_shell_is_told(tmp_path: Path) -> None:
    with pytest.raises(MissingProgram, match=r"a \| b.*needs bash"):
        codex_argv("a | b", folder_with(tmp_path / "bin"), absent)


def test_new_comments_are_those_of_people_since_the_last_run() -> None:
    said = (
        Comment("old", created_at=later(-1)),
        Comment("new", created_at=later(1)),
        Comment("from a bot", created_at=later(1), bot=True),
        Comment("> <!-- symphony:w_1 -->\n\nquotes ours", created_at=later(1)),
        Comment("undated"),
    )
    issue = Issue(IssueId("1"), "ABC-1", "T", "Todo", comments=said)

    since = [comment.body for comment in new_comments(issue, NOW)]

    quoting = "> <!-- symphony:w_1 -->\n\nquotes ours"
    assert since == ["new", quoting, "undated"]
    assert [c.body for c in new_comments(issue, None)] == ["old", "new", quoting, "undated"]
