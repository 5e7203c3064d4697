"""What every tracker does, fake or real: cases that run against anything a factory builds.

A tracker's test module parametrises over `CASES` and hands each a factory:

    @pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
    def test_it_keeps_the_contract(case, tmp_path):
        case(lambda issues: ...)

The factory puts these issues (with description, comments, blockers) into a new tracker, whose
terminal state is `Done`, and returns it with a way to change things behind its back.

A case calls issues by name, and the name is both id and identifier. A tracker that makes ids by
itself has a stage that knows which is whose: `id_of` before a question, `told` after the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from symphony_cli.core.issue import Blocker, Comment, Issue
from symphony_cli.core.policy import Rules, refusal
from symphony_cli.core.snapshot import Held, Read
from symphony_cli.errors import TrackerError
from symphony_cli.ids import IssueId
from symphony_cli.ports import Tracker


@dataclass(frozen=True)
class Stage:
    """A tracker with issues in it, and what a person can do to them."""

    tracker: Tracker
    put: Callable[[Issue], None]
    """Make an issue, or replace the one with its id."""
    drop: Callable[[IssueId], None]
    """Delete an issue."""
    id_of: Callable[[str], IssueId] = IssueId
    """The tracker's id of the issue that a case calls so."""
    says: Callable[[str, str, bool], None] = lambda name, body, bot: None
    """Write under the issue that a case calls so, a moment later; as a program when `bot`."""
    told: Callable[[Issue], Issue] = lambda issue: issue
    """What the tracker told of an issue, in the words of a case."""
    nobody: str = "nobody"
    """In every refusal to write to an issue of the name `nobody`, which is not there."""

    def look(self, since: str = "", *names: str) -> tuple[list[Issue], Read]:
        """One look of somebody who holds these issues: what it told, in our words; the answer."""
        held = [Held(replace(an_issue(name), id=self.id_of(name))) for name in names]
        answer = self.tracker.look(since, held)
        return sorted(map(self.told, answer.issues), key=lambda issue: issue.id), answer

    def said(self, since: datetime, *names: str) -> dict[str, list[tuple[str, bool]]]:
        """What one look tells of the comments under issues that wait for some since then."""
        heard = self.heard(since, *names)
        return {name: [(one.body, one.bot) for one in said] for name, said in heard.items()}

    def heard(self, since: datetime, *names: str) -> dict[str, tuple[Comment, ...]]:
        """The same, whole."""
        known = {self.id_of(name): name for name in names}
        held = [Held(replace(an_issue(name), id=id), False, since) for id, name in known.items()]
        return {known[id]: said for id, said in self.tracker.look("", held).comments.items()}

    def read(self, name: str = "one") -> Issue:
        """One issue, whole."""
        (issue,) = self.tracker.read([self.id_of(name)]).issues
        return self.told(issue)


Factory = Callable[[Sequence[Issue]], Stage]


def an_issue(name: str = "one", state: str = "Todo", **more: object) -> Issue:
    """An issue whose id is its identifier."""
    facts: dict[str, object] = {"title": f"Title of {name}", **more}
    return Issue(id=IssueId(name), identifier=name, state=state, **facts)  # type: ignore[arg-type]


def holding(*names: str) -> list[Held]:
    """What a tick that knows these issues hands to a look."""
    return [Held(an_issue(name)) for name in names]


def a_look_tells_the_facts_of_every_issue_and_no_long_texts(factory: Factory) -> None:
    full = an_issue(priority=2, labels=("Bug", "api"), assignee="ana", branch="b/one")
    texts = an_issue("two", description="Long.", comments=(Comment("Hello.", "ana"),))
    stage = factory([full, texts])

    issues, answer = stage.look()

    assert issues == [full, an_issue("two")]
    assert (answer.missing, answer.unknown) == ((), {})


def a_first_look_tells_of_pull_requests(factory: Factory) -> None:
    stage = factory([an_issue(pr="12")])
    assert stage.look()[0] == [an_issue(pr="12")]


def a_pull_request_that_is_linked_is_told_by_the_next_look(factory: Factory) -> None:
    stage = factory([an_issue()])
    _, first = stage.look("", "one")

    stage.put(an_issue(pr="12"))

    assert stage.look(first.cursor, "one")[0] == [an_issue(pr="12")]


def a_held_issue_that_is_not_there_is_missing(factory: Factory) -> None:
    stage = factory([an_issue("one"), an_issue("two")])
    stage.drop(stage.id_of("two"))

    issues, answer = stage.look("", "one", "two")

    assert answer.missing == (stage.id_of("two"),)
    assert [issue.id for issue in issues] == ["one"]


