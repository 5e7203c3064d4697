from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from symphony_cli.adapters.gitenv import (
    git,
    is_branch_name,
    quiet_environment,
    remote_environment,
    remote_git,
    url_without_credentials,
)
from symphony_cli.errors import MissingProgram, WorkspaceError
from tests.adapters.gitworld import git_world

NAMES = [
    "main", "symphony/A-1", "a.b", "a..b", "a.lock", "a.lock/b", ".a", "a/.b", "a/", "/a", "a//b",
    "-a", "a b", "a~b", "a^b", "a:b", "a?b", "a*b", "a[b", "a\\b", "a@{b", "a@b", "a.", "ü",
    "a\tb", "HEAD", "a{b}", "", "a-", "a/-b", "@/a", "a\x7f",
]  # fmt: skip


@pytest.mark.real
@pytest.mark.parametrize("name", NAMES)
def test_a_branch_name_is_judged_as_git_judges_it(name: str) -> None:
    done = subprocess.run(["git", "check-ref-format", "--branch", name], capture_output=True)
    assert is_branch_name(name) == (done.returncode == 0)


def test_nothing_of_the_caller_reaches_the_quiet_git_but_path_and_tmpdir() -> None:
    inherited = {
        "PATH": "/usr/bin:.::relative:/bin",
        "TMPDIR": "/tmp",
        "HOME": "/home/ada",
        "GIT_DIR": "/elsewhere",
        "LINEAR_API_KEY": "secret",
    }
    found = quiet_environment(inherited)
    own = {name: value for name, value in found.items() if not name.startswith("GIT_")}
    assert own == {
        "PATH": "/usr/bin:/bin",
        "TMPDIR": "/tmp",
        "HOME": "/nonexistent",
        "XDG_CONFIG_HOME": "/nonexistent",
        "LC_ALL": "C",
    }
    assert "GIT_DIR" not in found


def test_git_that_speaks_with_the_remote_keeps_only_how_to_reach_it() -> None:
    inherited = {
        "PATH": "/bin",
        "HOME": "/home/ada",
        "GIT_DIR": "/x",
        "GIT_INDEX_FILE": "/x",
        "GIT_CONFIG_PARAMETERS": "'core.fsmonitor=x'",
        "GIT_SSH_COMMAND": "ssh -i key",
        "GIT_CONFIG_KEY_0": "http.extraheader",
    }
    assert remote_environment(inherited) == {
        "PATH": "/bin",
        "HOME": "/home/ada",
        "GIT_SSH_COMMAND": "ssh -i key",
        "GIT_CONFIG_KEY_0": "http.extraheader",
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
    }


@pytest.mark.real
def test_an_inherited_git_dir_does_not_lead_git_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = git_world(tmp_path)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "seed/.git"))
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "'core.bare=nonsense'")
    assert git("rev-parse", "--git-dir", git_dir=world.origin).decode().strip() == str(world.origin)


@pytest.mark.real
def test_a_failure_of_git_is_one_sentence_without_the_password(tmp_path: Path) -> None:
    world = git_world(tmp_path)
    url = "https://ada:geheim@localhost:1/x.git"
    with pytest.raises(WorkspaceError) as caught:
        remote_git("ls-remote", url, environment=world.environment, timeout=60)
    text = str(caught.value)
    assert text.startswith("git ls-remote failed: fatal: ")
    assert "geheim" not in text


def test_a_missing_git_is_a_missing_program(tmp_path: Path) -> None:
    with pytest.raises(MissingProgram, match="git is not on PATH: install git"):
        remote_git("version", environment={"PATH": str(tmp_path)})


@pytest.mark.real
def test_git_that_takes_too_long_is_ended_with_everything_it_started(tmp_path: Path) -> None:
    world = git_world(tmp_path)
    groups: list[int] = []
    environment = world.environment | {"GIT_SSH_COMMAND": "sleep 600; :"}
    with pytest.raises(WorkspaceError, match=r"git ls-remote took longer than 0\.5 s"):
        remote_git(
            "ls-remote", "ssh://host/x", environment=environment, timeout=0.5,
            on_group=groups.append,
        )  # fmt: skip
    left = subprocess.run(["pgrep", "-g", str(groups[0])], capture_output=True, text=True)
    states = [Path(f"/proc/{pid}/stat").read_text().split()[2] for pid in left.stdout.split()]
    assert set(states) <= {"Z"}


def test_a_url_is_shown_without_its_credentials() -> None:
    shown = [url_without_credentials(url) for url in ("https://t:x@h/r", "git@h:r", "/a@b/c")]
    assert shown == ["https://h/r", "git@h:r", "/a@b/c"]
