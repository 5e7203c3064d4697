"""What blocks an issue file: other files, there, deleted or not to be read."""

from __future__ import annotations

from pathlib import Path

from symphony_cli.adapters.markdown_tracker import MarkdownTracker
from symphony_cli.core.issue import Blocker, Issue
from symphony_cli.core.snapshot import Held
from symphony_cli.ids import IssueId
from tests.adapters.issue_folder import ONE, an_issue_file, save, tracker_in


def test_a_blocker_that_nobody_can_read_is_neither_open_nor_closed(tmp_path: Path) -> None:
    save(tmp_path, "one.md", an_issue_file(front="blocked_by: [gone, half, DONE]\n"))
    save(tmp_path, "half.md", "---\n")
    save(tmp_path, "done.md", an_issue_file("done"))
    tracker = tracker_in(tmp_path)

    answers = tracker.look("", []).issues[-1], tracker.read([ONE]).issues[0]

    expected = (
        Blocker("gone"),
        Blocker("half"),
        Blocker("done", "done", open=False, id=IssueId("done")),
    )
    assert [issue.blocked_by for issue in answers] == [expected, expected]


def looked(tracker: MarkdownTracker, before: Issue) -> Issue:
    """The issue `one` as a look tells it to somebody who knows it as `before`."""
    return next(i for i in tracker.look("", [Held(before)]).issues if i.id == ONE)


def test_a_blocker_whose_file_is_gone_is_closed_by_the_second_look_and_back_when_it_is(
    tmp_path: Path,
) -> None:
    save(tmp_path, "one.md", an_issue_file(front="blocked_by: [FIRST]\n"))
    first = save(tmp_path, "first.md", an_issue_file())
    tracker = tracker_in(tmp_path)
    known = [looked(tracker, Issue(ONE, "one", "one", "Todo"))]

    first.unlink()
    for _ in range(3):
        known.append(looked(tracker, known[-1]))
    save(tmp_path, "first.md", an_issue_file())
    known.append(looked(tracker, known[-1]))

    assert [[(b.identifier, b.state, b.open) for b in issue.blocked_by] for issue in known] == [
        [("first", "Todo", True)],
        [("first", "missing", None)],
        [("first", "gone", False)],
        [("first", "gone", False)],
        [("first", "Todo", True)],
    ]


def test_a_name_that_never_had_a_file_blocks_for_ever(tmp_path: Path) -> None:
    save(tmp_path, "one.md", an_issue_file(front="blocked_by: [frist]\n"))
    tracker, known = tracker_in(tmp_path), Issue(ONE, "one", "one", "Todo")

    for _ in range(4):
        known = looked(tracker, known)

    assert known.blocked_by == (Blocker("frist"),)


def test_a_blocker_that_was_closed_stays_so_when_its_file_is_deleted(tmp_path: Path) -> None:
    save(tmp_path, "one.md", an_issue_file(front="blocked_by: [first]\n"))
    first = save(tmp_path, "first.md", an_issue_file("Done"))
    tracker = tracker_in(tmp_path)
    known = looked(tracker, Issue(ONE, "one", "one", "Todo"))

    first.unlink()

    assert looked(tracker, known) == known
    assert known.blocked_by == (Blocker("first", "Done", open=False, id=IssueId("first")),)


def test_a_blocker_that_cannot_be_read_decides_nothing_and_is_missed_twice_after_it(
    tmp_path: Path,
) -> None:
    save(tmp_path, "one.md", an_issue_file(front="blocked_by: [first]\n"))
    first = save(tmp_path, "first.md", an_issue_file())
    tracker = tracker_in(tmp_path)
    known = looked(tracker, Issue(ONE, "one", "one", "Todo"))
    states: list[tuple[str, bool | None]] = []

    for text in (None, "---\nsta", None, None):
        first.unlink(missing_ok=True)
        if text is not None:
            first.write_text(text)
        known = looked(tracker, known)
        states += [(b.state, b.open) for b in known.blocked_by]

    unreadable = ("not to be read", None)
    assert states == [("missing", None), unreadable, ("missing", None), ("gone", False)]


def test_two_files_that_differ_in_case_are_no_deleted_blocker(tmp_path: Path) -> None:
    save(tmp_path, "one.md", an_issue_file(front="blocked_by: [first]\n"))
    save(tmp_path, "first.md", an_issue_file())
    tracker = tracker_in(tmp_path)
    known = looked(tracker, Issue(ONE, "one", "one", "Todo"))
    save(tmp_path, "First.md", an_issue_file())

    for _ in range(3):
        known = looked(tracker, known)

    assert [(b.state, b.open) for b in known.blocked_by] == [("not to be read", None)]


def test_a_read_believes_a_look_that_found_a_blocker_gone_and_concludes_nothing_itself(
    tmp_path: Path,
) -> None:
    save(tmp_path, "one.md", an_issue_file(front="blocked_by: [first]\n"))
    first = save(tmp_path, "first.md", an_issue_file())
    tracker = tracker_in(tmp_path)
    known = [looked(tracker, Issue(ONE, "one", "one", "Todo"))]
    first.unlink()
    for _ in range(2):
        known.append(looked(tracker, known[-1]))

    told = [tracker.read([ONE], held=[Held(issue)]).issues[0].blocked_by[0] for issue in known]
    (stranger,) = tracker.read([ONE]).issues

    assert [(b.state, b.open) for b in told] == [
        ("missing", None),
        ("missing", None),
        ("gone", False),
    ]
    assert stranger.blocked_by == (Blocker("first"),)
