"""What of a process others of its user can see."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from symphony_cli.adapters.workflow_git import is_ignored

pytestmark = pytest.mark.real

PROGRAM = """
import os
from symphony_cli import processes

descriptor = processes.secret_pipe(["first-secret", "second-one"])
try:
    os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY | os.O_NONBLOCK)
except OSError as error:
    print(error.errno)
print(processes.read_secrets(descriptor))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no /proc")
def test_a_secret_on_its_way_cannot_be_opened_through_proc() -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert done.stdout == "6\n('first-secret', 'second-one')\n"


def test_git_that_is_asked_about_a_workflow_is_not_given_the_key(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").touch()
    git = tmp_path / "git"
    git.write_text(f"#!/bin/sh\nenv > {tmp_path}/seen\necho {tmp_path}; echo HEAD\n")
    git.chmod(0o755)
    environ = {
        "PATH": f"{tmp_path}:/usr/bin:/bin",
        "HOME": "/home/ada",
        "LINEAR_API_KEY": "lin_api_x",
        "OTHER_KEY": "lin_api_x",
        "GIT_DIR": "/elsewhere",
    }
    assert is_ignored(tmp_path / "symphony.env", environ)
    seen = (tmp_path / "seen").read_text()
    assert ("HOME=/home/ada\n" in seen, "lin_api_x" in seen, "GIT_DIR" in seen) == (
        True,
        False,
        False,
    )
