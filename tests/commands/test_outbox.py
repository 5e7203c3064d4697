"""What we owe the tracker goes out in order, issue by issue."""

from __future__ import annotations

from symphony_cli.core import events as e
from symphony_cli.errors import TrackerError
from symphony_cli.ids import IssueId
from tests.fakes.tracker import FakeTracker
from tests.fakes.world import FakeWorld


class NoLabels(FakeTracker):
    """A tracker that answers, but for labels."""

    broken = True

    def add_label(self, issue: IssueId, label: str) -> None:
        if self.broken:
            raise TrackerError("503")
        super().add_label(issue, label)


def test_a_write_never_overtakes_an_earlier_one_about_its_issue() -> None:
    """Else a label that is set late would stay for ever, its removal having gone ahead."""
    world = FakeWorld()
    world.tracker = tracker = NoLabels(world.fuse)
    first, second = world.issue("A").id, world.issue("B").id
    world.tick()
    world.ledger.append(
        e.Owed(world.time, first, "w1", "add_label", "symphony-stuck"),
        e.Owed(world.time, first, "w2", "remove_label", "symphony-stuck"),
        e.Owed(world.time, second, "w3", "comment", "hello"),
    )
    world.tick()
    assert (list(world.history.outbox), tracker.writes) == (["w1", "w2"], ["B comment w3"])
    tracker.broken = False
    world.later(seconds=30)
    world.tick()
    assert (list(world.history.outbox), tracker.issues[first].labels) == ([], ())
