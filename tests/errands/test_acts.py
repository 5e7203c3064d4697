"""What acts have in common: time limits, signs of life, and ending what is left of a run."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from symphony_cli import processes
from symphony_cli.core.run import PidFile
from symphony_cli.errands import act, finish
from symphony_cli.errands.sweep import remains, sweep
from symphony_cli.errors import IssueTrouble, StateError
from symphony_cli.ids import RunId
from tests.builders import NOW
from tests.errands.world import end

pytestmark = pytest.mark.real


def test_a_step_that_takes_too_long_is_given_up() -> None:
    with (
        pytest.raises(IssueTrouble, match="Waiting took longer than 0 s"),
        act.within(0.05, "Waiting"),
    ):
        time.sleep(20)


def test_a_bug_in_one_step_does_not_keep_the_others_from_being_taken() -> None:
    taken: list[str] = []
    troubles: list[str] = []

    def broken() -> None:
        raise ZeroDivisionError("oops")

    def failing() -> None:
        raise StateError("The disk is full.")

    steps = [
        finish.Step("first", broken),
        finish.Step("second", failing),
        finish.Step("third", lambda: taken.append("third")),
    ]
    with pytest.raises(ZeroDivisionError):
        finish.walk(steps, time.monotonic() + 10, troubles)

    assert (taken, troubles) == (
        ["third"],
        [
            "first met a bug, see agent.log: ZeroDivisionError('oops')",
            "second: The disk is full.",
        ],
    )


def test_groups_of_another_boot_are_forgotten_by_the_next_act() -> None:
    me = processes.myself()
    known = PidFile(RunId("r"), replace(me, boot="another"), "turn", NOW, (4711,), turns=3)

    beat = act.first_beat(known, RunId("r"), "cleanup", NOW)

    own = tuple(sorted({os.getpgid(0), os.getsid(0)}))
    assert beat == replace(known, process=me, phase="cleanup", groups=own, began=me.start)


def test_an_act_keeps_what_the_act_before_it_wrote_down() -> None:
    me = processes.myself()
    known = PidFile(RunId("r"), replace(me, pid=1, start=5), "turn", NOW, (4711,), turns=3)

    beat = act.first_beat(known, RunId("r"), "cleanup", NOW)

    groups = tuple(sorted({os.getpgid(0), os.getsid(0), 4711}))
    assert beat == replace(known, process=me, phase="cleanup", groups=groups, began=5)


@pytest.fixture
def stranger() -> Iterator[Callable[..., int]]:
    """Starts a process in a session of its own, in a folder, without any mark."""
    made: list[subprocess.Popen[bytes]] = []

    def start(folder: Path) -> int:
        made.append(
            subprocess.Popen(
                ["setsid", "--fork", "sh", "-c", "echo $$; exec sleep 60"],
                cwd=folder,
                env={"PATH": os.environ["PATH"]},
                stdout=subprocess.PIPE,
                stdin=subprocess.DEVNULL,
            )
        )
        stream = made[-1].stdout
        assert stream is not None
        return int(stream.readline())

    yield start
    for process in made:
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_a_recycled_group_number_makes_no_stranger_part_of_a_run(
    tmp_path: Path, stranger: Callable[[Path], int]
) -> None:
    workspace, elsewhere = tmp_path / "ws", tmp_path / "elsewhere"
    workspace.mkdir()
    elsewhere.mkdir()
    # This very process may have adopted children of other tests.
    adopted = set(processes.descendants(os.getpid()))
    began = processes.myself().start
    inside, outside = stranger(workspace), stranger(elsewhere)
    known = PidFile(
        RunId("run_none"), processes.myself(), "turn", NOW, (inside, outside), began=began
    )
    later = replace(known, began=began + 10**9)
    rebooted = replace(known, process=replace(known.process, boot="another"))

    found = [
        {identity.pid for identity in remains(each, [str(workspace)])} - adopted
        for each in (known, later, rebooted)
    ]

    assert found == [{inside}, set(), set()]
    end(inside)
    end(outside)


def test_what_nothing_can_end_survives_and_is_named() -> None:
    other = replace(processes.myself(), start=1)

    swept = sweep(lambda: [other], patience=0.05)

    assert (swept.ended, swept.survivors) == ((), (other.pid,))
