"""Pull the plug at every spark of a tick: before an effect, inside a write, after an effect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from symphony_cli.core import events as e
from symphony_cli.core.policy import Rules
from symphony_cli.core.reasons import BlockReason, Outcome
from symphony_cli.core.usage import Usage
from symphony_cli.ids import IssueId
from tests.fakes.world import FakeWorld
from tests.promises import check, check_at_rest

Story = Callable[[FakeWorld], None]


def fresh_issues(world: FakeWorld) -> None:
    """Three issues, two slots."""
    for name in ("A-1", "A-2", "A-3"):
        world.issue(name)


def a_run_ended(world: FakeWorld) -> None:
    """One run came to its end, another works on."""
    fresh_issues(world)
    world.tick()
    world.end("A-1")


def a_run_failed(world: FakeWorld) -> None:
    """One run failed."""
    fresh_issues(world)
    world.tick()
    world.end("A-1", Outcome.FAILED, detail="it broke")


def a_run_was_lost(world: FakeWorld) -> None:
    """One run died without a word."""
    fresh_issues(world)
    world.tick()
    world.lose("A-1")


def a_finish_was_lost(world: FakeWorld) -> None:
    """The last act of a lost run died as well."""
    a_run_was_lost(world)
    world.tick()
    world.lose("A-1")


def a_run_is_silent(world: FakeWorld) -> None:
    """A run gave no sign of life for ten minutes."""
    fresh_issues(world)
    world.tick()
    world.time += timedelta(minutes=10)


def a_question(world: FakeWorld) -> None:
    """An agent asked something that a person must answer."""
    fresh_issues(world)
    world.tick()
    world.end("A-1", Outcome.ASKED, reason="input", detail="Which colour?")


def a_stop_label(world: FakeWorld) -> None:
    """A person set a stop label on a running issue."""
    fresh_issues(world)
    world.tick()
    world.edit("A-1", labels=("symphony-stuck",))


def a_finished_issue(world: FakeWorld) -> None:
    """An agent handed its issue over and a person closed it."""
    fresh_issues(world)
    world.tick()
    world.edit("A-1", state="Done")
    world.end("A-1", Outcome.HANDED_OVER)


def a_deleted_issue(world: FakeWorld) -> None:
    """A queued issue vanished a tick ago."""
    fresh_issues(world)
    world.tick()
    del world.tracker.issues[world.record("A-3").id]
    world.tick()


def a_spent_budget(world: FakeWorld) -> None:
    """A run used up what its issue may spend, and a sibling is close to it."""
    world.configure(max_tokens_per_issue=70)
    fresh_issues(world)
    world.tick()
    pid = world.run_of("A-2").pid
    assert pid is not None
    world.run_of("A-2").pid = replace(pid, spent=Usage(input=60))
    world.end("A-1")


def one_rework_too_many(world: FakeWorld) -> None:
    """An issue comes to rework while its agent works, once more than it may."""
    world.configure(max_rework_cycles=0, rules=Rules(active_states=("todo", "rework")))
    fresh_issues(world)
    world.tick()
    world.edit("A-1", state="Rework")


def a_merged_issue_that_comes_back(world: FakeWorld) -> None:
    """Its pull request was merged after its run, and somebody reopens it."""
    a_finished_issue(world)
    world.tick()
    world.later(hours=2)
    world.edit("A-1", state="Todo", pr="https://example.org/pull/3", merged_at=world.time)


def an_answer(world: FakeWorld) -> None:
    """A person answered the question of an agent."""
    a_question(world)
    world.tick()
    world.later(seconds=60)
    world.tracker.says("A-1", "Blue.", at=world.time)


def a_label_that_a_person_took_off(world: FakeWorld) -> None:
    """A blocked issue lost its label, and one read has seen that."""
    a_question(world)
    world.tick()
    world.tick()
    world.edit("A-1", labels=())
    world.tick()


def a_raised_limit(world: FakeWorld) -> None:
    """WORKFLOW.md allows more than a blocked issue has spent."""
    a_spent_budget(world)
    world.tick()
    world.configure(max_tokens_per_issue=5000)


STORIES: list[Story] = [
    fresh_issues,
    a_run_ended,
    a_run_failed,
    a_run_was_lost,
    a_finish_was_lost,
    a_run_is_silent,
    a_question,
    a_stop_label,
    a_finished_issue,
    a_deleted_issue,
    a_spent_budget,
    one_rework_too_many,
    a_merged_issue_that_comes_back,
    an_answer,
    a_label_that_a_person_took_off,
    a_raised_limit,
]


def sparks_of(story: Story) -> int:
    """How many places there are to die in the tick that follows a story."""
    world = FakeWorld()
    story(world)
    world.fuse.sparks = 0
    world.tick()
    return world.fuse.sparks


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_a_tick_that_dies_anywhere_is_made_good_by_the_next(story: Story) -> None:
    for spark in range(1, sparks_of(story) + 1):
        world = FakeWorld()
        story(world)

        died = world.tick_until_power_cut(spark)
        check(world)
        settle_down(world)

        assert died, "the tick came to its end before the spark"
        check_at_rest(world)


def settle_down(world: FakeWorld) -> None:
    """A few undisturbed ticks, in which what was started comes to its end."""
    for _ in range(4):
        world.tick()
        check(world)
        world.let_finishes_end()
        for run in world.agents.living():
            if run.stop is not None and not run.finishing:
                world.agents.end(run, Outcome.STOPPED, world.time, reason=run.stop.reason)
        world.later(seconds=400)


def test_a_tick_that_dies_twice_is_still_made_good() -> None:
    for first in range(1, sparks_of(a_question) + 1, 2):
        for second in range(1, 12, 3):
            world = FakeWorld()
            a_question(world)

            world.tick_until_power_cut(first)
            world.tick_until_power_cut(second)
            settle_down(world)

            check_at_rest(world)
            assert world.record("A-1").block is not None, "the question was forgotten"


def test_a_question_is_told_once_however_often_ticks_die() -> None:
    for spark in range(1, sparks_of(a_question) + 1):
        world = FakeWorld()
        a_question(world)
        world.tick_until_power_cut(spark)
        settle_down(world)

        issue = world.tracker.issues[world.record("A-1").id]
        block = world.record("A-1").block
        assert (len(issue.comments), issue.labels, block and block.reason) == (
            1,
            ("symphony-stuck",),
            BlockReason.INPUT,
        )


@pytest.mark.parametrize(
    ("story", "reason", "label"),
    [
        (a_spent_budget, BlockReason.BUDGET, "symphony-budget-exceeded"),
        (one_rework_too_many, BlockReason.REWORK, "symphony-stuck"),
        (a_merged_issue_that_comes_back, BlockReason.MERGED, "symphony-stuck"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_block_is_one_label_and_one_comment_however_often_ticks_die(
    story: Story, reason: BlockReason, label: str
) -> None:
    for first in range(1, sparks_of(story) + 1):
        world = FakeWorld()
        story(world)
        world.tick_until_power_cut(first)
        world.tick_until_power_cut(1 + first // 2)
        settle_down(world)

        issue, block = world.tracker.issues[IssueId("A-1")], world.record("A-1").block
        told = (len(issue.comments), issue.labels, block and block.reason)
        assert told == (1, (label,), reason)


def test_a_warning_is_told_once_however_often_ticks_die() -> None:
    for spark in range(1, sparks_of(a_spent_budget) + 1):
        world = FakeWorld()
        a_spent_budget(world)
        world.tick_until_power_cut(spark)
        settle_down(world)
        comments = world.tracker.issues[IssueId("A-2")].comments
        assert [c.body.split(".")[0] for c in comments] == [
            "Symphony: this issue has used 60 of its 70 tokens"
        ]


def test_what_ends_a_block_ends_it_once_however_often_ticks_die() -> None:
    for story in (an_answer, a_label_that_a_person_took_off, a_raised_limit):
        for spark in range(1, sparks_of(story) + 1):
            world = FakeWorld()
            story(world)
            world.tick_until_power_cut(spark)
            settle_down(world)
            over = [event for event in world.ledger.events() if isinstance(event, e.Unblocked)]
            assert [event.issue for event in over] == [IssueId("A-1")], (story, spark)
            assert world.tracker.issues[IssueId("A-1")].labels == ()


def test_a_stop_that_was_written_down_but_not_told_is_told_by_the_next_tick() -> None:
    told = []
    for spark in range(1, sparks_of(a_stop_label) + 1):
        world = FakeWorld()
        a_stop_label(world)
        world.tick_until_power_cut(spark)
        before = world.run_of("A-1").stop
        world.tick()
        after = world.run_of("A-1").stop
        told.append((before is not None, after and after.reason))

    assert {reason for _, reason in told} == {"label"}
    assert {early for early, _ in told} == {True, False}
