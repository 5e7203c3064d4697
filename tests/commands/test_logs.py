"""`symphony logs`: one run, told from its two files; and the runs that follow."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from symphony_cli import runfolder
from symphony_cli.commands.logs import Watch, choose, logs
from symphony_cli.commands.telling import RawLine
from symphony_cli.core import report
from symphony_cli.core.reasons import Outcome
from symphony_cli.core.run import ThreadRef, Verdict
from symphony_cli.core.said import Note, RunBegan, RunOver, Spoke, TurnOver
from symphony_cli.core.times import stamp
from symphony_cli.core.usage import Usage
from symphony_cli.errors import UsageError
from symphony_cli.paths import RunPaths, StatePaths
from symphony_cli.ports import World
from tests.fakes.world import START, FakeWorld

Step = Callable[[], object]
THREAD = ThreadRef("t1")


class Place:
    """A fake world whose one issue has real run folders; time goes by when somebody sleeps."""

    def __init__(self, folder: Path) -> None:
        self.world = FakeWorld()
        self.state = StatePaths(folder)
        self.steps: list[Step] = []
        self.world.issue("A-1")
        self.world.tick()

    def sockets(self) -> World:
        return replace(self.world.sockets(), state_dir=str(self.state.root))

    def run(self, number: int) -> RunPaths:
        """The folder of a run that was just ordered."""
        paths = self.state.run("A-1", number)
        paths.folder.mkdir(parents=True)
        runfolder.save(self.world.run_of("A-1").order, paths.order)
        return paths

    def end(self, paths: RunPaths, outcome: Outcome = Outcome.HANDED_OVER) -> None:
        """The run leaves its verdict, and lets go of its lock."""
        run = self.world.run_of("A-1")
        self.world.end("A-1", outcome, thread=THREAD)
        assert run.verdict is not None
        runfolder.save(run.verdict, paths.verdict)

    def told(self, *, follow: bool = False, run: int | None = None, raw: bool = False) -> list[Any]:
        """All entries; each wait while following is one step further."""
        world = self.sockets()
        watch = Watch(self.sockets, self._sleep) if follow else None
        return list(logs(world, choose(world, "a-1", run), raw=raw, watch=watch))

    def _sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.steps.pop(0)()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "state")


def at(seconds: float) -> Any:
    return START + timedelta(seconds=seconds)


def write(path: Path, *lines: str, end: str = "\n") -> None:
    with path.open("a") as stream:
        stream.write("\n".join(lines) + end)


def said(text: str, seconds: float = 1.0, way: str = "in") -> str:
    params = {"threadId": "t1", "item": {"type": "agentMessage", "id": text, "text": text}}
    line = {"method": "item/completed", "params": params}
    return json.dumps({"at": stamp(at(seconds)), "dir": way, "line": line})


def texts(entries: list[Any]) -> list[str]:
    """Messages as they are; of all else the name."""
    return [e.text if isinstance(e, Spoke | Note) else type(e).__name__ for e in entries]


def nothing() -> None:
    """Time goes by and nothing happens."""


def test_both_files_are_one_story_in_the_order_of_their_dates(place: Place) -> None:
    paths = place.run(1)
    total, more = Usage(input=100, output=10, total=110), Usage(input=300, output=30, total=330)
    for line in (
        report.ThreadBegan(at(0), THREAD),
        report.TurnBegan(at(0), 1),
        report.Said(at(1), "One."),
        report.UsageSeen(at(1), "t1", total),
        report.TurnEnded(at(2), 1, "completed"),
        report.TurnBegan(at(3), 2),
        report.UsageSeen(at(5), "t1", more),
        report.TurnEnded(at(6), 2, "failed", "no"),
    ):
        write(paths.report, report.to_text(line))
    write(paths.transcript, said("One.", 1), said("Last of turn 1.", 2), said("Two.", 4))
    place.end(paths)
    entries = place.told()
    assert texts(entries) == [
        *("RunBegan", "ThreadBegan", "TurnBegan", "One.", "Last of turn 1.", "TurnOver"),
        *("TurnBegan", "Two.", "TurnOver", "RunOver"),
    ]
    ends = [entry for entry in entries if isinstance(entry, TurnOver)]
    spent = more.above(total)
    assert ends == [
        TurnOver(at(2), 1, "completed", "", 2.0, total, total),
        TurnOver(at(6), 2, "failed", "no", 3.0, spent, more),
    ]


def test_the_newest_run_is_shown_and_says_which_others_there_are(place: Place) -> None:
    for number in (1, 2, 5):
        place.run(number)
    began = [entry for entry in place.told() if isinstance(entry, RunBegan)]
    older = [entry for entry in place.told(run=2) if isinstance(entry, RunBegan)]
    assert [(b.number, b.of, b.issue, b.title) for b in (*began, *older)] == [
        (5, (1, 2, 5), "A-1", "Title of A-1"),
        (2, (1, 2, 5), "A-1", "Title of A-1"),
    ]


def test_lines_that_are_torn_or_no_json_are_passed_over(place: Place) -> None:
    paths = place.run(1)
    write(paths.transcript, said("One."), "garbage", said("Two."), end="\n" + said("Three.")[:-9])
    write(paths.report, report.to_text(report.Phase(at(0), "turn")), "{", end='{"kind":')
    place.end(paths)
    assert texts(place.told()) == ["RunBegan", "Phase", "One.", "Two.", "RunOver"]


def test_without_a_transcript_the_report_speaks(place: Place) -> None:
    paths = place.run(1)
    write(paths.report, report.to_text(report.Said(at(1), "One.")))
    write(paths.report, report.to_text(report.ToolCalled(at(2), "issue_update", True)))
    place.end(paths)
    first = "The transcript of this run is not there any more: this is what its report has."
    assert texts(place.told())[1:] == [first, "Said", "ToolCalled", "RunOver"]
    assert texts(place.told(raw=True))[1:-1] == [
        "The transcript of this run is not there any more."
    ]


def test_where_the_transcript_has_a_hole_it_is_said(place: Place) -> None:
    def part(number: int) -> str:
        return f'{{"at":"{stamp(at(2))}","dir":"part","line":{number}}}'

    paths = place.run(1)
    write(paths.first_transcript, said("One.", 1))
    write(paths.transcript, part(3), said("Two.", 3))
    place.end(paths)
    hole = "Something is missing here: the transcript had reached its size."
    assert texts(place.told()) == ["RunBegan", "One.", hole, "Two.", "RunOver"]
    paths.transcript.unlink()
    write(paths.transcript, part(2), said("Two.", 3))
    assert texts(place.told()) == ["RunBegan", "One.", "Two.", "RunOver"]


def test_raw_are_the_lines_as_they_are_from_both_parts(place: Place) -> None:
    paths = place.run(1)
    write(paths.first_transcript, said("One."))
    write(paths.transcript, "garbage", said("Two."), end="\ntorn")
    place.end(paths)
    raw = [entry.line for entry in place.told(raw=True) if isinstance(entry, RawLine)]
    assert b"".join(raw).decode() == f"{said('One.')}\ngarbage\n{said('Two.')}\n"


def test_a_living_run_is_followed_to_its_end_and_over_to_the_next(place: Place) -> None:
    first = place.run(1)
    write(first.transcript, said("One.", 1))
    second: list[RunPaths] = []

    def more() -> None:
        write(first.report, report.to_text(report.TurnEnded(at(3), 1, "completed")))
        write(first.transcript, said("Two.", 2), end="")

    def roll_over() -> None:
        write(first.transcript, "", said("Three.", 4))
        place.end(first, Outcome.ROLLED_OVER)

    def again() -> None:
        place.world.tick()
        second.append(place.run(2))
        write(second[0].transcript, said("Four.", 5))

    def finish() -> None:
        place.world.issue("A-1", "Done")
        place.world.tick()

    place.steps = [more, roll_over, again, lambda: place.end(second[0]), finish]
    entries = place.told(follow=True)
    assert texts(entries) == [
        *("RunBegan", "One.", "Two.", "TurnOver", "Three.", "RunOver"),
        *("RunBegan", "Four.", "RunOver"),
        "A-1 is finished (it reached Done): no further run will come.",
    ]
    assert place.steps == []


def test_a_run_that_was_named_is_followed_alone(place: Place) -> None:
    paths = place.run(1)
    place.steps = [lambda: place.end(paths, Outcome.ROLLED_OVER)]
    assert texts(place.told(follow=True, run=1)) == ["RunBegan", "RunOver"]


def test_a_blocked_issue_ends_the_following_with_the_reason(place: Place) -> None:
    paths = place.run(1)

    def ask() -> None:
        place.end(paths, Outcome.ASKED)

    place.steps = [ask, place.world.tick]
    *_, over, last = place.told(follow=True)
    assert isinstance(over, RunOver) and over.outcome is Outcome.ASKED
    assert last.text.startswith("A-1 is blocked (")


def test_a_run_that_died_is_said_to_be_gone_once_and_waited_for(place: Place) -> None:
    paths = place.run(1)
    order = place.world.run_of("A-1").order
    lost = Verdict(order.run, order.issue.id, Outcome.LOST)
    place.world.lose("A-1")
    place.steps = [*[nothing] * 30, lambda: runfolder.save(lost, paths.verdict)]
    gone = "This run is gone and has left no verdict. The next tick finishes it and goes on."
    assert texts(place.told(follow=True, run=1)) == ["RunBegan", gone, "RunOver"]
    paths.verdict.unlink()
    assert texts(place.told()) == ["RunBegan", gone]


def test_before_the_first_run_it_says_why_and_waits(place: Place) -> None:
    text = "A-1 has no run yet (running: run 1 since 2026-01-05 08:00:00 UTC); "
    assert texts(place.told()) == [text + "`symphony status A-1` says more."]

    def begin() -> None:
        paths = place.run(1)
        write(paths.transcript, said("One."))
        place.end(paths)

    def finish() -> None:
        place.world.issue("A-1", "Done")
        place.world.tick()

    place.steps = [begin, finish]
    assert texts(place.told(follow=True))[1:4] == ["RunBegan", "One.", "RunOver"]


def test_a_living_run_says_how_to_follow_it(place: Place) -> None:
    place.run(1)
    assert texts(place.told())[-1] == "It goes on: `symphony logs A-1 -f` follows it."


def test_an_unknown_issue_and_an_unknown_run_are_refused(place: Place) -> None:
    place.run(1)
    with pytest.raises(UsageError, match="No tick has ever seen an issue 'B-1'"):
        choose(place.sockets(), "B-1", None)
    with pytest.raises(UsageError, match=r"A-1 has no run 7\. Runs that have a folder: 1"):
        choose(place.sockets(), "A-1", 7)


def test_what_cannot_be_read_is_said_and_the_rest_is_shown(place: Place) -> None:
    paths = place.run(1)
    write(paths.transcript, said("One."))
    paths.order.write_text("{")
    paths.verdict.write_text("{")
    assert texts(place.told()) == ["RunBegan", "One.", f"{paths.verdict} cannot be understood."]
