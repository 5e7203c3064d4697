from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from symphony_cli.core import report
from symphony_cli.core.run import CodexSettings, RunLimits
from symphony_cli.core.usage import Usage

from .play import THREAD, Play


def started(limits: RunLimits | None = None, codex: CodexSettings | None = None) -> Play:
    play = Play(limits=limits, codex=codex)
    play.open()
    return play


def test_a_turn_that_ends_is_followed_by_a_question_to_the_tracker_and_the_next_turn() -> None:
    play = started()
    play.turn_ends()
    phase = play.session.phase
    play.tracker("go_on")
    assert (phase, play.prompts()) == ("refresh", ["Do it.", "Go on, turn 2 of 40."])


def test_the_last_allowed_turn_rolls_the_run_over() -> None:
    play = started(RunLimits(max_turns=1))
    play.turn_ends()
    play.tracker("go_on")
    assert play.ending() == ("rolled_over", "max_turns")


@pytest.mark.parametrize(
    ("standing", "more", "ending"),
    [
        ("handed_over", {"state": "In Review"}, ("handed_over", "In Review")),
        ("stop", {"reason": "label"}, ("stopped", "label")),
    ],
)
def test_the_tracker_may_end_a_run_between_turns(
    standing: str, more: dict[str, str], ending: tuple[str, str]
) -> None:
    play = started()
    play.turn_ends()
    play.tracker(standing, **more)
    assert play.ending() == ending


def test_an_unreachable_tracker_is_asked_again_and_the_turn_goes_on() -> None:
    play = started()
    play.turn_ends()
    play.tracker("unknown")
    phase, asked = play.session.phase, len(play.actions)
    play.wait(5)
    play.tracker("go_on")
    assert (phase, len(play.prompts()), asked < len(play.actions)) == ("awaiting_tracker", 2, True)


def test_an_unreachable_tracker_ends_the_run_after_half_an_hour() -> None:
    play = started()
    play.turn_ends()
    for _ in range(40):
        play.tracker("unknown", detail="no route")
        play.wait(60)
    assert play.ending() == ("tracker", "unreachable")


def test_the_end_of_a_sub_agents_turn_is_not_the_end_of_ours() -> None:
    play = started()
    for thread, turn in ((THREAD, "another"), ("sub", play.turn)):
        play.say("turn/completed", threadId=thread, turn={"id": turn, "status": "completed"})
    assert (play.session.state, play.lines(report.TurnEnded)) == ("turn", [])


def test_what_the_agent_says_is_told() -> None:
    play = started()
    play.item_ends("agentMessage", said="All done.")
    assert play.lines(report.Said) == [report.Said(play.now.at, "All done.")]


def test_tokens_are_told_only_when_they_rise_and_for_every_thread() -> None:
    play = started()
    for given, output, thread in (
        (100, 10, THREAD),
        (100, 10, THREAD),
        (90, 5, THREAD),
        (7, 1, "sub"),
        (120, 10, THREAD),
    ):
        play.tokens(given, output, thread=thread)
    assert play.lines(report.UsageSeen) == [
        report.UsageSeen(play.now.at, THREAD, Usage(100, 0, 10, 0, 110)),
        report.UsageSeen(play.now.at, "sub", Usage(7, 0, 1, 0, 8)),
        report.UsageSeen(play.now.at, THREAD, Usage(120, 0, 10, 0, 130)),
    ]


def test_a_sub_agent_that_codex_resumes_is_counted_from_its_last_known_total() -> None:
    play = Play(totals={"old": Usage(1000, 0, 100, 0, 1100)})
    play.open()
    for given, output, thread in (
        (1000, 100, "old"),
        (1200, 150, "old"),
        (7, 1, "new"),
        (50, 5, THREAD),
        (1300, 150, "old"),
    ):
        play.tokens(given, output, thread=thread)
    written = "".join(report.to_text(line) + "\n" for line in play.lines())
    added = report.add_up(report.from_bytes(written.encode()))
    assert {name: used.spent for name, used in added.meter.threads.items()} == {
        "old": Usage(300, 0, 50, 0, 350),
        "new": Usage(7, 0, 1, 0, 8),
        THREAD: Usage(50, 0, 5, 0, 55),
    }
    assert (added.meter, added.answered) == (play.session.tally.meter, True)


def test_a_sub_agent_s_old_total_is_no_answer_and_spends_no_budget() -> None:
    play = Play(limits=RunLimits(tokens=500), totals={"old": Usage(1000, 0, 100, 0, 1100)})
    play.open()
    play.tokens(1000, 100, thread="old")
    assert (play.ending(), play.session.tally.answered) == (("", ""), False)


def test_a_line_about_tokens_from_before_it_had_a_base_is_still_understood() -> None:
    line = b'{"kind":"usage","at":"2026-01-01T00:00:00Z","thread":"sub","total":{"total":5}}\n'
    added = report.add_up(report.from_bytes(line))
    assert added.meter.spent == Usage(total=5)


