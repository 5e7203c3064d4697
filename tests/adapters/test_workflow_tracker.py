"""WORKFLOW.md: the tracker, its key and its names."""

from dataclasses import replace
from pathlib import Path

import pytest

from symphony_cli.adapters.workflow import load_workflow
from tests.adapters.workflow_files import KEY, LINEAR, MARKDOWN, load, refused


def test_linear_needs_a_project(tmp_path: Path) -> None:
    told = refused(tmp_path, "tracker:\n  kind: linear\n", LINEAR_API_KEY=KEY)
    assert told.startswith("line 2: tracker.project_slug is missing")


@pytest.mark.parametrize(
    ("line", "environ", "key"),
    [
        ("", {"LINEAR_API_KEY": KEY}, KEY),
        ("  api_key: $MINE\n", {"MINE": KEY, "LINEAR_API_KEY": "other-key-123"}, KEY),
        ("  api_key: $MINE\n", {"LINEAR_API_KEY": KEY}, KEY),
        (f"  api_key: {KEY}\n", {"LINEAR_API_KEY": "other-key-123"}, KEY),
        ("  api_key: env:MINE\n", {"MINE": KEY}, "env:MINE"),
        (f"  provider: {{api_key: {KEY}}}\n", {}, KEY),
    ],
)
def test_the_key_comes_from_where_the_file_says(
    tmp_path: Path, line: str, environ: dict[str, str], key: str
) -> None:
    workflow = load(tmp_path, LINEAR + line, **environ)
    assert (workflow.tracker.api_key, workflow.secrets) == (key, (key,))
    assert key not in repr(workflow)


@pytest.mark.parametrize(
    ("line", "environ"),
    [
        ("", {}),
        ("", {"LINEAR_API_KEY": ""}),
        ("  api_key: $MINE\n", {}),
        ("  api_key: $MINE\n", {"MINE": "", "LINEAR_API_KEY": KEY}),
    ],
)
def test_a_missing_key_is_an_error_only_where_it_is_needed(
    tmp_path: Path, line: str, environ: dict[str, str]
) -> None:
    assert "tracker.api_key is missing: put" in refused(tmp_path, LINEAR + line, **environ)
    path = tmp_path / "WORKFLOW.md"
    assert load_workflow(path, environ, need_key=False).secrets == ()


def test_every_variable_that_holds_the_key_is_kept_from_agents(tmp_path: Path) -> None:
    front = f"{LINEAR}  api_key: $MINE\n"
    workflow = load(tmp_path, front, MINE=KEY, COPY=KEY, OTHER="x")
    assert workflow.settings.tracker.secret_names == ("COPY", "LINEAR_API_KEY", "MINE")


def test_a_token_is_a_secret_with_and_without_the_word_bearer(tmp_path: Path) -> None:
    front = f"{LINEAR}  api_key: $MINE\n"
    workflow = load(tmp_path, front, MINE=f"Bearer {KEY}", BARE=KEY, ALSO=f"bearer  {KEY} ", NO="x")
    assert workflow.secrets == (f"Bearer {KEY}", KEY)
    assert workflow.settings.tracker.secret_names == ("ALSO", "BARE", "LINEAR_API_KEY", "MINE")


def test_the_key_cannot_be_handed_to_agents_by_workspace_env(tmp_path: Path) -> None:
    front = f"{LINEAR}workspace:\n  env:\n    A: 1\n    T: Bearer {KEY}\n"
    told = refused(tmp_path, front, LINEAR_API_KEY=KEY)
    assert told == (
        "line 8: workspace.env.T holds the tracker's key, which must not reach an agent; remove it."
    )


def test_flat_and_provider_form_mean_the_same(tmp_path: Path) -> None:
    flat = load(tmp_path, f"{LINEAR}  assignee: ada\n", LINEAR_API_KEY=KEY)
    front = "tracker:\n  kind: linear\n  provider: {project_slug: p, assignee: ada, x: 1}\n"
    nested = load(tmp_path, front, LINEAR_API_KEY=KEY)
    assert nested.tracker == replace(flat.tracker, provider={"x": 1})
    assert nested.policy == flat.policy


def test_two_forms_that_disagree_are_refused(tmp_path: Path) -> None:
    told = refused(tmp_path, f"{LINEAR}  provider: {{project_slug: q}}\n", LINEAR_API_KEY=KEY)
    assert told == (
        "line 5: tracker.provider.project_slug differs from tracker.project_slug; keep one of them."
    )


@pytest.mark.parametrize(
    ("line", "environ", "assignee"),
    [
        ("", {}, None),
        ("", {"LINEAR_ASSIGNEE": "ada"}, "ada"),
        ("  assignee: me\n", {"LINEAR_ASSIGNEE": "ada"}, "me"),
        ("  assignee: $WHO\n", {"WHO": "bob"}, "bob"),
    ],
)
def test_the_assignee_may_come_from_the_environment(
    tmp_path: Path, line: str, environ: dict[str, str], assignee: str | None
) -> None:
    workflow = load(tmp_path, LINEAR + line, LINEAR_API_KEY=KEY, **environ)
    assert workflow.policy.rules.assignee == assignee


def test_the_markdown_tracker_is_known_by_its_real_folder(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    workflow = load(tmp_path, f"{MARKDOWN}  path: link\n  commit: true\n")
    assert workflow.tracker.scope == f"markdown:{tmp_path / 'real'}"
    assert workflow.settings.tracker.scope == workflow.tracker.scope
    assert (workflow.tracker.folder, workflow.tracker.commit) == (tmp_path / "link", True)
