"""Agents that stop for people: by their own tool, and sub-agents of theirs."""

from __future__ import annotations

from typing import Any

import pytest

from symphony_cli.core.reasons import BlockReason, Outcome
from tests.real.asking import BLOCK, DECLINE, asked, blocked, comments, done, is_end, made
from tests.real.conftest import Open, Studio
from tests.real.model import Entry, call, message, update

pytestmark = [pytest.mark.real, pytest.mark.codex, pytest.mark.shared, pytest.mark.slow]


def test_an_agent_that_blocks_itself_ends_its_run_and_its_reason_is_posted(
    studio: Open, codex: str
) -> None:
    place = studio(
        [
            call("symphony_block", {"reason": "  "}),
            call("symphony_block", {"reason": "I need a licence key.\nAsk Ada."}),
            message("This must not be needed."),
        ]
    )
    house = place.house
    house.write_issue("ASK-1")
    blocked(place)
    record, (verdict,) = house.record("ASK-1"), house.verdicts("ASK-1")
    assert record.block is not None and record.block.reason is BlockReason.AGENT
    assert (verdict.outcome, verdict.reason) == (Outcome.ASKED, "agent")
    assert "(agent).\n\nI need a licence key.\nAsk Ada.\n" in comments(place)
    outputs = [item for item in place.model.requests()[1]["input"] if "output" in item]
    assert outputs[-1]["output"] == "Give a `reason` for people to read."
    assert (record.runs, record.failures, record.declines) == (1, 0, 0)


def test_two_blocks_at_once_are_one_and_a_long_reason_is_cut_for_people(studio: Open) -> None:
    calls = [
        {"name": "symphony_block", "arguments": {"reason": reason}, "call_id": f"call_{reason[0]}"}
        for reason in ("a" * 100_000, "b" * 100_000)
    ]
    place = studio([{"call": calls}])
    house = place.house
    house.write_issue("ASK-1")
    blocked(place)
    said = comments(place)
    first = "a" if "aaaa" in said else "b"
    assert f"(agent).\n\n{first * 4000}\n[cut: 100000 characters in all]\n" in said
    assert (len(said) < 5000, said.count("waits for a person")) == (True, 1)
    assert house.record("ASK-1").runs == 1


SUB = {"not_match": "Issue ASK-1"}
MAIN = {"match": "Issue ASK-1"}
SPAWN = {"task_name": "kid", "message": "Help me.", "fork_turns": "none"}


def colleague(name: str, **arguments: Any) -> Entry:
    """The first agent deals with another one."""
    return {"call": {"namespace": "collaboration", "name": name, "arguments": arguments}, **MAIN}


def script(text: str) -> Entry:
    """The other agent runs one script, which is how newer models call all tools."""
    return {"custom": {"name": "exec", "input": text}, **SUB}


OPTIONS = "-c model=gpt-6.1-sol -c features.multi_agent_v2_dynamic_tools=true"
"""A model that can start others, and lets them have our tools."""


def team(studio: Open, codex: str, *does: Entry, **settings: Any) -> Studio:
    """A studio in which one agent starts another, which does this, and waits for it."""
    place = studio(
        [
            colleague("spawn_agent", **SPAWN),
            *does,
            colleague("wait_agent", timeout_ms=20_000),
            {**update(state="Done"), **MAIN},
            {**message("Both are done."), **MAIN},
        ],
        codex={
            "command": f"{codex} app-server {OPTIONS}",
            **settings,
        },
    )
    place.house.write_issue("ASK-1")
    return place


TOUCH = script('text(await tools.exec_command({cmd: "touch made.txt"}))')


@pytest.mark.both_codexes
def test_a_declined_question_of_a_sub_agent_lets_both_go_on(studio: Open, codex: str) -> None:
    does = [TOUCH, {**message("Without it."), **SUB}]
    place = team(studio, codex, *does, approval_policy="untrusted", **DECLINE)
    done(place)
    ((kind, answer, text),) = asked(place)
    assert (kind, answer, text.endswith("touch made.txt'")) == ("approval", "decline", True)
    assert (place.house.record("ASK-1").declines, made(place)) == (1, False)


BLOCKERS = {
    "question": (TOUCH, BlockReason.APPROVAL, "touch made.txt'"),
    "tool": (
        script('text(await tools.symphony_block({reason: "No key."}))'),
        BlockReason.AGENT,
        "No key.",
    ),
}


@pytest.mark.parametrize("name", BLOCKERS)
def test_a_sub_agent_that_needs_people_ends_the_whole_run(
    studio: Open, codex: str, name: str
) -> None:
    does, reason, said = BLOCKERS[name]
    place = team(studio, codex, does, approval_policy="untrusted", **BLOCK)
    blocked(place)
    (verdict,) = place.house.verdicts("ASK-1")
    assert (verdict.outcome, verdict.reason) == (Outcome.ASKED, reason)
    assert f"{said}\n" in comments(place)
    (run,) = place.house.runs("ASK-1")
    ended = [m["params"] for m in place.house.transcript(run, "in") if is_end(m)]
    assert [one["turn"]["status"] for one in ended] == ["interrupted"] * 2
    assert len({one["threadId"] for one in ended}) == 2
