from __future__ import annotations

import os
from pathlib import Path

import pytest

from symphony_cli.adapters import hooks
from symphony_cli.adapters.hooks import run_hook
from symphony_cli.errors import HookFailed
from symphony_cli.processes import identify, members

pytestmark = pytest.mark.real

ENVIRONMENT = {"PATH": os.environ["PATH"], "COLOUR": "blue"}


def run(place: Path, script: str, timeout: float = 20, secrets: tuple[str, ...] = ()) -> str:
    log = place / "agent.log"
    run_hook("after_create", script, place, ENVIRONMENT, timeout, log, secrets=secrets)
    return log.read_text() if log.exists() else ""


def test_a_hook_runs_in_the_workspace_with_its_environment_and_nothing_to_read(
    tmp_path: Path,
) -> None:
    script = "pwd\necho $COLOUR\nread line || echo end of input\necho trouble >&2\n"
    said = run(tmp_path, script)
    assert said == f"[hook after_create]\n{tmp_path}\nblue\nend of input\ntrouble\n"


def test_a_blank_hook_is_no_hook(tmp_path: Path) -> None:
    assert run(tmp_path, " \n") == ""


def test_a_failed_hook_tells_name_status_and_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(HookFailed) as caught:
        run(tmp_path, "echo one\necho two >&2\nexit 17")
    log = tmp_path / "agent.log"
    assert str(caught.value) == (
        f"Hook after_create failed with exit status 17: see {log}. It said last: one\ntwo"
    )


def test_the_last_words_fit_a_status_line_and_the_log_has_all(tmp_path: Path) -> None:
    with pytest.raises(HookFailed) as caught:
        run(tmp_path, "seq 1 2000\nexit 1")
    _, _, words = str(caught.value).partition(" It said last: ")
    assert (len(words) <= 300, words[0], words[-5:]) == (True, "…", "\n2000")
    assert (tmp_path / "agent.log").read_text().count("\n") == 2001


def test_a_hook_stops_at_its_first_failing_command(tmp_path: Path) -> None:
    with pytest.raises(HookFailed, match="exit status 1"):
        run(tmp_path, "false\ntouch went-on")
    assert not (tmp_path / "went-on").exists()


def test_a_hook_that_takes_too_long_is_ended_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "GRACE", 0.3)
    groups: list[int] = []
    script = "trap '' TERM\n(trap '' TERM; sleep 600) &\necho begun\nwait; sleep 600"
    with pytest.raises(HookFailed, match=r"longer than 0\.5 s.*It said last: begun"):
        run_hook(
            "before_run", script, tmp_path, ENVIRONMENT, 0.5, tmp_path / "log",
            on_group=groups.append,
        )  # fmt: skip
    assert (len(groups), members(groups)) == (1, [])


def test_a_hook_may_leave_a_server_behind_and_is_not_waited_for(tmp_path: Path) -> None:
    said = run(tmp_path, "sleep 600 & echo $!\n")
    pid = int(said.split()[-1])
    server = identify(pid)
    os.kill(pid, 9)
    assert server is not None


def test_secrets_in_the_output_are_hidden_wherever_it_is_cut(tmp_path: Path) -> None:
    secret = "lin_api_0123456789"
    script = f"printf '%65530s'; printf {secret}; printf '%70000s'; echo {secret}; exit 3"
    with pytest.raises(HookFailed) as caught:
        run(tmp_path, script, secrets=(secret,))
    said = (tmp_path / "agent.log").read_text()
    assert (said.count("[secret]"), secret in said, secret in str(caught.value)) == (
        2,
        False,
        False,
    )


def test_output_beyond_the_limit_is_read_and_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "MOST_LOGGED", 10)
    said = run(tmp_path, "for i in 1 2 3 4 5 6 7 8 9; do echo line $i; done")
    note = "[output beyond 10 bytes is left out]"
    assert said == f"[hook after_create]\nline 1\nlin\n{note}\n"


def test_a_hook_in_a_folder_that_is_gone_fails_as_a_hook(tmp_path: Path) -> None:
    with pytest.raises(HookFailed, match="Hook after_run cannot be started in"):
        run_hook("after_run", "true", tmp_path / "gone", ENVIRONMENT, 5, tmp_path / "log")