def a_change_by_a_person_is_seen_by_the_next_look(factory: Factory) -> None:
    stage = factory([an_issue()])
    _, first = stage.look("", "one")

    stage.put(an_issue(state="In Progress", labels=("urgent",)))

    issues, _ = stage.look(first.cursor, "one")
    assert issues == [an_issue(state="In Progress", labels=("urgent",))]


def reading_by_id_gives_the_description(factory: Factory) -> None:
    stage = factory([an_issue(description="First line.\n\nSecond paragraph."), an_issue("two")])

    issue = stage.read("one")

    assert (issue.id, issue.description) == ("one", "First line.\n\nSecond paragraph.")


def reading_an_id_that_nobody_has_calls_it_missing(factory: Factory) -> None:
    stage = factory([an_issue()])

    answer = stage.tracker.read([IssueId("../one"), stage.id_of("one")])

    assert answer.missing == (IssueId("../one"),)
    assert [stage.told(issue).id for issue in answer.issues] == ["one"]


def a_blocker_is_open_until_its_state_is_terminal(factory: Factory) -> None:
    waits = an_issue(blocked_by=(Blocker("first"), Blocker("second")))
    stage = factory([waits, an_issue("first"), an_issue("second", "Done")])

    issue = stage.read("one")

    assert [(b.identifier, b.state, b.open) for b in issue.blocked_by] == [
        ("first", "Todo", True),
        ("second", "Done", False),
    ]


def a_comment_is_posted_once_however_often_it_is_sent(factory: Factory) -> None:
    stage = factory([an_issue(comments=(Comment("Please hurry.", "ana"),))])

    answers = [stage.tracker.comment(stage.id_of("one"), "On it.", "w_1") for _ in range(3)]

    assert answers[-1] is True
    assert bodies(stage) == ["Please hurry.", "On it."]


def comments_with_other_write_ids_are_other_comments(factory: Factory) -> None:
    stage = factory([an_issue()])

    stage.tracker.comment(stage.id_of("one"), "Same words.", "w_1")
    stage.tracker.comment(stage.id_of("one"), "Same words.", "w_2")

    assert bodies(stage) == ["Same words.", "Same words."]


def a_comment_keeps_what_looks_like_structure(factory: Factory) -> None:
    body = "---\n# Title\n## Comments\n### 2026-01-01 · ana\n```\nnever closed\n<!-- x -->"
    stage = factory([an_issue(description="What to do.")])

    stage.tracker.comment(stage.id_of("one"), body, "w_1")

    assert (stage.read().description, bodies(stage)) == ("What to do.", [body])


def a_label_is_set_once_in_whatever_case(factory: Factory) -> None:
    stage = factory([an_issue(labels=("Bug",))])

    for name in ("bug", "Stuck", "STUCK"):
        stage.tracker.add_label(stage.id_of("one"), name)

    assert stage.read().labels == ("Bug", "Stuck")


def a_label_comes_off_in_whatever_case_and_others_stay(factory: Factory) -> None:
    stage = factory([an_issue(labels=("Bug", "Stuck", "api"))])

    for name in ("STUCK", "stuck", "never there"):
        stage.tracker.remove_label(stage.id_of("one"), name)

    assert stage.read().labels == ("Bug", "api")


def an_issue_moves_to_another_state_and_nothing_else_changes(factory: Factory) -> None:
    stage = factory([an_issue(labels=("Bug",)), an_issue("two", "In Progress")])

    stage.tracker.set_state(stage.id_of("one"), "In Progress")
    stage.tracker.set_state(stage.id_of("one"), "In Progress")

    assert stage.look()[0] == [
        an_issue(state="In Progress", labels=("Bug",)),
        an_issue("two", "In Progress"),
    ]


def writing_to_an_issue_that_is_not_there_is_an_error_of_the_tracker(factory: Factory) -> None:
    stage = factory([an_issue()])
    tracker, nobody = stage.tracker, stage.id_of("nobody")

    for write in (
        lambda: tracker.comment(nobody, "Hello.", "w_1"),
        lambda: tracker.add_label(nobody, "Bug"),
        lambda: tracker.remove_label(nobody, "Bug"),
        lambda: tracker.set_state(nobody, "Done"),
    ):
        with pytest.raises(TrackerError, match=stage.nobody):
            write()


def what_was_said_is_told_of_issues_that_wait_for_it_and_of_no_others(factory: Factory) -> None:
    stage = factory([an_issue("one"), an_issue("two"), an_issue("three")])
    stage.says("one", "Go on.", False)
    stage.says("two", "Nobody asked.", False)

    said = stage.said(LONG_AGO, "one", "three")

    assert said == {"one": [("Go on.", False)], "three": []}
    assert stage.look("", "one", "two", "three")[1].comments == {}


