from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from symphony_cli.core.reasons import BlockReason
from symphony_cli.core.run import CodexSettings
from symphony_cli.supervisor.answers import (
    LONGEST_QUESTION,
    NOBODY_HERE,
    REFUSED,
    TABLE,
    TIME,
    Answer,
    answer,
)
from symphony_cli.supervisor.protocol import Request

AT = datetime(2026, 11, 20, 7, 30, 0, 900_000, tzinfo=UTC)
ACCEPT = CodexSettings(approval_answer="accept", input_answer="decline")
DECLINE = CodexSettings(approval_answer="decline", input_answer="decline")
BLOCK = CodexSettings(approval_answer="block", input_answer="block", elicitation_policy="block")

COMMAND = {"command": "rm -rf build", "reason": "clean"}
OLD_COMMAND = {"command": ["ls", "-l"]}
PATCH = {"grantRoot": "/etc"}
PERMISSIONS = {"permissions": {"network": {"enabled": True}, "fileSystem": None}}
INPUT = {"questions": [{"id": "q1", "question": "Which?", "options": [{"label": "A"}]}]}
ELICITATION = {"serverName": "lab", "message": "Your name?", "mode": "form"}

EXEC = "item/commandExecution/requestApproval"
FILE = "item/fileChange/requestApproval"
MORE = "item/permissions/requestApproval"
OLD_EXEC, OLD_FILE = "execCommandApproval", "applyPatchApproval"
ASK = "item/tool/requestUserInput"
ELICIT = "mcpServer/elicitation/request"

YES, NO = {"decision": "accept"}, {"decision": "decline"}
OLD_YES = {"decision": "approved"}
OLD_NO = {"decision": {"denied": {"rejection": "rejected by policy"}}}
NOTHING = {"permissions": {}, "scope": "turn"}
SAID = {"answers": {"q1": {"answers": [NOBODY_HERE]}}}
APPROVAL, INPUT_WANTED, ELICITED = (
    BlockReason.APPROVAL,
    BlockReason.INPUT,
    BlockReason.ELICITATION,
)

ROWS: list[tuple[str, dict[str, Any], CodexSettings, str, Any, BlockReason | None]] = [
    (EXEC, COMMAND, ACCEPT, "accept", YES, None),
    (EXEC, COMMAND, DECLINE, "decline", NO, None),
    (EXEC, COMMAND, BLOCK, "decline", NO, APPROVAL),
    (EXEC, {"kind": "humanCommand"}, ACCEPT, "decline", NO, None),
    (FILE, PATCH, ACCEPT, "accept", YES, None),
    (FILE, PATCH, DECLINE, "decline", NO, None),
    (FILE, PATCH, BLOCK, "decline", NO, APPROVAL),
    (MORE, PERMISSIONS, ACCEPT, "accept", {**PERMISSIONS, "scope": "turn"}, None),
    (MORE, PERMISSIONS, DECLINE, "decline", NOTHING, None),
    (MORE, PERMISSIONS, BLOCK, "decline", NOTHING, APPROVAL),
    (OLD_EXEC, OLD_COMMAND, ACCEPT, "accept", OLD_YES, None),
    (OLD_EXEC, OLD_COMMAND, DECLINE, "decline", OLD_NO, None),
    (OLD_EXEC, OLD_COMMAND, BLOCK, "decline", OLD_NO, APPROVAL),
    (OLD_FILE, {}, ACCEPT, "accept", OLD_YES, None),
    (OLD_FILE, {}, DECLINE, "decline", OLD_NO, None),
    (OLD_FILE, {}, BLOCK, "decline", OLD_NO, APPROVAL),
    (ASK, INPUT, ACCEPT, "decline", SAID, None),
    (ASK, INPUT, DECLINE, "decline", SAID, None),
    (ASK, INPUT, BLOCK, "decline", SAID, INPUT_WANTED),
    (ELICIT, ELICITATION, ACCEPT, "decline", {"action": "decline"}, None),
    (ELICIT, ELICITATION, DECLINE, "decline", {"action": "decline"}, None),
    (ELICIT, ELICITATION, BLOCK, "decline", {"action": "decline"}, ELICITED),
    (TIME, {}, BLOCK, "told", {"currentTimeAt": 1795159800}, None),
    ("account/chatgptAuthTokens/refresh", {}, ACCEPT, "refused", None, None),
    ("attestation/generate", {}, BLOCK, "refused", None, None),
    ("something/new", {}, BLOCK, "unknown", None, None),
    ("item/somethingNew/requestApproval", COMMAND, ACCEPT, "unknown", None, None),
    ("item/tool/somethingNew/requestUserInput", INPUT, BLOCK, "unknown", None, None),
]


def ask(
    method: str, params: dict[str, Any], settings: CodexSettings = DECLINE, ending: bool = False
) -> Answer:
    return answer(Request(0, method, params), settings, AT, ending)


