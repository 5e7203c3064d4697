from __future__ import annotations

from typing import Any

import pytest

from symphony_cli.core.reasons import BlockReason
from symphony_cli.core.run import CodexSettings
from symphony_cli.supervisor.answers import NOBODY_HERE, Answer, answer
from symphony_cli.supervisor.protocol import Request

ACCEPT = CodexSettings(approval_answer="accept", input_answer="decline")
DECLINE = CodexSettings(approval_answer="decline", input_answer="decline")
BLOCK = CodexSettings(approval_answer="block", input_answer="block", elicitation_policy="block")

COMMAND = {"command": "rm -rf build", "reason": "clean"}
OLD_COMMAND = {"command": ["ls", "-l"]}
PATCH = {"grantRoot": "/etc"}
PERMISSIONS = {"permissions": {"network": {"enabled": True}}}
INPUT = {"questions": [{"id": "q1", "question": "Which?", "options": [{"label": "A"}]}]}
ELICITATION = {"serverName": "lab", "message": "Your name?", "mode": "form"}

EXEC = "item/commandExecution/requestApproval"
FILE = "item/fileChange/requestApproval"
MORE = "item/permissions/requestApproval"
ASK = "item/tool/requestUserInput"
ELICIT = "mcpServer/elicitation/request"

ROWS: list[tuple[str, dict[str, Any], CodexSettings, str, Any, BlockReason | None]] = [
    (EXEC, COMMAND, ACCEPT, "accept", {"decision": "accept"}, None),
    (EXEC, COMMAND, DECLINE, "decline", {"decision": "decline"}, None),
    (EXEC, COMMAND, BLOCK, "decline", {"decision": "decline"}, BlockReason.APPROVAL),
    (FILE, PATCH, ACCEPT, "accept", {"decision": "accept"}, None),
    (FILE, PATCH, DECLINE, "decline", {"decision": "decline"}, None),
    (FILE, PATCH, BLOCK, "decline", {"decision": "decline"}, BlockReason.APPROVAL),
    (MORE, PERMISSIONS, ACCEPT, "accept", {**PERMISSIONS, "scope": "turn"}, None),
    (MORE, PERMISSIONS, DECLINE, "decline", {"permissions": {}, "scope": "turn"}, None),
    ("execCommandApproval", OLD_COMMAND, ACCEPT, "accept", {"decision": "approved"}, None),
    ("execCommandApproval", OLD_COMMAND, DECLINE, "decline", {"decision": "denied"}, None),
    ("applyPatchApproval", {}, ACCEPT, "accept", {"decision": "approved"}, None),
    ("applyPatchApproval", {}, DECLINE, "decline", {"decision": "denied"}, None),
    (ASK, INPUT, DECLINE, "decline", {"answers": {"q1": {"answers": [NOBODY_HERE]}}}, None),
    (
        ASK,
        INPUT,
        BLOCK,
        "decline",
        {"answers": {"q1": {"answers": [NOBODY_HERE]}}},
        BlockReason.INPUT,
    ),
    (ELICIT, ELICITATION, DECLINE, "decline", {"action": "decline"}, None),
    (ELICIT, ELICITATION, BLOCK, "decline", {"action": "decline"}, BlockReason.ELICITATION),
    ("account/chatgptAuthTokens/refresh", {}, ACCEPT, "unknown", None, None),
    ("attestation/generate", {}, ACCEPT, "unknown", None, None),
    ("something/new", {}, BLOCK, "unknown", None, None),
]


@pytest.mark.parametrize(("method", "params", "settings", "verdict", "result", "block"), ROWS)
def test_each_request_gets_the_answer_that_policy_wants(
    method: str,
    params: dict[str, Any],
    settings: CodexSettings,
    verdict: str,
    result: Any,
    block: BlockReason | None,
) -> None:
    found = answer(Request(0, method, params), settings)
    assert (found.verdict, found.result, found.block) == (verdict, result, block)


def test_a_question_is_told_with_its_choices() -> None:
    found = answer(Request(0, ASK, INPUT), BLOCK)
    assert found == Answer("input", "decline", found.result, "Which? [A]", BlockReason.INPUT)


def test_an_approval_is_told_with_its_command_and_reason() -> None:
    found = answer(Request(0, EXEC, COMMAND), DECLINE)
    assert found.question == "May it run this command: rm -rf build (clean)"


def test_an_old_approval_is_told_with_the_words_of_its_command() -> None:
    found = answer(Request(0, "execCommandApproval", OLD_COMMAND), DECLINE)
    assert found.question == "May it run this command: ls -l"


def test_no_answer_is_ever_cancel() -> None:
    results = [str(answer(Request(0, row[0], row[1]), row[2]).result) for row in ROWS]
    assert [result for result in results if "cancel" in result or "abort" in result] == []
