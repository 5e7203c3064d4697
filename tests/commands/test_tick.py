"""Whole ticks on a fake world."""

from __future__ import annotations

from datetime import timedelta

import pytest

from symphony_cli.core.policy import Policy, Rules
from symphony_cli.core.reasons import BlockReason, Outcome, RetryKind
from symphony_cli.core.snapshot import Disk
from symphony_cli.errors import ExitCode, StateError
from symphony_cli.ids import IssueId, Key
from tests.fakes.world import FakeWorld
from tests.promises import check_at_rest


@pytest.fixture
def world() -> FakeWorld:
    return FakeWorld()


def did(world: FakeWorld) -> list[tuple[str, str]]:
    """Tick once; what it did, but for taking in."""
    decisions = world.tick().decisions
    return [(a.kind, a.issue_identifier) for a in decisions if a.kind != "take_in"]


def why(world: FakeWorld) -> dict[str, str]:
    """Tick once; the reason for each issue that was passed over."""
    return {p.issue_identifier: p.reason for p in world.tick().passed_over}


def test_a_new_issue_is_enrolled_and_started_in_one_tick(world: FakeWorld) -> None:
    world.issue("A-1")

    assert did(world) == [("enrol", "A-1"), ("dispatch", "A-1")]
    check_at_rest(world)


def test_an_idle_tick_writes_nothing_to_the_ledger(world: FakeWorld) -> None:
    world.issue("A-1")
    world.issue("B-1", "Backlog")
    world.tick()
    before = list(world.ledger.lines)

    result = world.tick()

    assert (world.ledger.lines, result.quiet) == (before, True)


def test_first_come_first_served_and_newcomers_by_priority(world: FakeWorld) -> None:
    world.policy = Policy(slots=1)
    world.issue("A-1", priority=4)
    world.issue("A-2", priority=1)
    world.tick()
    world.issue("A-0", priority=1)
    world.tick()
    for name in ("A-2", "A-1", "A-0"):
        world.edit(name, state="Done")
        world.end(name, Outcome.HANDED_OVER)
        world.tick()

    assert world.agents.started == ["A-2", "A-1", "A-0"]


def test_a_full_state_at_the_head_of_the_line_holds_nobody_up(world: FakeWorld) -> None:
    world.policy = Policy(slots=3, slots_by_state={"todo": 1})
    for name in ("A-1", "A-2"):
        world.issue(name)
    world.issue("A-3", "In Progress")

    result = world.tick()

    assert world.agents.started == ["A-1", "A-3"]
    assert [(p.issue_identifier, p.reason) for p in result.passed_over] == [("A-2", "state_cap")]


def test_a_run_that_rolled_over_keeps_its_place_and_its_thread(world: FakeWorld) -> None:
    world.policy = Policy(slots=1)
    world.issue("A-1")
    world.issue("A-2")
    world.tick()
    world.end("A-1")
    world.tick()

    order = world.run_of("A-1").order
    assert (order.attempt, order.retry_kind) == (2, RetryKind.CONTINUATION)
    assert order.thread is not None
    assert (order.thread.id, order.settings.workspace.path) == ("thread-of-A-1", "/workspaces/A-1")


def test_failures_back_off_and_progress_starts_the_count_anew(world: FakeWorld) -> None:
    world.issue("A-1")
    waits = []
    for commits in (0, 0, 0, 1):
        world.later(seconds=3600)
        world.tick()
        git = world.agents.end(world.run_of("A-1"), Outcome.FAILED, world.time).git
        assert git is not None
        run = world.agents.runs[Key("A-1")][-1]
        assert run.verdict is not None
        from dataclasses import replace

        run.verdict = replace(run.verdict, git=replace(git, commits=commits))
        world.tick()
        retry = world.record("A-1").retry
        assert retry is not None
        waits.append(retry.wait.seconds)

    assert [round(w / 10) for w in waits[:3]] != [1, 1, 1]
    assert waits[0] < 12.6 and 15 <= waits[1] <= 25 and 30 <= waits[2] <= 50
    assert waits[3] < 12.6


def test_a_lost_run_is_finished_and_tried_again_on_its_thread(world: FakeWorld) -> None:
    world.issue("A-1")
    world.tick()
    world.lose("A-1")

    assert did(world) == [("recover", "A-1")]
    world.let_finishes_end()
    assert did(world) == [("settle", "A-1")]
    world.later(seconds=20)
    assert did(world) == [("dispatch", "A-1")]
    assert world.run_of("A-1").order.retry_kind is RetryKind.RETRY


def test_a_silent_run_gets_term_then_kill_and_is_then_lost(world: FakeWorld) -> None:
    world.issue("A-1")
    world.tick()
    world.time += timedelta(seconds=181)

    did(world), did(world), did(world)

    assert [name for _, name in world.agents.signals] == ["TERM", "KILL"]
    assert world.record("A-1").running is not None


