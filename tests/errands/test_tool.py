"""What an agent can do to its own issue, and what it is told."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from symphony_cli.core.answers import LONGEST, capped
from symphony_cli.core.shape import Json
from symphony_cli.errands.reply import Reply
from symphony_cli.errands.tool import Desk, answer
from symphony_cli.errors import TrackerError
from symphony_cli.ids import IssueId
from symphony_cli.ports import Tracker
from tests.errands.an_order import ONE, issue_file, order_in, run_folder, tracker_in
from tests.fakes.tracker import FakeTracker


def update(root: Path, arguments: Json, tool: str = "issue_update") -> Reply:
    return answer({"tool": tool, "arguments": arguments}, desk_in(root))


def desk_in(root: Path, tracker: Tracker | None = None, secrets: tuple[str, ...] = ()) -> Desk:
    """The desk of a run on a folder of issues."""
    return Desk(
        order=order_in(root),
        tracker=lambda: tracker or tracker_in(root),
        linear=lambda changing: no_linear,
        changing=lambda: None,
        secrets=secrets,
    )


def no_linear(arguments: Json) -> tuple[bool, str]:
    raise AssertionError("there is no Linear here")


def test_one_call_comments_labels_and_moves_the_issue(tmp_path: Path) -> None:
    issue_file(tmp_path, labels="[agent, wip]")

    reply = update(
        tmp_path,
        {
            "state": "Human Review",
            "comment": "PR is up.",
            "add_labels": ["ready"],
            "remove_labels": ["WIP"],
        },
    )

    (issue,) = tracker_in(tmp_path).read([ONE]).issues
    assert reply == Reply(
        True,
        "one: comment posted; label 'ready' set; label 'WIP' removed; state is 'Human Review'.",
    )
    assert (issue.state, issue.labels) == ("Human Review", ("agent", "ready"))
    assert [comment.body for comment in issue.comments] == ["PR is up."]


@pytest.mark.parametrize(
    ("kind", "writes", "moves"),
    [
        ("linear", "off", False),
        ("linear", "issue", True),
        ("linear", "project", True),
        ("markdown", "off", True),
    ],
)
def test_where_agents_may_write_nothing_in_linear_no_tool_writes(
    tmp_path: Path, kind: str, writes: str, moves: bool
) -> None:
    issue_file(tmp_path)
    desk = desk_in(tmp_path)
    ref = replace(desk.order.settings.tracker, kind=kind, tool_writes=writes)
    order = replace(desk.order, settings=replace(desk.order.settings, tracker=ref))
    call = {"tool": "issue_update", "arguments": {"state": "Done"}}

    reply = answer(call, replace(desk, order=order))

    (issue,) = tracker_in(tmp_path).read([ONE]).issues
    assert (reply.success, issue.state) == (moves, "Done" if moves else "Todo")
    assert moves or "(tracker.tool_writes is off)" in reply.text


def test_the_same_call_twice_is_done_once(tmp_path: Path) -> None:
    path = issue_file(tmp_path)
    call = {"comment": "Half way.", "add_labels": ["wip"]}

    replies = [update(tmp_path, call)]
    after_first = path.read_bytes()
    replies.append(update(tmp_path, dict(reversed(call.items()))))

    assert replies[0] == replies[1] == Reply(True, "one: comment posted; label 'wip' set.")
    assert path.read_bytes() == after_first


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (None, "The arguments must be a JSON object."),
        ([], "The arguments must be a JSON object."),
        ({}, "Nothing to do: give at least one of state, comment, add_labels, remove_labels."),
        ({"state": None}, "Nothing to do: give at least one of"),
        ({"status": "Done"}, "Unknown argument 'status'; known are state, comment,"),
        ({"state": 3}, "`state` must be a text that is not empty."),
        ({"state": " "}, "`state` must be a text that is not empty."),
        ({"comment": ""}, "`comment` must be a text that is not empty."),
        ({"comment": "x" * 32769}, "`comment` has 32769 characters; at most 32768 are allowed."),
        ({"state": "x" * 101}, "`state` has 101 characters"),
        ({"add_labels": "bug"}, '`add_labels` must be a list of label names, for example ["bug"].'),
        ({"add_labels": [""]}, "`add_labels` must be a text that is not empty."),
        (
            {"add_labels": ["Bug"], "remove_labels": ["bug"]},
            "The label 'bug' is in add_labels and in remove_labels.",
        ),
        (
            {"comment": "Free me.", "remove_labels": ["Symphony-Stuck"]},
            "Only a person may remove the label 'Symphony-Stuck'. Nothing was changed.",
        ),
        ({"remove_labels": ["hold"]}, "Only a person may remove the label 'hold'."),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_call_that_makes_no_sense_changes_nothing_and_says_why(
    tmp_path: Path, arguments: Json, text: str
) -> None:
    path = issue_file(tmp_path, labels="[agent, symphony-stuck]")
    before = path.read_bytes()

    reply = update(tmp_path, arguments)

    assert (reply.success, reply.text[: len(text)]) == (False, text)
    assert path.read_bytes() == before


def test_an_unknown_tool_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    reply = update(tmp_path, {}, tool="issue_delete")

    assert reply == Reply(False, "There is no tool 'issue_delete'. Known tools: issue_update.")


def test_the_tool_for_linear_is_answered_in_a_folder_of_issues_too(tmp_path: Path) -> None:
    reply = update(tmp_path, {"query": "{ viewer { id } }"}, tool="linear_graphql")

    assert reply == Reply(
        False,
        "There is no Linear here: the issues of this project are Markdown files. To comment on "
        "your issue, label it or move it, use the tool issue_update.",
    )


def test_a_secret_at_the_cut_is_hidden_before_the_cut(tmp_path: Path) -> None:
    secret = "lin_api_0123456789"
    desk = desk_in(tmp_path, secrets=(secret,))

    for length in range(100):
        call = {"tool": "issue_update", "arguments": {"x" * (LONGEST - length) + secret: 1}}
        text = answer(call, desk).text
        assert (len(text.encode()) <= LONGEST, "lin_api" in text) == (True, False)


@pytest.mark.parametrize("call", [None, [], "issue_update", {}, {"tool": 3}])
def test_a_call_without_a_tool_is_answered(tmp_path: Path, call: Json) -> None:
    reply = answer(call, desk_in(tmp_path))

    assert reply == Reply(False, 'A call must be {"tool": NAME, "arguments": {...}}.')


class LosesItsState(FakeTracker):
    """A tracker that takes everything but a new state."""

    def set_state(self, issue: IssueId, state: str) -> None:
        raise TrackerError("The server hung up: try again.")


def test_a_step_that_fails_says_what_was_done_before_it(tmp_path: Path) -> None:
    tracker = LosesItsState()
    tracker.issues[ONE] = order_in(tmp_path).issue
    call = {"tool": "issue_update", "arguments": {"state": "Done", "comment": "Bye."}}

    reply = answer(call, desk_in(tmp_path, tracker))

    assert reply == Reply(
        False,
        "Not done: state is 'Done'. The server hung up: try again. "
        "Done before that: comment posted.",
    )


def test_an_answer_is_cut_at_its_limit() -> None:
    cut = capped("ä" * 10_000)

    assert LONGEST - 1 <= len(cut.encode()) <= LONGEST
    assert cut.endswith(
        "ä\n[cut: the answer has 20000 bytes, at most 16384 are shown; ask for less]"
    )
    assert capped("ä" * 8192) == "ä" * 8192


def tool(stdin: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "symphony_cli.errands.tool", *arguments]
    return subprocess.run(
        command, input=stdin, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.real
def test_the_errand_answers_on_stdout(tmp_path: Path) -> None:
    issue_file(tmp_path)
    folder = str(run_folder(tmp_path).folder)

    done = tool(json.dumps({"tool": "issue_update", "arguments": {"state": "Done"}}), folder)

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"success": True, "text": "one: state is 'Done'."}
    assert tracker_in(tmp_path).read([ONE]).issues[0].state == "Done"


@pytest.mark.real
@pytest.mark.parametrize("stdin", ["", "{", "[" * 100_000])
def test_a_call_that_is_no_json_is_answered_too(tmp_path: Path, stdin: str) -> None:
    done = tool(stdin, str(run_folder(tmp_path).folder))

    assert (done.returncode, json.loads(done.stdout)) == (
        0,
        {"success": False, "text": "The call is no JSON."},
    )


@pytest.mark.real
def test_a_wrong_command_line_is_a_usage_error(tmp_path: Path) -> None:
    assert [tool("").returncode, tool("", str(tmp_path)).returncode] == [64, 64]
