"""What a naive client of Linear gets wrong: twenty things, counted as our notes on Linear do.

Proven elsewhere, by `test_` and these words, in these modules below `tests`:

     2  core/test_budget  a_bucket_that_is_full_again_forgets_the_slow_pace
     3  linear/test_look_changes  the_next_look_tells_what_somebody_changed
     5  linear/test_look_changes  it_is_told_whether_its_date_moves_or_not
     6  linear/test_read  what_is_archived_or_in_the_bin_is_read_as_such_and_what_is_gone_is_missing
     6  core/test_plan  an_issue_missing_once_waits_and_missing_twice_is_gone
     7  linear/test_names_and_writes  labels_that_people_set_between_two_writes_stay
     7  adapters/linear/test_writes  no_document_of_ours_replaces_labels_and_all_are_cheap
     8  linear/test_contract  linear_keeps_the_contract
     9  linear/test_look  a_state_that_was_renamed_is_a_problem_from_the_next_complete_poll_on
    10  linear/test_read  long_lists_of_an_issue_are_read_to_their_ends_oldest_comment_first
    11  linear/test_schema  a_document_that_is_written_down_is_valid_and_affordable
    12  linear/test_names_and_writes  a_comment_is_posted_once_though_its_answer_was_lost
    17  adapters/linear/test_documents  a_list_that_does_not_say_where_it_goes_on_is_an_error
    18  linear/test_read  ids_that_can_be_none_of_linears_are_missing_without_a_request
    19  adapters/linear/test_wire  a_priority_is_a_number_of_whatever_kind
    20  adapters/linear/test_headers  headers_tell_of_the_allowance_and_never_of_the_reset
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from symphony_cli import clock
from symphony_cli.errors import RateLimited, TrackerError
from tests.linear.watch import Watch
from tests.linear.world import ENDLESS, Kind, World

pytestmark = [pytest.mark.real]

TESTS = Path(__file__).parents[1]

LONG_AGO = datetime(2025, 11, 1, tzinfo=UTC)


@pytest.fixture
def watch(world: World, tmp_path: Path) -> Iterator[Watch]:
    """Somebody who knows two issues."""
    world.lag(0)
    world.create("One")
    world.create("Two")
    one = Watch(world, tmp_path)
    one.settle()
    yield one
    one.close()


def test_every_pointer_of_this_module_leads_to_a_test_and_none_of_the_twenty_is_left_out() -> None:
    pointers = re.findall(r"^ +(\d+)  (\S+)  (\w+)$", __doc__ or "", re.MULTILINE)
    texts = {path: (TESTS / f"{path}.py").read_text() for _, path, _ in pointers}
    here = re.findall(r'^    """(\d+): ', Path(__file__).read_text(), re.MULTILINE)

    assert [name for _, path, name in pointers if f"def test_{name}(" not in texts[path]] == []
    numbers = {int(number) for number, _, _ in pointers} | set(map(int, here))
    assert numbers == set(range(1, 21))


def test_a_bucket_that_somebody_else_drained_is_asked_for_again_in_seconds(watch: Watch) -> None:
    """1: `reset` always says an hour from now, and who waits for it stands still for an hour."""
    watch.world.drain(0)

    with pytest.raises(RateLimited) as limited:
        watch.look()

    assert 1 <= limited.value.wait <= 75
    watch.world.clock(limited.value.wait + 1)
    watch.skipped = limited.value.wait + 1
    assert watch.look().requests == 1


def test_a_change_made_while_a_look_is_under_way_is_told_by_the_next_one(
    watch: Watch, world: World
) -> None:
    """4: a mark that is set by our own clock after the answer came passes over such a change."""
    watch.line.page = 25
    for n in range(60):
        world.create(f"Issue {n}")

    with watch.spoilt(2, lambda: world.person.move("ENG-62", "In Progress")):
        watch.look()
    before = watch.known("ENG-62").state
    watch.look()

    assert (before, watch.news) == ("Todo", {"ENG-62": {"state": "In Progress"}})


def test_an_issue_dated_in_the_future_hides_no_later_change(watch: Watch, world: World) -> None:
    """4: a mark that follows the newest date hides everything until that date is there."""
    world.create("Not ours yet", state="Human Review")
    world.person.set("ENG-1", updatedAt=clock.now() + timedelta(days=30))
    world.clock(3600)
    watch.look()

    world.person.move("ENG-3", "Todo")
    watch.look()

    assert watch.news == {"ENG-3": {"new": True}}


def test_all_labels_of_an_issue_are_told_however_many_there_are(watch: Watch, world: World) -> None:
    """7: labels that are read as a list end at its first page."""
    names = tuple(f"label {n:02}" for n in range(60))
    for name in names:
        world.person.label("ENG-1", name)

    watch.look()

    assert watch.news == {"ENG-1": {"labels": names}}


def test_a_state_that_is_renamed_takes_no_issue_out_of_sight(watch: Watch, world: World) -> None:
    """9: a poll by names of states is silently empty from then on."""
    world.rename_state("Todo", "To do")
    watch.look()
    renamed = dict(watch.news)

    world.create("New", state="To do")
    watch.look()

    both = {"ENG-1": {"state": "To do"}, "ENG-2": {"state": "To do"}}
    assert (renamed, watch.tracker.rules.is_active("to do")) == (both, False)
    assert "ENG-3" not in watch.news


@pytest.mark.parametrize("headers", [True, False])
def test_too_often_comes_with_400_and_another_400_does_not_mean_it(
    watch: Watch, world: World, headers: bool
) -> None:
    """13: who goes by the status alone repeats what is refused, or gives up what is put off."""
    world.fault("ratelimited", headers=headers)
    with pytest.raises(RateLimited):
        watch.look()
    watch.skipped = 120.0

    wrong = "query Wrong { issues(first: 1) { nodes { nothing } } }"
    with pytest.raises(TrackerError, match="Linear refused the request") as refused:
        watch.line.ask("Wrong", wrong, {})

    assert not isinstance(refused.value, RateLimited)
    assert world.operations().count("Wrong") == 1


@pytest.mark.parametrize("kind", ["partial", "graphql_error", "html", "status"])
def test_nothing_of_an_answer_with_errors_is_believed_though_its_status_is_200(
    watch: Watch, world: World, kind: Kind
) -> None:
    """14: half an answer says that everything it lacks is gone."""
    before = watch.history.copy()
    world.person.move("ENG-1", "Done")
    world.fault(kind, times=ENDLESS)

    with pytest.raises(TrackerError):
        watch.look()
    assert watch.history == before

    world.mend()
    watch.look()
    assert watch.news == {"ENG-1": {"state": "Done"}}


def test_one_issue_that_is_gone_spoils_nothing_of_the_others(watch: Watch, world: World) -> None:
    """15: of a batch of `issue(id:)` the whole answer is null when one of them is missing."""
    world.person.purge("ENG-1")
    world.person.retitle("ENG-2", "Better")

    watch.look()

    assert watch.news == {"ENG-1": {"missing": True}, "ENG-2": {"title": "Better"}}


def test_an_answer_that_is_older_than_what_we_know_changes_nothing(
    watch: Watch, world: World
) -> None:
    """16: a replica that lags moves an issue back, and it is worked a second time."""
    world.person.move("ENG-1", "Human Review")
    watch.look()

    world.person.move("ENG-1", "Todo")
    world.person.set("ENG-1", updatedAt=LONG_AGO)
    watch.look()

    assert (watch.news, watch.known("ENG-1").state) == ({}, "Human Review")