def test_a_stop_label_stops_a_run_at_once(world: FakeWorld) -> None:
    world.issue("A-1")
    world.tick()
    world.edit("A-1", labels=("Symphony-Stuck",))

    assert did(world) == [("stop", "A-1")]
    note = world.run_of("A-1").stop
    assert note is not None
    assert note.reason == "label"
    assert did(world) == []


def test_an_agent_that_hands_over_is_left_to_finish_its_turn(world: FakeWorld) -> None:
    world.issue("A-1")
    world.tick()
    world.edit("A-1", state="Human Review")

    assert did(world) == []
    world.later(seconds=601)
    assert did(world) == [("stop", "A-1")]


def test_an_issue_that_vanishes_is_gone_after_two_reads(world: FakeWorld) -> None:
    world.issue("A-1")
    world.tick()
    del world.tracker.issues[IssueId("A-1")]

    assert did(world) == []
    assert did(world) == [("stop", "A-1")]
    world.end("A-1", Outcome.STOPPED, reason="gone")
    assert did(world) == [("settle", "A-1"), ("release", "A-1")]
    world.issue("A-1")
    assert did(world) == [("enrol", "A-1"), ("dispatch", "A-1")]


def test_a_file_that_cannot_be_read_decides_nothing(world: FakeWorld) -> None:
    world.policy = Policy(slots=1)
    world.issue("A-1")
    world.issue("A-2")
    world.tick()
    world.tracker.unreadable = {
        IssueId("A-1"): "A-1.md, line 3: half saved",
        IssueId("A-2"): "A-2.md is empty",
    }
    world.tick()
    world.end("A-1")

    assert why(world) == {"A-1": "tracker", "A-2": "tracker"}
    assert world.agents.living() == []


def test_a_closed_blocker_lets_the_issue_start(world: FakeWorld) -> None:
    from symphony_cli.core.issue import Blocker

    world.issue("A-2", blocked_by=(Blocker("A-1", "Todo", True),))
    assert why(world) == {"A-2": "blocker"}
    world.edit("A-2", blocked_by=(Blocker("A-1", "Done", False),))

    assert did(world) == [("enrol", "A-2"), ("dispatch", "A-2")]


def test_a_tracker_that_is_down_stops_dispatch_only_when_facts_grow_old(world: FakeWorld) -> None:
    world.policy = Policy(slots=1, interval=30.0)
    world.issue("A-1")
    world.issue("A-2")
    world.tick()
    world.tracker.down = "connection refused"
    world.end("A-1", Outcome.ROLLED_OVER)
    world.later(seconds=60)
    first = world.tick()
    assert (world.agents.started, first.exit_code) == (["A-1", "A-1"], ExitCode.TRACKER)
    world.later(seconds=31)
    world.end("A-1", Outcome.ROLLED_OVER)

    assert set(why(world).values()) == {"tracker"}
    assert world.agents.living() == []


def test_a_question_blocks_with_one_label_and_one_comment(world: FakeWorld) -> None:
    world.issue("A-1")
    world.tick()
    world.end("A-1", Outcome.ASKED, reason="input", detail="Which colour?")
    world.tick()
    world.tick()

    issue = world.tracker.issues[IssueId("A-1")]
    block = world.record("A-1").block
    assert block is not None
    assert (block.reason, block.detail) == (BlockReason.INPUT, "Which colour?")
    assert issue.labels == ("symphony-stuck",)
    assert [
        ("Which colour?" in c.body, "symphony unblock A-1" in c.body) for c in issue.comments
    ] == [(True, True)]


def test_three_environment_failures_hold_everything_and_one_probe_goes_at_a_time(
    world: FakeWorld,
) -> None:
    world.policy = Policy(slots=3)
    for name in ("A-1", "A-2", "A-3"):
        world.issue(name)
    world.tick()
    for name in ("A-1", "A-2", "A-3"):
        world.end(name, Outcome.ENVIRONMENT, detail="codex is not installed", git=None)

    assert set(why(world).values()) == {"backoff", "environment"} or set(why(world).values()) == {
        "backoff"
    }
    world.later(seconds=60)
    assert [kind for kind, _ in did(world)] == ["dispatch"]
    assert set(why(world).values()) == {"environment"}
    world.agents.beat(world.time, answered=True)
    assert [kind for kind, _ in did(world)] == ["dispatch", "dispatch"]
    assert world.record("A-1").failures == 0


def test_a_usage_limit_holds_all_dispatch_until_its_reset(world: FakeWorld) -> None:
    world.policy = Policy(slots=1)
    world.issue("A-1")
    world.issue("A-2")
    world.tick()
    reset = world.time + timedelta(hours=1)
    world.end("A-1", Outcome.PROVIDER, reason="usage_limit", hold_until=reset)

    assert why(world) == {"A-1": "provider", "A-2": "provider"}
    world.later(minutes=61)
    assert did(world) == [("dispatch", "A-1")]
    assert world.record("A-1").failures == 0


