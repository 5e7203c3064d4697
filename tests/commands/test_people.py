"""What people type: status, status ISSUE, unblock, stop, metrics."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from symphony_cli.commands.explain import explain
from symphony_cli.commands.metrics import metrics
from symphony_cli.commands.pause import pause, resume
from symphony_cli.commands.retry import retry
from symphony_cli.commands.status import status
from symphony_cli.commands.stop import block, stop
from symphony_cli.commands.unblock import Asked, unblock
from symphony_cli.core.policy import Policy
from symphony_cli.core.reasons import BlockReason, Outcome
from symphony_cli.core.run import GitFacts
from symphony_cli.core.usage import Usage
from symphony_cli.errors import UsageError
from symphony_cli.ids import IssueId
from symphony_cli.render.machine import as_csv
from symphony_cli.render.text import as_text, short
from tests.fakes.world import FakeWorld
from tests.promises import check_at_rest


@pytest.fixture
def world() -> FakeWorld:
    """One issue runs, one asked a question, one is in line."""
    world = FakeWorld(policy=Policy(slots=2))
    for name in ("A-1", "A-2", "A-3"):
        world.issue(name)
    world.tick()
    world.end("A-1", Outcome.ASKED, reason="input", detail="Which colour?")
    world.tick()
    world.issue("A-4")
    world.tick()
    return world


def test_status_has_every_issue_in_its_place(world: FakeWorld) -> None:
    result = status(world.sockets())

    assert [row.issue_identifier for row in result.running] == ["A-2", "A-3"]
    assert [(row.issue_identifier, row.reason) for row in result.blocked] == [("A-1", "input")]
    assert [(r.issue_identifier, r.why.split(":")[0]) for r in result.queued] == [("A-4", "slots")]
    assert result.tick.ok


def test_status_before_the_first_tick_says_what_to_type() -> None:
    result = status(FakeWorld().sockets())

    assert (result.tick.ok, "symphony tick" in result.tick.sentence) == (False, True)


def test_a_timer_that_stands_still_is_told(world: FakeWorld) -> None:
    world.later(hours=2)

    assert "is the timer running?" in status(world.sockets()).tick.sentence


def test_unblock_lets_the_issue_go_on_and_takes_the_label_off(world: FakeWorld) -> None:
    result = unblock(world.sockets(), "a-1", "rui@desk", Asked(note="blue"))
    assert (result.reason, result.by) == ("input", "rui@desk")
    assert world.record("A-1").block is None
    assert world.tracker.issues[IssueId("A-1")].labels == ()
    world.edit("A-2", state="Done")
    world.end("A-2", Outcome.HANDED_OVER)
    world.tick()

    assert world.run_of("A-1").order.thread is not None
    check_at_rest(world)


def test_a_block_that_was_never_told_is_cancelled_not_told_later() -> None:
    world = FakeWorld()
    world.issue("A-1")
    world.tick()
    world.tracker.down = "away"
    world.end("A-1", Outcome.ASKED, reason="approval", detail="May I?")
    world.later(seconds=1)
    world.tick()
    tried = [write for write in world.history.outbox.values() if write.tries]
    unblock(world.sockets(), "A-1", "rui")
    world.tracker.down = ""
    world.later(hours=2)
    world.tick()

    told = world.tracker.issues[IssueId("A-1")]
    assert (len(tried), told.labels) == (len(tried), ())
    check_at_rest(world)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("A-9", "There is no issue 'A-9'"),
        ("A-2", "is running"),
        ("A-4", "is not blocked"),
    ],
)
def test_unblock_refuses_kindly(world: FakeWorld, name: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        unblock(world.sockets(), name, "rui")


def test_unblocking_a_budget_grants_one_more_and_the_next_tick_does_not_restore_the_block() -> None:
    world = FakeWorld(policy=Policy(max_tokens_per_issue=70))
    world.issue("A-1")
    world.tick()
    world.end("A-1")
    world.tick()
    result = unblock(world.sockets(), "A-1", "rui")
    world.tick()
    world.tick()

    assert result.granted == "70 more tokens"
    assert world.run_of("A-1").order.settings.limits.tokens == 70


def test_stop_ends_the_run_and_holds_the_issue_until_a_person_says_so(world: FakeWorld) -> None:
    stop(world.sockets(), "A-2", "rui", "wrong branch")
    note = world.run_of("A-2").stop
    assert note is not None
    assert (note.reason, note.by) == ("operator", "rui")
    world.end("A-2", Outcome.STOPPED, reason="operator")
    world.tick()

    block = world.record("A-2").block
    assert block is not None
    assert (block.reason, block.detail) == (BlockReason.OPERATOR, "stopped by rui: wrong branch")
    assert world.tracker.issues[IssueId("A-2")].labels == ()


def test_stop_refuses_an_issue_without_a_run(world: FakeWorld) -> None:
    with pytest.raises(UsageError, match="has no run to stop"):
        stop(world.sockets(), "A-4", "rui")


def test_status_of_an_issue_says_why(world: FakeWorld) -> None:
    result = explain(world.sockets(), "A-1", ())

    assert result.kind == "blocked"
    assert result.why == ("input: Which colour?",)
    assert result.resume == "codex resume thread-of-A-1"


def test_status_of_an_issue_nobody_saw_says_what_would_have_to_be_true(world: FakeWorld) -> None:
    with pytest.raises(UsageError, match="its state must be one of: todo, in progress"):
        explain(world.sockets(), "X-1", ())


def test_metrics_have_one_row_per_finished_issue_in_rfc_4180(world: FakeWorld) -> None:
    world.issue("A-2", "Done", pr="=cmd()")
    world.later(seconds=90)
    world.end("A-2", Outcome.HANDED_OVER)
    world.tick()

    lines = as_csv(metrics(world.history, world.policy)).split("\r\n")
    assert lines[0].startswith("issue,pr,tokens,turns,rework_cycles,retries,wall_time,merged_at,")
    assert lines[1].startswith("A-2,'=cmd(),70,1,0,0,90,,Done,")
    assert lines[2:] == [""]
    assert len(metrics(world.history, world.policy, everything=True).rows) == 4


@pytest.mark.parametrize(
    ("cut", "told"),
    [
        (0, ""),
        (1, "1 answer was cut off: what it cost may be missing from the sum"),
        (2, "2 answers were cut off: what they cost may be missing from the sum"),
    ],
)
def test_answers_whose_cost_nobody_told_are_named_beside_the_sum(
    world: FakeWorld, cut: int, told: str
) -> None:
    world.end("A-2", Outcome.LOST, cut_answers=cut)
    world.tick()

    result = explain(world.sockets(), "A-2", ())
    cells = as_csv(metrics(world.history, world.policy, everything=True)).split("\r\n")
    row = next(line for line in cells if line.startswith("A-2"))
    assert (result.cut_answers, cells[0][-12:], row[-2:]) == (cut, ",cut_answers", f",{cut}")
    shown = " ".join(as_text(result).split()).partition("uncounted ")[2]
    assert (shown[: len(told)], bool(shown)) == (told, cut > 0)


def test_work_that_could_not_be_rescued_is_named(world: FakeWorld) -> None:
    nested = GitFacts(kept_because="it holds a nested repository in vendor/")
    world.end("A-2", Outcome.FAILED, git=nested)
    world.tick()

    assert status(world.sockets()).warnings == (
        "A-2: work in /workspaces/A-2 is nowhere else: it holds a nested repository in vendor/",
    )
    assert "not kept   it holds a nested repository" in as_text(explain(world.sockets(), "A-2", ()))


# --- hold, retry, pause


def test_a_stopped_issue_goes_on_with_retry(world: FakeWorld) -> None:
    stop(world.sockets(), "A-2", "rui")
    with pytest.raises(UsageError, match="is still ending: try again"):
        retry(world.sockets(), "A-2", "ana")
    world.end("A-2", Outcome.STOPPED, reason="operator")
    world.tick()
    result = retry(world.sockets(), "A-2", "ana")
    world.edit("A-3", state="Done")
    world.end("A-3", Outcome.HANDED_OVER)
    world.later(minutes=1)
    world.tick()

    assert result.released == "stopped by rui"
    assert world.run_of("A-2").order.thread is not None


def test_a_held_issue_is_not_started_and_a_run_of_it_ends(world: FakeWorld) -> None:
    assert block(world.sockets(), "A-4", "rui", "not yet").run == ""
    assert block(world.sockets(), "A-2", "rui").run == world.run_of("A-2").order.run
    world.end("A-2", Outcome.STOPPED, reason="operator")
    world.end("A-3", Outcome.HANDED_OVER)
    world.edit("A-3", state="Done")
    world.tick()

    assert world.agents.living() == []
    assert [row.detail for row in status(world.sockets()).blocked[1:]] == [
        "held by rui",
        "held by rui: not yet",
    ]


def test_retry_ends_the_wait_after_a_failure(world: FakeWorld) -> None:
    world.end("A-2", Outcome.FAILED, detail="it broke", git=None)
    world.tick()
    assert status(world.sockets()).retrying[0].issue_identifier == "A-2"
    retry(world.sockets(), "A-2", "rui")

    assert status(world.sockets()).retrying == ()


@pytest.mark.parametrize(
    ("command", "name", "sentence"),
    [
        (retry, "A-1", "is blocked .input: Which colour..: `symphony unblock A-1` is for that"),
        (retry, "A-2", "is running"),
        (retry, "A-4", "neither held nor waiting"),
        (retry, "A-9", "There is no issue"),
        (block, "A-1", "is blocked already .input."),
        (block, "A-9", "There is no issue"),
    ],
)
def test_what_makes_no_sense_is_refused_kindly(
    world: FakeWorld, command: Any, name: str, sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        command(world.sockets(), name, "rui")


def test_a_pause_holds_all_dispatch_says_so_everywhere_and_ends_with_resume(
    world: FakeWorld,
) -> None:
    assert pause(world.sockets(), "rui@desk", "release day").running == 2
    world.end("A-3")
    result = world.tick()
    since = f"paused by rui@desk since {world.time:%Y-%m-%d %H:%M:%S} UTC: release day"

    assert "; paused" in result.summary
    assert {(p.reason, p.why) for p in result.passed_over if p.issue != "A-1"} == {
        ("paused", since)
    }
    screen = status(world.sockets())
    assert (screen.paused, as_text(screen).startswith("Dispatch is paused by rui@desk")) == (
        True,
        True,
    )
    assert {row.why for row in screen.queued} == {f"paused: {since}"}
    found = explain(world.sockets(), "A-4", ())
    assert (found.reason, found.change) == ("paused", "`symphony resume`")
    assert world.run_of("A-2").stop is None
    resume(world.sockets(), "rui")
    world.tick()
    assert len(world.agents.living()) == 2
    assert not status(world.sockets()).paused


def test_pausing_twice_and_resuming_what_runs_are_refused(world: FakeWorld) -> None:
    with pytest.raises(UsageError, match="not paused"):
        resume(world.sockets(), "rui")
    pause(world.sockets(), "rui", "lunch")
    with pytest.raises(UsageError, match=r"already paused by rui since .* UTC: lunch\."):
        pause(world.sockets(), "ana")


# --- grants


def test_a_running_issue_takes_more_tokens_at_once() -> None:
    world = FakeWorld(policy=Policy(max_tokens_per_issue=70))
    world.issue("A-1")
    world.tick()
    result = unblock(world.sockets(), "A-1", "rui", Asked(tokens=500, note="nearly there"))
    granted = world.run_of("A-1").granted
    world.tick()

    assert (result.granted, result.next) == (
        "500 more tokens",
        "its run may use 570 from its start, and hears of it within seconds",
    )
    assert granted is not None
    assert granted.tokens == 570
    world.end("A-1")
    world.tick()
    assert world.record("A-1").block is None


def test_granted_tokens_are_what_the_next_run_may_use() -> None:
    world = FakeWorld(policy=Policy(max_tokens_per_issue=70))
    world.issue("A-1")
    world.tick()
    world.end("A-1")
    world.tick()
    result = unblock(world.sockets(), "A-1", "rui", Asked(tokens=40))
    world.tick()

    assert result.granted == "40 more tokens"
    assert world.run_of("A-1").order.settings.limits.tokens == 40
    assert status(world.sockets()).running[0].budget.granted == 40


@pytest.mark.parametrize(
    ("name", "asked", "sentence"),
    [
        ("A-2", Asked(), "is running .run 1., so there is nothing to unblock"),
        ("A-2", Asked(tokens=5, attempts=5), "`--grant-tokens N` alone"),
        ("A-2", Asked(tokens=5), "sets no `agent.max_tokens_per_issue`"),
        ("A-1", Asked(attempts=5), "sets no `agent.max_dispatch_attempts`"),
    ],
)
def test_a_grant_of_what_nobody_limits_is_refused(
    world: FakeWorld, name: str, asked: Asked, sentence: str
) -> None:
    if asked.attempts and asked.tokens:
        world.policy = Policy(slots=2, max_tokens_per_issue=9, max_dispatch_attempts=9)
    with pytest.raises(UsageError, match=sentence):
        unblock(world.sockets(), name, "rui", asked)


# --- the ledger's last word


def test_why_an_issue_waits_is_written_down_when_the_reason_changes(world: FakeWorld) -> None:
    size = len(world.ledger.lines)
    world.tick()
    assert len(world.ledger.lines) == size, "an idle tick appends nothing"
    passed = world.record("A-4").passed
    assert passed is not None
    assert (passed.why, passed.since) == ("slots", world.time)
    pause(world.sockets(), "rui")
    world.tick()
    world.tick()
    after = world.record("A-4").passed
    assert after is not None
    assert after.why == "paused"
    assert len(world.ledger.lines) == size + 2


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [("A-1", "blocked", "block"), ("A-2", "running", ""), ("A-4", "queued", "slots")],
)
def test_status_of_an_issue_has_its_reason_as_one_word_and_what_would_change_it(
    world: FakeWorld, name: str, kind: str, reason: str
) -> None:
    found = explain(world.sockets(), name, ())
    assert (found.kind, found.reason, bool(found.change)) == (kind, reason, reason != "")


def test_what_a_living_run_has_spent_by_now_is_in_every_figure() -> None:
    world = FakeWorld(policy=Policy(max_tokens_per_issue=1000))
    world.issue("A-1")
    world.tick()
    run = world.run_of("A-1")
    assert run.pid is not None
    run.pid = replace(run.pid, spent=Usage(input=640), last_message="I test.")
    screen, found = status(world.sockets()), explain(world.sockets(), "A-1", ())

    (row,) = screen.running
    assert (screen.codex_totals.spend, row.tokens.spend, row.budget.left) == (640, 640, 360)
    assert (found.issue["tokens"], found.issue["budget"]) == (row.tokens, row.budget)
    assert (found.last_message, "360 left of 1,000" in as_text(found)) == ("I test.", True)


@pytest.mark.parametrize(
    ("tokens", "shown"),
    [(0, "0"), (999, "999"), (1000, "1.0k"), (9960, "10.0k"), (52_400, "52k"), (1_300_000, "1.3M")],
)
def test_tokens_are_told_in_a_few_characters(tokens: int, shown: str) -> None:
    assert short(tokens) == shown
