"""Issues and WORKFLOW.md of the demo, and where everything is put.

FOLDER/origin.git      the remote that agents clone from and push to
FOLDER/tally/          the operator's checkout: the project, issues/, WORKFLOW.md, later state/
FOLDER/agents/         the agents' script and their CODEX_HOME
FOLDER/workspaces/     made by the runs
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from symphony_cli.demo import agents, project
from symphony_cli.errors import MissingProgram, StateError

ISSUES: dict[str, str] = {
    "DEMO-1": """\
---
title: The median of an even number of values is wrong
state: Todo
priority: 1
labels: [bug]
assignee:
blocked_by: []
branch: demo-1-median
pr:
---

`printf '1\\n2\\n3\\n4\\n' | python3 -m tally` says `median 3`. It should say `median 2.5`.
A test for it is there, and fails.
""",
    "DEMO-2": """\
---
title: Read the numbers from a file
state: Todo
priority: 2
labels: [feature]
assignee:
blocked_by: []
branch: demo-2-read-a-file
pr:
---

`python3 -m tally FILE` should read FILE. A file that cannot be read is named on standard error,
and the exit code is 1. Without FILE everything stays as it is.
""",
    "DEMO-3": """\
---
title: Show the quartiles
state: Todo
priority: 2
labels: [feature]
assignee:
blocked_by: [DEMO-1]
branch: demo-3-quartiles
pr:
---

The report should end with a line `quartiles Q1 Q2 Q3`. They are built on the median, so its bug
has to be gone first: take it from the branch `demo-1-median`.
""",
}

PROMPT = """\
You work alone on one issue of a small Python project, in a clone of its repository that is yours.
Nobody watches while you work. The rules are the same for every issue:

1. Move the issue to `In Progress` with the tool `issue_update` before you change anything.
2. Read the code that the issue is about. Run `python3 -m unittest -q` to see where you start.
3. When the issue names a branch to build on, pull it from `origin` first.
4. For a bug, see a test fail before you touch the code; for a feature, write its test first.
5. Make the smallest change that does what the issue asks. Keep the style of the code around it.
   Do not change files under `issues/`: they are the tracker, and your copy of them is not read.
6. Run the tests again. All must pass; do not delete, skip or weaken one.
7. Commit on the branch you find yourself on, in one commit whose message says what changed and
   why. Push the branch to `origin`. Never push to `main`, never rewrite what was pushed.
8. Move the issue to `Done` with `issue_update`, with a comment of one or two sentences on what
   you did and how you checked it.
9. If you cannot go on without a person, call `symphony_block` with your question instead of
   guessing.

Your last message is kept and shown to people: say what is done, and what is not.

Issue {{ issue.identifier }}: {{ issue.title }}
State: {{ issue.state }}

{{ issue.description }}
{% if attempt %}
Attempt {{ attempt }}.
{% endif %}
{% if previous_attempt %}
The attempt before ended `{{ previous_attempt.outcome }}`. Its last message:
{{ previous_attempt.last_agent_message }}
{% endif %}
"""

AUTHOR = {
    "GIT_AUTHOR_NAME": "Symphony demo",
    "GIT_AUTHOR_EMAIL": "demo@symphony.invalid",
    "GIT_COMMITTER_NAME": "Symphony demo",
    "GIT_COMMITTER_EMAIL": "demo@symphony.invalid",
}


@dataclass(frozen=True, slots=True)
class Demo:
    """Where the parts of a demo lie."""

    folder: Path

    @property
    def checkout(self) -> Path:
        """The operator's checkout."""
        return self.folder / "tally"

    @property
    def workflow(self) -> Path:
        """What `symphony --workflow` takes."""
        return self.checkout / "WORKFLOW.md"

    @property
    def issues(self) -> Path:
        """The tracker."""
        return self.checkout / "issues"

    @property
    def origin(self) -> Path:
        """The remote."""
        return self.folder / "origin.git"

    @property
    def script(self) -> Path:
        """What the agents do."""
        return self.folder / "agents" / "script.json"

    @property
    def home(self) -> Path:
        """The agents' CODEX_HOME."""
        return self.folder / "agents" / "codex-home"