def test_a_spent_budget_blocks_before_the_next_run(world: FakeWorld) -> None:
    world.policy = Policy(max_tokens_per_issue=70)
    world.issue("A-1")
    world.tick()
    world.end("A-1")

    assert did(world)[:2] == [("settle", "A-1"), ("block", "A-1")]
    block = world.record("A-1").block
    assert block is not None
    assert block.reason is BlockReason.BUDGET
    assert world.tracker.issues[IssueId("A-1")].labels == ("symphony-budget-exceeded",)


def test_runs_without_progress_are_capped(world: FakeWorld) -> None:
    world.policy = Policy(max_dispatch_attempts=2)
    world.issue("A-1")
    for _ in range(4):
        world.tick()
        if world.agents.living():
            world.end("A-1", git=None)

    block = world.record("A-1").block
    assert world.agents.started == ["A-1", "A-1"]
    assert block is not None
    assert block.reason is BlockReason.ATTEMPTS


def test_a_disk_below_its_floor_starts_nothing(world: FakeWorld) -> None:
    world.policy = Policy(min_free_bytes=10**9)
    world.disk = Disk(free_bytes=10**8, free_inodes=1000, path="/workspaces")
    world.issue("A-1")

    result = world.tick()

    assert [p.reason for p in result.passed_over] == ["disk"]
    assert result.exit_code is ExitCode.DISK


def test_an_invalid_workflow_settles_and_stops_but_starts_nothing(world: FakeWorld) -> None:
    world.policy = Policy(slots=1)
    world.issue("A-1")
    world.issue("A-2")
    world.tick()
    world.policy_error = "WORKFLOW.md, line 3: polling.interval_ms must be a number"
    world.end("A-1")

    result = world.tick()

    assert [a.kind for a in result.decisions] == ["settle"]
    assert {p.reason for p in result.passed_over} == {"policy"}
    assert result.exit_code is ExitCode.CONFIG


def test_what_a_deadline_puts_off_goes_first_next_time(world: FakeWorld) -> None:
    world.policy = Policy(slots=1)
    world.issue("A-1")
    world.issue("A-2")
    world.tick()
    world.end("A-1")
    late = world.tick(elapsed=lambda: 40.0)
    assert [(p.issue_identifier, p.reason) for p in late.passed_over] == [
        ("A-1", "deadline"),
        ("A-2", "slots"),
    ]

    assert did(world) == [("settle", "A-1"), ("dispatch", "A-1")]


def test_a_lock_held_by_somebody_else_is_a_reason_not_an_error(world: FakeWorld) -> None:
    world.agents.locked_elsewhere.add(Key("A-1"))
    world.issue("A-1")

    assert why(world) == {"A-1": "lock"}
    assert world.record("A-1").running is None


def test_a_bug_met_on_one_issue_is_its_trouble_and_the_rest_go_on(world: FakeWorld) -> None:
    world.issue("A-1")
    world.issue("A-2")
    healthy = world.agents.start

    def start(claim: object, order: object) -> int:
        if getattr(order, "key", "") == "A-1":
            raise ZeroDivisionError("nobody divides by zero")
        return healthy(claim, order)  # type: ignore[arg-type]

    world.agents.start = start  # type: ignore[method-assign]
    result = world.tick()

    assert world.agents.started == ["A-2"]
    assert result.exit_code is ExitCode.BUG
    assert "ZeroDivisionError" in world.record("A-1").fault
    assert any('"traceback"' in line for line in world.ledger.lines)


def test_a_ledger_that_cannot_be_written_ends_the_tick_before_anything_starts(
    world: FakeWorld,
) -> None:
    world.issue("A-1")
    sockets = world.sockets

    def full(*events: object) -> None:
        raise StateError("the disk is full: free some space.")

    def broken() -> object:
        made = sockets()
        made.ledger.append = full  # type: ignore[method-assign]
        return made

    world.sockets = broken  # type: ignore[method-assign,assignment]
    with pytest.raises(StateError):
        world.tick()

    assert world.agents.started == []


def test_a_dry_run_says_what_it_would_do_and_does_nothing(world: FakeWorld) -> None:
    world.issue("A-1")
    result = world.tick(dry_run=True)

    assert [(a.kind, a.outcome) for a in result.decisions] == [
        ("take_in", "would"),
        ("enrol", "would"),
        ("dispatch", "would"),
    ]
    assert (world.ledger.lines, world.agents.started) == ([], [])


def test_an_issue_with_another_name_keeps_its_key(world: FakeWorld) -> None:
    world.issue("TEAM/a..b")
    world.tick()
    world.edit("TEAM/a..b", identifier="OTHER-7")
    world.tick()

    record = world.record("TEAM/a..b")
    assert record.key.startswith("TEAM_a..b-")
    assert record.aliases == ("TEAM/a..b", "OTHER-7")
    assert world.history.named("other-7") == record


def test_only_labelled_issues_are_ours_when_a_label_is_required(world: FakeWorld) -> None:
    world.policy = Policy(rules=Rules(required_labels=("agent",)))
    world.issue("A-1")
    world.issue("A-2", labels=("Agent",))

    assert did(world) == [("enrol", "A-2"), ("dispatch", "A-2")]
    assert world.history.find(IssueId("A-1")) is None
