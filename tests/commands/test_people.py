"""What people type: status, status ISSUE, unblock, stop, metrics."""

from __future__ import annotations

import pytest

from symphony_cli.commands.explain import explain
from symphony_cli.commands.metrics import metrics
from symphony_cli.commands.status import status
from symphony_cli.commands.stop import stop
from symphony_cli.commands.unblock import unblock
from symphony_cli.core.policy import Policy
from symphony_cli.core.reasons import BlockReason, Outcome
from symphony_cli.core.run import GitFacts
from symphony_cli.errors import UsageError
from symphony_cli.ids import IssueId
from symphony_cli.render.machine import as_csv
from symphony_cli.render.text import as_text
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
    result = unblock(world.sockets(), "a-1", "rui@desk", "blue")
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
    assert result.why == (
        "input: Which colour?",
        "`symphony unblock A-1` lets it go on (answer in the issue first)",
    )
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