@pytest.mark.parametrize(("method", "params", "settings", "verdict", "result", "block"), ROWS)
def test_each_request_gets_the_answer_that_policy_wants(
    method: str,
    params: dict[str, Any],
    settings: CodexSettings,
    verdict: str,
    result: Any,
    block: BlockReason | None,
) -> None:
    found = ask(method, params, settings)
    assert (found.verdict, found.result, found.block) == (verdict, result, block)


def test_every_row_of_the_table_is_tried_under_every_policy() -> None:
    tried = {(row[0], row[2].approval_answer) for row in ROWS}
    policies = ("accept", "decline", "block")
    assert {(method, policy) for method in TABLE for policy in policies} <= tried
    assert {*REFUSED, TIME} <= {row[0] for row in ROWS}


@pytest.mark.parametrize("method", TABLE)
def test_nothing_is_accepted_and_nothing_blocks_once_the_run_is_ending(method: str) -> None:
    found = [ask(method, {}, settings, ending=True) for settings in (ACCEPT, DECLINE, BLOCK)]
    assert {(one.verdict, one.block) for one in found} == {("decline", None)}


QUESTIONS: list[tuple[str, dict[str, Any], str]] = [
    (EXEC, COMMAND, "May it run this command: rm -rf build (clean)"),
    (OLD_EXEC, OLD_COMMAND, "May it run this command: ls -l"),
    (
        EXEC,
        {"kind": "writeStdin", "command": "yes\n"},
        "May it type into a running command: yes",
    ),
    (
        EXEC,
        {
            "command": "curl example.org",
            "networkApprovalContext": {"host": "example.org", "protocol": "https"},
        },
        "May it reach https://example.org with this command: curl example.org",
    ),
    (
        EXEC,
        {"command": "ls", "additionalPermissions": {"network": {"enabled": True}}},
        'May it run this command: ls, with more permissions {"network": {"enabled": true}}',
    ),
    (FILE, {}, "May it change files?"),
    (FILE, PATCH, "May it change files below /etc?"),
    (OLD_FILE, {"fileChanges": {"a": {}, "b": {}}, "reason": "r"}, "May it change files: a, b (r)"),
    (MORE, PERMISSIONS, 'May it have more permissions: {"network": {"enabled": true}}'),
    (ASK, INPUT, "Which? [A]"),
    (ASK, {"questions": [{"question": "One?"}, {"question": "Two?"}]}, "One?\nTwo?"),
    (ELICIT, ELICITATION, "lab: Your name?"),
    (ELICIT, {**ELICITATION, "mode": "url", "url": "https://x/y"}, "lab: Your name? https://x/y"),
    (
        ELICIT,
        {"serverName": "lab", "message": "Run it?", "_meta": {"tool_params": {"path": "/"}}},
        'lab: Run it? {"path": "/"}',
    ),
    (ELICIT, {"serverName": "s", "title": "Verify", "description": "that"}, "s: Verify: that"),
]


@pytest.mark.parametrize(("method", "params", "question"), QUESTIONS)
def test_a_question_is_told_in_words_for_people(
    method: str, params: dict[str, Any], question: str
) -> None:
    assert ask(method, params).question == question


def test_an_enormous_question_is_cut_and_says_so() -> None:
    found = ask(ASK, {"questions": [{"id": "q", "question": "é" * 1_000_000}]}).question
    assert found == "é" * LONGEST_QUESTION + "\n[cut: 1000000 characters in all]"


MALFORMED: list[dict[str, Any]] = [
    {},
    {"questions": "none", "permissions": 7, "command": {"a": 1}, "_meta": [], "fileChanges": 1},
    {"questions": [None, 3, {"options": 5}, {"options": ["x"]}], "permissions": None},
    {"command": None, "reason": ["x"], "serverName": 4, "message": None, "kind": []},
]


@pytest.mark.parametrize("method", TABLE)
@pytest.mark.parametrize("params", MALFORMED)
def test_a_malformed_request_is_answered_all_the_same(method: str, params: dict[str, Any]) -> None:
    found = ask(method, params, BLOCK)
    assert (found.verdict, bool(found.question), found.result is None) == ("decline", True, False)


def test_a_question_without_an_id_gets_no_answer_and_the_others_do() -> None:
    asked = {"questions": [{"question": "A?"}, {"id": 3}, {"id": "b", "question": "B?"}]}
    assert ask(ASK, asked).result == {"answers": {"b": {"answers": [NOBODY_HERE]}}}


def test_a_question_without_words_is_told_by_its_method() -> None:
    assert ask(ASK, {"questions": []}, BLOCK).question == f"{ASK}, without any words"


def test_the_name_of_an_unknown_request_is_bounded() -> None:
    found = ask("x" * 10_000, {})
    assert (found.kind, found.question) == ("x" * 200, f"Symphony does not know {'x' * 200}.")


def test_no_answer_is_ever_cancel() -> None:
    results = [str(ask(row[0], row[1], row[2]).result) for row in ROWS]
    assert [result for result in results if "cancel" in result or "abort" in result] == []