def a_comment_of_ours_is_a_programs_and_has_the_id_of_its_write(factory: Factory) -> None:
    stage = factory([an_issue()])
    stage.says("one", "Please hurry.", False)
    stage.tracker.comment(stage.id_of("one"), "Which colour?", "w_1")
    stage.says("one", "Blue.", False)

    first, ours, answer = stage.heard(LONG_AGO, "one")["one"]

    assert (ours.body, ours.bot, ours.id) == ("Which colour?", True, "w_1")
    assert [(one.body, one.bot) for one in (first, answer)] == [
        ("Please hurry.", False),
        ("Blue.", False),
    ]
    assert len({first.id, ours.id, answer.id}) == 3
    assert dated(first) < dated(ours) < dated(answer)


def only_what_was_said_since_then_is_told(factory: Factory) -> None:
    stage = factory([an_issue()])
    stage.says("one", "Please hurry.", False)
    stage.tracker.comment(stage.id_of("one"), "Which colour?", "w_1")
    stage.says("one", "Blue.", False)
    _, ours, answer = stage.heard(LONG_AGO, "one")["one"]

    assert [stage.said(dated(one), "one") for one in (ours, answer)] == [
        {"one": [("Which colour?", True), ("Blue.", False)]},
        {"one": [("Blue.", False)]},
    ]


def of_an_issue_that_is_gone_nothing_was_said(factory: Factory) -> None:
    stage = factory([an_issue("one"), an_issue("two")])
    stage.says("two", "Go on.", False)
    two = stage.id_of("two")
    stage.drop(two)

    answer = stage.tracker.look("", [Held(replace(an_issue("two"), id=two), False, LONG_AGO)])

    assert (answer.missing, answer.comments.get(two, ())) == ((two,), ())


def what_a_program_said_is_told_as_such(factory: Factory) -> None:
    stage = factory([an_issue()])
    stage.says("one", "Deployed.", True)
    stage.says("one", "Blue.", False)

    assert stage.said(LONG_AGO, "one") == {"one": [("Deployed.", True), ("Blue.", False)]}


def a_blocker_that_is_deleted_blocks_no_more_after_two_looks(factory: Factory) -> None:
    waits = an_issue(blocked_by=(Blocker("first"),))
    stage = factory([waits, an_issue("first")])
    tracker, one = stage.tracker, stage.id_of("one")
    known = replace(an_issue(), id=one)
    read = Read()
    for look in range(6):
        if look == 3:
            stage.drop(stage.id_of("first"))
            assert [blocker.open for blocker in known.blocked_by] == [True]
        read = tracker.look(read.cursor, [Held(known)])
        known = next((issue for issue in read.issues if issue.id == one), known)

    (fresh,) = tracker.read([one], held=[Held(known)]).issues

    assert [refusal(issue, Rules()) for issue in (known, fresh)] == [None, None]


def dated(comment: Comment) -> datetime:
    """When it was written."""
    assert comment.created_at is not None
    return comment.created_at


def bodies(stage: Stage) -> list[str]:
    """The texts under the first issue, oldest first."""
    return [comment.body for comment in stage.read().comments]


NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
"""A time for trackers that need one."""

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
"""Before anything was said."""

CASES: tuple[Callable[[Factory], None], ...] = (
    a_look_tells_the_facts_of_every_issue_and_no_long_texts,
    a_first_look_tells_of_pull_requests,
    a_pull_request_that_is_linked_is_told_by_the_next_look,
    a_held_issue_that_is_not_there_is_missing,
    a_change_by_a_person_is_seen_by_the_next_look,
    reading_by_id_gives_the_description,
    reading_an_id_that_nobody_has_calls_it_missing,
    a_blocker_is_open_until_its_state_is_terminal,
    a_comment_is_posted_once_however_often_it_is_sent,
    comments_with_other_write_ids_are_other_comments,
    a_comment_keeps_what_looks_like_structure,
    a_label_is_set_once_in_whatever_case,
    a_label_comes_off_in_whatever_case_and_others_stay,
    an_issue_moves_to_another_state_and_nothing_else_changes,
    writing_to_an_issue_that_is_not_there_is_an_error_of_the_tracker,
    what_was_said_is_told_of_issues_that_wait_for_it_and_of_no_others,
    a_comment_of_ours_is_a_programs_and_has_the_id_of_its_write,
    only_what_was_said_since_then_is_told,
    of_an_issue_that_is_gone_nothing_was_said,
    what_a_program_said_is_told_as_such,
    a_blocker_that_is_deleted_blocks_no_more_after_two_looks,
)
