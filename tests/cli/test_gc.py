"""What takes disk is listed and removed as people type it: `symphony gc`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.house import House, fingerprint, held, until

pytestmark = [pytest.mark.real, pytest.mark.slow]

WORK: list[Any] = [
    {"write": {"path": "login.py", "content": "done\n"}},
    {"commit": "Add a login"},
    {"write": {"path": "README.md", "content": "changed\n"}},
    {"tool": {"name": "issue_update", "arguments": {"state": "Done"}}},
    {"say": "Done."},
]
KEEP_NONE = "workspace: {root: ../workspaces, keep_last_n: 0}"


def git(house: House, *words: str) -> None:
    settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    who = {f"GIT_{r}_{p}": "a@b" for r in ("AUTHOR", "COMMITTER") for p in ("NAME", "EMAIL")}
    command = ["git", "-C", str(house.project), *words]
    subprocess.run(command, env=house.environ | settings | who, check=True, capture_output=True)


@pytest.fixture
def worked(house: House) -> House:
    """Two issues that are over with unpushed work, and things of others in the same root; nothing
    goes yet, but all that WORKFLOW.md says from now on."""
    (house.project / "README.md").write_text("A project.\n")
    (house.project / ".gitignore").write_text("state/\nissues/\nWORKFLOW.md\n")
    git(house, "init", "-q", "-b", "main")
    git(house, "add", ".")
    git(house, "commit", "-qm", "Begin")
    house.script(default=WORK)
    for name in ("A-1", "A-2"):
        house.issue(name)
    house.work("A-1", "A-2")
    root = house.root / "workspaces"
    (root / "mine").mkdir()
    (root / "mine" / "file").write_text("mine\n")
    (root / "link").symlink_to(house.project / "issues")
    theirs = root / ".symphony" / "ready" / "B-1.json"
    marker = json.loads((theirs.parent / "A-1.json").read_text())
    theirs.write_text(json.dumps(marker | {"scope": "linear:other", "path": f"{root}/B-1"}))
    (root / "B-1").mkdir()
    (root / ".trash" / "X-1.0123456789ab").mkdir(parents=True)
    house.configure(KEEP_NONE)
    return house


def rows(data: Any) -> dict[str, tuple[str, str]]:
    """By kind and name: what becomes of it, and the issue."""
    told = [row for row in data["rows"] if row["kind"] not in ("session", "store")]
    return {f"{r['kind']} {r['name']}": (r["fate"], r["issue_identifier"]) for r in told}


def test_a_dry_run_takes_no_lock_and_changes_nothing(worked: House) -> None:
    before = fingerprint(worked.root / "workspaces"), fingerprint(worked.project)
    with held(worked.state / "lock"):
        told, text = worked.run("gc", "--dry-run", "--json"), worked.run("gc", "--dry-run")
    assert (told.code, told.err, text.code, text.err) == (0, "", 0, "")
    assert rows(told.json) == {
        "folder A-1": ("goes", "A-1"),
        "folder A-2": ("goes", "A-2"),
        "folder B-1": ("stays", ""),
        "link link": ("stays", ""),
        "folder mine": ("stays", ""),
        "trash .trash/X-1.0123456789ab": ("goes", ""),
    }
    assert "of another project" in text.out
    sizes = [row["bytes"] for row in told.json["rows"] if row["fate"] == "goes"]
    assert told.json["goes"] == {"count": 3, "bytes": sum(sizes)} and sizes[0] > 0
    assert (fingerprint(worked.root / "workspaces"), fingerprint(worked.project)) == before


def test_what_goes_is_gone_strangers_are_not_and_rescue_brings_the_work_back(
    worked: House,
) -> None:
    told = worked.run("gc", "--json")
    assert told.code == 0, told
    assert [name for name, (fate, _) in rows(told.json).items() if fate == "gone"] == [
        "folder A-1",
        "folder A-2",
        "trash .trash/X-1.0123456789ab",
    ]
    root = worked.root / "workspaces"
    assert sorted(os.listdir(root)) == [".symphony", ".trash", "B-1", "link", "mine"]
    assert (root / "link").is_symlink() and (root / "mine" / "file").read_text() == "mine\n"
    assert len(worked.events("removal_asked")) == len(worked.events("removed")) == 2
    for line in (f"A-1: removing {root}/A-1", "A-1: its workspace is removed"):
        assert line in told.err
    assert worked.run("rescue", "A-1", "--to", "../back").code == 0
    back = worked.root / "back"
    assert ((back / "login.py").read_text(), (back / "README.md").read_text()) == (
        "done\n",
        "changed\n",
    )
    assert worked.run("tick").code == 0
    assert worked.run("gc").out.rstrip().splitlines()[-1].startswith("gone: 0 entries, 0 B")


def test_what_has_to_stay_is_told_with_3_and_goes_when_it_can(worked: House) -> None:
    place = worked.root / "workspaces" / "A-1"
    with subprocess.Popen(["sleep", "60"], cwd=place) as shell:
        told = worked.run("gc", "--json")
        shell.kill()
    row = next(row for row in told.json["rows"] if row["name"] == "A-1")
    assert (told.code, row["fate"], row["due"]) == (3, "stays", True)
    assert row["why"] == f"pid {shell.pid} works in it"
    assert (worked.run("gc").code, place.exists()) == (0, False)


def test_ticks_go_on_while_it_waits(worked: House) -> None:
    hook = "hooks: {before_remove: 'until test -e ../../go; do sleep 0.05; done'}"
    worked.configure(f"{KEEP_NONE}\n{hook}")
    waiting = worked.start("gc", "--json")
    until(lambda: len(worked.events("removal_asked")) == 2, "the beginning of two removals")
    ticked = worked.run("tick")
    (worked.root / "go").touch()
    out, _ = waiting.communicate(timeout=60)
    assert (ticked.code, waiting.returncode) == (0, 0), (out, _)
    assert json.loads(out)["gone"]["count"] == 3


def test_threads_go_with_sessions_once_they_are_old(worked: House) -> None:
    sessions = worked.root / "agents" / "codex-home" / "sessions"
    strange = sessions / "2020" / "01" / "01"
    strange.mkdir(parents=True)
    name = "rollout-2020-01-01T00-00-00-019a2b3c-0000-7000-8000-0123456789ab.jsonl"
    (strange / name).write_text("{}\n")
    assert len(list(sessions.rglob("rollout-*"))) == 3
    young = worked.run("gc", "--sessions", "--json").json["rows"]
    assert {row["fate"] for row in young if row["kind"] == "session"} == {"stays"}
    backdate(worked, "finished")
    runs = worked.state / "runs" / "A-1"
    shown = worked.run("gc", "--json").json["rows"]
    told = {row["why"] for row in shown if row["kind"] == "session"}
    assert told == {"`symphony gc --sessions` removes it"}
    assert os.listdir(runs) == ["lock"]
    gone = worked.run("gc", "--sessions", "--json")
    assert (gone.code, gone.json["gone"]["count"]) == (0, 2)
    assert [path.name for path in sessions.rglob("rollout-*")] == [name]


def backdate(house: House, kind: str) -> None:
    """Let these events of the ledger be of another year; caches are made anew."""
    lines = house.ledger.read_text().splitlines()
    events = [json.loads(line) for line in lines]
    changed = [e | {"at": "2024-01-01T00:00:00.000Z"} if e.get("e") == kind else e for e in events]
    house.ledger.write_text("".join(json.dumps(event) + "\n" for event in changed))
    for name in ("view.json", "finished.jsonl"):
        (house.state / name).unlink()


def test_a_broken_workflow_file_removes_nothing(worked: House) -> None:
    worked.run("status")
    worked.run("pause")  # whoever writes remembers what WORKFLOW.md says
    worked.workflow.write_text("---\nworkspace: [\n---\n")
    before = fingerprint(worked.root / "workspaces")
    told, dry = worked.run("gc"), worked.run("gc", "--dry-run")
    assert (told.code, dry.code) == (78, 0)
    assert "nothing was removed" in " ".join(told.out.split())
    assert "warning" in told.err and "warning" in dry.err
    assert "goes: 3 entries" in dry.out
    assert fingerprint(worked.root / "workspaces") == before


def test_where_nothing_ever_ran_there_is_nothing(house: House) -> None:
    dry = house.run("gc", "--dry-run")
    assert (dry.code, dry.err, house.state.exists()) == (0, "", False)
    assert dry.out.startswith("Nothing: no workspace root has anything in it.")
    assert house.run("gc").code == 0


def test_what_makes_no_sense_ends_with_64_and_a_sentence(house: House) -> None:
    inside = house.run("gc", environ={**house.environ, "SYMPHONY_RUN": "run_1"})
    assert (inside.code, inside.out, inside.err.count("\n")) == (64, "", 1)
    assert house.run("gc", "--nonsense").code == 64
    assert house.run("gc", "A-1").code == 64


def test_a_root_of_former_days_is_listed_and_cleaned_too(worked: House) -> None:
    worked.configure("workspace: {root: ../elsewhere, keep_last_n: 0}")
    told = worked.run("gc", "--json")
    assert (told.code, told.json["gone"]["count"]) == (0, 3)
    assert not (worked.root / "workspaces" / "A-2").exists()


def test_a_workspace_that_became_a_link_is_not_followed(worked: House) -> None:
    place, moved = worked.root / "workspaces" / "A-1", Path(worked.root / "moved")
    shutil.move(place, moved)
    place.symlink_to(moved)
    told = worked.run("gc", "--json")
    assert rows(told.json)["link A-1"] == ("stays", "A-1")
    assert told.code == 3 and "workspace of A-1 stays" in told.json["faults"][0]
    assert (moved / "login.py").exists() and place.is_symlink()
