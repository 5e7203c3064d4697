"""What a run makes of the answer that all runs share, and of its agent's own last change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pytest

from symphony_cli import clock, processes
from symphony_cli.adapters import refresh_share
from symphony_cli.core.issue import Issue
from symphony_cli.core.policy import Rules
from symphony_cli.core.refresh import SETTLES, Mutation
from symphony_cli.core.snapshot import Read
from symphony_cli.errands import mutations
from symphony_cli.errands.refresh import Standing, shared_standing
from symphony_cli.errands.sharing import Meeting
from symphony_cli.errors import KeyRejected, PutOff, RateLimited, SymphonyError, TrackerError
from symphony_cli.ids import IssueId
from symphony_cli.paths import RunPaths, StatePaths
from tests.errands.an_order import NOON
from tests.errands.asker import question

ONE = IssueId("one")
TODO = Issue(ONE, "A-1", "One", "In Progress", project="shop")
REVIEW = replace(TODO, state="Human Review")
RULES = Rules(active_states=("in progress",), project="shop")


@dataclass
class Replies:
    """A tracker that gives these replies, one a request; the last one repeats."""

    replies: Sequence[Read | SymphonyError]
    asked: list[float] = field(default_factory=list)

    def read(self, ids: tuple[IssueId, ...]) -> Read:
        self.asked.append(clock.monotonic())
        reply = self.replies[min(len(self.asked), len(self.replies)) - 1]
        if isinstance(reply, SymphonyError):
            raise reply
        return reply


def rows(*issues: Issue) -> list[Read]:
    return [Read((issue,)) for issue in issues]


def changed(ago: float, boot: str = "") -> Mutation:
    """The agent changed something so many seconds ago."""
    return Mutation(boot or processes.boot_id(), clock.monotonic() - ago, NOON)


def alone(root: Path, replies: Replies) -> Meeting:
    state = StatePaths(root)
    take: Callable[[], Callable[[], None] | None] = partial(refresh_share.take, state.refresh_lock)
    return Meeting(state.refresh, take, frozenset, replies.read)


def told(root: Path, replies: Replies, mutation: Mutation | None = None) -> Standing:
    until = clock.monotonic() + 30
    return shared_standing(question("one"), RULES, alone(root, replies), until, mutation)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Read((TODO,)), Standing("go_on", state="In Progress")),
        (Read((REVIEW,)), Standing("handed_over", "Human Review", state="Human Review")),
        (
            Read((replace(TODO, project="garden"),)),
            Standing("stop", "project", state="In Progress"),
        ),
        (Read(missing=(ONE,)), Standing("unknown", "missing")),
        (Read(unknown={ONE: "half a row"}), Standing("unknown", "unreadable")),
        (Read(), Standing("unknown", "missing")),
        (PutOff("Not for 9 s.", 9.0), Standing("unknown", "tracker")),
        (RateLimited("Too often: wait 60 s.", 60.0), Standing("unknown", "tracker")),
        (KeyRejected("The key is wrong: replace it."), Standing("unknown", "key")),
        (TrackerError("No answer: wait."), Standing("unknown", "tracker")),
    ],
    ids=str,
)
def test_one_request_says_how_the_issue_stands(
    tmp_path: Path, reply: Read | SymphonyError, expected: Standing
) -> None:
    replies = Replies([reply])

    answer = told(tmp_path, replies)

    assert (replace(answer, detail=""), len(replies.asked)) == (expected, 1)
    assert not isinstance(reply, SymphonyError) or answer.detail == str(reply)


def test_a_row_from_before_the_agents_own_change_starts_no_further_turn(tmp_path: Path) -> None:
    replies, mutation = Replies(rows(TODO, REVIEW)), changed(SETTLES - 0.4)

    answer = told(tmp_path, replies, mutation)

    assert (answer.standing, len(replies.asked)) == ("handed_over", 2)
    assert replies.asked[1] >= mutation.mono + SETTLES


def test_a_row_that_still_says_go_on_after_five_seconds_is_believed(tmp_path: Path) -> None:
    replies = Replies(rows(TODO))

    answer = told(tmp_path, replies, changed(SETTLES - 0.4))

    assert (answer, len(replies.asked)) == (Standing("go_on", state="In Progress"), 2)


@pytest.mark.parametrize(
    ("row", "mutation"),
    [
        (REVIEW, changed(0)),
        (replace(TODO, project="garden"), changed(0)),
        (TODO, changed(SETTLES + 0.1)),
        (TODO, changed(0, boot="the boot before")),
        (TODO, None),
    ],
    ids=["handed over", "moved away", "long ago", "before the reboot", "none"],
)
def test_nothing_else_is_asked_twice(tmp_path: Path, row: Issue, mutation: Mutation | None) -> None:
    replies = Replies(rows(row))

    told(tmp_path, replies, mutation)

    assert len(replies.asked) == 1


def test_a_doubted_row_is_not_believed_because_the_second_request_failed(tmp_path: Path) -> None:
    replies = Replies([*rows(TODO), TrackerError("No answer: wait.")])

    answer = told(tmp_path, replies, changed(SETTLES - 0.2))

    assert answer == Standing("unknown", "tracker", "No answer: wait.")


def test_an_answer_to_others_from_before_the_doubt_was_over_does_not_end_it(
    tmp_path: Path,
) -> None:
    replies = Replies(rows(TODO, TODO, REVIEW))
    before = told(tmp_path, replies)

    answer = told(tmp_path, replies, changed(SETTLES - 0.4))

    assert (before.standing, answer.standing, len(replies.asked)) == ("go_on", "handed_over", 3)


def test_a_change_is_noted_and_found_again(tmp_path: Path) -> None:
    paths, before = RunPaths(tmp_path), clock.monotonic()

    found = [mutations.last(paths)]
    mutations.note(paths)
    found.append(mutations.last(paths))
    paths.mutated.write_text("{")
    found.append(mutations.last(paths))

    (nothing, noted, torn) = found
    assert (nothing, torn) == (None, None)
    assert noted is not None and noted.boot == processes.boot_id()
    assert before <= noted.mono <= clock.monotonic()
