"""Work that was never pushed comes back with `symphony rescue`, as docs/rescue.md tells."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.house import House, Told, fingerprint, held

pytestmark = [pytest.mark.real, pytest.mark.slow]

PAGE = Path(__file__).parents[2] / "docs/rescue.md"
KEY = "fix-login"
WORK: list[Any] = [
    {"write": {"path": "login.py", "content": "done\n"}},
    {"commit": "Add a login"},
    {"write": {"path": "README.md", "content": "changed\n"}},
    {"write": {"path": "noise.log", "content": "noise\n"}},
    {"tool": {"name": "issue_update", "arguments": {"state": "Done"}}},
    {"say": "Done."},
]


def shell(house: House, line: str) -> str:
    """What a person types in the folder of WORKFLOW.md; its output."""
    settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    who = {f"GIT_{r}_{p}": "a@b" for r in ("AUTHOR", "COMMITTER") for p in ("NAME", "EMAIL")}
    done = subprocess.run(
        line, shell=True, cwd=house.project, env=house.environ | settings | who,
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, (line, done.stderr)
    return done.stdout


@pytest.fixture
def rescued(house: House) -> House:
    """A project in git, and a run that left unpushed work; the workspace is gone."""
    (house.project / "README.md").write_text("A project.\n")
    (house.project / ".gitignore").write_text("state/\nissues/\nWORKFLOW.md\n*.log\n")
    shell(house, "git init -q -b main && git add . && git commit -qm Begin")
    house.script(fix_login=WORK)
    house.issue(KEY)
    ref = house.work(KEY)[KEY]["git"]["rescue"]
    assert ref == f"refs/symphony/rescue/{KEY}/1"
    shutil.rmtree(house.root / "workspaces" / KEY)
    return house


def test_every_command_of_the_page_works(rescued: House) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    call = shlex.join([sys.executable, "-P", "-m", "symphony_cli"])
    said = {
        line: shell(rescued, line.replace("symphony", call, 1) if line[:4] == "symp" else line)
        for block in blocks
        for line in block.splitlines()
    }
    assert len(said) == 11
    assert "noise.log" in said[f"symphony rescue {KEY}"]
    assert "+changed" in said[f"git diff rescue/{KEY}^1 rescue/{KEY}"]
    assert "modified:   README.md" in said[f"git -C ../{KEY}-again status"]


def test_the_commands_that_are_shown_bring_it_back(rescued: House) -> None:
    shown = rescued.run("rescue", KEY, "--json").json
    to, branch, git = (shlex.split(command) for command in shown["restore"])
    assert [rescued.run(*words[1:]).code for words in (to, branch)] == [0, 0]
    shell(rescued, shlex.join(git))
    assert (rescued.project / to[-1] / "README.md").read_text() == "changed\n"
    assert shell(rescued, f"git show {branch[-1]}:README.md FETCH_HEAD:login.py") == (
        "changed\ndone\n"
    )


def test_looking_changes_nothing_and_waits_for_nobody(rescued: House) -> None:
    before = fingerprint(rescued.root / "workspaces"), fingerprint(rescued.project)
    with held(rescued.state / "lock"):
        told = [rescued.run("rescue", *words) for words in ([], [KEY], [KEY, "--json"])]
    assert [one.code for one in told] == [0, 0, 0]
    assert (fingerprint(rescued.root / "workspaces"), fingerprint(rescued.project)) == before


def test_a_rescue_in_the_root_of_former_days_is_found(rescued: House) -> None:
    rescued.configure("workspace: {root: ../elsewhere}")
    rows = rescued.run("rescue", "--json").json["rescues"]
    assert [(row["issue_identifier"], row["unpushed"], row["changed"]) for row in rows] == [
        (KEY, 1, 1)
    ]


def test_what_makes_no_sense_ends_with_64_and_a_sentence(rescued: House) -> None:
    before = fingerprint(rescued.project)
    said = {
        "There is no issue 'A-9' and no rescue of one": ("A-9",),
        f"{KEY} has no rescue 7: choose one of 1.": (KEY, "--number", "7"),
        "is there already: name a new folder": (KEY, "--to", "issues"),
        "has a branch main already": (KEY, "--branch", "main"),
        "is no git repository": (KEY, "--branch", "x", "--repo", "../home"),
    }
    for sentence, words in said.items():
        told = rescued.run("rescue", *words)
        assert (told.code, told.out, sentence in told.err) == (64, "", True), told
        assert told.err.count("\n") == 1
    assert fingerprint(rescued.project) == before


def test_a_damaged_store_ends_with_3_and_a_sentence(rescued: House) -> None:
    for pack in (rescued.root / "workspaces/.symphony/rescue.git/objects/pack").iterdir():
        pack.unlink()
    listed, shown = rescued.run("rescue"), rescued.run("rescue", KEY, "--to", "../back")
    assert (listed.code, "leads to nothing that can be read" in listed.out) == (3, True)
    assert (shown.code, shown.err.count("\n"), (rescued.root / "back").exists()) == (3, 1, False)


def test_before_the_first_run_there_is_none(house: House) -> None:
    assert house.run("rescue") == Told(
        0, "No rescue: no run ended with work that was not pushed.\n", ""
    )
