"""What a run is told between turns."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from symphony_cli.core.snapshot import Held, Read
from symphony_cli.errands.refresh import Standing, standing
from symphony_cli.ids import IssueId
from tests.errands.an_order import ONE, RULES, issue_file, run_folder, tracker_in
from tests.fakes.tracker import FakeTracker


@pytest.mark.parametrize(
    ("state", "front", "expected"),
    [
        ("Todo", "", Standing("go_on", state="Todo")),
        ("in  progress", "pr: 7\n", Standing("go_on", state="in progress")),
        ("Human Review", "", Standing("handed_over", "Human Review", state="Human Review")),
        ("Done", "assignee: bob\n", Standing("handed_over", "Done", state="Done")),
        ("Cancelled", "", Standing("stop", "not_eligible", state="Cancelled")),
        ("Todo", "assignee: bob\n", Standing("stop", "assignee", state="Todo")),
    ],
)
def test_state_and_assignee_decide(
    tmp_path: Path, state: str, front: str, expected: Standing
) -> None:
    issue_file(tmp_path, state, more=front or "assignee: ana\n")
    rules = replace(RULES, assignee="ana" if "bob" in front else None)

    answer = standing(tracker_in(tmp_path), ONE, rules)

    assert replace(answer, detail="") == expected


@pytest.mark.parametrize(("labels", "names"), [("[agent, HOLD]", "hold"), ("[]", "agent")])
def test_a_stop_label_and_a_lost_label_stop_at_once_and_are_named(
    tmp_path: Path, labels: str, names: str
) -> None:
    issue_file(tmp_path, labels=labels)

    answer = standing(tracker_in(tmp_path), ONE, RULES)

    assert replace(answer, detail="") == Standing("stop", "label", state="Todo")
    assert names in answer.detail


def test_a_blocker_that_opened_meanwhile_stops_nobody_at_work(tmp_path: Path) -> None:
    issue_file(tmp_path, more="blocked_by: [other]\n")

    assert standing(tracker_in(tmp_path), ONE, RULES) == Standing("go_on", state="Todo")


def test_a_file_that_is_not_there_tells_nothing_yet(tmp_path: Path) -> None:
    issue_file(tmp_path).unlink()

    answer = standing(tracker_in(tmp_path), ONE, RULES)

    assert answer == Standing("unknown", "missing", "the tracker has no issue one just now")


class AppearsLate(FakeTracker):
    """An issue file that an editor renames away for the time of one look."""

    looks = 0

    def read(
        self, ids: Sequence[IssueId], *, texts: bool = True, held: Sequence[Held] = ()
    ) -> Read:
        self.looks += 1
        return Read(missing=(ONE,)) if self.looks == 1 else super().read(ids, texts=texts)


def test_an_issue_that_is_missing_once_is_asked_for_again(tmp_path: Path) -> None:
    issue_file(tmp_path)
    tracker = AppearsLate()
    tracker.issues[ONE] = tracker_in(tmp_path).read([ONE]).issues[0]

    assert standing(tracker, ONE, RULES) == Standing("go_on", state="Todo")


def test_a_half_saved_file_tells_nothing(tmp_path: Path) -> None:
    issue_file(tmp_path).write_text("---\nstate: Do")

    answer = standing(tracker_in(tmp_path), ONE, RULES)

    detail = "one.md: line 1: the front matter has no closing line `---` (half-saved?)"
    assert answer == Standing("unknown", "unreadable", detail)


def test_a_tracker_that_cannot_be_reached_tells_nothing() -> None:
    tracker = FakeTracker()
    tracker.down = "The server does not answer: wait."

    answer = standing(tracker, IssueId("x"), RULES)

    assert answer == Standing("unknown", "tracker", "The server does not answer: wait.")


def refresh(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "symphony_cli.errands.refresh", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.real
def test_the_errand_prints_one_line_of_json_and_ends_well(tmp_path: Path) -> None:
    issue_file(tmp_path, "Human Review")

    done = refresh(str(run_folder(tmp_path).folder))

    assert (done.returncode, done.stderr) == (0, "")
    assert {**json.loads(done.stdout), "detail": ""} == {
        "standing": "handed_over",
        "reason": "Human Review",
        "detail": "",
        "state": "Human Review",
    }


@pytest.mark.real
def test_a_folder_that_went_away_is_an_answer_too(tmp_path: Path) -> None:
    folder = run_folder(tmp_path).folder

    done = refresh(str(folder))

    answer = json.loads(done.stdout)
    assert (done.returncode, answer["standing"], answer["reason"]) == (0, "unknown", "tracker")
    assert "is not there" in answer["detail"]


@pytest.mark.real
def test_a_wrong_command_line_is_a_usage_error(tmp_path: Path) -> None:
    assert [refresh().returncode, refresh(str(tmp_path)).returncode] == [64, 64]
