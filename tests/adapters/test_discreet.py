"""What a tracker says, without the secrets that people write into issues."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from symphony_cli.adapters.discreet import Discreet
from symphony_cli.adapters.markdown_tracker import MarkdownTracker
from symphony_cli.core.issue import Issue
from symphony_cli.core.policy import Rules
from symphony_cli.core.snapshot import Held
from symphony_cli.ids import IssueId

KEY = "lin_api_Vq3zT8mKx0RbL5wYc7NdJ2hGs9"
ISSUE = IssueId("A-1")


def trackers(folder: Path) -> tuple[MarkdownTracker, Discreet]:
    def now() -> datetime:
        return datetime(2026, 3, 1, tzinfo=UTC)

    inner = MarkdownTracker(folder, Rules(), now, folder / "markdown.lock")
    return inner, Discreet(inner, (KEY,))


def test_a_secret_is_hidden_in_every_text_of_an_issue(tmp_path: Path) -> None:
    (tmp_path / "A-1.md").write_text(
        f"---\ntitle: T {KEY}\nstate: S {KEY}\nlabels: ['{KEY}']\nblocked_by: [{KEY}]\n"
        f"branch: b/{KEY}\n---\nBody {KEY}\n\n## Comments\n\n### 2026-03-01, ann\n\nSay {KEY}\n"
    )
    inner, discreet = trackers(tmp_path)
    waits = [Held(Issue(ISSUE, "A-1", "T", "S"), comments_since=datetime(2026, 1, 1, tzinfo=UTC))]
    looked, (issue,) = discreet.look("", waits), discreet.read([ISSUE]).issues

    assert KEY in repr(inner.read([ISSUE]))
    assert KEY not in repr((looked, issue))
    assert (issue.id, issue.title, issue.state) == (ISSUE, "T [secret]", "S [secret]")
    assert (issue.description.strip(), issue.branch) == ("Body [secret]", "b/[secret]")
    assert [comment.body for comment in looked.comments[ISSUE]] == ["Say [secret]"]
    assert looked.cursor == inner.look("", ()).cursor


def test_an_issue_without_a_secret_comes_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "A-1.md").write_text("---\ntitle: T\nstate: Todo\ncreated: 2026-03-01\n---\nBody\n")
    inner, discreet = trackers(tmp_path)
    assert discreet.read([ISSUE]) == inner.read([ISSUE])
    assert (discreet.kind, discreet.scope) == (inner.kind, inner.scope)


def test_why_an_issue_cannot_be_read_is_told_without_the_secret(tmp_path: Path) -> None:
    (tmp_path / "A-1.md").write_text(f"---\nstate: Todo\npriority: {KEY}\n---\n")
    unknown = trackers(tmp_path)[1].look("", ()).unknown
    assert unknown == {
        ISSUE: "A-1.md: line 3: `priority` must be 1 (urgent) to 4 (low) or empty, not '[secret]'"
    }


def test_writes_pass_through(tmp_path: Path) -> None:
    path = tmp_path / "A-1.md"
    path.write_text("---\nstate: Todo\n---\nBody\n")
    _, discreet = trackers(tmp_path)
    discreet.add_label(ISSUE, "one")
    discreet.add_label(ISSUE, "two")
    discreet.remove_label(ISSUE, "one")
    discreet.set_state(ISSUE, "Done")
    told = [discreet.comment(ISSUE, "Hello", "w_1"), discreet.comment(ISSUE, "Hello", "w_1")]

    (issue,) = discreet.read([ISSUE]).issues
    assert (issue.labels, issue.state, told) == (("two",), "Done", [False, True])
    assert [comment.body for comment in issue.comments] == ["Hello"]
