"""A budget that is used up in the middle of a turn of the real Codex; the model is scripted."""

from __future__ import annotations

from typing import Any

import pytest

from symphony_cli.core.reasons import BlockReason, Outcome
from symphony_cli.core.report import ThreadIdle
from tests.errands.world import until
from tests.real.conftest import Open, Studio
from tests.real.house import House
from tests.real.model import Entry, call, command, message, tokens, total, update

pytestmark = [
    pytest.mark.real,
    pytest.mark.codex,
    pytest.mark.both_codexes,
    pytest.mark.shared,
    pytest.mark.slow,
]

ANSWERS = [tokens(1000 + 100 * n, 400 + 10 * n, 10 + n) for n in range(6)]
CHEAP = [tokens(100, 40, 3), tokens(110, 50, 4)]
ABORTED = "turn_aborted"
"""What Codex puts into a conversation when its turn was interrupted."""


def first(entry: Entry) -> Entry:
    """An answer of the run that has the turn interrupted; nobody may have asked for it by then."""
    return {**entry, "not_match": ABORTED}


def later(entry: Entry) -> Entry:
    """An answer of the run after it."""
    return {**entry, "match": ABORTED}


def under_way() -> Entry:
    """An answer that never comes to its end."""
    return message("one two three", hang=300)


def waiting(text: str, **more: Any) -> Entry:
    """The model starts a command and does not wait for its end."""
    return call("exec_command", {"cmd": text, "yield_time_ms": 250}, **more)


def assert_blocked(place: Studio, name: str, count: int) -> None:
    """Blocked, labelled, and told with the final count, once; nothing of its run is left."""
    house = place.house
    house.until(lambda: "symphony-budget-exceeded" in house.issue(name), "the label is set")
    house.until(lambda: not house.history().outbox, "the comment is delivered")
    comments = house.issue(name).partition("## Comments")[2]
    assert comments.count(f"it has spent {count:,} tokens") == 1
    record = house.record(name)
    assert record.block is not None and record.block.reason is BlockReason.BUDGET
    assert [one["reason"] for one in house.tick()["passed_over"]] == ["block"]
    until(lambda: not house.alive(), what="the end of all processes")


def ends(house: House, name: str) -> list[tuple[Outcome, str, int]]:
    return [(one.outcome, one.reason, one.cut_answers) for one in house.verdicts(name)]


def cut_threads(house: House, name: str) -> list[bool]:
    """Whether each turn of the first run was cut, in the order in which they ended."""
    return [line.cut for line in house.lines(house.runs(name)[0], ThreadIdle)]


def goes_on(house: House, name: str) -> None:
    done = house.symphony("unblock", name, "--note", "one more helping")
    assert done.returncode == 0, done.stderr
    house.until(lambda: house.finished(name), f"{name} is done with its second helping")


def test_a_budget_spent_beside_an_open_command_ends_the_run_and_a_helping_lets_it_go_on(
    studio: Open,
) -> None:
    told, weight = total(*ANSWERS[:2]), 0.5
    place = studio(
        [
            first(waiting("echo going; sleep 300", **ANSWERS[0])),
            first(command("echo on", **ANSWERS[1])),
            first(under_way()),
            later(update(state="Done", **CHEAP[0])),
            later(message("Done.", **CHEAP[1])),
        ],
        agent={"max_tokens_per_issue": told.spend(weight), "cached_token_weight": weight},
    )
    house = place.house
    house.write_issue("DEAR-1")
    house.until(lambda: house.record("DEAR-1").block, "the budget is spent")
    assert_blocked(place, "DEAR-1", told.spend(weight))
    assert ends(house, "DEAR-1") == [(Outcome.OVER_BUDGET, "tokens", 1)]
    record = house.record("DEAR-1")
    assert (record.usage, record.cut_answers, record.failures) == (told, 1, 0)
    assert len(place.model.requests()) in (2, 3), "one answer at most was under way"
    goes_on(house, "DEAR-1")
    assert ends(house, "DEAR-1")[1:] == [(Outcome.HANDED_OVER, "Done", 0)]
    assert house.record("DEAR-1").usage == told + total(*CHEAP)
    assert len({one.thread.id for one in house.verdicts("DEAR-1") if one.thread}) == 1


def script(text: str, **more: Any) -> Entry:
    """The model runs JavaScript: how models that have sub-agents use most tools."""
    return {"custom": {"name": "exec", "input": text}, **more}


def spawn(task: str, **more: Any) -> Entry:
    """The model starts a sub-agent."""
    arguments = {"task_name": task, "message": "Look around."}
    called = {"name": "spawn_agent", "namespace": "collaboration", "arguments": arguments}
    return {"call": called, **more}


def by_sub_agent(entry: Entry) -> Entry:
    """An answer for the conversation that began with a task."""
    return {**entry, "match": "NEW_TASK"}


LOOK = 'text(JSON.stringify(await tools.exec_command({cmd: "echo on"})));'
DONE = 'text(JSON.stringify(await tools.issue_update({state: "Done"})));'


def test_what_a_sub_agent_spends_counts_and_it_is_interrupted_with_its_parent(
    studio: Open, codex: str
) -> None:
    told = total(*ANSWERS[:3])
    place = studio(
        [
            first(spawn("scout", **ANSWERS[0])),
            by_sub_agent(script(LOOK, **ANSWERS[1])),
            by_sub_agent(script(LOOK, **ANSWERS[2])),
            by_sub_agent(under_way()),
            first(under_way()),
            later(script(DONE, **CHEAP[0])),
            later(message("Done.", **CHEAP[1])),
        ],
        agent={"max_tokens_per_issue": told.spend()},
        codex={"command": f"{codex} -c model=gpt-6.1-sol app-server"},
    )
    house = place.house
    house.write_issue("DEAR-1")
    house.until(lambda: house.record("DEAR-1").block, "the budget is spent")
    assert_blocked(place, "DEAR-1", told.spend())
    assert ends(house, "DEAR-1") == [(Outcome.OVER_BUDGET, "tokens", 2)]
    (verdict,) = house.verdicts("DEAR-1")
    assert verdict.thread is not None
    mine = verdict.usage.pop(verdict.thread.id)
    assert (mine, [*verdict.usage.values()]) == (total(ANSWERS[0]), [total(*ANSWERS[1:3])])
    assert cut_threads(house, "DEAR-1") == [True, True]
    goes_on(house, "DEAR-1")
    record = house.record("DEAR-1")
    assert (record.usage, record.cut_answers) == (told + total(*CHEAP), 2)


def test_after_its_context_overflowed_a_thread_s_tokens_are_still_counted(studio: Open) -> None:
    """Codex counts it from nothing again; the budget does not."""
    place = studio(
        [
            message("One.", **ANSWERS[0]),
            {"failed": {"code": "context_length_exceeded", "message": "It is too long."}},
            message("What was said so far.", **ANSWERS[1]),
            message("Two.", **ANSWERS[2]),
            message("Three.", **ANSWERS[3]),
            update(state="Done", **ANSWERS[4]),
            message("Done.", **ANSWERS[5]),
        ],
        agent={"max_turns": 3},
    )
    house = place.house
    house.write_issue("LONG-1")
    house.until(lambda: house.finished("LONG-1"), "LONG-1 is done")
    record = house.record("LONG-1")
    assert record.usage == total(*ANSWERS[:6])
    assert (record.runs, record.cut_answers, record.fresh_threads) == (2, 0, 0)
