"""A log as a person reads it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from symphony_cli.core import report
from symphony_cli.core.reasons import Outcome
from symphony_cli.core.run import ThreadRef
from symphony_cli.core.said import (
    Edited,
    Entry,
    FileEdit,
    Note,
    PartBegan,
    Planned,
    Prompted,
    Retried,
    RunBegan,
    RunOver,
    Spoke,
    Thought,
    TurnOver,
    Warned,
    Worked,
)
from symphony_cli.core.usage import Usage
from symphony_cli.render.logs import Page
from tests.builders import NOW, later

USED = Usage(input=12_000, cached_input=9_000, output=345, total=12_345)


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def page(*entries: Entry, width: int | None = None) -> str:
    shown = Page(colour=False, width=width)
    return "\n".join(line for entry in entries for line in shown.lines(entry))


def work(state: str, title: str = "make test", item: str = "i1", **more: object) -> Worked:
    return Worked(NOW, item, "command", title, state, **more)  # type: ignore[arg-type]


def test_a_whole_run_on_one_page() -> None:
    shown = page(
        RunBegan(NOW, "A-1", "Fix it", "A-1", 2, (1, 2), 2, "retry"),
        report.Phase(NOW, "workspace"),
        report.Phase(NOW, "supervisor"),
        report.ThreadBegan(NOW, ThreadRef("t1", version="0.169.0"), resumed=True),
        Prompted(NOW, "Do it.\n\nAnd well."),
        report.TurnBegan(NOW, 1),
        Thought(NOW, "I think."),
        Spoke(NOW, "I look.\n\n- here\n- there"),
        work("began"),
        work("failed", exit_code=2, seconds=65.2, output="one\ntwo\n"),
        Edited(NOW, "i2", "done", (FileEdit("a.py", "update", 3, 1), FileEdit("b", "add", 9))),
        report.Asked(NOW, "approval", "decline", "May it run this command: sudo rm"),
        report.Stalled(NOW, 300.0),
        Retried(NOW, "Reconnecting... 1/5"),
        TurnOver(NOW, 1, "completed", "", 75.0, USED, USED),
        report.Closing(NOW, Outcome.HANDED_OVER, "Done", "its state is Done"),
        report.Ended(NOW, "kill", (12, 13)),
        RunOver(
            NOW, 2, Outcome.HANDED_OVER, "Done", "its state is Done", 1, USED, 80.0, 2, "ana/fix"
        ),
    )
    assert (
        shown
        == """\
Thursday, 20 November 2025
09:00:00  A-1  Fix it
          run 2, attempt 2 (retry); others: 1 (symphony logs A-1 --run 1)
09:00:00  · makes the workspace ready
09:00:00  Codex 0.169.0 goes on with thread t1

09:00:00  we ask: Do it. … 2 lines
09:00:00  Turn 1 began
09:00:00  (thinks) I think.
09:00:00  I look.

          - here
          - there
09:00:00  $ make test
            one
            two
            exit 2 after 65 s
09:00:00  edited a.py +3 -1
          new b +9
09:00:00  ? May it run this command: sudo rm
            answered by policy: decline
09:00:00  ! nothing was heard for 5 min 0 s: the turn is interrupted
09:00:00  ! model: Reconnecting... 1/5
09:00:00  Turn 1 completed after 75 s; 12,000 tokens in, 9,000 of them cached, 345 out
09:00:00  The run ends: handed over (its state is Done)
09:00:00  ended processes (kill): 12, 13
09:00:00  Run 2 ended after 80 s: handed over (its state is Done)
          1 turn completed; 3,345 tokens spent (12,000 tokens in, 9,000 of them cached, 345 out); \
