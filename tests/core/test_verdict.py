"""What is known about a run, added up."""

from __future__ import annotations

from pathlib import Path

from symphony_cli.core import report
from symphony_cli.core.reasons import Outcome
from symphony_cli.core.run import Brief, GitFacts, ThreadRef, Verdict
from symphony_cli.core.usage import Usage
from symphony_cli.core.verdict import compose
from tests.builders import NOW, later
from tests.errands.world import World

BRIEF = Brief("/ws/ABC-1", "symphony/ABC-1")


def used(total: int) -> Usage:
    return Usage(input=total, total=total)


def test_a_verdict_has_all_that_the_report_tells(tmp_path: Path) -> None:
    order = World(tmp_path).order()
    lines = (
        report.Phase(NOW, "issue"),
        report.ThreadBegan(NOW, ThreadRef("t1", "/home"), used(100), fresh_because="lost"),
        report.ThreadBusy(NOW, "t1"),
        report.UsageSeen(NOW, "t1", used(150), used(100)),
        report.UsageSeen(NOW, "t2", used(7)),
        report.ThreadIdle(NOW, "t1", cut=True),
        report.ThreadBusy(NOW, "t2"),
        report.TurnEnded(NOW, 1, "completed"),
        report.Said(NOW, "done"),
        report.Asked(NOW, "approval", "decline"),
        report.Stalled(NOW, 300.0),
        report.Ended(NOW, "eof", (11,)),
        report.Closing(later(5), Outcome.PROVIDER, "usage_limit", "wait", hold_until=later(99)),
        report.Closing(later(6), Outcome.FAILED),
        report.Phase(later(7), "cleanup"),
        report.Ended(later(8), "sweep", (12, 13)),
    )
    git = GitFacts(branch="renamed", head="abc")

    found = compose(
        order, BRIEF, lines, later(9), git=git, survivors=(14,), troubles=["after_run: no"]
    )

    assert found == Verdict(
        run=order.run,
        issue=order.issue.id,
        outcome=Outcome.PROVIDER,
        reason="usage_limit",
        detail="wait; after_run: no",
        answered=True,
        turns=1,
        cut_answers=2,
        thread=ThreadRef("t1", "/home", total=used(150)),
        usage={"t1": used(50), "t2": used(7)},
        totals={"t1": used(150), "t2": used(7)},
        fresh_thread=True,
        last_message="done",
        stalls=1,
        declines=1,
        hold_until=later(99),
        workspace="/ws/ABC-1",
        root=str(tmp_path / "workspaces"),
        branch="renamed",
        git=git,
        killed={"eof": (11,), "sweep": (12, 13)},
        survivors=(14,),
        started_at=NOW,
        ended_at=later(9),
    )


def test_a_run_that_said_nothing_of_its_end_is_lost_where_it_was(tmp_path: Path) -> None:
    order = World(tmp_path).order()
    phases = (report.Phase(NOW, "turn"), report.Phase(NOW, "cleanup"))

    ends = [
        compose(order, BRIEF, lines, NOW, rebooted=rebooted)
        for lines, rebooted in (((), False), (phases, False), (phases, True))
    ]

    assert [(end.outcome, end.reason, end.detail) for end in ends] == [
        (
            Outcome.LOST,
            "no_verdict",
            "it ended without a word before its first step; see agent.log",
        ),
        (
            Outcome.LOST,
            "no_verdict",
            "it ended without a word in its phase 'turn'; see agent.log",
        ),
        (Outcome.INTERRUPTED, "reboot", "the machine was restarted in its phase 'turn'"),
    ]
    assert ends[0].started_at == order.ordered_at
