"""Whether an issue's work is merged: real branches, merged in all the ways that forges know."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from symphony_cli.adapters import merged
from symphony_cli.adapters.gitstore import NO_COMMITS, rescue
from symphony_cli.adapters.merged import Finding, find_merged
from symphony_cli.adapters.trunk import Remote
from symphony_cli.core.run import Merged
from tests.adapters.gitworld import NOW, GitWorld, git_world
from tests.adapters.test_hostile_repository import plant

pytestmark = pytest.mark.real

BRANCH = "symphony/A-1"


@dataclass
class Story:
    """A workspace with its branch, and a colleague's clone that merges into origin's main."""

    world: GitWorld
    place: Path
    began: str
    desk: Path
    groups: list[int] = field(default_factory=list)

    def work(self, name: str, text: str = "mine\n") -> str:
        return self.world.commit(self.place, name, text)

    def push(self) -> None:
        self.world.git(self.place, "push", "--quiet", "origin", f"HEAD:refs/heads/{BRANCH}")

    def fetch(self) -> None:
        self.world.git(self.place, "fetch", "--quiet", "origin")

    def on_main(self, *commands: str) -> str:
        """What a colleague does on main after a fetch; then it is pushed. The newest commit."""
        self.world.git(self.desk, "fetch", "--quiet", "origin")
        for command in commands:
            self.world.git(self.desk, *command.split())
        self.world.git(self.desk, "push", "--quiet", "origin", "main")
        return self.world.git(self.desk, "rev-parse", "HEAD")

    def others(self, name: str, text: str = "theirs\n") -> str:
        """A colleague's own commit on main."""
        self.on_main("pull --quiet origin main")
        self.world.commit(self.desk, name, text)
        return self.on_main()

    def squash(self) -> str:
        self.push()
        return self.on_main(f"merge --quiet --squash origin/{BRANCH}", "commit --quiet -m squashed")

    def finding(self, accepted: str = "", tip: str = "", url: str | None = None) -> Finding:
        known = Merged(self.began, tip or self.world.git(self.place, "rev-parse", BRANCH), accepted)
        source = str(self.world.origin) if url is None else url
        remote = Remote(source, self.world.environment, self.groups.append)
        return find_merged(self.world.site("A-1"), known, remote)

    def clone_again(self) -> None:
        shutil.rmtree(self.place)
        self.world.clone("A-1")


@pytest.fixture
def story(tmp_path: Path) -> Story:
    world = git_world(tmp_path)
    desk = tmp_path / "desk"
    world.git(tmp_path, "clone", "--quiet", str(world.origin), str(desk))
    place = world.clone("A-1")
    return Story(world, place, world.git(place, "rev-parse", "HEAD"), desk)


def told(tip: str, way: str, into: str = "main") -> Finding:
    return Finding(f"its branch's work up to {tip[:12]} is already in {into} ({way})")


def test_a_branch_that_was_merged_is_merged(story: Story) -> None:
    tip = story.work("a.txt")
    story.others("other.txt")
    story.push()
    main = story.on_main(f"merge --quiet --no-ff -m merged origin/{BRANCH}")
    assert story.finding() == told(tip, f"{main[:12]} leads to it")


def test_a_branch_that_main_was_moved_to_is_merged(story: Story) -> None:
    story.work("a.txt")
    tip = story.work("b.txt")
    story.push()
    main = story.on_main(f"merge --quiet --ff-only origin/{BRANCH}")
    assert (main, story.finding()) == (tip, told(tip, f"{tip[:12]} leads to it"))
    later = story.others("other.txt")
    assert story.finding() == told(tip, f"{later[:12]} leads to it")


def test_several_commits_squashed_into_one_are_merged(story: Story) -> None:
    story.work("a.txt")
    (story.place / "logo.bin").write_bytes(b"\0one")
    story.world.git(story.place, "add", "logo.bin")
    tip = story.work("lib/code.txt", "one\n2\nthree\n")
    story.others("other.txt")
    made = story.squash()
    story.others("more.txt")
    assert story.finding() == told(tip, f"squash-merged as {made[:12]}")


def test_several_commits_rebased_are_merged(story: Story) -> None:
    story.work("a.txt")
    tip = story.work("lib/code.txt", "one\n2\nthree\n")
    story.others("lib/other.txt")
    story.push()
    made = story.on_main(f"cherry-pick origin/{BRANCH}~1 origin/{BRANCH}")
    story.others("more.txt")
    assert story.finding() == told(tip, f"rebased, its last commit as {made[:12]}")


def test_work_of_which_a_part_was_picked_is_not_merged(story: Story) -> None:
    story.work("a.txt")
    story.work("b.txt")
    story.others("other.txt")
    story.push()
    story.on_main(f"cherry-pick origin/{BRANCH}~1")
    assert story.finding() == Finding()


def test_a_branch_without_commits_of_its_own_is_not_merged(story: Story) -> None:
    story.others("other.txt")
    assert story.finding() == Finding()


