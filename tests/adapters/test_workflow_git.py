"""WORKFLOW.md: which file is meant, and the repository it lies in."""

import subprocess
from pathlib import Path

import pytest

from symphony_cli.adapters.workflow import find_workflow
from symphony_cli.errors import ConfigError
from tests.adapters.workflow_files import KEY, LINEAR, MARKDOWN, load, refused


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    top = tmp_path / "repo"
    (top / "ops").mkdir(parents=True)
    git(top, "init", "-q", "-b", "main")
    return top


def git(top: Path, *words: str) -> str:
    who = ["-c", "user.name=A", "-c", "user.email=a@b"]
    command = ["git", "-C", str(top), *who, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


PATHS = {"PATH": "/usr/local/bin:/usr/bin:/bin"}


@pytest.mark.real
def test_a_run_can_be_told_which_workflow_it_ran_under(repository: Path) -> None:
    load(repository / "ops", MARKDOWN, **PATHS)
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "first")
    settings = load(repository / "ops", MARKDOWN, **PATHS).settings
    assert settings.workflow_commit == git(repository, "rev-parse", "HEAD")
    assert settings.workflow_blob == git(repository, "rev-parse", "HEAD:ops/WORKFLOW.md")


@pytest.mark.real
def test_before_the_first_commit_there_is_a_blob_and_no_commit(repository: Path) -> None:
    settings = load(repository, MARKDOWN, **PATHS).settings
    assert settings.workflow_commit == ""
    assert settings.workflow_blob == git(repository, "hash-object", "WORKFLOW.md")


@pytest.mark.real
def test_outside_a_repository_nothing_is_asked_of_git(tmp_path: Path) -> None:
    settings = load(tmp_path, MARKDOWN, PATH="/nowhere").settings
    assert (settings.workflow_commit, settings.workspace.repo) == ("", "")


@pytest.mark.real
@pytest.mark.parametrize(
    ("remote", "repo"),
    [
        ("", "{top}"),
        ("https://git.example/p.git", "https://git.example/p.git"),
        ("git@git.example:p.git", "git@git.example:p.git"),
        ("../p.git", "{above}/p.git"),
        ("/srv/p.git", "/srv/p.git"),
    ],
)
def test_the_repository_is_the_remote_of_the_workflow_or_its_own(
    repository: Path, remote: str, repo: str
) -> None:
    if remote:
        git(repository, "remote", "add", "origin", remote)
    settings = load(repository / "ops", MARKDOWN, **PATHS).settings
    expected = repo.format(top=repository, above=repository.parent)
    assert settings.workspace.repo == expected


@pytest.mark.real
def test_variables_of_a_git_hook_do_not_mislead(repository: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    git(tmp_path, "init", "-q", str(other))
    workflow = load(repository, MARKDOWN, GIT_DIR=str(other / ".git"), **PATHS)
    assert workflow.settings.workspace.repo == str(repository)


@pytest.mark.real
def test_a_key_in_a_file_that_git_tracks_is_refused(repository: Path) -> None:
    front = f"{LINEAR}  api_key: {KEY}\n"
    assert load(repository, front, **PATHS).tracker.api_key == KEY
    git(repository, "add", "WORKFLOW.md")
    told = refused(repository, front, **PATHS)
    assert told.startswith("line 5: tracker.api_key holds the key itself, and git tracks this file")
    assert KEY not in told


def test_the_workflow_is_found_by_option_variable_folder_and_from_below(tmp_path: Path) -> None:
    for name in ("a", "b", "c", "c/deep/er"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("a", "b", "c"):
        (tmp_path / name / "WORKFLOW.md").touch()
    variable = {"SYMPHONY_WORKFLOW": str(tmp_path / "b")}
    here = tmp_path / "c"
    found = [
        find_workflow("../a/WORKFLOW.md", variable, here),
        find_workflow("~/a", {"HOME": str(tmp_path)}, here),
        find_workflow(None, variable, here),
        find_workflow(None, {}, here),
        find_workflow(None, {}, here / "deep" / "er"),
    ]
    assert [path.resolve().parent.name for path in found] == ["a", "a", "b", "c", "c"]


@pytest.mark.parametrize(
    ("option", "environ", "told"),
    [
        ("no.md", {}, "no.md, named by --workflow, does not exist"),
        (None, {"SYMPHONY_WORKFLOW": "no.md"}, "named by SYMPHONY_WORKFLOW, does not exist"),
        (None, {}, "There is no WORKFLOW.md in"),
    ],
)
def test_no_workflow_says_what_to_do(
    tmp_path: Path, option: str | None, environ: dict[str, str], told: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        find_workflow(option, environ, tmp_path)
    assert told in str(caught.value)
