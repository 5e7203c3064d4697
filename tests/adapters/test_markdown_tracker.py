"""The tracker that is a folder: what a look concludes, and that no writer loses another's work."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from symphony_cli.adapters.markdown_comments import AUTHOR
from symphony_cli.adapters.markdown_tracker import TRIES
from symphony_cli.adapters.markdown_write import write_lock
from symphony_cli.core.issue import Issue
from symphony_cli.core.snapshot import Held
from symphony_cli.errors import TrackerError, WriteRefused
from symphony_cli.ids import IssueId
from symphony_cli.ports import Tracker
from tests.adapters.issue_folder import ONE, an_issue_file, folder_of, save, tracker_in
from tests.adapters.tracker_contract import (
    CASES,
    LONG_AGO,
    Factory,
    Stage,
    holding,
    what_a_program_said_is_told_as_such,
)


def rendered(issue: Issue) -> str:
    """An issue as a person would write it."""
    keys: dict[str, object] = {
        "title": issue.title,
        "priority": issue.priority or "",
        "labels": list(issue.labels),
        "assignee": issue.assignee or "",
        "blocked_by": [blocker.identifier for blocker in issue.blocked_by],
        "branch": issue.branch or "",
        "pr": issue.pr or "",
    }
    front = "".join(f"{key}: {value}\n" for key, value in keys.items())
    said = "".join(f"### 2026-02-01 · {c.author}\n{c.body}\n\n" for c in issue.comments)
    return an_issue_file(issue.state, front, f"{issue.description}\n\n## Comments\n\n{said}")


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case is not what_a_program_said_is_told_as_such],
    ids=lambda case: case.__name__,
)
def test_it_keeps_the_contract_of_trackers(case: Callable[[Factory], None], tmp_path: Path) -> None:
    def put(issue: Issue) -> None:
        save(tmp_path, f"{issue.id}.md", rendered(issue))

    def build(issues: Sequence[Issue]) -> Stage:
        for issue in issues:
            put(issue)
        tracker: Tracker = tracker_in(tmp_path)
        return Stage(tracker, put, drop, says=says)

    def drop(issue: IssueId) -> None:
        (folder_of(tmp_path) / f"{issue}.md").unlink()

    def says(name: str, body: str, bot: bool) -> None:
        with (folder_of(tmp_path) / f"{name}.md").open("a") as file:
            file.write(f"\n### 2026-02-01 · ana\n{body}\n")

    case(build)


def test_only_visible_markdown_files_are_issues(tmp_path: Path) -> None:
    for name in ("one.md", "README.md", ".hidden.md", "notes.txt", "one.md~", "#one.md#"):
        save(tmp_path, name, an_issue_file())

    answer = tracker_in(tmp_path).look("", [])

    assert ([issue.id for issue in answer.issues], answer.unknown) == (["one"], {})


def test_facts_come_from_the_file(tmp_path: Path) -> None:
    path = save(tmp_path, "Fix Me.md", an_issue_file(front="created: 2026-02-03T04:05:06Z\n"))
    os.utime(path, (1_770_000_000, 1_770_000_000))

    (issue,) = tracker_in(tmp_path).read([IssueId("Fix Me")]).issues

    assert issue == Issue(
        id=IssueId("Fix Me"),
        identifier="Fix Me",
        title="Fix Me",
        state="Todo",
        created_at=datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC),
        updated_at=datetime.fromtimestamp(1_770_000_000, UTC),
        description="Text.",
    )


@pytest.mark.parametrize("half", ["", "---\nsta", "---\nstate: Todo\n", "---\nstate: [\n---\n"])
def test_a_half_saved_file_is_unknown_for_that_look(tmp_path: Path, half: str) -> None:
    save(tmp_path, "one.md", half)
    save(tmp_path, "two.md", an_issue_file())

    answer = tracker_in(tmp_path).look("", holding("one"))

    assert [issue.id for issue in answer.issues] == ["two"]
    assert (answer.missing, list(answer.unknown)) == ((), ["one"])
    assert answer.unknown[ONE].startswith("one.md: line ")


def test_what_cannot_be_read_is_unknown_and_named(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    (folder / "latin.md").write_bytes(b"---\nstate: Todo\n---\n\xe9")
    (folder / "folder.md").mkdir()
    os.mkfifo(folder / "pipe.md")
    (folder / "nowhere.md").symlink_to("not-there.md")
    save(tmp_path, "../outside.md", an_issue_file())
    (folder / "out.md").symlink_to("../outside.md")
    (folder / os.fsdecode(b"bad\xff.md")).write_text(an_issue_file())

    answer = tracker_in(tmp_path).look("", holding("out", "nowhere"))

    assert (answer.issues, answer.missing) == ((), ())
    assert answer.unknown == {
        "latin": "latin.md: line 4: the file is not UTF-8 text",
        "folder": "folder.md: it is no regular file",
        "pipe": "pipe.md: it is no regular file",
        "nowhere": "nowhere.md: it is a link that leads nowhere",
        "out": "out.md: it is a link out of the folder, which is not followed",
        "bad\\xff": "its file name has characters that cannot be shown: rename it",
    }


def test_two_names_that_differ_in_case_are_both_unknown(tmp_path: Path) -> None:
    save(tmp_path, "One.md", an_issue_file())
    save(tmp_path, "one.md", an_issue_file())
    tracker = tracker_in(tmp_path)

    answer = tracker.look("", holding("one"))

    why = "One and one differ only in case: rename one"
    assert (answer.issues, answer.missing, answer.unknown) == ((), (), {"One": why, "one": why})
    with pytest.raises(TrackerError, match="differ only in case"):
        tracker.add_label(ONE, "x")


def test_a_folder_that_is_not_there_says_nothing_about_its_issues(tmp_path: Path) -> None:
    tracker = replace(tracker_in(tmp_path), folder=tmp_path / "unmounted")

    with pytest.raises(TrackerError, match=r"unmounted is not there: create it, or correct"):
        tracker.look("", holding("one"))


def test_the_cursor_changes_exactly_when_the_folder_does(tmp_path: Path) -> None:
    tracker = tracker_in(tmp_path)
    path = save(tmp_path, "one.md", an_issue_file())
    cursors = [tracker.look("", []).cursor]

    os.utime(path, (1, 1))
    cursors.append(tracker.look(cursors[0], []).cursor)
    save(tmp_path, "one.md", an_issue_file(body="More.\n"))
    cursors.append(tracker.look(cursors[0], []).cursor)
    path.rename(path.with_name("two.md"))
    cursors.append(tracker.look(cursors[0], []).cursor)

    assert cursors[0] == cursors[1]
    assert len(set(cursors)) == 3


def test_a_file_that_cannot_be_read_tells_no_comments(tmp_path: Path) -> None:
    save(tmp_path, "one.md", "---\nsta")
    save(tmp_path, "two.md", an_issue_file(body="## Comments\n\nUndated.\n"))
    waits = [Held(one.issue, comments_since=LONG_AGO) for one in holding("one", "two", "three")]

    assert tracker_in(tmp_path).look("", waits).comments == {IssueId("two"): ()}


def test_a_state_is_spelled_as_other_files_spell_it(tmp_path: Path) -> None:
    path = save(tmp_path, "one.md", an_issue_file())
    save(tmp_path, "two.md", an_issue_file("In Review"))

    tracker_in(tmp_path).set_state(ONE, " in  REVIEW ")

    assert path.read_text() == an_issue_file("In Review")


def test_writes_that_say_nothing_are_refused_for_good(tmp_path: Path) -> None:
    save(tmp_path, "one.md", an_issue_file())
    tracker = tracker_in(tmp_path)

    for write in (
        lambda: tracker.set_state(ONE, "  "),
        lambda: tracker.add_label(ONE, ""),
        lambda: tracker.comment(ONE, "\n\n", "w_1"),
    ):
        with pytest.raises(WriteRefused, match="empty"):
            write()


def test_a_file_that_is_away_for_a_moment_takes_the_write_later(tmp_path: Path) -> None:
    path = save(tmp_path, "one.md", an_issue_file())
    tracker = tracker_in(tmp_path)
    away = path.rename(tmp_path / "away")

    with pytest.raises(TrackerError, match=r"There is no one\.md in .*, try again later") as caught:
        tracker.set_state(ONE, "Done")
    away.rename(path)
    tracker.set_state(ONE, "Done")

    assert (type(caught.value), path.read_text()) == (TrackerError, an_issue_file("Done"))


@pytest.mark.parametrize("name", ["", "../one", "a/b", ".one", "README", "a\nb", "é" * 127])
def test_a_name_that_no_file_can_have_is_refused_for_good(tmp_path: Path, name: str) -> None:
    folder_of(tmp_path)
    with pytest.raises(WriteRefused, match="cannot be the name of an issue file"):
        tracker_in(tmp_path).comment(IssueId(name), "Hello.", "w_1")


def test_a_malformed_file_is_not_written_and_may_be_tried_again(tmp_path: Path) -> None:
    path = save(tmp_path, "one.md", "---\nstate: [\n---\n")

    with pytest.raises(TrackerError, match=r"one\.md cannot be written: line ") as caught:
        tracker_in(tmp_path).add_label(ONE, "x")

    assert not isinstance(caught.value, WriteRefused)
    assert path.read_text() == "---\nstate: [\n---\n"


def test_a_write_keeps_the_permissions_and_leaves_nothing_else_behind(tmp_path: Path) -> None:
    path = save(tmp_path, "one.md", an_issue_file())
    path.chmod(0o640)

    tracker_in(tmp_path).add_label(ONE, "x")

    assert (path.stat().st_mode & 0o777, os.listdir(path.parent)) == (0o640, ["one.md"])


def test_a_write_goes_through_a_link_inside_the_folder(tmp_path: Path) -> None:
    target = save(tmp_path, ".one.txt", an_issue_file())
    link = target.with_name("one.md")
    link.symlink_to(target.name)

    tracker_in(tmp_path).add_label(ONE, "x")

    assert link.is_symlink()
    assert target.read_text() == an_issue_file(front="labels: [x]\n")


def by_renaming(path: Path, text: str) -> None:
    """Save as vim does."""
    fresh = path.with_name("4913.tmp")
    fresh.write_text(text)
    fresh.replace(path)


def by_writing_over(path: Path, text: str) -> None:
    """Save as nano does."""
    with path.open("r+") as stream:
        stream.truncate(0)
        stream.write(text)


@pytest.mark.parametrize("save_in_editor", [by_renaming, by_writing_over])
def test_an_editor_that_saves_in_between_loses_nothing(
    tmp_path: Path, save_in_editor: Callable[[Path, str], None]
) -> None:
    path = save(tmp_path, "one.md", an_issue_file())
    saves = ["First rewording.\n", "Second rewording.\n"]

    def editor(swapped: Path) -> None:
        if saves:
            save_in_editor(swapped, an_issue_file(front="mine: 1\n", body=saves.pop(0)))

    fresh = tracker_in(tmp_path, before_swap=editor).comment(ONE, "Hello.", "w_1")

    (issue,) = tracker_in(tmp_path).read([ONE]).issues
    assert (fresh, saves, issue.description) == (False, [], "Second rewording.")
    assert [comment.body for comment in issue.comments] == ["Hello."]
    assert "mine: 1\n" in path.read_text()


def test_an_editor_that_saves_all_the_time_wins(tmp_path: Path) -> None:
    path = save(tmp_path, "one.md", an_issue_file())
    saves: list[str] = []

    def editor(swapped: Path) -> None:
        saves.append(an_issue_file(body=f"Draft {len(saves)}.\n"))
        by_renaming(swapped, saves[-1])

    with pytest.raises(TrackerError, match="saved by somebody else each of 5 times"):
        tracker_in(tmp_path, before_swap=editor).set_state(ONE, "Done")

    assert (len(saves), path.read_text()) == (TRIES, saves[-1])
    assert os.listdir(path.parent) == ["one.md"]


def test_a_comment_is_confirmed_by_a_later_look_and_rewritten_when_lost(tmp_path: Path) -> None:
    path = save(tmp_path, "one.md", an_issue_file())
    tracker = tracker_in(tmp_path)

    answers = [tracker.comment(ONE, "Hello.", "w_1")]
    by_writing_over(path, an_issue_file(body="Saved from an old buffer.\n"))
    answers += [tracker.comment(ONE, "Hello.", "w_1"), tracker.comment(ONE, "Hello.", "w_1")]

    assert answers == [False, False, True]
    assert path.read_text().count("<!-- symphony:w_1 -->") == 1


def test_a_writer_waits_for_another_only_so_long(tmp_path: Path) -> None:
    lock = tmp_path / "state" / "markdown.lock"

    with (
        write_lock(lock),
        pytest.raises(TrackerError, match="has been writing issue files"),
        write_lock(lock, wait=0.1),
    ):
        pass


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from symphony_cli.adapters.markdown_tracker import MarkdownTracker
from symphony_cli.core.policy import Rules
root, name = Path(sys.argv[1]), sys.argv[2]
now = lambda: datetime(2026, 3, 1, 12, tzinfo=UTC)
tracker = MarkdownTracker(root / "issues", Rules(), now, root / "state" / "markdown.lock")
for n in range(50):
    tracker.comment("one", f"{name} {n}", f"w_{name}_{n}")
"""


