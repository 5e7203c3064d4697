"""Which WORKFLOW.md a command is about, and symphony.env beside it (rows O13 and O14)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cli.house import House, Told, until

pytestmark = pytest.mark.real


@pytest.fixture
def three(house: House) -> dict[str, Path]:
    """Three workflows: `near` is above the folder in which commands are typed."""
    found = {}
    for name in ("near", "named", "variable"):
        folder = house.root / name
        (folder / "issues").mkdir(parents=True)
        (folder / "WORKFLOW.md").write_text("---\ntracker: {kind: markdown}\n---\nDo it.\n")
        found[name] = folder
    (found["near"] / "a" / "b").mkdir(parents=True)
    return found


def touched(three: dict[str, Path]) -> list[str]:
    """The workflows that have a `state/`."""
    return [name for name, folder in three.items() if (folder / "state").exists()]


@pytest.mark.parametrize(
    ("option", "variable", "chosen"),
    [
        ("named", "variable", "named"),
        ("named/WORKFLOW.md", "", "named"),
        ("", "variable", "variable"),
        ("", "variable/WORKFLOW.md", "variable"),
        ("", "", "near"),
    ],
)
def test_the_option_wins_then_the_variable_then_the_nearest_above(
    house: House, three: dict[str, Path], option: str, variable: str, chosen: str
) -> None:
    if variable:
        house.extra["SYMPHONY_WORKFLOW"] = str(house.root / variable)
    words = ["--workflow", str(house.root / option)] if option else []
    told = house.run(*words, "tick", cwd=three["near"] / "a" / "b")
    assert (told, touched(three)) == (Told(0, "", ""), [chosen])


@pytest.mark.parametrize("by", ["--workflow", "SYMPHONY_WORKFLOW"])
def test_a_named_workflow_that_is_not_there_is_an_error_and_no_other_is_taken(
    house: House, by: str
) -> None:
    path = house.root / "nowhere.md"
    words = ["--workflow", str(path)] if by == "--workflow" else []
    if not words:
        house.extra["SYMPHONY_WORKFLOW"] = str(path)
    assert house.run(*words, "tick") == Told(
        78, "", f"symphony: {path}, named by {by}, does not exist: correct the path.\n"
    )


def test_a_copy_of_a_checkout_does_not_work_in_the_old_one(house: House) -> None:
    house.issue("A-1", state="In Review")
    house.run("tick")
    copy = house.root / "copy"
    subprocess.run(["cp", "-a", str(house.project), str(copy)], check=True)
    (copy / "state" / "ledger.jsonl").unlink()
    (copy / "state" / "view.json").unlink(missing_ok=True)
    before = house.ledger.read_bytes()
    (copy / "issues" / "B-1.md").write_text("---\nstate: Todo\n---\n")
    told = house.run("tick", "--dry-run", "--json", cwd=copy)

    kinds = [(d["kind"], d["issue_identifier"]) for d in told.json["decisions"]]
    assert kinds == [("take_in", "tracker"), ("enrol", "B-1"), ("dispatch", "B-1")]
    assert house.ledger.read_bytes() == before


def write_env(house: House, text: str, mode: int = 0o600, name: str = "symphony.env") -> Path:
    path = house.project / name
    path.write_text(text)
    path.chmod(mode)
    return path


def test_the_env_file_gives_names_their_values_and_wins_over_the_environment(
    house: House,
) -> None:
    house.configure("workspace: {root: $ROOM}")
    house.extra["ROOM"] = str(house.root / "from-environment")
    write_env(house, f"# where\nexport ROOM='{house.root}/from-file'\n")
    house.issue("A-1")
    house.run("tick")
    assert house.verdict("A-1")["workspace"] == f"{house.root}/from-file/A-1"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_an_env_file_that_others_may_read_is_refused_by_every_command(
    house: House, mode: int
) -> None:
    path = write_env(house, "A=1\n", mode)
    told = [house.run(*words) for words in (["tick"], ["status"])]
    sentence = f"symphony: {path} may be read by others: run `chmod 600 {path}`.\n"
    assert told == [Told(78, "", sentence)] * 2
    assert not house.state.exists()


def test_a_line_that_is_none_is_named(house: House) -> None:
    path = write_env(house, "A=1\nnonsense\n")
    assert house.run("tick") == Told(78, "", f"symphony: {path}, line 2: this is no KEY=value.\n")


def test_an_env_file_that_git_would_take_is_refused(house: House) -> None:
    subprocess.run(["git", "init", "-q", str(house.project)], check=True)
    path = write_env(house, "A=1\n")
    told = house.run("tick")
    (house.project / ".gitignore").write_text("symphony.env\n")
    after = house.run("tick")

    assert (told.code, told.err) == (
        78,
        f"symphony: {path} is not ignored by git and could be committed: add symphony.env to "
        ".gitignore (and `git rm --cached` it if it is there already).\n",
    )
    assert after == Told(0, "", "")


def test_another_env_file_can_be_named_and_must_exist(house: House) -> None:
    house.configure("workspace: {root: $ROOM}")
    house.issue("A-1", state="In Review")
    write_env(house, "ROOM=/nowhere\n", mode=0o644)
    other = write_env(house, f"ROOM={house.root}/other\n", name="other.env")
    missing = house.run("--env-file", "no.env", "status")
    shown = house.run("--env-file", str(other), "status", "--json")

    path = house.project / "no.env"
    assert missing == Told(
        78, "", f"symphony: {path} does not exist: create it, or name another one.\n"
    )
    assert (shown.code, shown.json["disk"]["path"]) == (0, str(house.root))


def test_the_tick_that_a_run_starts_at_its_end_has_the_same_env_file(house: House) -> None:
    house.configure("tracker: {kind: markdown, path: $MINE, terminal_states: [Done]}")
    house.issue("A-1")
    other = write_env(house, f"MINE={house.issues}\n", name="other.env")
    house.extra["SYMPHONY_NO_TICK"] = "0"

    house.run("--env-file", str(other), "tick")

    until(lambda: len(house.events("finished")) == 1, "its own tick closed it")
