"""What the tests of WORKFLOW.md share."""

from pathlib import Path

import pytest

from symphony_cli.adapters.workflow import Workflow, load_workflow
from symphony_cli.errors import ConfigError, ExitCode

MARKDOWN = "tracker:\n  kind: markdown\n"
LINEAR = "tracker:\n  kind: linear\n  project_slug: p\n"
KEY = "lin_api_0123456789"


def load(tmp_path: Path, front: str, prompt: str = "Do it.", **environ: str) -> Workflow:
    path = tmp_path / "WORKFLOW.md"
    path.write_text(f"---\n{front}---\n{prompt}\n")
    return load_workflow(path, {"HOME": "/home/ada", **environ})


def refused(tmp_path: Path, front: str, **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, front, **environ)
    assert caught.value.exit_code is ExitCode.CONFIG
    text = str(caught.value)
    assert text.startswith(f"{tmp_path / 'WORKFLOW.md'}, ")
    return text.removeprefix(f"{tmp_path / 'WORKFLOW.md'}, ")
