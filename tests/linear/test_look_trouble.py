"""A look of which a part is refused, put off or out of time: the rest of it counts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from symphony_cli.adapters.linear.exchange import Complaint
from symphony_cli.errors import PutOff, TrackerError
from symphony_cli.ids import IssueId
from tests.linear.watch import Opener, Watch
from tests.linear.world import World

pytestmark = [pytest.mark.real]

LONG_AGO = datetime(2025, 11, 1, tzinfo=UTC)
MERGED = datetime(2025, 11, 19, 8, tzinfo=UTC)
PR = "https://github.com/acme/tool/pull/7"

LATER = PutOff("Not yet.", 5.0)
LOST = TrackerError("No answer.")
REFUSED = Complaint("Not for you", "FORBIDDEN", "forbidden")


def fail(watch: Watch, text: str, error: Exception) -> None:
    """From now on, documents with this text in them come to nothing."""

    def before(number: int) -> None:
        if text in watch.line.documents[-1][1]:
            raise error

    watch.line.before = before


def put_off_further(watch: Watch) -> Callable[[], None]:
    """From each call on, there is one request and no second one."""
    sent = 0

    def before(number: int) -> None:
        if number > sent + 1:
            raise LATER

    def look() -> None:
        nonlocal sent
        sent = len(watch.line.documents)

    watch.line.before = before
    return look


def strange(watch: Watch, world: World) -> None:
    """ENG-1 is known, ENG-2 is not; both have just got a label that nobody told us of."""
    world.person.label("ENG-1", "bug")
    world.person.create("New", labels=["bug"])
    watch.forget_label("bug")


def opened(watching: Opener, world: World, **more: object) -> Watch:
    world.create("Known")
    world.clock(3600)
    watch = watching(**more)
    watch.settle()
    return watch


def test_a_row_of_an_issue_that_is_not_held_tells_nothing_of_pull_request_and_blockers(
    watching: Opener, world: World
) -> None:
    watch = opened(watching, world)
    done = IssueId(world.create("Over")["id"])
    world.person.move("ENG-2", "Done")

    read = watch.tracker.look(watch.history.cursor, watch.held())

    (held,) = (one.id for one in watch.held())
    assert {one.id for one in read.issues} >= {held, done}
    assert (set(read.partial), read.pulls) == ({done}, {})


def test_a_merge_is_told_of_an_issue_that_is_over(watching: Opener, world: World) -> None:
    watch = opened(watching, world)
    (known,) = (one.id for one in watch.held())
    world.person.attach_pr("ENG-1", PR, "merged", MERGED)

    held = watch.tracker.look(watch.history.cursor, watch.held())
    over = watch.tracker.look(watch.history.cursor, [])

    assert (held.pulls, [one.merged_at for one in held.issues]) == ({}, [MERGED])
    assert over.pulls == {known: (PR, MERGED)}


def test_other_peoples_pull_requests_cost_no_further_request(
    watching: Opener, world: World
) -> None:
    watch = opened(watching, world)
    world.person.attach_pr("ENG-1", PR)
    world.person.create("Theirs", project=None)
    for number in range(120):
        world.person.attach_pr("ENG-2", f"{PR}{number}")
    world.clock(3601)
    world.person.attach_pr("ENG-1", PR, "merged", MERGED)

    assert [watch.requests(watch.look) for _ in range(2)] == [1, 1]
    assert watch.known("ENG-1").merged_at == MERGED


@pytest.mark.parametrize("error", [LATER, LOST])
def test_an_issue_with_a_label_that_could_not_be_asked_for_is_unknown_for_one_look(
    watching: Opener, world: World, error: Exception
) -> None:
    watch = opened(watching, world)
    strange(watch, world)
    world.clock(4300)
    world.create("Much later")
    fail(watch, "labels_ids", error)
    first = watch.look()
    watch.line.before = lambda number: None

    asked = watch.requests(watch.look)

    why = str(error).rstrip(".")
    assert sorted(first.unknown.values()) == [
        f"ENG-{n} has a label of which Linear did not tell the name ({why}); nothing is concluded "
        "of the issue before it is known."
        for n in (1, 2)
    ]
    assert ([one.identifier for one in first.issues], asked) == (["ENG-3"], 1)
    assert (watch.known("ENG-1").labels, watch.known("ENG-2").labels) == (("bug",), ("bug",))


def test_labels_are_learned_though_there_is_never_a_second_request(
    watching: Opener, world: World
) -> None:
    watch = opened(watching, world)
    strange(watch, world)
    begin = put_off_further(watch)

    told = []
    for _ in range(3):
        begin()
        told.append(sorted(watch.look().unknown))

    assert [len(one) for one in told] == [2, 0, 0]
    assert watch.known("ENG-2").labels == ("bug",)


def test_a_label_that_linear_refuses_to_name_holds_up_nobody_else(
    watching: Opener, world: World
) -> None:
    watch = opened(watching, world)
    strange(watch, world)
    before = watch.history.cursor
    world.clock(4300)
    world.create("Another")
    fail(watch, "labels_ids", REFUSED)

    reads = [watch.look() for _ in range(3)]

    assert [len(one.unknown) for one in reads] == [2, 1, 1], "ENG-2 is behind the cursor"
    assert watch.known("ENG-3").labels == ()
    assert watch.history.cursor != before


def test_a_page_of_a_complete_poll_with_a_strange_label_comes_again(
    watching: Opener, world: World
) -> None:
    watch = opened(watching, world)
    world.create("Away", state="Human Review")
    world.person.move("ENG-2", "Todo")
    world.person.label("ENG-2", "bug")
    world.person.set("ENG-2", updatedAt=LONG_AGO)
    watch.skipped = 7300.0
    watch.look()
    watch.forget_label("bug")
    begin = put_off_further(watch)

    for _ in range(3):
        begin()
        watch.look()

    assert watch.known("ENG-2").labels == ("bug",)


@pytest.mark.parametrize("error", [LATER, LOST])
def test_further_names_that_are_not_to_be_had_stop_neither_a_look_nor_a_complete_poll(
    watching: Opener, world: World, error: Exception
) -> None:
    for number in range(260):
        world.add_label(f"label {number}")
    watch = opened(watching, world)
    before = watch.tracker.names()
    world.person.retitle("ENG-1", "Better")
    world.create("Hidden", state="Human Review")
    world.person.move("ENG-2", "Todo")
    world.person.set("ENG-2", updatedAt=LONG_AGO)
    fail(watch, "query NamesLabels", error)
    watch.skipped = 7300.0

    told = []
    for _ in range(3):
        watch.look()
        told.append(sorted(watch.news))

    assert told == [["ENG-1"], ["ENG-2"], []]
    assert watch.tracker.names().labels == before.labels


def test_an_answer_that_leaves_no_time_for_further_names_is_used(
    watching: Opener, world: World
) -> None:
    for number in range(260):
        world.add_label(f"label {number}")
    watch = opened(watching, world, time_left=lambda: 0.0)
    world.person.retitle("ENG-1", "Better")
    watch.skipped = 7300.0

    assert (watch.requests(watch.look), watch.known("ENG-1").title) == (1, "Better")


def test_many_new_labels_are_read_once_and_cost_no_request_later(
    watching: Opener, world: World
) -> None:
    watch = opened(watching, world)
    for number in range(130):
        world.add_label(f"label {number}")
    world.clock(3600 + 700)

    asked = [watch.requests(watch.look) for _ in range(3)]
    names = watch.tracker.names()

    assert (asked, len(names.labels_called("label 0"))) == ([2, 1, 1], 1)


@pytest.mark.parametrize("part", ["pulls", "relations", "blockers", "names_new_labels"])
def test_when_a_part_is_refused_a_look_does_without_and_says_so(
    watching: Opener, world: World, part: str
) -> None:
    world.create("Blocks")
    world.person.create("Waits", blocked_by=["ENG-1"])
    watch = watching()
    watch.settle()
    world.person.move("ENG-2", "In Progress")
    fail(watch, f" {part}: ", REFUSED)

    read = watch.look()

    assert watch.news == {"ENG-2": {"state": "In Progress"}}
    assert [b.identifier for b in watch.known("ENG-2").blocked_by] == ["ENG-1"]
    assert read.notes == (
        "Linear refused the request: Not for you. It was answered without pull requests, names of "
        "blockers and new names, which stay as they were known: give the key, or its user, the "
        "right to read them.",
    )
    watch.line.before = lambda number: None
    assert watch.look().notes == ()


def test_when_the_names_are_refused_a_complete_poll_goes_by_those_that_are_known(
    watching: Opener, world: World
) -> None:
    watch = opened(watching, world)
    watch.skipped = 7300.0
    fail(watch, "names_viewer", REFUSED)

    notes = [len(watch.look().notes) for _ in range(3)]

    assert (notes, watch.requests(watch.look)) == ([1, 0, 0], 1)


def test_what_is_refused_without_them_too_is_an_error(watching: Opener, world: World) -> None:
    watch = opened(watching, world)
    before = watch.history.copy()
    fail(watch, "changed_free", REFUSED)

    with pytest.raises(Complaint):
        watch.look()

    assert watch.history == before


def test_with_delta_polling_off_an_idle_look_is_no_news(watching: Opener, world: World) -> None:
    watch = opened(watching, world, full_every=0.0)
    taken = []
    for skipped in (30.0, 60.0, 90.0):
        watch.skipped = skipped
        watch.look()
        taken.append(watch.taken)

    assert taken == [None] * 3


def test_a_state_and_a_label_renamed_at_once_are_both_known_by_their_new_names(
    watching: Opener, world: World
) -> None:
    watch = opened(watching, world)
    world.rename_state("Todo", "To Do")
    world.rename_label("bug", "defect")

    watch.look()

    names = watch.tracker.names()
    assert (watch.known("ENG-1").state, len(names.states_called("To Do"))) == ("To Do", 1)
    assert len(names.labels_called("defect")) == 1