def test_a_branch_that_only_took_in_main_is_not_merged(story: Story) -> None:
    story.others("other.txt")
    story.world.git(story.place, "pull", "--quiet", "--ff-only", "origin", "main")
    assert story.finding() == Finding()
    story.others("more.txt")
    assert story.finding() == Finding()


def test_work_beside_which_main_advanced_is_not_merged(story: Story) -> None:
    story.work("a.txt")
    story.others("a.txt", "of another kind\n")
    story.others("other.txt")
    assert story.finding() == Finding()


@pytest.mark.parametrize("merge", [("--no-ff", "-m", "merged"), ("--squash",)])
def test_a_commit_that_changes_nothing_is_no_work(story: Story, merge: tuple[str, ...]) -> None:
    story.world.git(story.place, "commit", "--quiet", "--allow-empty", "-m", "begin")
    story.others("other.txt")
    assert story.finding() == Finding()
    story.push()
    story.on_main(f"merge --quiet {' '.join(merge)} origin/{BRANCH}")
    assert story.finding() == Finding()


def test_a_commit_that_changes_nothing_does_not_hide_that_the_rest_is_merged(story: Story) -> None:
    story.work("a.txt")
    story.work("b.txt")
    story.world.git(story.place, "commit", "--quiet", "--allow-empty", "-m", "run the checks")
    story.others("other.txt")
    story.push()
    made = story.on_main(f"cherry-pick origin/{BRANCH}~2 origin/{BRANCH}~1")
    tip = story.world.git(story.place, "rev-parse", "HEAD")
    assert story.finding() == told(tip, f"rebased, its last commit as {made[:12]}")


@pytest.mark.parametrize("merge", ["--no-ff -m merged", "--ff-only"])
def test_what_came_after_a_merge_and_adds_nothing_hides_nothing(story: Story, merge: str) -> None:
    story.work("a.txt")
    story.push()
    story.on_main(f"merge --quiet {merge} origin/{BRANCH}")
    main = story.others("other.txt")
    story.fetch()
    story.world.git(story.place, "merge", "--quiet", "--no-ff", "--no-edit", "origin/main")
    story.world.git(story.place, "commit", "--quiet", "--allow-empty", "-m", "run the checks")
    tip = story.world.git(story.place, "rev-parse", "HEAD")
    assert story.finding() == told(tip, f"{main[:12]} leads to it")


def test_a_branch_that_took_in_main_and_was_squashed_then_is_merged(story: Story) -> None:
    story.work("a.txt")
    story.others("other.txt")
    story.fetch()
    story.world.git(story.place, "merge", "--quiet", "--no-edit", "origin/main")
    tip = story.work("b.txt")
    made = story.squash()
    assert story.finding() == told(tip, f"squash-merged as {made[:12]}")


def test_a_branch_that_took_in_its_own_squashed_work_is_merged(story: Story) -> None:
    story.work("a.txt")
    story.work("b.txt")
    made = story.squash()
    story.others("other.txt")
    story.fetch()
    story.world.git(story.place, "merge", "--quiet", "--no-edit", "origin/main")
    tip = story.world.git(story.place, "rev-parse", "HEAD")
    assert story.finding() == told(tip, f"squash-merged as {made[:12]}")
    story.work("c.txt")
    assert story.finding() == Finding()


def test_what_was_written_while_merging_is_work_that_is_not_merged(story: Story) -> None:
    story.work("a.txt")
    story.others("other.txt")
    story.push()
    story.on_main(f"cherry-pick origin/{BRANCH}")
    story.fetch()
    story.world.git(story.place, "merge", "--quiet", "--no-commit", "origin/main")
    story.work("lib/code.txt", "written in the merge\n")
    assert story.finding() == Finding()


def test_files_that_no_line_tells_apart_are_compared_as_a_whole(story: Story) -> None:
    (story.place / "logo.bin").write_bytes(b"\0mine")
    story.world.git(story.place, "add", "logo.bin")
    story.world.git(story.place, "commit", "--quiet", "-m", "a logo")
    (story.desk / "logo.bin").write_bytes(b"\0theirs")
    story.world.git(story.desk, "add", "logo.bin")
    story.world.git(story.desk, "commit", "--quiet", "-m", "another logo")
    story.on_main()
    assert story.finding() == Finding()


def test_work_that_was_reverted_later_was_merged(story: Story) -> None:
    tip = story.work("a.txt")
    story.work("b.txt")
    made = story.squash()
    story.on_main("revert --no-edit HEAD")
    tip = story.world.git(story.place, "rev-parse", "HEAD")
    assert story.finding() == told(tip, f"squash-merged as {made[:12]}")