def test_a_total_that_only_codex_invents_is_not_counted() -> None:
    play = started()
    total = {"inputTokens": 100, "outputTokens": 10, "totalTokens": 258_400}
    play.say("thread/tokenUsage/updated", threadId=THREAD, tokenUsage={"total": total})
    assert play.session.tally.meter.spent == Usage(100, 0, 10, 0, 110)


def test_a_spent_budget_interrupts_the_turn_and_ends_the_run() -> None:
    play = started(RunLimits(tokens=140, cached_weight=0.5))
    play.tokens(200, 10, cached=160)
    before = play.ending()
    play.tokens(210, 30, cached=160)
    assert (before, play.ending()) == (("", ""), ("over_budget", "tokens"))
    assert play.methods[-1] == "turn/interrupt"


def test_a_budget_that_is_not_reached_lets_the_turn_go_on() -> None:
    play = started(RunLimits(tokens=100))
    play.tokens(200, 10, cached=160)
    assert play.ending() == ("", "")


def test_a_grant_in_the_middle_of_a_turn_counts_at_once() -> None:
    play = started(RunLimits(tokens=100))
    play.tokens(50, 10)
    play.take(play.session.granted(RunLimits(tokens=1000), play.now))
    play.tokens(500, 10)
    raised = play.ending()
    play.take(play.session.granted(RunLimits(tokens=20), play.now))
    assert (raised, play.ending()) == (("", ""), ("over_budget", "tokens"))


@pytest.mark.parametrize(
    ("kind", "message", "ending"),
    [
        ("usageLimitExceeded", "limit", ("provider", "usage_limit")),
        ("serverOverloaded", "busy", ("provider", "overload")),
        ("internalServerError", "500", ("provider", "overload")),
        ({"responseTooManyFailedAttempts": {"httpStatusCode": 429}}, "", ("provider", "overload")),
        ({"responseStreamDisconnected": {"httpStatusCode": 503}}, "", ("provider", "overload")),
        ({"httpConnectionFailed": {"httpStatusCode": None}}, "", ("provider", "network")),
        ({"httpConnectionFailed": {"httpStatusCode": 401}}, "", ("environment", "unauthorized")),
        ("other", "stream disconnected before completion: x", ("provider", "network")),
        ("unauthorized", "", ("environment", "unauthorized")),
        ("badRequest", "", ("environment", "bad_request")),
        ("sandboxError", "", ("environment", "sandbox")),
        ("other", "something", ("failed", "turn")),
        (None, "something", ("failed", "turn")),
    ],
)
def test_a_failed_turn_ends_the_run_by_its_kind(
    kind: Any, message: str, ending: tuple[str, str]
) -> None:
    play = started()
    play.turn_ends("failed", kind, message)
    assert play.ending() == ending


def test_a_usage_limit_says_until_when_by_the_merged_rate_limits() -> None:
    play = started()
    window = {"usedPercent": 100, "resetsAt": 1_900_000_000}
    play.say("account/rateLimits/updated", rateLimits={"limitId": "codex", "primary": window})
    play.say("account/rateLimits/updated", rateLimits={"limitId": "codex", "primary": None})
    play.turn_ends("failed", "usageLimitExceeded")
    closing = play.session.closing
    assert closing is not None
    assert closing.hold_until == datetime.fromtimestamp(1_900_000_000, UTC)
    assert len(play.lines(report.Limited)) == 1


def test_a_conversation_that_is_too_long_is_compacted_once_and_goes_on() -> None:
    play = started()
    play.turn_ends("failed", "contextWindowExceeded")
    play.reply("thread/compact/start")
    play.say("turn/started", threadId=THREAD, turn={"id": "compaction"})
    play.say("turn/completed", threadId=THREAD, turn={"id": "compaction", "status": "completed"})
    play.turn_starts()
    prompts = play.prompts()
    play.turn_ends("failed", "contextWindowExceeded")
    assert (prompts[1], play.ending()) == ("Go on, turn 2 of 40.", ("failed", "context"))


def test_a_compaction_that_fails_ends_the_run() -> None:
    play = started()
    play.turn_ends("failed", "contextWindowExceeded")
    play.refuse("thread/compact/start", "no")
    assert play.ending() == ("failed", "context")


def test_a_turn_that_somebody_else_interrupts_is_a_failure() -> None:
    play = started()
    play.turn_ends("interrupted")
    assert play.ending() == ("failed", "turn_interrupted")


@pytest.mark.parametrize(
    ("codex", "ending"),
    [
        (CodexSettings(turn_limit=100.0, stall_timeout=0), ("timed_out", "turn")),
        (CodexSettings(run_limit=100.0, stall_timeout=0), ("timed_out", "run")),
    ],
)
def test_a_limit_on_turn_or_run_ends_it(codex: CodexSettings, ending: tuple[str, str]) -> None:
    play = started(codex=codex)
    play.wait(101)
    assert play.ending() == ending
