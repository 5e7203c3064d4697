"""What doctor sees of programs, logins, sandboxes, timers and places, on real files."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from symphony_cli import processes
from symphony_cli.adapters import examine_places, examine_programs, examine_sandbox
from symphony_cli.adapters.asking import Reply, ask
from symphony_cli.adapters.examine_timers import Searched, timers
from symphony_cli.core.examined import Codex, Folder, Login, Program, Temporary, Timer
from symphony_cli.core.run import CodexSettings
from symphony_cli.errands.launcher import codex_argv
from tests.cli.house import until

PATH = os.environ["PATH"]


def script(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_a_program_is_asked_without_input_and_told_by_how_it_ends(tmp_path: Path) -> None:
    good = script(tmp_path / "good", "read line || echo nothing; echo to err >&2")
    bad = script(tmp_path / "bad", "echo out; echo 'no way' >&2; exit 3")
    assert ask((good,), {"PATH": PATH}) == Reply(0, "nothing\n", "to err\n")
    assert ask((bad,), {"PATH": PATH}).trouble == "no way"
    assert ask((str(tmp_path / "none"),), {}).failure.startswith("it cannot be started: ")


def test_one_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    hanging = script(tmp_path / "hang", f"sleep 600 & echo $! > {tmp_path}/child; wait")
    assert ask((hanging,), {"PATH": PATH}, 3.0).failure == "it gave no answer in 3 s"
    child = int((tmp_path / "child").read_text())
    until(lambda: processes.identify(child) is None, "the end of the child")


def test_git_is_looked_for_on_path_but_not_in_the_current_folder(tmp_path: Path) -> None:
    own = script(tmp_path / "git", "echo git version 2.99.1")
    assert examine_programs.git({"PATH": str(tmp_path)}) == Program(own, "git version 2.99.1")
    none = examine_programs.git({"PATH": ".:/nonexistent"})
    assert none == Program(error="git is not on PATH (/nonexistent).")


def codex(command: str, folder: Path) -> Codex:
    return examine_programs.codex(command, {"PATH": f"{folder}:{PATH}"}, codex_argv)


def test_the_version_of_codex_is_asked_of_the_program_that_runs_start(tmp_path: Path) -> None:
    own = script(tmp_path / "codex", 'echo "codex-cli 0.169.0 $*"')
    words = "codex -c model=x app-server --listen stdio"
    said = Program(own, "codex-cli 0.169.0 --version")
    assert codex(words, tmp_path) == Codex(words, said)
    versioned = script(tmp_path / "codex-0.163", "echo codex-cli 0.163.0")
    assert codex(f"{versioned} app-server", tmp_path).program.said == "codex-cli 0.163.0"
    script(tmp_path / "npx", 'echo "$*"')
    assert codex("npx codex app-server", tmp_path).program.said == "codex --version"


def test_other_commands_than_codex_are_not_asked(tmp_path: Path) -> None:
    assert codex("python3 -m play it.json app-server", tmp_path).is_codex is False
    shell = codex("codex app-server | tee /tmp/x", tmp_path)
    assert (shell.shell, shell.is_codex, Path(shell.program.path).name) == (True, False, "bash")


def test_a_codex_that_does_not_start_is_told_with_its_complaint(tmp_path: Path) -> None:
    own = script(tmp_path / "codex", "echo 'node: not found' >&2; exit 127")
    found = codex("codex app-server", tmp_path).program
    assert found.error == f"{own} does not tell its version: node: not found."


def test_a_login_is_known_by_files_alone(tmp_path: Path) -> None:
    home = str(tmp_path)
    assert examine_programs.login(f"{home}/no", {}) == Login(f"{home}/no", there=False)
    assert examine_programs.login(home, {"OPENAI_API_KEY": "k"}).variables == ("OPENAI_API_KEY",)
    (tmp_path / "auth.json").write_text("{}")
    (tmp_path / "auth.json").chmod(0o600)
    assert examine_programs.login(home, {}) == Login(home, True, auth=True)
    (tmp_path / "auth.json").chmod(0o644)
    assert examine_programs.login(home, {}).open_to_others
    (tmp_path / "config.toml").write_text("oops")
    assert examine_programs.login(home, {}).fault.startswith("Expected")


@pytest.mark.parametrize(
    ("config", "environ", "found"),
    [
        ('model_provider = "p"\n[model_providers.p]\nenv_key = "K"', {}, ("p", "K", False)),
        ('model_provider = "p"\n[model_providers.p]\nenv_key = "K"', {"K": "x"}, ("p", "K", True)),
        ('model_provider = "p"\n[model_providers.p]\nname = "P"', {}, ("p", "", False)),
        ('model_provider = "p"\n[model_providers.p]\nrequires_openai_auth = true', {}, ("",)),
        ('model_provider = "openai"', {}, ("",)),
        ("model_provider = 3\nmodel_providers = 4", {}, ("",)),
    ],
)
def test_a_provider_of_ones_own_needs_no_login_but_its_key(
    tmp_path: Path, config: str, environ: dict[str, str], found: tuple[object, ...]
) -> None:
    (tmp_path / "config.toml").write_text(config)
    seen = examine_programs.login(str(tmp_path), environ)
    assert (seen.provider, seen.provider_key, seen.provider_key_set)[: len(found)] == found


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        (CodexSettings(), "workspace-write"),
        (CodexSettings(thread_sandbox="read-only"), "read-only"),
        (CodexSettings(turn_sandbox_policy={"type": "dangerFullAccess"}), "danger-full-access"),
        (CodexSettings(turn_sandbox_policy={"type": "externalSandbox"}), "external-sandbox"),
    ],
)
def test_the_sandbox_of_turns_wins_over_that_of_the_thread(
    settings: CodexSettings, kind: str
) -> None:
    assert examine_sandbox.kind(settings) == kind


@pytest.mark.skipif(sys.platform != "linux", reason="namespaces are Linux's")
def test_a_sandbox_is_tried_with_the_bubblewrap_on_path_else_without(tmp_path: Path) -> None:
    own = script(tmp_path / "bwrap", "echo 'bwrap: No permissions' >&2; exit 1")
    seen = examine_sandbox.sandbox(CodexSettings(), {"PATH": str(tmp_path)})
    assert (own in seen.trial, seen.refused) == (True, "bwrap: No permissions")
    bare = examine_sandbox.sandbox(CodexSettings(), {"PATH": "/nonexistent"})
    assert bare.trial == "making namespaces of its own"
    assert bare.refused == "" or bare.refused.startswith(
        ("making namespaces", "becoming root", "a mount")
    )
    assert (
        examine_sandbox.sandbox(CodexSettings(thread_sandbox="danger-full-access"), {}).trial == ""
    )


@pytest.fixture
def searched(tmp_path: Path) -> Searched:
    """A machine with nothing but a crontab program that shows the file `table`."""
    (tmp_path / "units").mkdir()
    script(tmp_path / "bin" / "crontab", f'test "$1" = -l && exec cat {tmp_path}/table')
    script(tmp_path / "bin" / "systemctl", f"cat {tmp_path}/active")
    environ = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin", "HOME": str(tmp_path)}
    return Searched(
        tmp_path / "project" / "WORKFLOW.md",
        environ,
        ("lin_api_12345678",),
        (str(tmp_path / "etc"),),
        (str(tmp_path / "units"),),
    )


def test_lines_of_a_crontab_that_start_ticks_are_found_and_whose_they_are(
    searched: Searched, tmp_path: Path
) -> None:
    lines = [
        '* * * * * cd "$HOME/project" && "$HOME/bin/symphony" tick >> x',
        "* * * * * cd ~/project-2 && symphony tick",
        "#* * * * * cd ~/project && symphony tick",
        "* * * * * backup ~/project",
    ]
    (tmp_path / "table").write_text("\n".join(lines))
    (tmp_path / "etc").write_text(f"* * * * * ada symphony --workflow {searched.workflow} tick\n")
    assert timers(searched) == (
        Timer("your crontab", mine=True),
        Timer("your crontab", mine=False),
        Timer(str(tmp_path / "etc"), mine=True),
    )


def test_a_key_that_is_written_into_a_crontab_is_noticed(
    searched: Searched, tmp_path: Path
) -> None:
    text = "LINEAR_API_KEY=lin_api_12345678\n* * * * * cd ~/project && symphony tick\n"
    (tmp_path / "table").write_text(text)
    assert timers(searched) == (Timer("your crontab", mine=True, holds_key=True),)


def unit(folder: Path, service: str, name: str = "s") -> str:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.timer").write_text("[Timer]\nOnCalendar=minutely\n")
    (folder / f"{name}.service").write_text(f"[Service]\nType=oneshot\n{service}\n")
    return f"the timer {folder / f'{name}.timer'}"


def test_units_of_systemd_are_read_and_asked_whether_they_are_active(
    searched: Searched, tmp_path: Path
) -> None:
    (tmp_path / "active").write_text("inactive\n")
    where = unit(
        tmp_path / "units",
        f"WorkingDirectory={searched.workflow.parent}\nExecStart=/opt/symphony tick",
    )
    unit(tmp_path / "units", "ExecStart=/usr/bin/backup", "other")
    own = unit(
        searched.own_units,
        "WorkingDirectory=%h/project\nExecStart=%h/bin/symphony tick\nKillMode=process",
    )
    found = [replace(timer, lingers=None) for timer in timers(searched)]
    assert found == [
        Timer(where, mine=True, active=False, kills=True),
        Timer(own, mine=True, active=False),
    ]


def test_a_systemctl_that_cannot_tell_says_nothing(searched: Searched, tmp_path: Path) -> None:
    (tmp_path / "active").write_text("Failed to connect to bus\n")
    unit(tmp_path / "units", "ExecStart=symphony tick")
    assert [timer.active for timer in timers(searched)] == [None]


def test_a_folder_tells_whether_it_can_be_written_and_by_whom(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir(mode=0o700)
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "file").write_text("")
    look = examine_places.folder
    assert look(tmp_path / "mine", {}) == Folder(str(tmp_path / "mine"), True)
    assert look(tmp_path / "mine" / "a" / "b", {}).there is False
    assert look(tmp_path / "open", {}).open_to_others
    assert look(tmp_path / "file" / "x", {}).unwritable == f"{tmp_path / 'file'} is no folder"


def test_places_below_folders_for_temporary_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/var/tmp")
    named = [
        ("workspace.root", "/tmp/w"),
        ("a", "/tmpfoo/w"),
        ("b", "/srv/w"),
        ("c", "/srv/t/w"),
        ("d", str(tmp_path / "link" / "m")),
    ]
    found = examine_places.temporary(named, {"TMPDIR": "/srv/t"})
    assert found == (
        Temporary("workspace.root", "/tmp/w", "/tmp"),
        Temporary("c", "/srv/t/w", "/srv/t"),
        Temporary("d", str(tmp_path / "link" / "m"), "/var/tmp"),
    )
