from __future__ import annotations

import math

import pytest

from symphony_cli.supervisor.notices import (
    ItemCompleted,
    ItemStarted,
    TurnCompleted,
    TurnStarted,
    understand,
)
from symphony_cli.supervisor.protocol import Notice
from symphony_cli.supervisor.work import (
    COMMAND,
    FOREIGN_TOOL,
    POLL,
    SLEEP,
    WAIT_FOR_AGENTS,
    OpenWork,
)

MAIN, CHILD, GRANDCHILD = "main", "child", "grandchild"

Event = TurnStarted | TurnCompleted | ItemStarted | ItemCompleted


def after(*events: Event) -> OpenWork:
    work = OpenWork()
    for event in events:
        work.take(event)
    return work


def item(
    kind: str, thread: str = MAIN, turn: str = "1", seconds: float | None = None
) -> ItemStarted:
    return ItemStarted(thread, f"{kind} of {thread}", kind, turn, seconds)


FIRST = TurnStarted(MAIN, "1")
SECOND = (TurnCompleted(MAIN, "1", "completed"), TurnStarted(MAIN, "2"))
CHILDS = TurnStarted(CHILD, "c")


@pytest.mark.parametrize(
    ("kind", "seconds"),
    [
        (COMMAND, math.inf),
        (FOREIGN_TOOL, math.inf),
        (WAIT_FOR_AGENTS, math.inf),
        (SLEEP, 90.0),
        ("agentMessage", 0.0),
        ("reasoning", 0.0),
        ("dynamicToolCall", 0.0),
        ("contextCompaction", 0.0),
    ],
)
def test_what_a_turn_opens_may_be_silent_for(kind: str, seconds: float) -> None:
    work = after(FIRST, item(kind, seconds=90.0))
    ended = after(FIRST, item(kind), ItemCompleted(MAIN, f"{kind} of {MAIN}", kind))
    assert (work.quiet, ended.quiet) == (seconds, 0.0)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [(2500, 2.5), (0, 0.0), (None, None), ("5", None), (-1, None), (10**400, None)],
)
def test_a_sleep_is_told_in_milliseconds(told: object, seconds: float | None) -> None:
    sleep = {"type": "sleep", "id": "nap", "durationMs": told}
    params = {"threadId": MAIN, "turnId": "1", "item": sleep}
    assert understand(Notice("item/started", params)) == item(SLEEP, seconds=seconds)._replace(
        item="nap"
    )


def test_a_sleep_of_unknown_length_is_as_quiet_as_a_command() -> None:
    assert after(FIRST, item(SLEEP)).quiet == math.inf


def test_the_longest_silence_counts() -> None:
    assert after(FIRST, item(SLEEP, seconds=5.0), item(COMMAND)).quiet == math.inf


@pytest.mark.parametrize(
    ("kind", "status", "seconds"),
    [
        (COMMAND, "completed", POLL),
        (COMMAND, "failed", POLL),
        (COMMAND, "interrupted", 0.0),
        (FOREIGN_TOOL, "completed", 0.0),
        (SLEEP, "completed", 0.0),
        (WAIT_FOR_AGENTS, "failed", 0.0),
    ],
)
def test_in_the_next_turn_a_command_left_behind_is_only_looked_after(
    kind: str, status: str, seconds: float
) -> None:
    ended = TurnCompleted(MAIN, "1", status)
    assert after(FIRST, item(kind), ended, TurnStarted(MAIN, "2")).quiet == seconds


def test_a_command_left_behind_that_ends_during_a_later_turn_is_forgotten() -> None:
    over = ItemCompleted(MAIN, f"{COMMAND} of {MAIN}", COMMAND)
    assert after(FIRST, item(COMMAND), *SECOND, over).quiet == 0.0


def test_a_command_that_is_told_of_after_its_turn_is_one_left_behind() -> None:
    assert after(FIRST, *SECOND, item(COMMAND, turn="1")).quiet == POLL


def test_nobody_looks_after_a_command_while_no_turn_of_its_thread_runs() -> None:
    over = TurnCompleted(CHILD, "c", "completed")
    assert after(FIRST, CHILDS, item(COMMAND, CHILD, "c"), over).quiet == 0.0


def test_the_end_of_another_turn_closes_nothing() -> None:
    assert after(FIRST, item(SLEEP), TurnCompleted(MAIN, "0", "interrupted")).quiet == math.inf


def test_items_of_two_threads_may_have_the_same_name() -> None:
    begun, other = ItemStarted(MAIN, "call_1", COMMAND), ItemCompleted(CHILD, "call_1", COMMAND)
    work = after(FIRST, CHILDS, begun, other)
    assert work.quiet == math.inf


@pytest.mark.parametrize(
    ("events", "seconds"),
    [
        ([], math.inf),
        ([CHILDS], 0.0),
        ([CHILDS, item(COMMAND, CHILD, "c")], math.inf),
        ([CHILDS, item(SLEEP, CHILD, "c", 7.0)], 7.0),
        ([CHILDS, TurnCompleted(CHILD, "c", "completed")], math.inf),
        ([CHILDS, item(WAIT_FOR_AGENTS, CHILD, "c")], math.inf),
        ([CHILDS, item(WAIT_FOR_AGENTS, CHILD, "c"), TurnStarted(GRANDCHILD, "g")], 0.0),
    ],
)
def test_a_wait_for_sub_agents_is_as_quiet_as_they_are(events: list[Event], seconds: float) -> None:
    assert after(FIRST, item(WAIT_FOR_AGENTS), *events).quiet == seconds


def test_only_a_turn_that_runs_is_current() -> None:
    work = after(FIRST, CHILDS, *SECOND)
    assert [work.is_current(turn) for turn in ("1", "2", "c", "")] == [False, True, True, True]


def test_a_thread_that_had_a_turn_is_remembered() -> None:
    work = after(FIRST, CHILDS, *SECOND, TurnCompleted(CHILD, "c", "interrupted"))
    assert (work.threads, work.turns) == ((MAIN, CHILD), {MAIN: "2"})
