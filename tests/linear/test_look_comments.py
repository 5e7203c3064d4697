"""What was said under issues that wait for it: in the one request of a look, and never by half."""

from __future__ import annotations

from datetime import datetime

import pytest

from symphony_cli import clock
from symphony_cli.adapters.linear.exchange import Complaint
from symphony_cli.adapters.linear.look_comments import MOST_PAGES, PAGE
from symphony_cli.core.snapshot import Read
from symphony_cli.errors import PutOff, TrackerError
from symphony_cli.ids import IssueId
from tests.adapters.tracker_contract import LONG_AGO, dated
from tests.linear.watch import Opener, Watch
from tests.linear.world import World

pytestmark = [pytest.mark.real]

LATER = PutOff("Not yet.", 5.0)
LOST = TrackerError("No answer.")
REFUSED = Complaint("Not for you", "FORBIDDEN", "forbidden")


def waiting(watching: Opener, world: World, number: int = 1) -> tuple[Watch, list[IssueId]]:
    """Issues that wait for any comment, on a server whose clock stands still."""
    world.hold(clock.now())
    made = [IssueId(world.create(f"Issue {n}")["id"]) for n in range(number)]
    watch = watching()
    watch.settle()
    watch.waits = dict.fromkeys(made, LONG_AGO)
    return watch, made


def say(world: World, issue: str, number: int = 1) -> None:
    """So many comments, each of a second of its own."""
    for n in range(number):
        world.advance(1)
        world.person.comment(issue, f"Comment {n}")


def bodies(read: Read, issue: IssueId) -> list[str]:
    """What was said under an issue; KeyError when the look does not tell."""
    return [one.body for one in read.comments[issue]]


def newest(read: Read, issue: IssueId) -> datetime:
    return dated(read.comments[issue][-1])


def only_one_request(watch: Watch, error: Exception) -> None:
    """Each request after the next one fails."""
    sent = len(watch.line.documents)

    def before(number: int) -> None:
        if number > sent + 1:
            raise error

    watch.line.before = before


def test_a_look_that_waits_for_comments_is_one_request_and_affordable(
    watching: Opener, world: World
) -> None:
    watch, made = waiting(watching, world, 3)
    for issue in made:
        say(world, issue, 5)
    watch.look()

    assert [watch.requests(watch.look) for _ in range(3)] == [1, 1, 1]
    assert (world.max_points() or 0) <= 10_000
    watch.waits = {}
    watch.look()
    asked = [(" comments(" in text, "comments_since" in v) for _, text, v in watch.line.documents]
    assert asked[-2:] == [(True, True), (False, False)]


def test_there_is_room_for_comments_when_more_is_held_than_fits(
    watching: Opener, world: World
) -> None:
    watch, (one,) = waiting(watching, world)
    say(world, one)
    watch.hold(f"0a0a0a0a-0000-4000-8000-{n:012}" for n in range(1500))
    watch.waits |= {held.id: LONG_AGO for held in watch.held()}
    watch.running = frozenset([one])
    watch.skipped = 7200.0

    looks = (watch.look() for _ in range(60))

    assert next(bodies(read, one) for read in looks if one in read.comments) == ["Comment 0"]
    assert (world.max_points() or 0) <= 10_000


def test_more_comments_than_a_page_are_read_to_the_end_oldest_first(
    watching: Opener, world: World
) -> None:
    watch, (one, two) = waiting(watching, world, 2)
    say(world, one)
    say(world, two, 2 * PAGE)

    read, asked = watch.look(), watch.requests(watch.look)

    assert bodies(read, two) == [f"Comment {n}" for n in range(2 * PAGE)]
    assert (bodies(read, one), asked) == (["Comment 0"], 3)


@pytest.mark.parametrize("error", [LATER, LOST, REFUSED], ids=["put off", "lost", "refused"])
def test_an_issue_whose_comments_may_be_cut_off_is_told_of_later(
    watching: Opener, world: World, error: TrackerError
) -> None:
    watch, (old, new) = waiting(watching, world, 2)
    say(world, old)
    say(world, new)
    watch.waits[new] = newest(watch.look(), new)
    say(world, old, PAGE - 1)
    say(world, new)
    only_one_request(watch, error)
    cut = watch.look()
    watch.line.before = lambda number: None

    assert (list(cut.comments), cut.notes) == ([], ())
    later = watch.look()
    assert [len(bodies(later, issue)) for issue in (old, new)] == [PAGE, 2]


def test_an_issue_that_asked_after_what_was_cut_off_is_told_of(
    watching: Opener, world: World
) -> None:
    watch, (old, new) = waiting(watching, world, 2)
    say(world, old, PAGE)
    say(world, new)
    watch.waits[new] = newest(watch.look(), new)
    only_one_request(watch, LATER)

    assert {issue: len(said) for issue, said in watch.look().comments.items()} == {new: 1}


def test_comments_without_an_end_are_given_up_for_this_look(watching: Opener, world: World) -> None:
    if world.name != "own":
        pytest.skip("a thousand comments take long on the stand-in")
    watch, (one,) = waiting(watching, world)
    say(world, one, MOST_PAGES * PAGE + 1)

    assert (watch.requests(watch.look), watch.look().comments) == (MOST_PAGES, {})


def test_a_key_that_may_not_read_comments_costs_only_them(watching: Opener, world: World) -> None:
    watch, _ = waiting(watching, world)
    refused: list[int] = []

    def before(number: int) -> None:
        if " comments(" in watch.line.documents[-1][1]:
            refused.append(number)
            raise REFUSED

    watch.line.before = before
    world.advance(1)
    world.person.retitle("ENG-1", "Better")
    read = watch.look()

    assert (len(refused), read.comments, watch.known("ENG-1").title) == (1, {}, "Better")
    assert "answered without comments, pull requests, names of blockers and " in read.notes[0]


def test_what_an_agent_wrote_with_our_key_is_a_persons_unless_our_user_is_an_app(
    watching: Opener, world: World
) -> None:
    watch, (one,) = waiting(watching, world)
    world.advance(1)
    world.person.comment(one, "By an app.", "Agent Bot")
    world.advance(1)
    world.person.comment(one, "By a user.", "Rui Reviewer")

    said = watch.look().comments[one]

    assert [(c.body, c.author, c.bot) for c in said] == [
        ("By an app.", "agentbot", True),
        ("By a user.", "ruireviewer", False),
    ]


def test_comments_of_an_issue_that_was_deleted_do_not_count(watching: Opener, world: World) -> None:
    watch, (kept, gone) = waiting(watching, world, 2)
    say(world, kept)
    say(world, gone)
    world.person.purge(gone)

    assert list(watch.look().comments) == [kept]