@pytest.mark.real
def test_two_processes_that_write_fifty_comments_each_lose_none(tmp_path: Path) -> None:
    save(tmp_path, "one.md", an_issue_file())

    writers = [
        subprocess.Popen([sys.executable, "-P", "-c", WRITER, str(tmp_path), name])
        for name in ("left", "right")
    ]
    ended = [writer.wait(timeout=120) for writer in writers]

    (issue,) = tracker_in(tmp_path).read([ONE]).issues
    said = [comment.body for comment in issue.comments if comment.author == AUTHOR]
    for name in ("left", "right"):
        assert [b for b in said if b.startswith(name)] == [f"{name} {n}" for n in range(50)]
    assert (ended, len(said)) == ([0, 0], 100)


def git(repo: Path, *arguments: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    identity = ("-c", "user.name=Ana", "-c", "user.email=ana@example.org")
    command = ["git", "-C", str(repo), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=clean).stdout


def a_repository(tmp_path: Path) -> Path:
    save(tmp_path, "one.md", an_issue_file())
    save(tmp_path, "[one]*.md", an_issue_file())
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "config", "commit.gpgSign", "true")
    git(tmp_path, "add", "issues")
    git(tmp_path, "commit", "-q", "--no-gpg-sign", "-m", "issues")
    hook = tmp_path / ".git" / "hooks" / "post-commit"
    hook.write_text("#!/bin/sh\ntouch hooked\n")
    hook.chmod(0o755)
    return tmp_path