def test_a_tip_that_a_person_accepted_is_worked_on_and_counts_as_a_beginning(story: Story) -> None:
    first = story.work("a.txt")
    story.work("b.txt")
    story.squash()
    accepted = story.world.git(story.place, "rev-parse", "HEAD")
    assert story.finding(accepted).merged == ""
    tip = story.work("c.txt")
    assert story.finding(accepted) == Finding()
    story.push()
    made = story.on_main(f"merge --quiet --squash origin/{BRANCH}", "commit --quiet -m again")
    assert story.finding(accepted) == told(tip, f"squash-merged as {made[:12]}")
    assert story.finding(accepted, tip=first) == Finding()


def test_without_the_remote_what_was_last_fetched_counts(story: Story) -> None:
    tip = story.work("a.txt")
    made = story.squash()
    gone = str(story.world.folder / "gone")
    unseen = story.finding(url=gone)
    assert unseen.note.startswith(f"Not seen in main as it was last fetched: {tip[:12]}. The ")
    assert unseen.merged == ""
    story.fetch()
    found = story.finding(url=gone)
    whole = told(tip, f"squash-merged as {made[:12]}", "main as it was last fetched")
    assert replace(found, note="") == whole == story.finding(url="")
    assert found.note.startswith("The remote could not be asked: git ls-remote failed: fatal: ")


def test_a_remote_without_a_branch_is_none(story: Story) -> None:
    story.work("a.txt")
    empty = story.world.folder / "empty.git"
    story.world.git(story.world.folder, "init", "--quiet", "--bare", str(empty))
    assert "the remote has no default branch" in story.finding(url=str(empty)).note


def test_the_default_branch_is_the_one_that_the_remote_names_today(story: Story) -> None:
    tip = story.work("a.txt")
    story.push()
    story.world.git(story.world.origin, "branch", "trunk", BRANCH)
    story.world.git(story.world.origin, "symbolic-ref", "HEAD", "refs/heads/trunk")
    assert story.finding() == told(tip, f"{tip[:12]} leads to it", "trunk")


def test_a_branch_in_a_repository_that_was_empty_is_judged_from_its_first_commit(
    story: Story,
) -> None:
    story.began = NO_COMMITS
    story.world.git(story.place, "checkout", "--quiet", "--orphan", "fresh")
    tip = story.work("a.txt")
    story.world.git(story.place, "push", "--quiet", "origin", "+HEAD:main")
    found = story.finding(tip=tip)
    assert found == told(tip, f"{tip[:12]} leads to it")


def test_a_merged_tip_is_found_in_a_workspace_that_was_made_anew(story: Story) -> None:
    tip = story.work("a.txt")
    story.push()
    main = story.on_main(f"merge --quiet --no-ff -m merged origin/{BRANCH}")
    story.clone_again()
    assert story.finding(tip=tip) == told(tip, f"{main[:12]} leads to it")


@pytest.mark.parametrize("kept", ["by the rescue store", "by the remote", "nowhere"])
def test_a_squashed_tip_is_looked_for_when_the_workspace_was_made_anew(
    story: Story, kept: str
) -> None:
    tip = story.work("a.txt")
    if kept == "by the rescue store":
        rescue(story.world.site("A-1"), NOW)
    made = story.squash()
    story.world.git(story.world.origin, "update-ref", "-d", f"refs/heads/{BRANCH}")
    if kept != "by the remote":
        story.world.git(story.world.origin, "prune", "--expire=now")
    story.clone_again()
    missing = Finding(note=f"It is not known whether {tip[:12]} is merged: it is gone.")
    expected = missing if kept == "nowhere" else told(tip, f"squash-merged as {made[:12]}")
    assert story.finding(tip=tip) == expected


def test_a_search_that_met_its_limit_says_so(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merged, "MOST_COMPARED", 1)
    tip = story.work("a.txt", "mine\n")
    story.squash()
    story.others("a.txt", "other\n")
    story.others("a.txt", "mine\n")
    found = story.finding()
    assert found.note.startswith(f"Not seen in main: {tip[:12]}. Only the newest 5000 commits were")
    assert found.merged == ""


def test_a_workspace_without_git_is_no_trouble(story: Story) -> None:
    tip = story.work("a.txt")
    shutil.rmtree(story.place / ".git")
    note = f"It is not known whether {tip[:12]} is merged: it has no git repository."
    assert story.finding(tip=tip) == Finding(note=note)


def test_nothing_that_an_agent_planted_runs_and_nobody_uses_its_repository(story: Story) -> None:
    tip = story.work("a.txt")
    made = story.squash()
    traces = plant(story.world, story.place)
    story.world.git(story.place, "config", "core.alternateRefsCommand", f"touch {traces}/refs; :")
    shown = story.world.folder / "shown"
    (story.world.folder / "home/.gitconfig").write_text(f"[trace2]\n\tnormalTarget = {shown}\n")
    assert story.finding(tip=tip) == told(tip, f"squash-merged as {made[:12]}")
    calls = [line for line in shown.read_text().splitlines() if " fetch " in line]
    assert (os.listdir(traces), calls != [], len(story.groups)) == ([], True, 2)
    assert f"--git-dir={story.place}" not in shown.read_text()
    assert sorted(os.listdir(story.world.root / ".symphony/scratch")) == []
