"""A row that the tracker dates older than what we hold changes nothing until it is said twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from symphony_cli.core import events as e
from symphony_cli.core.decisions import TakeIn
from symphony_cli.core.history import History
from symphony_cli.core.intake import doubts, intake
from symphony_cli.core.issue import Issue
from symphony_cli.core.policy import Rules
from symphony_cli.core.snapshot import Read
from symphony_cli.ids import IssueId, Key
from tests.builders import NOW, blocker, history, iid, issue, later

KEY = Key("ABC-1")
HELD = issue(updated_at=later(60))


def holding(*events: e.Event) -> History:
    return history(e.Sighted(NOW, HELD, KEY), *events)


def news(row: Issue, held: History, before: Mapping[IssueId, str] | None = None) -> TakeIn | None:
    return intake(Read((row,)), held, Rules(), before).news


def test_an_older_row_is_no_news_and_is_remembered_as_a_doubt() -> None:
    row = issue(state="In Progress", updated_at=later(30))

    assert news(row, holding()) is None
    assert list(doubts(Read((row,)), holding(), Rules())) == [iid("ABC-1")]


def test_what_a_second_read_says_as_well_is_believed_however_old_it_is() -> None:
    row = issue(state="In Progress", updated_at=later(30))
    said = doubts(Read((row,)), holding(), Rules())

    assert news(row, holding(), said) == TakeIn(((row, KEY),))


def test_another_old_row_is_another_doubt() -> None:
    first = issue(state="In Progress", updated_at=later(30))
    said = doubts(Read((first,)), holding(), Rules())

    second = issue(state="In Progress", labels=("bug",), updated_at=later(30))
    assert news(second, holding(), said) is None


def test_a_row_of_the_same_date_that_says_something_else_is_news_at_once() -> None:
    row = issue(labels=("bug",), updated_at=later(60))
    assert news(row, holding()) == TakeIn(((row, KEY),))


def test_a_newer_row_is_news_at_once() -> None:
    row = issue(state="In Progress", updated_at=later(61))
    assert news(row, holding()) == TakeIn(((row, KEY),))
    assert doubts(Read((row,)), holding(), Rules()) == {}


def test_a_finished_issue_does_not_come_back_by_a_single_old_row() -> None:
    over = holding(e.Enrolled(NOW, iid("ABC-1")), e.Finished(NOW, iid("ABC-1"), "Done"))
    row = issue(state="In Progress", updated_at=later(30))

    assert news(row, over) is None
    said = doubts(Read((row,)), over, Rules())
    assert news(row, over, said) == TakeIn(((row, KEY),))


def test_rows_without_dates_are_never_doubted() -> None:
    undated = history(e.Sighted(NOW, issue(), KEY))
    row = issue(state="In Progress")
    assert news(row, undated) == TakeIn(((row, KEY),))


def test_the_cursor_stays_until_a_doubt_is_kept_for_a_tick_may_die_before() -> None:
    row = issue(state="In Progress", updated_at=later(30))
    read = Read((row,), cursor="further", requests=1)

    first = intake(read, holding(), Rules())
    other = {iid("ABC-1"): "it said something else"}
    second = intake(read, holding(), Rules(), other)

    assert (first.news, second.news) == (None, TakeIn((), (), "further"))


def test_what_other_rows_say_of_an_issue_is_no_other_doubt() -> None:
    row = issue(state="In Progress", updated_at=later(30))
    said = doubts(Read((row,)), holding(), Rules())

    second = replace(row, blocked_by=(blocker(),), pr="https://example.com/1")
    assert news(second, holding(), said) == TakeIn(((second, KEY),))


LINK, MERGED = "https://example.org/pull/3", later(-5)


def test_what_an_answer_does_not_tell_of_an_issue_stays_as_we_held_it() -> None:
    held = history(e.Sighted(NOW, issue(pr=LINK, merged_at=MERGED), KEY))
    row = issue(state="Done")

    told = intake(Read((row,), partial=frozenset({row.id})), held, Rules()).news

    kept = issue(state="Done", pr=LINK, merged_at=MERGED)
    assert told == TakeIn(((kept, KEY),))
    assert intake(Read((row,)), held, Rules()).news == TakeIn(((row, KEY),))


def test_a_pull_request_that_is_merged_after_all_is_over_is_still_heard_of() -> None:
    over = history(
        e.Sighted(NOW, issue(state="Done", pr=LINK), KEY), e.Finished(NOW, iid("ABC-1"), "Done")
    )
    read = Read(pulls={iid("ABC-1"): (LINK, MERGED), iid("nobody"): (LINK, MERGED)})

    told = issue(state="Done", pr=LINK, merged_at=MERGED)
    assert intake(read, over, Rules()).news == TakeIn(((told, KEY),))
