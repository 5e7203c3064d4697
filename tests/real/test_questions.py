"""Every question that the real Codex can be made to ask, and what comes of its answer."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from symphony_cli.core.reasons import BlockReason, Outcome
from symphony_cli.supervisor.answers import NOBODY_HERE
from tests.real.asking import (
    ASK_NOTHING,
    BLOCK,
    DECLINE,
    ESCALATED,
    FILES,
    INPUT,
    MORE,
    PATCH,
    PLAIN,
    READ_ONLY,
    asked,
    blocked,
    comments,
    done,
    ends,
    is_end,
    lab,
    made,
    opened,
    told,
)
from tests.real.conftest import Open
from tests.real.model import Entry, command, message, update

pytestmark = [pytest.mark.real, pytest.mark.codex, pytest.mark.shared, pytest.mark.slow]


class Case(NamedTuple):
    """A wish of the model that Codex asks about."""

    wish: Entry
    kind: BlockReason
    question: str
    """The end of what people read."""
    told: str
    """The end of what the model reads once it is declined."""


REJECTED = 'exec_command failed: CreateProcess { message: "Rejected(\\"rejected by user\\")" }'
SAID = f'{{"answers":{{"q1":{{"answers":["{NOBODY_HERE}"]}}}}}}'
CASES = {
    "command": Case(PLAIN, BlockReason.APPROVAL, "touch made.txt'", REJECTED),
    "patch": Case(PATCH, BlockReason.APPROVAL, FILES, "patch rejected by user"),
    "permissions": Case(
        MORE,
        BlockReason.APPROVAL,
        'May it have more permissions: {"network": {"enabled": true}} (I need it.)',
        '{"permissions":{"network":null,"file_system":null},"scope":"turn"}',
    ),
    "input": Case(INPUT, BlockReason.INPUT, "Which colour? [Red | Blue]", SAID),
    "form": Case(
        lab("ask"),
        BlockReason.ELICITATION,
        "lab: What is your name?",
        'mcp result: {"action": "decline"}',
    ),
    "url": Case(
        lab("ask_url"),
        BlockReason.ELICITATION,
        "lab: Open this https://localhost/x",
        'mcp result: {"action": "decline"}',
    ),
    "tool": Case(
        lab("danger"),
        BlockReason.ELICITATION,
        'lab: Allow the lab MCP server to run tool "danger"?',
        "user rejected MCP tool call",
    ),
}


@pytest.mark.both_codexes
def test_every_declined_question_lets_the_turn_go_on_and_is_told_and_counted(
    studio: Open, codex: str
) -> None:
    wishes = [case.wish for case in CASES.values()]
    place = opened(
        studio,
        codex,
        [*wishes, update(state="Done"), message("Without any of it.")],
        approval_policy="untrusted",
        **DECLINE,
    )
    done(place)
    wanted = [case.told for case in CASES.values()]
    assert ends(told(place)[:-1], wanted) == wanted
    questions = [case.question for case in CASES.values()]
    assert ends([text for _, _, text in asked(place)], questions) == questions
    kinds = [(kind, answer) for kind, answer, _ in asked(place)]
    assert kinds == [(str(case.kind), "decline") for case in CASES.values()]
    record = place.house.record("ASK-1")
    assert (record.declines, record.runs, record.turns, made(place)) == (7, 1, 1, False)


def test_accepted_approvals_are_carried_out(studio: Open, codex: str) -> None:
    wishes = [PLAIN, command("mv made.txt other.txt"), PATCH, MORE]
    place = opened(
        studio,
        codex,
        [*wishes, update(state="Done"), message("Done.")],
        approval_policy="untrusted",
        approval_answer="accept",
    )
    done(place)
    assert [(kind, answer) for kind, answer, _ in asked(place)] == [("approval", "accept")] * 4
    granted = '{"permissions":{"network":{"enabled":true},"file_system":null},"scope":"turn"}'
    assert (told(place)[3], made(place), place.house.record("ASK-1").declines) == (granted, True, 0)


ELSEWHERE: dict[str, tuple[Entry, dict[str, Any], tuple[str, str, str], str]] = {
    "an escalated command on request": (
        ESCALATED,
        {"approval_policy": "on-request"},
        ("approval", "decline", "touch made.txt' (It must lie here.)"),
        'rejected by user\\")" }',
    ),
    "a patch in a read-only sandbox": (
        PATCH,
        {"approval_policy": "on-request", **READ_ONLY},
        ("approval", "decline", FILES),
        "patch rejected by user",
    ),
    "a question when Codex asks never": (
        INPUT,
        {"approval_policy": "never"},
        ("input", "decline", "Which colour? [Red | Blue]"),
        SAID,
    ),
    "a destructive tool when Codex asks nothing": (
        lab("danger"),
        {"approval_policy": ASK_NOTHING},
        ("elicitation", "decline", CASES["tool"].question),
        "user rejected MCP tool call",
    ),
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_other_policies_of_codex_ask_too_and_get_the_same_answers(
    studio: Open, codex: str, name: str
) -> None:
    wish, settings, question, output = ELSEWHERE[name]
    entries = [wish, update(state="Done"), message("Without it.")]
    place = opened(studio, codex, entries, **{**DECLINE, **settings})
    done(place)
    ((kind, answer, text),) = asked(place)
    assert (kind, answer, text[-len(question[2]) :]) == question
    assert ends(told(place)[:1], [output]) == [output]
    assert (place.house.record("ASK-1").declines, made(place)) == (1, False)


@pytest.mark.parametrize("name", CASES)
def test_a_question_that_is_left_to_people_ends_the_run_and_blocks_the_issue_with_it(
    studio: Open, codex: str, name: str
) -> None:
    case = CASES[name]
    place = opened(studio, codex, [case.wish], approval_policy="untrusted", **BLOCK)
    house = place.house
    blocked(place)
    record, (verdict,), (run,) = house.record("ASK-1"), house.verdicts("ASK-1"), house.runs("ASK-1")
    ((kind, answer, text),) = asked(place)
    assert (kind, answer, text[-len(case.question) :]) == (case.kind, "decline", case.question)
    assert (verdict.outcome, verdict.reason, verdict.detail) == (Outcome.ASKED, case.kind, text)
    assert record.block is not None and (record.block.reason, record.declines) == (case.kind, 1)
    assert (record.runs, record.failures) == (1, 0)
    assert f"({case.kind}).\n\n{text}\n" in comments(place)
    ended = [m["params"]["turn"] for m in house.transcript(run, "in") if is_end(m)]
    assert [turn["status"] for turn in ended] == ["interrupted"]
    assert [one["reason"] for one in house.tick()["passed_over"]] == ["block"]
    # Codex may have asked its model once more before the interrupt came; that answer was cut.
    assert len(place.model.requests()) in (1, 2)


def test_two_questions_at_once_both_get_an_answer(studio: Open, codex: str) -> None:
    both = {"call": [ESCALATED["call"], {**ESCALATED["call"], "call_id": "call_second"}]}
    entries = [both, update(state="Done"), message("Neither.")]
    place = opened(studio, codex, entries, approval_policy="on-request", **DECLINE)
    done(place)
    assert [(kind, answer) for kind, answer, _ in asked(place)] == [("approval", "decline")] * 2
    assert ["rejected by user" in text for text in told(place)] == [True, True, False]


@pytest.mark.both_codexes
def test_codex_is_told_the_time_when_its_clock_is_ours(studio: Open, codex: str) -> None:
    clock = "features.current_time_reminder"
    words = f"-c {clock}.enabled=true -c {clock}.clock_source=external"
    place = studio(
        [update(state="Done"), message("In time.")],
        codex={"command": f"{codex} app-server {words}"},
    )
    place.house.write_issue("ASK-1")
    done(place)
    (run,) = place.house.runs("ASK-1")
    methods = [m.get("method") for m in place.house.transcript(run, "in")]
    assert ("currentTime/read" in methods, asked(place)) == (True, [])