2 new commits on ana/fix"""
    )


def lines(*entries: Entry, width: int | None = None) -> list[str]:
    """What stands on the page, without times and the date."""
    shown = Page(colour=False, width=width)
    return [line[10:] for entry in entries for line in shown.lines(entry)]


def test_the_end_of_a_command_names_it_again_when_something_came_in_between() -> None:
    shown = lines(
        work("began", item="a"),
        work("began", "ls\n-l", item="b"),
        work("done", item="a"),
        work("done", "ls\n-l", item="b", output="x"),
    )
    assert shown == [
        *("$ make test", "$ ls", "-l"),
        *("$ make test", "  ok"),
        *("$ ls", "… 1 more line", "  x", "  ok"),
    ]


def test_of_output_the_end_is_shown_more_of_it_when_the_command_failed() -> None:
    output = "\n".join(map(str, range(30)))
    done = lines(work("began"), work("done", output=output))
    failed = lines(work("began"), work("failed", exit_code=1, output=output))
    assert done[1:] == ["  … 26 lines before", "  26", "  27", "  28", "  29", "  ok"]
    assert (failed[1], len(failed)) == ("  … 10 lines before", 1 + 1 + 20 + 1)


def test_how_a_command_ended_by_force_or_not_at_all_is_said() -> None:
    assert lines(work("failed", exit_code=-1))[-1] == "  ended by force"
    assert lines(work("declined"))[-1] == "  declined"


def test_foreign_text_cannot_drive_the_terminal() -> None:
    output = "\x1b[31mred\x1b[0m\x1b]0;title\x07\nold 10%\rnew 100%\r\n\x07bell\u202e\ttab"
    shown = lines(Spoke(NOW, "a\x1b[2Jb\x9bc"), work("failed", "rm \x1b[1m-r", output=output))
    assert shown == [
        "abc", "$ rm -r", "  red", "  new 100%", "  bell    tab", "  failed",
    ]  # fmt: skip


def test_text_is_wrapped_on_a_terminal_and_whole_elsewhere() -> None:
    spoken = Spoke(NOW, "- one two three four five six seven\neight")
    assert lines(spoken) == ["- one two three four five six seven", "eight"]
    assert lines(spoken, width=34) == ["- one two three four", "  five six seven", "eight"]


def test_each_new_day_has_a_line() -> None:
    shown = page(Spoke(NOW, "One."), Spoke(later(86_400), "Two."))
    assert shown == "09:00:00  One.\nFriday, 21 November 2025\n09:00:00  Two."


def test_colours_are_around_words_and_change_none() -> None:
    entries = (Spoke(NOW, "One."), work("began"), work("done"), Note(NOW, "note"))
    plain, painted = Page(colour=False), Page(colour=True)
    for entry in entries:
        bare = [line for text in painted.lines(entry) for line in [_bare(text)]]
        assert bare == plain.lines(entry)


def _bare(text: str) -> str:
    for code in ("0", "1", "2", "32", "36"):
        text = text.replace(f"\x1b[{code}m", "")
    return text.rstrip()


@pytest.mark.parametrize(
    ("entry", "shown"),
    [
        (Planned(NOW, ("completed: a", "pending: b")), ["Plan", "  completed: a", "  pending: b"]),
        (Warned(NOW, "Careful"), ["! Codex: Careful"]),
        (PartBegan(NOW, 2), []),
        (Spoke(NOW, "Hi", "01a1f990-f6c7"), ["[sub-agent 0-f6c7] Hi"]),
        (Edited(NOW, "i", "declined", (FileEdit("a", "delete", 0, 2),)),
         ["patch declined", "deleted a -2"]),
        (Edited(NOW, "i", "done", (FileEdit("a", "add", 3, 0, 3_100_000),)), ["new a (3.1 MB)"]),
        (Worked(NOW, "i", "sleep", "for 90 s", "began"), ["> sleep for 90 s"]),
        (report.ToolCalled(NOW, "t", False, "no"), ["> t: failed: no"]),
        (report.Ended(NOW, "eof", (1,)), []),
        (report.Phase(NOW, "hooks"), ["· hooks"]),
        (
            report.ThreadBegan(NOW, ThreadRef("t", version="1"), fresh_because="no rollout"),
            ["Codex 1 began thread t",
             "! a new thread, because the old one could not go on: no rollout"],
        ),
        (
            TurnOver(NOW, 2, "failed", "quota", 7_300.0, Usage(input=5), Usage(input=9, output=1)),
            ["Turn 2 failed after 2 h 1 min; 5 tokens in, 0 out", "quota",
             "this run so far: 9 tokens in, 1 out"],
        ),
    ],
)  # fmt: skip
def test_other_entries(entry: Entry, shown: list[str]) -> None:
    assert lines(entry) == shown