@pytest.mark.real
def test_nothing_is_committed_unless_asked_for(tmp_path: Path) -> None:
    repo = a_repository(tmp_path)

    tracker_in(tmp_path).set_state(ONE, "Done")

    assert git(repo, "log", "--format=%s") == "issues\n"
    assert git(repo, "status", "--porcelain", "--untracked-files=no") == " M issues/one.md\n"


@pytest.mark.real
def test_a_commit_takes_that_one_file_without_hooks_or_signing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = a_repository(tmp_path)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    save(tmp_path, "one.md", an_issue_file(body="A person's edit.\n"))
    (tmp_path / "staged.txt").write_text("mine")
    git(repo, "add", "staged.txt")

    tracker_in(tmp_path, commit=True).set_state(IssueId("[one]*"), "Done")

    assert git(repo, "log", "-1", "--format=%an: %s", "--name-only").splitlines() == [
        "Symphony: [one]*: state Done",
        "",
        "issues/[one]*.md",
    ]
    status = git(repo, "status", "--porcelain", "--untracked-files=no").splitlines()
    assert status == [" M issues/one.md", "A  staged.txt"]
    assert not (repo / "hooked").exists()


@pytest.mark.real
def test_a_commit_that_git_refuses_is_a_warning_and_the_next_takes_it_along(
    tmp_path: Path,
) -> None:
    repo = a_repository(tmp_path)
    told: list[str] = []
    tracker = replace(tracker_in(tmp_path, commit=True), warn=told.append)
    busy = repo / ".git" / "index.lock"
    busy.touch()

    tracker.set_state(ONE, "Done")
    before = git(repo, "log", "--format=%s").splitlines()
    busy.unlink()
    tracker.add_label(ONE, "Bug")

    assert [" refused (" in sentence for sentence in told] == [True]
    assert "the change is in the file: commit it by hand" in told[0]
    assert before == ["issues"]
    assert git(repo, "log", "-1", "--format=%s") == "one: add label Bug\n"
    assert git(repo, "show", "HEAD:issues/one.md").startswith("---\nstate: Done\nlabels: [Bug]")


SLOW_GIT = """#!/bin/sh
trap 'echo ended > "$0.told"; exit 1' TERM
for _ in 1 2 3 4 5 6 7 8 9; do sleep 0.1; done
echo finished > "$0.told"
"""


@pytest.mark.real
def test_a_git_that_takes_too_long_is_ended_and_not_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path, "one.md", an_issue_file())
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text(SLOW_GIT)
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}:{os.environ['PATH']}")
    told: list[str] = []
    tracker = replace(tracker_in(tmp_path, commit=True), warn=told.append, git_wait=0.2)

    tracker.set_state(ONE, "Done")

    assert [f"git add in {tmp_path / 'issues'} took longer than 0.2 s" in s for s in told] == [True]
    assert (slow.parent / "git.told").read_text() == "ended\n"
    assert path.read_text() == an_issue_file("Done")
