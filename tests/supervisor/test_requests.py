from __future__ import annotations

import json

from symphony_cli.core import report
from symphony_cli.core.answers import LONGEST, capped
from symphony_cli.core.run import CodexSettings
from symphony_cli.supervisor.actions import RunTool
from symphony_cli.supervisor.tools import SPECS, offered

from .play import THREAD, Play


def started(codex: CodexSettings | None = None) -> Play:
    play = Play(codex=codex)
    play.open()
    return play


def call(play: Play, number: int, tool: str, **arguments: str) -> None:
    play.say("item/tool/call", number, threadId=THREAD, tool=tool, arguments=arguments)


def test_two_tool_calls_at_once_are_answered_in_whatever_order_they_come_back() -> None:
    play = started()
    call(play, 0, "issue_update", comment="a")
    call(play, 1, "linear_graphql", query="b")
    play.take(play.session.tool_done(1, False, "no", play.now))
    play.take(play.session.tool_done(0, True, "yes", play.now))
    assert [action for action in play.actions if isinstance(action, RunTool)] == [
        RunTool(0, "issue_update", {"comment": "a"}),
        RunTool(1, "linear_graphql", {"query": "b"}),
    ]
    assert play.answers == {
        1: {"success": False, "contentItems": [{"type": "inputText", "text": "no"}]},
        0: {"success": True, "contentItems": [{"type": "inputText", "text": "yes"}]},
    }


def test_a_tool_that_nobody_offered_is_answered_as_a_failure() -> None:
    play = started()
    call(play, 0, "not_a_tool")
    text = "There is no tool 'not_a_tool'."
    assert play.answers == {
        0: {"success": False, "contentItems": [{"type": "inputText", "text": text}]}
    }


def test_an_agent_that_blocks_itself_ends_the_run_with_its_reason() -> None:
    play = started()
    call(play, 0, "symphony_block", reason="I need a licence key.")
    closing = play.session.closing
    assert closing is not None and (play.ending(), closing.detail) == (
        ("asked", "agent"),
        "I need a licence key.",
    )
    assert (play.answers[0]["success"], play.methods[-1]) == (True, "turn/interrupt")


def test_a_block_without_a_reason_is_refused_and_the_turn_goes_on() -> None:
    play = started()
    call(play, 0, "symphony_block", reason=" ")
    assert (play.answers[0]["success"], play.ending()) == (False, ("", ""))


def test_a_tool_call_while_the_run_ends_is_answered() -> None:
    play = started()
    play.take(play.session.terminated(play.now))
    call(play, 0, "issue_update")
    assert play.answers[0]["success"] is False


def test_an_unknown_request_gets_an_error_and_is_told() -> None:
    play = started()
    play.say("something/new", 0, threadId=THREAD)
    assert (play.answers[0]["code"], play.lines(report.Asked)) == (
        -32601,
        [report.Asked(play.now.at, "something/new", "unknown")],
    )


def test_a_declined_approval_is_told_and_the_turn_goes_on() -> None:
    play = started(CodexSettings(approval_answer="decline"))
    play.say("item/fileChange/requestApproval", 0, threadId=THREAD)
    assert (play.answers, play.ending()) == ({0: {"decision": "decline"}}, ("", ""))
    assert play.lines(report.Asked) == [
        report.Asked(play.now.at, "approval", "decline", "May it change files?")
    ]


def test_a_question_that_policy_leaves_to_a_person_ends_the_run() -> None:
    play = started(CodexSettings(input_answer="block"))
    questions = [{"id": "q", "question": "Which colour?"}]
    play.say("item/tool/requestUserInput", 0, threadId=THREAD, questions=questions)
    closing = play.session.closing
    assert closing is not None and (play.ending(), closing.detail) == (
        ("asked", "input"),
        "Which colour?",
    )
    assert (list(play.answers), play.methods[-1]) == ([0], "turn/interrupt")


def test_a_long_answer_is_cut_at_a_character_and_says_so() -> None:
    cut = capped("é" * 20_000)
    assert len(cut.encode()) <= LONGEST
    said = "[cut: the answer has 40000 bytes, at most 16384 are shown; ask for less]"
    assert cut.endswith(f"é\n{said}")


def test_an_answer_that_fits_is_not_touched() -> None:
    assert capped("x" * LONGEST) == "x" * LONGEST


def test_tools_are_offered_by_name_and_are_valid_json() -> None:
    specs = offered(["symphony_block", "no_such_tool", "issue_update"])
    assert [spec["name"] for spec in specs] == ["symphony_block", "issue_update"]
    assert json.loads(json.dumps(SPECS)) == SPECS
