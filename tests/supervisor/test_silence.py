from __future__ import annotations

import pytest

from symphony_cli.core import report
from symphony_cli.core.run import CodexSettings
from symphony_cli.supervisor import work
from symphony_cli.supervisor.outgoing import CLEAN

from .play import THREAD, Play

QUICK = CodexSettings(stall_timeout=300.0, command_timeout=1800.0, max_stall_recoveries=1)


def started() -> Play:
    play = Play(codex=QUICK)
    play.open()
    return play


def test_silence_interrupts_cleans_and_goes_on_with_the_same_thread_told_why() -> None:
    play = started()
    play.wait(300)
    play.reply("turn/interrupt")
    play.turn_ends("interrupted")
    play.reply("thread/backgroundTerminals/clean")
    play.turn_starts()
    assert play.methods[3:] == [
        "turn/start",
        "turn/interrupt",
        "thread/backgroundTerminals/clean",
        "turn/start",
    ]
    assert "nothing was heard from it for 300 seconds" in play.prompts()[1]
    assert play.lines(report.Stalled) == [report.Stalled(play.now.at, 300.0)]


def test_too_many_silences_end_the_run() -> None:
    play = started()
    for _ in range(2):
        play.wait(300)
        play.turn_ends("interrupted")
        if play.session.closing is None:
            play.reply("thread/backgroundTerminals/clean")
            play.turn_starts()
    assert play.ending() == ("stalled", "silence")


def test_an_interrupt_without_effect_ends_the_run_after_ten_seconds() -> None:
    play = started()
    play.wait(309)
    before = play.ending()
    play.wait(2)
    assert (before, play.ending()) == (("", ""), ("stalled", "interrupt"))


def test_an_interrupt_that_came_too_early_is_sent_again() -> None:
    play = started()
    play.wait(300)
    play.refuse("turn/interrupt", "no active turn to interrupt")
    play.wait(0.1)
    assert play.methods.count("turn/interrupt") == 2


def test_a_turn_that_has_not_started_yet_is_interrupted_once_it_has() -> None:
    play = Play(codex=QUICK)
    play.initialized()
    play.reply("thread/start", thread={"id": THREAD})
    play.wait(301)
    before = play.methods.count("turn/interrupt")
    play.turn_starts()
    assert (before, play.methods.count("turn/interrupt")) == (0, 1)


def test_a_turn_that_completes_while_it_is_interrupted_is_a_completed_turn() -> None:
    play = started()
    play.wait(300)
    play.turn_ends("completed")
    assert (play.session.state, play.ending()) == ("refreshing", ("", ""))


@pytest.mark.parametrize(
    "method", ["item/agentMessage/delta", "turn/plan/updated", "item/mcpToolCall/progress"]
)
def test_any_message_of_a_thread_is_a_sign_of_life(method: str) -> None:
    play = started()
    for _ in range(5):
        play.wait(200)
        play.say(method, threadId="some-thread")
    assert play.lines(report.Stalled) == []


def test_retries_and_rate_limits_are_no_signs_of_life() -> None:
    play = started()
    for _ in range(3):
        play.wait(100)
        play.say("error", threadId=THREAD, willRetry=True, error={"message": "Reconnecting"})
        play.say("account/rateLimits/updated", threadId=THREAD, rateLimits={"limitId": "codex"})
    assert len(play.lines(report.Stalled)) == 1


@pytest.mark.parametrize("kind", ["commandExecution", "sleep", "mcpToolCall"])
def test_an_open_command_or_sleep_may_be_silent_for_longer(kind: str) -> None:
    play = started()
    play.item_starts(kind)
    play.wait(1799)
    before = len(play.lines(report.Stalled))
    play.wait(2)
    assert (before, len(play.lines(report.Stalled))) == (0, 1)


def test_a_command_that_ended_gives_no_more_patience() -> None:
    play = started()
    play.item_starts("commandExecution")
    play.item_ends("commandExecution")
    play.wait(301)
    assert len(play.lines(report.Stalled)) == 1


def second_turn(*left_behind: str) -> Play:
    """A second turn, after one that began these items and did not end them."""
    play = started()
    for kind in left_behind:
        play.item_starts(kind, kind)
    play.turn_ends()
    play.tracker("go_on")
    play.turn_starts()
    return play


def silence(play: Play) -> float:
    """How long the next silence is allowed to be."""
    before = play.seconds
    play.wait(10_000)
    stalls = [line for line in play.lines(report.Stalled) if isinstance(line, report.Stalled)]
    assert stalls and before + stalls[-1].silent <= play.seconds
    return stalls[-1].silent


def test_a_server_left_behind_does_not_lend_its_patience_to_later_turns() -> None:
    play = second_turn("commandExecution", "mcpToolCall", "sleep")
    assert silence(play) == 300 + work.POLL


def test_a_command_left_behind_that_has_ended_lends_nothing() -> None:
    play = second_turn("commandExecution")
    play.item_ends("commandExecution", "commandExecution")
    assert silence(play) == 300


def test_what_a_command_left_behind_prints_is_no_sign_of_life_of_a_later_turn() -> None:
    play = second_turn("commandExecution")
    for _ in range(4):
        play.wait(200)
        play.say(
            "item/commandExecution/outputDelta", threadId=THREAD, turnId="turn-1", delta="tick"
        )
    assert len(play.lines(report.Stalled)) == 1


def test_a_sleep_is_waited_for_as_long_as_it_takes_and_no_longer() -> None:
    play = started()
    nap = {"type": "sleep", "id": "nap", "durationMs": 400_000}
    play.say("item/started", threadId=THREAD, turnId=play.turn, item=nap)
    assert silence(play) == 700


def test_a_hung_sub_agent_is_noticed_though_its_parent_waits_for_it() -> None:
    play = started()
    play.item_starts("collabAgentToolCall")
    play.say("turn/started", threadId="child", turn={"id": "child-1"})
    assert silence(play) == 300
    sent = [one["params"] for one in play.sent if one.get("method") == "turn/interrupt"]
    assert sent[:2] == [
        {"threadId": THREAD, "turnId": "turn-1"},
        {"threadId": "child", "turnId": "child-1"},
    ]


def test_the_commands_of_sub_agents_are_ended_after_a_silence_like_our_own() -> None:
    play = started()
    play.say("turn/started", threadId="child", turn={"id": "child-1"})
    play.wait(300)
    interrupted = {"id": "child-1", "status": "interrupted"}
    play.say("turn/completed", threadId="child", turn=interrupted)
    play.turn_ends("interrupted")
    cleaned = [one["params"] for one in play.sent if one.get("method") == CLEAN]
    assert cleaned == [{"threadId": THREAD}, {"threadId": "child"}]


def test_the_command_of_a_sub_agent_is_waited_for_like_our_own() -> None:
    play = started()
    play.say("turn/started", threadId="child", turn={"id": "child-1"})
    play.item_starts("collabAgentToolCall")
    play.item_starts("commandExecution", thread="child")
    assert silence(play) == 1800


def test_waiting_for_a_tool_of_ours_is_no_silence() -> None:
    play = started()
    play.say("item/tool/call", 0, threadId=THREAD, tool="issue_update", arguments={})
    play.wait(500)
    play.take(play.session.tool_done(0, True, "done", play.now))
    before = len(play.lines(report.Stalled))
    play.wait(301)
    assert (before, len(play.lines(report.Stalled))) == (0, 1)


def test_waiting_for_the_tracker_is_no_silence() -> None:
    play = started()
    play.turn_ends()
    play.wait(1000)
    assert (play.lines(report.Stalled), play.session.phase) == ([], "refresh")