def scripted_command(python: str, script: Path) -> str:
    """`codex.command` for the scripted agents, quoted for a shell."""
    return shlex.join([python, "-P", "-m", "symphony_cli.scripted", "app-server"]) + (
        f" --script {shlex.quote(str(script))}"
    )


def workflow(codex_command: str, codex_home: str | None) -> str:
    """WORKFLOW.md of the demo; without a home the agents use the operator's."""
    home = "" if codex_home is None else f"\n  home: {_quoted(codex_home)}"
    return f"""\
---
tracker:
  kind: markdown
  active_states: [Todo, In Progress]
  terminal_states: [Done, Cancelled]
polling:
  interval_ms: 10000
workspace:
  root: ../workspaces
  shared_dirs: [../origin.git]
agent:
  max_concurrent_agents: 2
  max_retry_backoff_ms: 2000
  max_tokens_per_issue: 500000
codex:
  command: {_quoted(codex_command)}{home}
  approval_policy: never
---
{PROMPT}"""


def _quoted(text: str) -> str:
    """A JSON string is a YAML string too."""
    return json.dumps(text)


def checkout_files(codex_command: str, codex_home: str | None) -> dict[str, str]:
    """Every file of the operator's checkout, by its path in it."""
    issues = {f"issues/{name}.md": text for name, text in ISSUES.items()}
    return {**project.FILES, **issues, "WORKFLOW.md": workflow(codex_command, codex_home)}


def lay_out(folder: Path, python: str, codex_command: str | None = None) -> Demo:
    """Make the whole demo in an empty or new folder.

    `python` runs the tests and the scripted agents; with a `codex_command` real agents do the
    work, in the operator's CODEX_HOME.

    Raises:
        StateError: the folder cannot be written, or git refuses.
        MissingProgram: there is no git.
    """
    demo = Demo(folder.resolve())
    scripted = codex_command is None
    command = scripted_command(python, demo.script) if codex_command is None else codex_command
    files = checkout_files(command, str(demo.home) if scripted else None)
    try:
        demo.home.mkdir(parents=True, exist_ok=True)
        _write(demo.script, json.dumps(agents.script(python), indent=1) + "\n")
        for name, text in files.items():
            _write(demo.checkout / name, text)
    except OSError as error:
        raise StateError(
            f"{folder} cannot be written: {error.strerror}. Choose another with --keep."
        ) from error
    _make_repository(demo)
    return demo


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def _make_repository(demo: Demo) -> None:
    here = str(demo.checkout)
    _git("init", "-q", "--bare", "-b", "main", str(demo.origin))
    _git("init", "-q", "-b", "main", here)
    _git("-C", here, "add", "-A")
    _git("-C", here, "commit", "-q", "-m", "A small project with a bug and two wishes")
    _git("-C", here, "remote", "add", "origin", str(demo.origin))
    _git("-C", here, "push", "-q", "-u", "origin", "main")


def _git(*arguments: str) -> None:
    try:
        done = subprocess.run(
            ["git", "-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null", *arguments],
            env=without_git(os.environ) | AUTHOR,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise MissingProgram("git is needed for the demo: install it.") from error
    if done.returncode:
        raise StateError(f"git {arguments[0]} failed in the demo: {done.stderr.strip()}.")


def without_git(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment in which git looks only where it is told to."""
    return {name: value for name, value in environ.items() if not name.startswith("GIT_")}


def summary(demo: Demo) -> dict[str, str]:
    """Where everything lies, for the end of the demo."""
    return {
        "checkout": str(demo.checkout),
        "remote": str(demo.origin),
        "issues": str(demo.issues),
        "workspaces": str(demo.folder / "workspaces"),
        "state": str(demo.checkout / "state"),
        "agents' script": str(demo.script),
    }
