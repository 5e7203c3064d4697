"""The demo's project, its issues, and agents that really do them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from symphony_cli.adapters import markdown_file, prompt
from symphony_cli.adapters.workflow import load_workflow
from symphony_cli.core.issue import Issue
from symphony_cli.core.run import PreviousAttempt
from symphony_cli.demo import agents, material
from symphony_cli.demo.material import Demo
from symphony_cli.ids import IssueId
from tests.scripted.client import Client, Message, launch

pytestmark = pytest.mark.real


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    return material.lay_out(tmp_path / "demo", sys.executable)


@pytest.fixture
def clients() -> Iterator[list[Client]]:
    started: list[Client] = []
    yield started
    for client in started:
        client.kill()
        for stream in (client.process.stdin, client.process.stdout):
            if stream is not None:
                stream.close()


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def green(folder: Path) -> bool:
    command = [sys.executable, "-m", "unittest", "-q"]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0


def issue(name: str) -> Issue:
    file = markdown_file.parse(material.ISSUES[name])
    return Issue(IssueId(name), name, file.title or "", file.state, description=file.description)


def rendered(demo: Demo, name: str) -> str:
    workflow = load_workflow(demo.workflow, os.environ)
    return prompt.render(workflow.settings.prompt, issue(name), None, None, None)


def workspace(demo: Demo, name: str) -> Path:
    """A clone on the issue's branch, as a run has it."""
    folder = demo.folder / "workspaces" / name
    branch = markdown_file.parse(material.ISSUES[name]).branch
    assert branch is not None
    git(demo.folder, "clone", "-q", str(demo.origin), str(folder))
    git(folder, "checkout", "-q", "-b", branch)
    return folder


def answer(message: Message) -> Message:
    said = [{"type": "inputText", "text": "done"}]
    return {"result": {"success": True, "contentItems": said}}


def agent(demo: Demo, clients: list[Client]) -> Client:
    client = launch(demo.home, demo.script)
    client.answer = answer
    clients.append(client)
    return client


def updates(client: Client) -> list[str]:
    calls = [m["params"] for m in client.seen if m.get("method") == "item/tool/call"]
    return [call["arguments"]["state"] for call in calls if call["tool"] == "issue_update"]


def test_the_project_has_one_failing_test_and_it_names_the_bug(demo: Demo) -> None:
    command = [sys.executable, "-m", "unittest"]
    done = subprocess.run(command, cwd=demo.checkout, capture_output=True, text=True, check=False)
    failures = [line for line in done.stderr.splitlines() if line.startswith(("FAIL:", "ERROR:"))]
    assert len(failures) == 1
    assert "test_median_of_an_even_number_of_values" in failures[0]


def test_the_checkout_is_clean_and_known_to_its_remote(demo: Demo) -> None:
    assert git(demo.checkout, "status", "--porcelain") == ""
    assert git(demo.checkout, "rev-parse", "HEAD") == git(demo.origin, "rev-parse", "main")


def test_the_workflow_loads_without_a_warning(demo: Demo) -> None:
    workflow = load_workflow(demo.workflow, os.environ)
    assert (workflow.warnings, workflow.policy.slots) == ((), 2)
    assert (workflow.settings.codex.home, workflow.tracker.folder) == (str(demo.home), demo.issues)
    assert workflow.settings.codex.command == material.scripted_command(sys.executable, demo.script)


def test_prompts_of_two_issues_share_their_beginning(demo: Demo) -> None:
    one, two = rendered(demo, "DEMO-1"), rendered(demo, "DEMO-2")
    static = material.PROMPT.index("Issue {{")
    assert one[:static] == two[:static]
    assert static / len(one) > 0.8


def test_an_issue_file_says_who_blocks_it() -> None:
    files = {name: markdown_file.parse(text) for name, text in material.ISSUES.items()}
    assert {name: file.blocked_by for name, file in files.items()} == {
        "DEMO-1": (),
        "DEMO-2": (),
        "DEMO-3": ("DEMO-1",),
    }
    assert {file.state for file in files.values()} == {"Todo"}


def test_the_bug_is_fixed_for_real_and_what_waits_for_it_builds_on_the_fix(
    demo: Demo, clients: list[Client]
) -> None:
    client = agent(demo, clients)
    before, after = [], []
    for name in ("DEMO-1", "DEMO-3"):
        folder = workspace(demo, name)
        before.append(green(folder))
        turn = client.turn(client.begin(folder), rendered(demo, name))
        after.append((turn["status"], green(folder), git(folder, "status", "--porcelain")))
    log = git(demo.origin, "log", "--format=%s", "demo-3-quartiles")
    assert before == [False, False]
    assert after == [("completed", True, "")] * 2
    assert log.splitlines() == [
        "Show the quartiles",
        "Take the mean of the two middle values in median",
        "A small project with a bug and two wishes",
    ]
    assert updates(client) == ["In Progress", "Done"] * 2


def test_the_slow_agent_goes_on_where_a_kill_cut_it_off(demo: Demo, clients: list[Client]) -> None:
    folder = workspace(demo, agents.SLOW)
    first = agent(demo, clients)
    thread = first.begin(folder)
    first.start_turn(thread, rendered(demo, agents.SLOW))
    first.until(
        lambda m: m.get("method") == "item/started" and m["params"]["item"]["type"] == "reasoning"
    )
    first.process.send_signal(signal.SIGKILL)
    first.process.wait(60)
    second = agent(demo, clients)
    second.resume(thread)
    kept = second.items(thread)
    turn = second.turn(thread, "Go on.")
    assert kept == first.completed()
    assert (turn["status"], updates(first), updates(second)) == (
        "completed",
        ["In Progress"],
        ["Done"],
    )
    reading = subprocess.run(
        [sys.executable, "-m", "unittest", "tests.test_reading"], cwd=folder, check=False
    )
    assert reading.returncode == 0
    assert git(demo.origin, "rev-parse", "demo-2-read-a-file") == git(folder, "rev-parse", "HEAD")


def test_every_command_of_the_agents_ends_as_it_should(demo: Demo, clients: list[Client]) -> None:
    client = agent(demo, clients)
    folder = workspace(demo, "DEMO-1")
    client.turn(client.begin(folder), rendered(demo, "DEMO-1"))
    ended = [i["status"] for i in client.completed() if "status" in i]
    assert ended == [
        "completed",
        "failed",
        "completed",
        "completed",
        "completed",
        "completed",
        "completed",
        "completed",
    ]


def test_a_later_attempt_is_told_after_the_issue(demo: Demo) -> None:
    workflow = load_workflow(demo.workflow, os.environ)
    previous = PreviousAttempt("stalled", last_agent_message="half done")
    text = prompt.render(workflow.settings.prompt, issue("DEMO-1"), 2, None, previous)
    assert text.startswith(rendered(demo, "DEMO-1").rstrip())
    assert text.rstrip().endswith("ended `stalled`. Its last message:\nhalf done")


def test_a_path_with_blanks_survives_shell_and_yaml(tmp_path: Path) -> None:
    demo = material.lay_out(tmp_path / 'a "demo" folder', sys.executable)
    workflow = load_workflow(demo.workflow, os.environ)
    assert workflow.settings.codex.command.endswith(f"--script '{demo.script}'")
    assert workflow.path == demo.workflow
