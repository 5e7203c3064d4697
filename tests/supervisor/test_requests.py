from __future__ import annotations

import json

from symphony_cli.core import report
from symphony_cli.core.answers import LONGEST, capped
from symphony_cli.core.run import CodexSettings
from symphony_cli.supervisor.actions import RunTool, Tell
from symphony_cli.supervisor.desk import Desk
from symphony_cli.supervisor.notices import ItemStarted, understand
from symphony_cli.supervisor.outgoing import Outgoing
from symphony_cli.supervisor.protocol import Notice, Request, parse
from symphony_cli.supervisor.tools import SPECS, offered

from .play import THREAD, Play, moment


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
        [
            report.Asked(
                play.now.at, "something/new", "unknown", "Symphony does not know something/new."
            )
        ],
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


INTERRUPT = "turn/interrupt"
KID = "thread-of-a-sub-agent"
APPROVAL = "item/commandExecution/requestApproval"


def test_a_question_of_a_sub_agent_is_answered_and_ends_the_run_where_people_must() -> None:
    play = started(CodexSettings(approval_answer="block"))
    play.say("turn/started", threadId=KID, turn={"id": "kid-turn"})
    play.say(APPROVAL, 0, threadId=KID, command="ls")
    interrupted = [m["params"]["threadId"] for m in play.sent if m.get("method") == INTERRUPT]
    assert (play.answers, play.ending()) == ({0: {"decision": "decline"}}, ("asked", "approval"))
    assert sorted(interrupted) == sorted([THREAD, KID])


def test_of_two_questions_at_once_both_are_answered_and_the_first_is_the_reason() -> None:
    play = started(CodexSettings(approval_answer="block"))
    play.say(APPROVAL, 0, threadId=THREAD, command="first")
    play.say(APPROVAL, 1, threadId=THREAD, command="second")
    closing, asked = play.session.closing, play.lines(report.Asked)
    assert play.answers == {0: {"decision": "decline"}, 1: {"decision": "decline"}}
    assert closing is not None and closing.detail == "May it run this command: first"
    assert [line.answer for line in asked if isinstance(line, report.Asked)] == ["decline"] * 2


def test_nothing_is_accepted_while_the_run_ends() -> None:
    play = started(CodexSettings(approval_answer="accept"))
    play.take(play.session.terminated(play.now))
    play.say(APPROVAL, 0, threadId=THREAD, command="ls")
    assert play.answers == {0: {"decision": "decline"}}


def test_a_question_after_the_turn_is_over_is_answered() -> None:
    play = started(CodexSettings(approval_answer="decline"))
    play.turn_ends()
    play.say(APPROVAL, 0, threadId=THREAD, command="ls")
    assert (play.answers, play.ending()) == ({0: {"decision": "decline"}}, ("", ""))


def test_a_question_after_the_turn_is_over_can_still_need_people() -> None:
    play = started(CodexSettings(approval_answer="block"))
    play.turn_ends()
    play.say(APPROVAL, 0, threadId=THREAD, command="ls")
    assert (play.answers, play.ending()) == ({0: {"decision": "decline"}}, ("asked", "approval"))


def test_the_time_is_told_and_not_reported() -> None:
    play = started()
    play.say("currentTime/read", 0, threadId=THREAD)
    told = int(play.now.at.timestamp())
    assert (play.answers, play.lines(report.Asked)) == ({0: {"currentTimeAt": told}}, [])


def test_a_request_whose_params_are_no_map_is_answered() -> None:
    play = started(CodexSettings(input_answer="decline"))
    line = b'{"id": 0, "method": "item/tool/requestUserInput", "params": ["x"]}'
    play.take(play.session.receive(parse(line), play.now))
    assert (play.answers, play.ending()) == ({0: {"answers": {}}}, ("", ""))


def test_an_agent_that_blocks_itself_twice_ends_once_and_both_calls_are_answered() -> None:
    play = started()
    call(play, 0, "symphony_block", reason="First.")
    call(play, 1, "symphony_block", reason="Second.")
    closing = play.session.closing
    assert closing is not None and closing.detail == "First."
    assert [play.answers[number]["success"] for number in (0, 1)] == [True, False]


def test_an_endless_reason_is_cut_for_people() -> None:
    play = started()
    call(play, 0, "symphony_block", reason="x" * 100_000)
    closing = play.session.closing
    assert closing is not None
    assert closing.detail == "x" * 4000 + "\n[cut: 100000 characters in all]"


def test_a_question_about_files_names_them_when_it_was_told_what_changes() -> None:
    out = Outgoing()
    desk = Desk(CodexSettings(approval_answer="decline"), out)
    change = {"type": "fileChange", "id": "call_1", "changes": [{"path": "/ws/a"}]}
    begun = understand(Notice("item/started", {"threadId": THREAD, "item": change}))
    assert isinstance(begun, ItemStarted)
    desk.started(begun)
    for number, item in enumerate(("call_1", "call_2")):
        asked = Request(number, "item/fileChange/requestApproval", {"itemId": item})
        desk.take(asked, False, moment(0.0))
    lines = [action.line for action in out.fetch() if isinstance(action, Tell)]
    texts = [line.text for line in lines if isinstance(line, report.Asked)]
    assert texts == ["May it change files: /ws/a", "May it change files?"]
